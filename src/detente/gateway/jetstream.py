"""The deployment's line: NATS JetStream. Each side has its own server, with an inbox its partner may only publish to.

Brokers are never joined. Frames to a partner are published on its server, under ``in.<giver>.<lane>``, those that wait
together in one message; frames from it are pulled from our own, each lane by itself. The broker is a pipe and not the
record: what it loses, the outbox sends again, and what it brings twice, the inbox knows. Needs the package nats-py.

    message    length of a frame (u32, big-endian) · frame · length · frame …
"""

import asyncio
import contextlib
import ssl
import struct
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from detente.gateway.jetstream_inbox import LOOK_S, Inbox, wanted
from detente.gateway.jetstream_server import MESSAGE_BYTES_MAX, token
from detente.gateway.logic.limits import Lane
from detente.gateway.standing import Standing, quiet_for
from detente.gateway.transport import BUFFER_BYTES_MAX, FRAME_BYTES_MAX, FRAMES_A_TURN, OnFrame, cause_of
from detente.records.errors import InputError

Use = Callable[[Any], Coroutine[Any, Any, None]]
LENGTH = struct.Struct(">I")
BUNDLE_BYTES, BUNDLE_FRAMES = 512_000, 64
"""Frames that wait together go in one message until it is so large: the server syncs once for all of them.
source: assumption, 50,000-3,000,000 bytes and 8-1,024 frames."""

GONE_S, CLOSE_S = 10.0, 1.0
"""A connection is waited for so long, to be made or made again, and to close. source: assumption, 3-60 and 0.1-5 s."""

ANSWER_S = 2
"""Each of a server's answers, while a connection is made, is waited for so long. source: assumption, 1-10."""

PING_S = 5
"""A server that leaves two of our questions unanswered, so long apart, is gone. source: assumption, 1-60."""


def bundled(frames: deque[bytes]) -> bytes:
    """The frames that go next, taken off ``frames``, as one message."""
    parts: list[bytes] = []
    size = 0
    while frames and len(parts) < 2 * BUNDLE_FRAMES and (not parts or size + len(frames[0]) <= BUNDLE_BYTES):
        frame = frames.popleft()
        parts += [LENGTH.pack(len(frame)), frame]
        size += len(frame)
    return b"".join(parts)


def unbundled(message: bytes) -> list[bytes]:
    """The frames of a message; none of them where it is not what :func:`bundled` makes."""
    frames: list[bytes] = []
    place = 0
    while place < len(message):
        if len(frames) == BUNDLE_FRAMES or place + LENGTH.size > len(message):
            return []
        (size,) = LENGTH.unpack_from(message, place)
        place += LENGTH.size + size
        if size > FRAME_BYTES_MAX or place > len(message):
            return []
        frames.append(message[place - size : place])
    return frames


