"""Keep, then speak: steps are kept in the order they were made, while the next ones are already being made.

A step counts for the outside once its records are on disk: then its frames may be sent and its tick acknowledged. But
its state is what the next step is made from, at once. So a loop that makes steps never waits for the disk: whatever was
made while one commit was on its way goes into the next, all together (group commit). Where a commit fails, everything
that was made since is undone, as if it had not been made; of ticks, own sensors' half stays, and so does news of lines.
"""

import asyncio
import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Protocol

from detente.gateway.logic.link import Out
from detente.gateway.logic.node import LineDown, LineUp, Node, Order, Tick, ashore, on_lines
from detente.gateway.logic.records import Kept, Record, StoreError, Sworn
from detente.gateway.sqlite_store import SqliteStore
from detente.gateway.store import MemoryStore

STORE_NICE = 5  # how much less than the loop's a store's thread asks of the processor. source: assumption, 1-19
STEPS_MAX = 64
"""Steps that may wait to be kept before no more are made. source: assumption, 16-500: four commits' worth of frames."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What was made of events: the state after them, and what is to be kept and said."""

    node: Node
    out: Out
    tick: Tick | None = None  # where it is a tick
    lines: tuple[LineUp | LineDown, ...] = ()  # news of lines among the events: true whether they can be kept or not
    orders: tuple[Order, ...] = ()  # the operator's words among them


class Working(Protocol):
    """Whoever carries out one thing at a time: here a thread, in a drill a disk that takes simulated time."""

    error: BaseException | None

    @property
    def idle(self) -> bool:
        """True unless it is at work."""
        ...

    def start(self) -> None:
        """Do it once, and tell when it is done."""
        ...

    def wait(self) -> None:
        """Until it is done."""
        ...

    def close(self) -> None:
        """Finish, and end."""
        ...


