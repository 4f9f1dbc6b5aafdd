"""The deployment's line: NATS JetStream. Each side has its own server, with an inbox its partner may only publish to.

Brokers are never joined. Frames to a partner are published on its server, under ``in.<giver>.<lane>``; frames from it
are pulled from our own. The broker is a pipe and not the record: what it loses, the outbox sends again, and what it
brings twice, the inbox knows. A server that cannot sync every write is refused at the start: by default JetStream
acknowledges first and syncs every two minutes (Jepsen, "NATS 2.12.1", 2025). Needs the package nats-py.
"""

import asyncio
import contextlib
import json
import re
import ssl
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from detente.gateway.transport import FRAME_BYTES_MAX, OnFrame, OnLine
from detente.records.errors import InputError

LEAST_VERSION = (2, 12, 3)
INBOX_BYTES_MAX, INBOX_MESSAGES_MAX = 512_000_000, 200_000
"""What a partner may leave in our inbox; more is refused. source: assumption, 50 MB-10 GB: hours of a large raid."""

BATCH = 64
FETCH_S = 1.0


def token(name: str) -> str:
    """A side's name as part of a subject."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def server_config(
    own: str, partners: list[str], *, port: int, monitor: int, folder: Path, certificate: Path, key: Path,
    authorities: Path,
) -> str:  # fmt: skip
    """A configuration of ``nats-server`` for one side: mutual TLS, each partner publish-only into its own inbox.

    ``authorities`` holds the authorities' certificates of all sides, one after the other.
    """
    users = [f'    {{user: "CN={own}"}}']
    users += [
        f'    {{user: "CN={partner}", permissions: {{publish: ["in.{token(partner)}.>"], subscribe: {{deny: [">"]}}}}}}'
        for partner in partners
    ]
    listed = "\n".join(users)
    return f"""server_name: "{token(own)}"
