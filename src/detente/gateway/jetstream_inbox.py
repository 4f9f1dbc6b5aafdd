"""One lane of what a partner sends, held by our own NATS server: pulled in bounded bites, purged once taken.

The stream is the inbox: what stands in it was not taken yet, or lately. The consumer that reads it is the server's
passing memory and remembers nothing on disk; so a message costs the server one sync, when it is stored, where a work
queue with an acknowledgement for each costs a second one and a file made and deleted.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from detente.gateway.jetstream_server import LANE_BYTES_MAX, LANE_MESSAGES_MAX, MESSAGE_BYTES_MAX, token
from detente.gateway.logic.limits import Lane

PULL_MESSAGES = 128
PULL_BYTES = MESSAGE_BYTES_MAX + 1_000_000
"""What one request brings at most, and so what a flood can put into our memory. source: assumption, 16-1,024:
each end of a request costs the next message a turn to the server and back; and one message of the largest size."""

PULL_S = 5.0
"""A request that brought less ends after so long, and shows that the server is alive. source: assumption, 1-30."""

PURGE_S, PURGE_BYTES, PURGE_MESSAGES = 5.0, 16_000_000, 4096
"""What was taken is purged this often, or when it is so much. source: assumption, 1-60 s, and an eighth of a lane."""

OTHER_CONFIGURATION = 10058  # the server's number for a stream of that name with other settings
LOOK_S = 0.5
SILENCE_S = PULL_S + 2.0
AGAIN_S = 0.1

Take = Callable[[int, bytes], Awaitable[None]]


def wanted() -> bool:
    """False once this task was told to end: asyncio.wait_for, and with it nats-py, may swallow that before 3.12."""
    task = asyncio.current_task()
    return task is not None and not task.cancelling()


class Inbox:
    """One lane of a partner's inbox, on a connection to our own server."""

    def __init__(self, partner: str, lane: Lane, take: Take) -> None:
        self.lane, self.take = int(lane), take
        self.subject = f"in.{token(partner)}.{self.lane}"
        self.name = f"INBOX_{token(partner)}_{self.lane}"
        self.broken = asyncio.Event()
        self.made: Any = None  # when the stream was
        self.taken = 0  # up to this sequence of it
        self.taken_bytes, self.taken_messages = 0, 0  # since the last purge
        self.heard_s = 0.0

    async def make(self, connection: Any) -> None:
        """The stream, as it should be; nats' APIError where the server will not have it."""
        from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
        from nats.js.errors import APIError

        # No acknowledgement: the server would send it to whatever subject a partner names, another's inbox too.
        streams, config = connection.jetstream(), StreamConfig(
            name=self.name, subjects=[self.subject], storage=StorageType.FILE, retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.NEW, max_bytes=LANE_BYTES_MAX, max_msgs=LANE_MESSAGES_MAX, no_ack=True,
            duplicate_window=1.0,
        )  # fmt: skip
        try:
            made = await streams.add_stream(config)
        except APIError as error:
            if error.err_code != OTHER_CONFIGURATION:
                raise
            made = await streams.update_stream(config)
        if made.created != self.made:
            self.made, self.taken = made.created, 0

    async def run(self, connection: Any) -> None:
        """Take what comes, for as long as we live; what was taken and not yet purged comes again after a restart."""
        from nats.errors import Error

        while wanted():
            self.broken.clear()
            with contextlib.suppress(Error, OSError, TimeoutError):
                await self._follow(connection)
            await asyncio.sleep(AGAIN_S)

    async def _follow(self, connection: Any) -> None:
        """Until the connection broke, or the server says nothing for too long."""
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        await self.make(connection)
        streams, clock = connection.jetstream(), asyncio.get_running_loop().time
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE, mem_storage=True, inactive_threshold=2 * SILENCE_S,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=self.taken + 1,
        )  # fmt: skip
        consumer = await streams.add_consumer(self.name, config)
        pull = _Pull(self, connection, f"$JS.API.CONSUMER.MSG.NEXT.{self.name}.{consumer.name}")
        subscription = await connection.subscribe(pull.inbox, cb=pull.came)
        try:
            await pull.ask()
            purged_s = self.heard_s = clock()
            while wanted() and not self.broken.is_set() and clock() - self.heard_s < SILENCE_S:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self.broken.wait()
                much = self.taken_bytes > PURGE_BYTES or self.taken_messages > PURGE_MESSAGES
                if much or (self.taken_messages and clock() - purged_s > PURGE_S):
                    self.taken_bytes = self.taken_messages = 0
                    await streams.purge_stream(self.name, seq=self.taken + 1)
                    purged_s = clock()
        finally:
            with contextlib.suppress(Exception):
                await subscription.unsubscribe()


class _Pull:
    """One request after the other for what stands in an inbox."""

    def __init__(self, inbox: Inbox, connection: Any, subject: str) -> None:
        self.of, self.connection, self.subject = inbox, connection, subject
        self.inbox: str = connection.new_inbox()
        self.came_any = True
        self.request = json.dumps(
            {"batch": PULL_MESSAGES, "max_bytes": PULL_BYTES, "expires": int(PULL_S * 1e9)}
        ).encode()

    async def ask(self) -> None:
        """Ask for more: the server answers until this much came, or for so long, and then says that it ended."""
        if not self.came_any:  # ended with nothing: never ask again at once for ever
            await asyncio.sleep(0.01)
        self.came_any = False
        await self.connection.publish(self.subject, self.request, reply=self.inbox)

    async def came(self, message: Any) -> None:
        """A message: a partner's bears the subject that it was sent to, and the server's own word ours."""
        self.of.heard_s = asyncio.get_running_loop().time()
        if message.subject == self.inbox:
            await self.ask()
            return
        self.came_any = True
        self.of.taken_messages += 1
        self.of.taken_bytes += len(message.data)
        await self.of.take(self.of.lane, message.data)
        self.of.taken = max(self.of.taken, message.metadata.sequence.stream)