class Worker:
    """A thread that does one thing whenever it is told to, and has the loop told when it is done."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Callable[[], None], done: Callable[[], None]) -> None:
        self.loop, self.work, self.done = loop, work, done
        self.error: BaseException | None = None  # how the last run ended
        self.ended = threading.Event()
        self.ended.set()
        self.orders: SimpleQueue[bool] = SimpleQueue()
        self.thread = threading.Thread(target=self._run, name="store", daemon=True)
        self.thread.start()

    @property
    def idle(self) -> bool:
        """True unless it is at work."""
        return self.ended.is_set()

    def start(self) -> None:
        """Do it once."""
        self.ended.clear()
        self.orders.put(True)

    def wait(self) -> None:
        """Until it is done."""
        self.ended.wait()

    def close(self) -> None:
        """Finish, and end the thread."""
        self.orders.put(False)
        self.thread.join()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # the loop, and so own warnings, come first where both want one processor
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), STORE_NICE)
        while self.orders.get():
            try:
                self.work()
                self.error = None
            except BaseException as error:  # whoever waits is to have it
                self.error = error
            self.ended.set()
            if not self.loop.is_closed():
                self.loop.call_soon_threadsafe(self.done)


class Keeping:
    """Keeps one gateway's steps. All of it runs in the loop's thread, but for the commits themselves."""

    def __init__(
        self, store: SqliteStore | MemoryStore, node: Node, *, kept: Callable[[Step], None],
        lost: Callable[[StoreError, list[Step]], None],
    ) -> None:  # fmt: skip
        """``kept`` is called for each step once it is on disk, in order; ``lost`` with those that could not be kept.

        Until :meth:`run_in` or :meth:`run_by` each step is kept before :meth:`take` returns.
        """
        self.store, self.kept, self.lost = store, kept, lost
        self.node = node  # as if all that was taken were kept: what the next step is made from
        self.sure = node  # as far as it is kept
        self.owed: list[Record] = []  # of what came before the first step, until a commit succeeds
        self.waiting: deque[Step] = deque()
        self.group: list[Step] = []  # whose commit is on its way
        self.fault: BaseException | None = None
        self.read: list[Tick] | None = None  # while the store is read anew: ticks of which own half counts alone
        self.worker: Working | None = None
        self.folder: Working | None = None

    def run_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on commits run in a thread, and what comes of them is told in this loop."""
        self.run_by(partial(Worker, loop))
        self.folder = Worker(loop, self.store.fold, lambda: None)

    def run_by(self, hire: Callable[[Callable[[], None], Callable[[], None]], Working]) -> None:
        """From now on whoever is hired carries out the commits: it is given what to do, and whom to tell afterwards."""
        self.worker = hire(self.store.finish, self._done)

    @property
    def full(self) -> bool:
        """True when no more steps should be made before some are kept."""
        return len(self.waiting) >= STEPS_MAX

    def owe(self, records: list[Record]) -> None:
        """Keep these now, or, where that fails, with the first commit that does not: nothing is said before."""
        self.owed = records
        self.take(Step(node=self.node, out=Out()))

    def take(self, step: Step) -> None:
        """Keep this step after all that were taken before. Raises what went wrong before, where that was our fault."""
        assert self.read is None, "whoever makes steps waits until the store is read"
        if self.fault is not None:
            raise self.fault
        self.node = step.node
        self.waiting.append(step)
        if not self.group:
            self._go_on()

    async def read_anew(self, restored: Callable[[], Node]) -> None:
        """Go on from another state, which is what the store holds; a thread finds it there, which may take seconds.

        Meanwhile no step is taken: of ticks own half counts alone (:meth:`go_ashore`), and the next one that is kept
        packs all. Raises what ``restored`` raises, and goes on from where it was.
        """
        assert not self.group, "all is settled"
        self.read = []
        try:
            node = await asyncio.to_thread(restored)
            self.node = self.sure = ashore(node, self.read[-1]) if self.read else node
            self.owed = []
        finally:
            self.read = None

    def go_ashore(self, event: Tick) -> None:
        """A tick while the store is read."""
        assert self.read is not None, "else it is a step"
        self.read.append(event)
        self.node = self.sure = ashore(self.node, event)

    def hear_lines(self, news: list[LineUp | LineDown]) -> None:
        """Go on from what is kept, with news of lines that is not: after a loss, when nothing is on its way."""
        assert not self.group, "what is on its way is not lost"
        self.node = self.sure = on_lines(self.sure, news)

    def settle(self) -> None:
        """Wait until all that was taken is kept, or lost."""
        while self.group:
            assert self.worker is not None, "a commit is on its way in a thread"
            self.worker.wait()
            self._done()

    def close(self) -> None:
        """Settle, and let go of the threads. The store stays open."""
        self.settle()
        for worker in (self.worker, self.folder):
            if worker is not None:
                worker.close()
        self.worker = self.folder = None

    def _go_on(self) -> None:
        """Begin with all that waits."""
        while self.waiting and not self.group:
            group, self.waiting = list(self.waiting), deque()
            records = [*self.owed, *_together(group)]
            if not records:
                self._keep(group)
                continue
            try:
                if self.worker is None:
                    self.store.commit(records)
                else:
                    self.store.begin(records)
            except StoreError as error:
                self._undo(error, group)
                continue
            if self.worker is None:
                self._keep(group)
            else:
                self.group = group
                self.worker.start()

    def _done(self) -> None:
        """The commit on its way has ended; told twice where :meth:`settle` was quicker."""
        if self.worker is None or not self.group or not self.worker.idle:
            return
        try:
            error, group = self.worker.error, self.group
            self.group = []
            if error is None:
                self._keep(group)
            elif isinstance(error, StoreError):
                self._undo(error, group)
            else:
                raise error
            self._go_on()
        except BaseException as error:  # a loop's callback has nobody above it: the next step finds it
            self.fault = error
            raise
        if self.store.long_log and self.folder is not None and self.folder.idle:
            self.folder.start()

    def _keep(self, group: list[Step]) -> None:
        self.owed = []
        for step in group:
            self.sure = step.node
            self.kept(step)

    def _undo(self, error: StoreError, group: list[Step]) -> None:
        """These are lost, and with them those that were made of them."""
        gone = [*group, *self.waiting]
        self.waiting.clear()
        last = next((step.tick for step in reversed(gone) if step.tick is not None), None)
        if last is not None:
            self.sure = ashore(self.sure, last)
        self.hear_lines([event for step in gone for event in step.lines])
        self.lost(error, gone)


def _together(group: list[Step]) -> list[Record]:
    """The records of several steps as one's: what is kept of a partner as the last of them has it."""
    if len(group) == 1:
        return group[0].out.records
    records = [record for step in group for record in step.out.records]
    last: dict[tuple[str, str], Record] = {}
    for record in records:
        if isinstance(record, (Kept, Sworn)):
            last[record.partner, record.kind if isinstance(record, Sworn) else ""] = record
    return [*(record for record in records if not isinstance(record, (Kept, Sworn))), *last.values()]
