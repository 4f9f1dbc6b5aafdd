"""Keys and certificates: a demonstration PKI made, and a side's own read. Each side is its own authority.

A side's folder holds what only it may read; ``public`` holds what it gives to its partners. Good enough for an
exercise on machines that are trusted; docs/security.md says what a real one would do otherwise.
"""

import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from detente.centre.exchange.offsets import SECRET_BYTES, Secret
from detente.gateway.writing import all_or_none, make_folder
from detente.geodesy.timescale import format_moment
from detente.records.errors import InputError

PRIVATE = ("signing.key", "tls.key", "authority.key", "offsets.secret", "operator.token")
PUBLIC = "public"  # the folder of what is given away
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}", re.ASCII)  # as everywhere in configurations and agreements
VALID_DAYS = 90
"""How long a certificate of the line is valid. source: assumption, 1-398: short, since nothing revokes one."""
AUTHORITY_DAYS = 1095
"""How long an authority is. source: assumption, 365-3,650: for some renewals of what it issues."""


def make_keys(folder: Path, sides: Sequence[str], now: datetime) -> list[Path]:
    """A demonstration PKI for these sides; the files made. Nothing that exists is overwritten (InputError).

    Where one cannot be written, none is left.
    """
    _refuse_names(sides)
    with _told(folder), all_or_none() as made:
        places = [_place(folder, side) for side in sides]
        for place, side in zip(places, sides, strict=True):
            _written(made, *place, _of_side(side, now))
    return [path for path in made if path.is_file()]


def renew_keys(folder: Path, side: str, issuer: Path, now: datetime) -> tuple[list[Path], datetime]:
    """A new signing key and a new TLS key of one side, whose certificate its authority issues; and until when it does.

    ``issuer``: the side's folder that ``make_keys`` made, with ``authority.key``; what is given away lies beside it.
    Nothing that exists is touched. Raises InputError where that authority is none, another's or over.
    """
    _refuse_names([side])
    root, authority = _read_authority(issuer, side, now)
    end = min(now + timedelta(days=VALID_DAYS), root.not_valid_after_utc)
    signing, tls = Ed25519PrivateKey.generate(), _elliptic()
    leaf = _certificate(side, tls, f"{side} authority", authority, now, authority_of_all=False, end=end)
    with _told(folder), all_or_none() as made:
        _written(made, *_place(folder, side), {**_line(tls, leaf), **_signing(signing)})
    return [path for path in made if path.is_file()], leaf.not_valid_after_utc