class JetStreamLine:
    """The line to one partner through two servers: same face as :class:`~detente.gateway.transport.Line`."""

    def __init__(
        self, own: str, partner: str, on_frame: OnFrame, standing: Standing, silent_s: float | None = None
    ) -> None:  # fmt: skip
        self.own, self.partner, self.on_frame, self.standing = own, partner, on_frame, standing
        self.inward: Any = None
        self.outward: Any = None
        self.dropped = 0  # frames not sent for want of room, or messages that could not be published
        self.garbled = 0  # messages that are no frames
        self.read = 0
        self.silent_s = silent_s
        self.heard_s = 0.0  # when something last came, by the loop's clock
        self.taking = 0  # messages that wait for whoever takes them
        self.told = False  # that nothing was heard since
        self.inboxes = [Inbox(partner, lane, self._take) for lane in Lane]
        self.waiting: list[deque[bytes]] = [deque() for _ in Lane]
        self.waiting_bytes = 0
        self.something = asyncio.Event()

    @property
    def up(self) -> bool:
        """Whether both servers are there."""
        return self.standing.up

    @property
    def writer(self) -> object | None:
        """Something while the line stands."""
        return self if self.up else None

    def send(self, lane: int, data: bytes) -> None:
        """Send a frame, or drop it where there is no line or no room."""
        if not self.up:
            return
        if self.waiting_bytes > BUFFER_BYTES_MAX:
            self.dropped += 1
            return
        self.waiting[lane].append(data)
        self.waiting_bytes += LENGTH.size + len(data)
        self.something.set()

    async def run(self, inbox: str, outbox: str, context: ssl.SSLContext) -> None:
        """Keep both connections for as long as we live. ``inbox``: our server; ``outbox``: the partner's.

        Raises InputError where our server will not hold an inbox.
        """
        parts = (
            self._held(f"our server, {inbox},", inbox, context, partial(self._pull, inbox)),
            self._held(f"{self.partner}'s server, {outbox},", outbox, context, self._push),
            self._send(), self._listen(),
        )  # fmt: skip
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _held(self, server: str, address: str, context: ssl.SSLContext, use: Use) -> None:
        """A connection in use, which connects again by itself; once it does not for long, another takes its place.

        (nats-py waits for ever after a handshake that failed, even when the server shows another certificate later.)
        """
        import nats

        async def missed(error: Exception) -> None:
            self.standing.missing(f"{server} cannot be reached: {cause_of(error, ANSWER_S)}")

        async def connect() -> Any:
            async with asyncio.timeout(GONE_S):
                return await nats.connect(
                    address, name=self.own, tls=context, tls_hostname="localhost", connect_timeout=ANSWER_S,
                    max_reconnect_attempts=-1, reconnect_time_wait=0.2, ping_interval=PING_S, error_cb=missed,
                    disconnected_cb=self._down, reconnected_cb=self._again,
                )  # fmt: skip

        while wanted():
            connection = await _patiently(connect)
            tasks = [asyncio.create_task(use(connection)), asyncio.create_task(_gone(connection))]
            try:
                ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(CLOSE_S):
                        await connection.close()

    async def _pull(self, inbox: str, connection: Any) -> None:
        """Take what comes to our server."""
        from nats.js.errors import APIError

        for lane in self.inboxes if self.inward is None else ():
            try:
                await _patiently(lambda lane=lane: lane.make(connection))
            except APIError as error:
                raise InputError(
                    found=f"a server that will not hold stream {lane.name}: {error.description}",
                    expected="room for it, and no other stream on its subjects",
                    remedy="raise max_file_store, or remove the other stream (`nats stream rm`)", path=inbox,
                ) from error  # fmt: skip
        self.inward = connection
        await self._again()
        await asyncio.gather(*(lane.run(connection) for lane in self.inboxes))

    async def _push(self, connection: Any) -> None:
        """Send over this connection."""
        self.outward = connection
        await self._again()
        await asyncio.Event().wait()

    async def _take(self, lane: int, message: bytes) -> None:
        """A message of the partner's, whatever its bytes."""
        self.taking += 1
        try:
            frames = unbundled(message) if len(message) <= MESSAGE_BYTES_MAX else []
            self.garbled += not frames
            if frames and self.up:
                self.standing.speaks()
            for frame in frames:
                await self.on_frame(lane, frame)
                self.read += 1
                if self.read % FRAMES_A_TURN == 0:
                    await asyncio.sleep(0)
        finally:  # nats-py cancels us where a connection goes: then nobody waits any more
            self.taking -= 1
            self.heard_s, self.told = asyncio.get_running_loop().time(), False

    async def _listen(self) -> None:
        """Begin the line where it had to wait; anew, once, where both servers are there and the partner says nothing
        for too long."""
        clock = asyncio.get_running_loop().time
        while wanted():
            await asyncio.sleep(LOOK_S)
            self._rise()
            waits = self.up and not self.taking and not self.told
            if self.silent_s is not None and waits and clock() - self.heard_s > self.silent_s:
                self.hang_up(quiet_for(self.silent_s))
                self.standing.begin()
                self.told = True

    async def _send(self) -> None:
        """Publish what waits, the most urgent lane first."""
        from nats.errors import Error

        while wanted():
            await self.something.wait()
            lane = next((lane for lane in Lane if self.waiting[lane]), None)
            if lane is None:
                self.something.clear()
                continue
            message = bundled(self.waiting[lane])
            self.waiting_bytes -= len(message)
            try:
                await self.outward.publish(f"in.{token(self.own)}.{int(lane)}", message)
            except (Error, OSError):
                self.dropped += 1

    def hang_up(self, why: str = "") -> None:
        """End the line that stands, if one does."""
        if self.up:
            self.standing.end(why)

    async def _down(self) -> None:
        self.hang_up()

    async def _again(self) -> None:
        for lane in self.inboxes:
            lane.broken.set()
        self._rise()

    def _rise(self) -> None:
        """The line stands where both servers are there, unless it began too often of late."""
        both = self.inward, self.outward
        there = all(one is not None and one.is_connected for one in both)
        if there and not self.up and self.standing.pace.wait_s() == 0.0:
            self.told, self.heard_s = False, asyncio.get_running_loop().time()
            self.standing.begin()


async def _gone(connection: Any) -> None:
    """Until a connection was not there for so long that it will not come back."""
    clock = asyncio.get_running_loop().time
    there_s = clock()
    while wanted() and clock() - there_s < GONE_S:
        await asyncio.sleep(LOOK_S)
        if connection.is_connected:
            there_s = clock()


async def _patiently(make: Any) -> Any:
    """What needs a server that may not be there yet. What a server refuses is raised: waiting would not mend it."""
    from nats.errors import Error
    from nats.js.errors import APIError, ServiceUnavailableError

    while wanted():
        try:
            return await make()
        except ServiceUnavailableError:
            await asyncio.sleep(0.3)
        except APIError:
            raise
        except (Error, OSError, TimeoutError):
            await asyncio.sleep(0.3)
    raise asyncio.CancelledError
