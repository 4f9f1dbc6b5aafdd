"""The embedded line to a partner: TLS 1.3 with certificates both ways, and frames of bounded size.

    frame    length (u32, big-endian, of the data alone) · lane (u8) · data

One side listens, the other connects and tries again for ever. Who calls too soon is told so: by a frame of a lane that
carries nothing else, the first and last of that line. What a partner sends waits in the socket when we are
busy; what it does not read is dropped here beyond a buffer, because the outbox sends it again.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from detente.centre.exchange.message import KIND
from detente.gateway.standing import Standing, quiet_for
from detente.records.errors import InputError, PeerError

HEAD = struct.Struct(">IB")
FRAME_BYTES_MAX = 200_000 + KIND.attached_bytes_max
BUFFER_BYTES_MAX = 16_000_000
"""What may wait in a line's write buffer. source: assumption, 1-100 MB: two of the largest envelopes and more."""

FRAMES_A_TURN = 16
"""Frames read before others get their turn: reading what has come already would wait for nothing, and so for nobody.
source: assumption, 4-64."""

READ_BYTES = 1 << 18  # taken from the socket at once. source: assumption, 64 kB-1 MB: a few envelopes

RECONNECT_S = (0.2, 5.0)  # first and longest wait between attempts. source: assumption
HANDSHAKE_S = 10.0
CALLERS_MAX = 64  # who prove at once whose certificate they hold. source: assumption, 8-256: a descriptor for each
UNSAID = "it ended before a word was said: perhaps our certificate is not believed there"
TOO_SOON = 255
"""The lane of the frame by which a call is refused that came too soon after others."""
REFUSED_THERE = "it refuses our call: too many came too soon after each other. We call again and again"
REFUSED_HERE = "it calls too soon after its last calls, and is refused until they were longer ago"

WAITING_BYTES = 1 << 17
"""What a line reads ahead of its reader, twice over. Not more: whoever fills a line must not fill the loop's turns, in
which own sensors are read. source: assumption, 64 kB-1 MB."""

OnFrame = Callable[[int, bytes], Awaitable[None]]
Turn = Callable[[], Awaitable[None]]
OnClient = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None]
OnStranger = Callable[[Exception], None]


def contexts(
    certificate: Path, key: Path, partner_authority: Path
) -> tuple[ssl.SSLContext, ssl.SSLContext]:  # fmt: skip
    """TLS contexts to listen and to connect with: 1.3 alone, certificates both ways, the partner's authority alone.

    Raises InputError where files do not fit together.
    """
    made = []
    for purpose in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT):
        context = ssl.SSLContext(purpose)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False  # the certificate names a side, not a machine: checked by name_of
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                found=f"certificate and key that do not fit: {error}", expected="a certificate and its own key, in PEM",
                remedy="name the right pair; `detente keys` makes one", file=str(certificate),
            ) from error  # fmt: skip
        try:
            context.load_verify_locations(partner_authority)
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                found=f"no authority's certificate: {error}", expected="the partner's authority.pem",
                remedy="fetch it from the partner", file=str(partner_authority),
            ) from error  # fmt: skip
        made.append(context)
    return made[0], made[1]


def renew(
    used: tuple[ssl.SSLContext, ssl.SSLContext], certificate: Path, key: Path, partner_authority: Path
) -> None:  # fmt: skip
    """Have contexts in use show a new certificate from the next handshake on; a line that stands goes on as it is.

    An authority that is new is believed besides the one before, until a restart. Raises InputError as :func:`contexts`.
    """
    contexts(certificate, key, partner_authority)
    for context in used:
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(partner_authority)


def name_of(writer: asyncio.StreamWriter) -> str:
    """Whom the other end's certificate names."""
    certificate = writer.get_extra_info("peercert") or {}
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return value
    return ""


async def at_once() -> None:
    """Nothing goes before."""


