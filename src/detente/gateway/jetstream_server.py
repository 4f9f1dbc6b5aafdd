"""What a side's own NATS server must be: the configuration that makes it so, and the questions asked at the start.

By default JetStream acknowledges first and syncs every two minutes (Jepsen, "NATS 2.12.1", 2025), obeys what a partner
writes in headers, and goes by whatever name any authority wrote in a certificate: all three are shut off or refused.
"""

import contextlib
import json
import re
import socket
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from detente.gateway.transport import FRAME_BYTES_MAX
from detente.records.errors import InputError

LEAST_VERSION = (2, 12, 3)
LANE_BYTES_MAX, LANE_MESSAGES_MAX = 128_000_000, 50_000
"""What a partner may leave in one lane of our inbox; more is refused, and no other lane is poorer for it.
source: assumption, 10 MB-10 GB: a raid of 1,000 tracks says that much in half an hour, and older tracks help nobody."""

LANES = 4
INBOX_BYTES_MAX = LANES * LANE_BYTES_MAX
MESSAGE_BYTES_MAX = FRAME_BYTES_MAX + 1024
"""One message of a server: a frame of the largest size, and what binds frames together."""

CONNECTIONS_MAX = 1000
"""Connections to our server, whoever makes them. source: assumption, 100-10,000: a server has no limit for each."""

ASKED_S = 5.0


def token(name: str) -> str:
    """A side's name as part of a subject."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def server_config(
    own: str, partners: list[str], *, port: int, monitor: int, folder: Path, certificate: Path, key: Path,
    believed: Path, host: str = "127.0.0.1",
) -> str:  # fmt: skip
    """A configuration of ``nats-server`` for one side: mutual TLS, each partner publish-only into its own inbox.

    ``believed`` holds our own authority's certificate and the partners' own certificates, not their authorities': the
    server goes by the name in a certificate alone, and a partner's authority may write any name, ours too. No headers:
    JetStream obeys what stands in them, and no signature covers them.
    """
    users = [f'    {{user: "CN={own}"}}']
    users += [
        f'    {{user: "CN={partner}", permissions: {{publish: ["in.{token(partner)}.>"], subscribe: {{deny: [">"]}}}}}}'
        for partner in partners
    ]
    listed = "\n".join(users)
    return f"""server_name: "{token(own)}"
listen: "{host}:{port}"
http: "127.0.0.1:{monitor}"
max_payload: {MESSAGE_BYTES_MAX}
max_pending: {4 * MESSAGE_BYTES_MAX}
max_connections: {CONNECTIONS_MAX}
no_header_support: true
jetstream {{
  store_dir: "{folder}"
  sync_interval: always
  max_file_store: {max(4, len(partners)) * INBOX_BYTES_MAX}
}}
tls {{
  cert_file: "{certificate}"
  key_file: "{key}"
  ca_file: "{believed}"
  verify_and_map: true
}}
authorization {{
  users = [
{listed}
  ]
}}
"""


def check_server(monitor: str, inbox: str) -> None:
    """Raise InputError unless our own server can be trusted with an inbox.

    ``monitor``: where it is monitored, ``inbox``: where it is reached, each host:port.
    """
    about, streams = _asked(monitor, "/varz"), _asked(monitor, "/jsz")
    _check_version(monitor, str(about.get("version", "0")))
    joined = [word for word in ("cluster", "gateway", "leaf") if about.get(word)]
    if joined:
        raise _refused(
            monitor, f"a server that joins others ({', '.join(joined)})", "one that stands alone",
            "take the block out: brokers are never joined, gateways are",
        )  # fmt: skip
    settings = streams.get("config") or {}
    if streams.get("disabled") or not settings:
        raise _refused(monitor, "a server without JetStream", "jetstream with a store_dir", "enable it")
    if not settings.get("sync_always"):
        raise _refused(
            monitor, "a server that acknowledges before it syncs", "sync_interval: always in its jetstream block",
            "set it: otherwise a power cut loses minutes of what was acknowledged",
        )  # fmt: skip
    room = int(settings.get("max_storage", 0))
    if room < INBOX_BYTES_MAX:
        raise _refused(
            monitor, f"max_file_store {room}", f"at least {INBOX_BYTES_MAX} for each partner", "raise max_file_store"
        )
    payload = int(about.get("max_payload", 0))
    if payload < MESSAGE_BYTES_MAX:
        raise _refused(monitor, f"max_payload {payload}", f"at least {MESSAGE_BYTES_MAX}", "raise max_payload")
    greeting = _greeting(inbox)
    if greeting.get("server_id") != about.get("server_id"):
        raise _refused(
            inbox, f"another server than the one monitored at {monitor}", "inbox and monitor of one server",
            "correct one of the two: what was asked of the one says nothing of the other",
        )  # fmt: skip
    if not (greeting.get("tls_required") and greeting.get("tls_verify")):
        raise _refused(inbox, "a server that asks for no certificate", "tls with verify_and_map: true", "add it")
    if greeting.get("headers"):
        raise _refused(
            inbox, "a server that passes headers on", "no_header_support: true in its configuration",
            "set it: JetStream obeys what a partner writes in them, and no signature covers them",
        )  # fmt: skip


def _check_version(monitor: str, said: str) -> None:
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:3])
    if version < LEAST_VERSION:
        least = ".".join(map(str, LEAST_VERSION))
        raise _refused(
            monitor, f"nats-server {said}", f"{least} or newer", "upgrade it: older ones lose what they acknowledged"
        )


def _asked(monitor: str, path: str) -> dict[str, Any]:
    host, _, port = monitor.rpartition(":")
    try:
        with contextlib.closing(HTTPConnection(host.strip("[]"), int(port), timeout=ASKED_S)) as line:
            line.request("GET", path)
            return json.loads(line.getresponse().read())
    except (OSError, HTTPException, ValueError) as error:
        raise _refused(
            monitor, f"no nats-server's monitoring: {error}", "this side's own server, monitored on loopback",
            "start it, with http: in its configuration",
        ) from error  # fmt: skip


def _greeting(inbox: str) -> dict[str, Any]:
    """What a server says of itself to whoever connects, before anything else: ``INFO {json}``."""
    host, _, port = inbox.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ASKED_S) as line:
            said = line.makefile("rb").readline(65_536)
        word, _, text = said.partition(b" ")
        if word != b"INFO":
            raise ValueError(f"it says {said[:40]!r}")
        return json.loads(text)
    except (OSError, ValueError) as error:
        raise _refused(
            inbox, f"no nats-server that greets: {error}", "this side's own server at the address of its inbox",
            "correct the address",
        ) from error  # fmt: skip


def _refused(where: str, found: str, expected: str, remedy: str) -> InputError:
    return InputError(found=found, expected=expected, remedy=remedy, path=where)
