"""A certificate that the authority which is there issued anew is believed by a partner that changes nothing."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from detente.gateway.keys import make_keys, renew_keys
from detente.gateway.transport import contexts, renew


def shown(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes | None:
    """The certificate that a client sees and believes, in a handshake in memory with certificates both ways."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (ours, theirs):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert theirs.getpeercert(), "the client's certificate is believed too"
    return ours.getpeercert(binary_form=True)


def test_a_partner_believes_what_the_same_authority_issued_anew(tmp_path: Path) -> None:
    make_keys(tmp_path, ["NATO", "Russia"], datetime.now(UTC))
    renew_keys(tmp_path / "new", "NATO", tmp_path / "NATO", datetime.now(UTC))
    given = tmp_path / "public"
    russia = contexts(tmp_path / "Russia/tls.pem", tmp_path / "Russia/tls.key", given / "NATO/authority.pem")
    nato = contexts(tmp_path / "NATO/tls.pem", tmp_path / "NATO/tls.key", given / "Russia/authority.pem")
    old, new = (
        ssl.PEM_cert_to_DER_cert((folder / "NATO/tls.pem").read_text()) for folder in (tmp_path, tmp_path / "new")
    )
    assert shown(nato[0], russia[1]) == old
    renew(nato, tmp_path / "new/NATO/tls.pem", tmp_path / "new/NATO/tls.key", given / "Russia/authority.pem")
    assert shown(nato[0], russia[1]) == new != old
    assert shown(russia[0], nato[1]) is not None, "as the one that calls, too"