listen: "127.0.0.1:{port}"
http: "127.0.0.1:{monitor}"
max_payload: {FRAME_BYTES_MAX}
max_pending: {4 * FRAME_BYTES_MAX}
jetstream {{
  store_dir: "{folder}"
  sync_interval: always
  max_file_store: {4 * INBOX_BYTES_MAX}
}}
tls {{
  cert_file: "{certificate}"
  key_file: "{key}"
  ca_file: "{authorities}"
  verify_and_map: true
}}
authorization {{
  users = [
{listed}
  ]
}}
"""


def check_server(monitor: str) -> None:
    """Raise InputError unless our own server can be trusted with an inbox. ``monitor``: its monitoring, host:port."""
    about, streams = _asked(monitor, "/varz"), _asked(monitor, "/jsz")
    said = str(about.get("version", "0"))
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:3])
    if version < LEAST_VERSION:
        least = ".".join(map(str, LEAST_VERSION))
        raise _refused(
            monitor, f"nats-server {said}", f"{least} or newer", "upgrade it: older ones lose what they acknowledged"
        )
    settings = streams.get("config") or {}
    if streams.get("disabled") or not settings:
        raise _refused(monitor, "a server without JetStream", "jetstream with a store_dir", "enable it")
    if not settings.get("sync_always"):
        raise _refused(
            monitor, "a server that acknowledges before it syncs", "sync_interval: always in its jetstream block",
            "set it: otherwise a power cut loses minutes of what was acknowledged",
        )  # fmt: skip
    if int(about.get("max_payload", 0)) < FRAME_BYTES_MAX:
        raise _refused(
            monitor, f"max_payload {about.get('max_payload')}", f"at least {FRAME_BYTES_MAX}", "raise max_payload"
        )


def _asked(monitor: str, path: str) -> dict[str, Any]:
    host, _, port = monitor.rpartition(":")
    try:
        with contextlib.closing(HTTPConnection(host.strip("[]"), int(port), timeout=5)) as line:
            line.request("GET", path)
            return json.loads(line.getresponse().read())
    except (OSError, HTTPException, ValueError) as error:
        raise _refused(
            monitor, f"no nats-server's monitoring: {error}", "this side's own server, monitored on loopback",
            "start it, with http: in its configuration",
        ) from error  # fmt: skip


def _refused(monitor: str, found: str, expected: str, remedy: str) -> InputError:
    return InputError(found=found, expected=expected, remedy=remedy, path=monitor)


class JetStreamLine:
    """The line to one partner through two servers: same face as :class:`~detente.gateway.transport.Line`."""

    def __init__(self, own: str, partner: str, on_frame: OnFrame, on_line: OnLine) -> None:
        self.own, self.partner, self.on_frame, self.on_line = own, partner, on_frame, on_line
        self.outward: Any = None
        self.up = False
        self.dropped = 0
        self.sending: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(1024)

    @property
    def writer(self) -> object | None:
        """Something while the line stands."""
        return self if self.up else None

    def send(self, lane: int, data: bytes) -> None:
        """Send a frame, or drop it where there is no line or no room."""
        if not self.up:
            return
        try:
            self.sending.put_nowait((lane, data))
        except asyncio.QueueFull:
            self.dropped += 1

    async def run(self, inbox: str, outbox: str, context: ssl.SSLContext) -> None:
        """Keep both connections for as long as we live. ``inbox``: our server; ``outbox``: the partner's."""
        import nats

        async def quiet(_: Exception) -> None:
            return

        options: dict[str, Any] = {
            "tls": context, "tls_hostname": "localhost", "allow_reconnect": True, "max_reconnect_attempts": -1,
            "reconnect_time_wait": 0.2, "error_cb": quiet, "disconnected_cb": self._down, "reconnected_cb": self._again,
        }  # fmt: skip
        inward = await _patiently(lambda: nats.connect(inbox, name=self.own, **options))
        self.outward = await _patiently(lambda: nats.connect(outbox, name=self.own, **options))
        try:
            pull = await _patiently(lambda: self._inbox(inward))
            self.inward = inward
            await self._again()
            await asyncio.gather(self._receive(pull), self._send())
        finally:
            for connection in (inward, self.outward):
                with contextlib.suppress(Exception):
                    await connection.close()

    async def _inbox(self, connection: Any) -> Any:
        """Our own stream for this partner, made if it is not there, and where we stand in it."""
        from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

        streams, name = connection.jetstream(), f"INBOX_{token(self.partner)}"
        await streams.add_stream(
            StreamConfig(
                name=name, subjects=[f"in.{token(self.partner)}.>"], storage=StorageType.FILE,
                retention=RetentionPolicy.WORK_QUEUE, discard=DiscardPolicy.NEW, max_bytes=INBOX_BYTES_MAX,
                max_msgs=INBOX_MESSAGES_MAX,
            )
        )  # fmt: skip
        return await streams.pull_subscribe(
            f"in.{token(self.partner)}.>", durable="gateway", stream=name, config=ConsumerConfig(ack_wait=10)
        )

    async def _receive(self, pull: Any) -> None:
        from nats.errors import Error

        while True:
            try:
                messages = await pull.fetch(BATCH, timeout=FETCH_S)
            except (Error, OSError):
                await asyncio.sleep(0.01 if self.up else 0.2)
                continue
            for message in messages:
                lane = message.subject.rpartition(".")[2]
                if lane.isdigit() and len(lane) == 1 and len(message.data) <= FRAME_BYTES_MAX:
                    await self.on_frame(int(lane), message.data)
                with contextlib.suppress(Error, OSError):
                    await message.ack()

    async def _send(self) -> None:
        from nats.errors import Error

        while True:
            lane, data = await self.sending.get()
            try:
                await self.outward.publish(f"in.{token(self.own)}.{lane}", data)
            except (Error, OSError):
                self.dropped += 1

    async def _down(self) -> None:
        if self.up:
            self.up = False
            await self.on_line(False)

    async def _again(self) -> None:
        both = getattr(self, "inward", None), self.outward
        if all(one is not None and one.is_connected for one in both) and not self.up:
            self.up = True
            await self.on_line(True)


async def _patiently(make: Any) -> Any:
    """What needs a server that may not be there yet."""
    from nats.errors import Error

    while True:
        try:
            return await make()
        except (Error, OSError, TimeoutError):
            await asyncio.sleep(0.3)