def _read_authority(issuer: Path, side: str, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A side's authority: its certificate, and its key."""
    issuer = issuer.resolve()
    path, given = issuer / "authority.key", issuer.parent / PUBLIC / issuer.name / "authority.pem"
    try:
        key = serialization.load_pem_private_key(_bytes(path), None)
    except (ValueError, TypeError) as error:
        raise _not_a_key(path, "an authority's private key in PEM") from error
    try:
        root = x509.load_pem_x509_certificate(_bytes(given))
    except ValueError as error:
        raise _not_a_key(given, "an authority's certificate in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != root.public_key():
        raise _not_a_key(path, f"the key of {given}")
    if _name_of(root) != f"{side} authority":
        raise InputError(
            found=f"the authority {_name_of(root)!r}", expected=f"{side}'s own", file=str(given),
            remedy=f"name the folder that `detente keys` made for {side}",
        )  # fmt: skip
    if now >= root.not_valid_after_utc:
        raise InputError(
            found=f"an authority whose own certificate ended {format_moment(root.not_valid_after_utc)}",
            expected="one that is valid", file=str(given),
            remedy="make keys with a new authority (`detente keys` without --issued-by); docs/security.md says how",
        )  # fmt: skip
    return root, key


def _refuse_names(sides: Sequence[str]) -> None:
    """Raise InputError for names that no side can have, that come twice, or that a folder of ours has."""
    wrong = [side for side in sides if not NAME.fullmatch(side)]
    if wrong:
        raise InputError(
            found=f"--sides with {wrong[0]!r}",
            expected="names of at most 64 letters a to z, digits, spaces and . _ -, with a letter or digit first",
            remedy="write them so, separated by commas",
        )  # fmt: skip
    folded = [side.casefold() for side in sides]  # some disks know no capitals
    if PUBLIC in folded:
        raise InputError(
            found=f"--sides with {PUBLIC!r}, the folder of what is given to partners", expected="another name",
            remedy="name the side otherwise: private keys would lie among what is given away",
        )  # fmt: skip
    if len(set(folded)) < len(folded):
        raise InputError(
            found=f"--sides with a name twice: {', '.join(sides)}", expected="names that differ",
            remedy="name each side once",
        )  # fmt: skip


def _place(folder: Path, side: str) -> tuple[Path, Path]:
    """Where a side's private files and those to be given away are put; refused where anything is there."""
    places = folder / side, folder / PUBLIC / side
    for place in places:
        if os.path.lexists(place):
            raise InputError(
                found=f"a folder {place} that exists already", expected="a place for new keys",
                remedy="name another folder, or move the old keys away; none are overwritten", file=str(place),
            )  # fmt: skip
    return places


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """A disk that does not take keys is the user's to mend."""
    try:
        yield
    except OSError as error:
        raise InputError(
            found=f"a place where no keys can be put: {error.strerror}", expected="a folder that can be written to",
            remedy="name another", file=str(error.filename or folder),
        ) from error  # fmt: skip


Files = Mapping[str, bytes]


def _of_side(side: str, now: datetime) -> Files:
    """All new keys of a side."""
    authority, tls = _elliptic(), _elliptic()
    root = _certificate(f"{side} authority", authority, f"{side} authority", authority, now, authority_of_all=True)
    leaf = _certificate(side, tls, f"{side} authority", authority, now, authority_of_all=False)
    return {
        **_signing(Ed25519PrivateKey.generate()), **_line(tls, leaf),
        "authority.key": _private_pem(authority), "authority.pem": root.public_bytes(serialization.Encoding.PEM),
        "offsets.secret": secrets.token_hex(SECRET_BYTES).encode() + b"\n",
        "operator.token": secrets.token_urlsafe(24).encode() + b"\n",
    }  # fmt: skip


def _signing(key: Ed25519PrivateKey) -> Files:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    return {"signing.key": _private_pem(key), "signing.pub": public}


def _line(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Files:
    return {"tls.key": _private_pem(key), "tls.pem": certificate.public_bytes(serialization.Encoding.PEM)}


def _written(made: list[Path], private: Path, public: Path, contents: Files) -> None:
    """Put private files, and those that are given away; a side's own certificate in both places."""
    make_folder(made, private)
    private.chmod(0o700)
    make_folder(made, public)
    own = [private / name for name in contents if name in (*PRIVATE, "tls.pem")]
    for path in (*own, *(public / name for name in contents if name not in PRIVATE)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if path.name in PRIVATE else 0o644)
        made.append(path)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(contents[path.name])


def _elliptic() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _private_pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, now: datetime, *,
    authority_of_all: bool, end: datetime | None = None,
) -> x509.Certificate:  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(end or now + timedelta(days=AUTHORITY_DAYS if authority_of_all else VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=authority_of_all, path_length=0 if authority_of_all else None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    )
    if authority_of_all:
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(usage, True)
    else:
        names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    return builder.sign(signer, hashes.SHA256())


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """A side's own signing key."""
    try:
        key = serialization.load_pem_private_key(_bytes(path), None)
    except (ValueError, TypeError) as error:
        raise _not_a_key(path, "an Ed25519 private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _not_a_key(path, "an Ed25519 private key in PEM")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """A partner's signing key, bare or in a certificate."""
    content = _bytes(path)
    try:
        if b"BEGIN CERTIFICATE" in content:
            key = x509.load_pem_x509_certificate(content).public_key()
        else:
            key = serialization.load_pem_public_key(content)
    except ValueError as error:
        raise _not_a_key(path, "an Ed25519 public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _not_a_key(path, "an Ed25519 public key in PEM")
    return key


def read_secret(path: Path) -> Secret:
    """What a side's coarsening offsets are keyed with."""
    text = _bytes(path).decode("ascii", "replace").strip()
    if not re.fullmatch(f"[0-9a-fA-F]{{{2 * SECRET_BYTES}}}", text):
        raise _not_a_key(path, f"{2 * SECRET_BYTES} hexadecimal digits")
    return Secret(bytes.fromhex(text))


def read_token(path: Path) -> str:
    """What an operator shows to be heard."""
    text = _bytes(path).decode("ascii", "replace").strip()
    if len(text) < 16:
        raise _not_a_key(path, "a token of at least 16 characters")
    return text


def certificate_name(path: Path) -> str:
    """Whom a certificate names. Raises InputError where it is none, or is not valid today."""
    try:
        certificate = x509.load_pem_x509_certificate(_bytes(path))
    except ValueError as error:
        raise _not_a_key(path, "a certificate in PEM") from error
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise InputError(
            found=f"a certificate valid from {format_moment(certificate.not_valid_before_utc)} to "
            f"{format_moment(certificate.not_valid_after_utc)}",
            expected="one that is valid today", file=str(path),
            remedy="have a new one issued (docs/security.md, Keys), or mend this machine's clock",
        )  # fmt: skip
    return _name_of(certificate)


def _name_of(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def only_issuer(certificate: Path, authority: Path) -> bool:
    """True where an authority's file names nobody but who issued a certificate. Raises InputError where it is none."""
    try:
        issuers = x509.load_pem_x509_certificates(_bytes(authority))
    except ValueError as error:
        raise _not_a_key(authority, "an authority's certificate in PEM") from error
    issued = x509.load_pem_x509_certificate(_bytes(certificate))
    return all(_issued_by(issued, issuer) for issuer in issuers)


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()[:100_000]
    except OSError as error:
        raise InputError(
            found=f"a file that cannot be read: {error.strerror}", expected="a key or certificate",
            remedy="check the path and the permissions, or make keys with `detente keys`", file=str(path),
        ) from error  # fmt: skip


def _not_a_key(path: Path, expected: str) -> InputError:
    return InputError(
        found="something else", expected=expected, remedy="name the right file; `detente keys` makes such files",
        file=str(path),
    )  # fmt: skip