class Frames:
    """Frames out of a stream of bytes, however the line divides it. What is kept is less than one frame."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []  # the beginning of a frame whose end has not come
        self.held = 0  # bytes of it
        self.wanted = HEAD.size  # bytes before anything can be cut
        self.cuts = 0

    def cut(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Lane and data of each frame that is whole now. Raises PeerError where one is announced longer than any."""
        self.parts.append(data)
        self.held += len(data)
        if self.held < self.wanted:
            return
        whole = b"".join(self.parts) if len(self.parts) > 1 else data
        place, end = 0, len(whole)
        while end - place >= HEAD.size:
            size, lane = HEAD.unpack_from(whole, place)
            if size > FRAME_BYTES_MAX:
                raise PeerError(f"a frame of {size} bytes is announced; {FRAME_BYTES_MAX} are the most")
            if end - place < HEAD.size + size:
                self.wanted = HEAD.size + size
                break
            self.cuts += 1
            yield lane, whole[place + HEAD.size : place + HEAD.size + size]
            place += HEAD.size + size
        else:
            self.wanted = HEAD.size
        self.parts, self.held = [whole[place:]] if place < end else [], end - place


class Line:
    """The line to one partner, whoever calls."""

    def __init__(
        self, partner: str, on_frame: OnFrame, standing: Standing, before: Turn = at_once, silent_s: float | None = None
    ) -> None:  # fmt: skip
        """``before`` is waited for each time before more is read; one that says nothing for ``silent_s`` is ended."""
        self.partner, self.on_frame, self.standing, self.before = partner, on_frame, standing, before
        self.silent_s = silent_s
        self.writer: asyncio.StreamWriter | None = None  # while the line stands
        self.strangers = 0  # who called and is not the partner
        self.dropped = 0  # frames not sent for want of buffer

    def send(self, lane: int, data: bytes) -> None:
        """Send a frame, or drop it where there is no line or no room."""
        writer = self.writer
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > BUFFER_BYTES_MAX:
            self.dropped += 1
            return
        writer.write(HEAD.pack(len(data), lane) + data)  # at once: one record of TLS, one call, one wake at its end

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, called: bool = False
    ) -> bool:  # fmt: skip
        """Read frames until the line breaks; whether any came. A newer line takes an older one's place.

        Who is ``called`` knows at the end of TLS 1.3's handshake that both believe each other, so its line stands and
        it greets. Who calls knows with the first word that comes back. No end waits for the other's: descriptors are
        free at once, and what was under way the outbox sends again.
        """
        if (name := name_of(writer)) != self.partner:
            self.strangers += 1
            writer.transport.abort()
            self.standing.missing(f"a certificate names {name!r}, not {self.partner!r}")
            return False
        if called and self.standing.pace.wait_s() > 0.0:
            self.standing.pace.refused += 1
            writer.write(HEAD.pack(0, TOO_SOON))
            writer.transport.abort()
            self.standing.missing(REFUSED_HERE)
            return False
        if called:
            self._stands(writer)
        frames, why, spoken = Frames(), "", False
        try:
            while data := await self._heard(reader):
                if called and self.writer is not writer:
                    break
                await self.before()
                for lane, frame in frames.cut(data):
                    if not spoken:
                        if lane == TOO_SOON and not called:
                            raise PeerError(REFUSED_THERE)
                        spoken = True
                        self._speaks(writer, called)
                    await self.on_frame(lane, frame)
                    if frames.cuts % FRAMES_A_TURN == 0:
                        await asyncio.sleep(0)
        except TimeoutError:
            why = quiet_for(self.silent_s or 0.0)
        except PeerError as error:
            why = str(error)
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()
            why = why or ("" if spoken else UNSAID)
            if self.writer is writer:
                self.hang_up(why)
            elif not (called or spoken):
                self.standing.missing(why)
        return spoken

    def _stands(self, writer: asyncio.StreamWriter) -> None:
        """This is the line from now on."""
        self.hang_up()
        self.writer = writer
        self.standing.begin()

    def _speaks(self, writer: asyncio.StreamWriter, called: bool) -> None:
        """The first word that comes over it."""
        if not called:
            self._stands(writer)
        if self.writer is writer:
            self.standing.speaks()

    async def _heard(self, reader: asyncio.StreamReader) -> bytes:
        """What came. TimeoutError where nothing does for too long; while others make us wait, none of it passes."""
        async with asyncio.timeout(self.silent_s):
            return await reader.read(READ_BYTES)

    def hang_up(self, why: str = "") -> None:
        """End the line that stands, if one does."""
        if self.writer is not None:
            self.writer.transport.abort()
            self.writer = None
            self.standing.end(why)

    def stranger(self, error: Exception) -> None:
        """Somebody called who could not prove anything: told where it may be the partner, with other keys than ours."""
        self.strangers += 1
        if isinstance(error, ssl.SSLCertVerificationError):
            self.standing.missing(f"somebody calls whose certificate is not believed: {error.verify_message}")

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The partner calls. (A server's callback that ends cancelled would be complained of by asyncio.)"""
        with contextlib.suppress(asyncio.CancelledError):
            await self.serve(reader, writer, called=True)

    async def connect_for_ever(self, host: str, port: int, context: ssl.SSLContext) -> None:
        """Call the partner, again and again."""
        wait_s = RECONNECT_S[0]
        while True:
            try:
                async with asyncio.timeout(HANDSHAKE_S):
                    reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=WAITING_BYTES)
            except (OSError, ssl.SSLError, TimeoutError) as error:
                self.standing.missing(f"{host}:{port} cannot be reached: {cause_of(error, HANDSHAKE_S)}")
            else:
                if await self.serve(reader, writer):
                    wait_s = RECONNECT_S[0]
            await asyncio.sleep(max(wait_s, self.standing.pace.wait_s()))
            wait_s = min(2.0 * wait_s, RECONNECT_S[1])


