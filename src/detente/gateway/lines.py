"""The lines to a side's partners: opened and closed until they are those of its configuration, at first and anew."""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from detente.gateway.alone import say_so
from detente.gateway.config import PartnerFile
from detente.gateway.jetstream import JetStreamLine
from detente.gateway.jetstream_server import check_server
from detente.gateway.prepare import Ready
from detente.gateway.standing import OnLine, Pace, Standing, Tell
from detente.gateway.transport import Door, Line, OnFrame, Turn, address_of, contexts, open_door, renew
from detente.records.errors import InputError, InputErrors


class Lines:
    """A line to each partner that a configuration names."""

    def __init__(
        self, on_frame: Callable[[str], OnFrame], on_line: Callable[[str], OnLine], tell: Callable[[str], Tell],
        before: Turn, ended: Callable[[str, asyncio.Task], None],
    ) -> None:  # fmt: skip
        """``on_frame``, ``on_line`` and ``tell`` give who is told by a partner's line; ``ended`` is told of a task that
        has ended."""
        self.on_frame, self.on_line, self.tell, self.before, self.ended = on_frame, on_line, tell, before, ended
        self.open: dict[str, Line | JetStreamLine] = {}
        self.tls: dict[str, tuple[ssl.SSLContext, ssl.SSLContext]] = {}
        self.closing: dict[str, Callable[[], object]] = {}  # what ends each
        self.ways: dict[str, tuple[object, ...]] = {}  # how each is reached
        self.paces: dict[str, Pace] = {}
        self.following = asyncio.Lock()

    @property
    def refused(self) -> int:
        """Partners' calls that came too soon after others."""
        return sum(pace.refused for pace in self.paces.values())

    async def follow(self, ready: Ready) -> None:
        """Close what is wanted no more, open what is not there. Raises InputErrors, once, for those that cannot be."""
        wanted = {one.name: one for one in ready.config.file.partners}
        problems: list[InputError] = []
        async with self.following:
            for name, way in list(self.ways.items()):
                if name not in wanted or _way(wanted[name]) != way:
                    self.open[name].hang_up()
                    self._close(name)
            for name, one in wanted.items():
                if name not in self.ways:
                    try:
                        await self._open(ready, one)
                    except InputError as error:
                        problems.append(error)
        if problems:
            raise InputErrors(tuple(problems))

    async def begin(self, ready: Ready) -> None:
        """:meth:`follow` at a start, which ends with what is wrong; that says that the side may start alone."""
        try:
            await self.follow(ready)
        except InputError as error:
            say_so(error, Path(ready.config.located.file))
            raise

    def renew(self, ready: Ready) -> None:
        """Show new certificates from the next handshake on. Raises InputError where files do not fit together."""
        for one in ready.config.file.partners:
            if one.name in self.tls:
                renew(self.tls[one.name], *_tls_files(ready, one.authority))

    def close(self) -> None:
        """End all of them."""
        for name in list(self.ways):
            self._close(name)

    async def _open(self, ready: Ready, one: PartnerFile) -> None:
        name, on_frame, on_line, tell = one.name, self.on_frame(one.name), self.on_line(one.name), self.tell(one.name)
        silent_s = ready.gateway.limits.silent_s
        serving, calling = contexts(*_tls_files(ready, one.authority))

        def turned(up: bool) -> None:
            if self.open.get(name) is line:  # else another took its place
                on_line(up)

        def told(up: bool, why: str) -> None:
            if self.open.get(name) is line:
                tell(up, why)

        standing = Standing(turned, told, self.paces.setdefault(name, Pace()))
        if one.nats is not None:
            await asyncio.to_thread(check_server, one.nats.monitor, one.nats.inbox)
            line = JetStreamLine(ready.gateway.name, name, on_frame, standing, silent_s)
            closing = self._run(name, line.run(f"tls://{one.nats.inbox}", f"tls://{one.nats.outbox}", calling))
        else:
            line = Line(name, on_frame, standing, self.before, silent_s)
            if one.listen is not None:
                door = await open_door(one.listen, line.answer, line.stranger, serving)
                closing = partial(_deaf, door, line)
            else:
                assert one.connect is not None, "a partner is reached in one of three ways"
                closing = self._run(name, line.connect_for_ever(*address_of(one.connect), calling))
        self.open[name], self.tls[name] = line, (serving, calling)
        self.closing[name], self.ways[name] = closing, _way(one)

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> Callable[[], object]:
        """Have a line's work done; what ends it."""
        running = asyncio.create_task(work)
        running.add_done_callback(partial(self.ended, name))
        return running.cancel

    def _close(self, name: str) -> None:
        del self.open[name], self.tls[name], self.ways[name]
        self.closing.pop(name)()


def _deaf(door: Door, line: Line) -> None:
    """Listen no more, and hang up."""
    door.close()
    line.hang_up()


def _way(one: PartnerFile) -> tuple[object, ...]:
    """How a partner is reached: where that changes, a line is another."""
    return one.listen, one.connect, one.nats


def _tls_files(ready: Ready, authority: str) -> tuple[Path, Path, Path]:
    """A side's certificate and key, and a partner's authority."""
    keys = ready.config.file.keys
    return ready.config.path(keys.tls_certificate), ready.config.path(keys.tls_key), ready.config.path(authority)