def cause_of(error: Exception, waited_s: float) -> str:
    """Why there is no line, for people; an answer was waited for so long."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not believed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}"
    return f"no answer within {waited_s:g} s" if isinstance(error, TimeoutError) else str(error)


class Door:
    """Where a partner calls. Who has not proved yet whose certificate it holds takes little room, and no other's.

    Of more callers than may be there at once the one that has been proving it for longest goes: a partner needs
    milliseconds.
    """

    def __init__(
        self, sockets: list[socket.socket], on_client: OnClient, on_stranger: OnStranger, context: ssl.SSLContext
    ) -> None:  # fmt: skip
        """``on_client`` is given whom ``context`` believes, ``on_stranger`` why it believes another not."""
        self.sockets, self.on_client, self.on_stranger, self.context = sockets, on_client, on_stranger, context
        self.proving: dict[asyncio.Task[None], None] = {}  # in the order in which they called
        self.accepting = [asyncio.create_task(self._accept(one)) for one in sockets]

    def close(self) -> None:
        """Listen no more. Lines that stand go on."""
        for task in (*self.accepting, *self.proving):
            task.cancel()
        for one in self.sockets:
            one.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                caller, _ = await loop.sock_accept(listening)
            except OSError:  # it went before it was answered, or there are no descriptors
                await asyncio.sleep(RECONNECT_S[0])
                continue
            if len(self.proving) >= CALLERS_MAX:
                next(iter(self.proving)).cancel()
            task = asyncio.create_task(self._prove(caller))
            self.proving[task] = None
            task.add_done_callback(self.proving.pop)
            await asyncio.sleep(0)  # others have their turn, this one the first of its own

    async def _prove(self, caller: socket.socket) -> None:
        """Hand over a caller whose certificate is believed. A handshake that ends otherwise closes the socket."""
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=WAITING_BYTES), self.on_client)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol, caller, ssl=self.context, ssl_handshake_timeout=HANDSHAKE_S
            )
        except OSError as error:
            self.on_stranger(error)


def address_of(address: str) -> tuple[str, int]:
    """Host and port."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


async def listen(address: str, on_client: OnClient) -> asyncio.Server:
    """A server at an address, for anybody who reaches it. A port that is taken is an InputError."""
    host, port = address_of(address)
    try:
        return await asyncio.start_server(on_client, host, port, limit=WAITING_BYTES)
    except OSError as error:
        raise _taken(address, error) from error


async def open_door(address: str, on_client: OnClient, on_stranger: OnStranger, context: ssl.SSLContext) -> Door:
    """Where a partner calls. A port that is taken is an InputError."""
    host, port = address_of(address)
    sockets: list[socket.socket] = []
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, place in dict.fromkeys(found):
            sockets.append(socket.create_server(place[:2], family=family, backlog=CALLERS_MAX))
            sockets[-1].setblocking(False)
    except OSError as error:
        for one in sockets:
            one.close()
        raise _taken(address, error) from error
    return Door(sockets, on_client, on_stranger, context)


def _taken(address: str, error: OSError) -> InputError:
    return InputError(
        found=f"address {address} cannot be listened on: {error.strerror}", expected="a free port of this machine",
        remedy="stop what holds the port, or name another", path=address,
    )  # fmt: skip
