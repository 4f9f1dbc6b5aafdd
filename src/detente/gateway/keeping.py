"""Keep, then speak: steps are kept in the order they were made, while the next ones are already being made.

A step counts for the outside once its records are on disk: then its frames may be sent and its tick acknowledged. But
its state is what the next step is made from, at once. So a loop that makes steps never waits for the disk: whatever was
made while one commit was on its way goes into the next, all together (group commit). Where a commit fails, everything
that was made since is undone, as if it had not been made; of ticks, own sensors' half stays.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from detente.gateway.logic.link import Out
from detente.gateway.logic.node import LineDown, LineUp, Node, Tick, ashore
from detente.gateway.logic.records import Kept, Record, StoreError
from detente.gateway.sqlite_store import SqliteStore

STEPS_MAX = 64
"""Steps that may wait to be kept before no more are made. source: assumption, 16-500: four commits' worth of frames."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What was made of events: the state after them, and what is to be kept and said."""

    node: Node
    out: Out
    tick: Tick | None = None  # where it is a tick
    lines: tuple[LineUp | LineDown, ...] = ()  # news of lines among the events: true whether they can be kept or not


class Keeping:
    """Keeps one gateway's steps. All of it runs in the loop's thread, but for the commits themselves."""

    def __init__(
        self, store: SqliteStore, node: Node, *, kept: Callable[[Step], None],
        lost: Callable[[StoreError, list[Step]], None],
    ) -> None:  # fmt: skip
        """``kept`` is called for each step once it is on disk, in order; ``lost`` with those that could not be kept.

        Until :meth:`run_in` each step is kept before :meth:`take` returns.
        """
        self.store, self.kept, self.lost = store, kept, lost
        self.node = node  # as if all that was taken were kept: what the next step is made from
        self.sure = node  # as far as it is kept
        self.waiting: deque[Step] = deque()
        self.group: list[Step] = []  # whose commit is on its way
        self.commit: Future | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.threads: ThreadPoolExecutor | None = None
        self.folding: Future | None = None

    def run_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on commits run in a thread, and what comes of them is told in this loop."""
        self.loop = loop
        self.threads = ThreadPoolExecutor(2, "store")  # a commit, and the log's copying beside it

    @property
    def full(self) -> bool:
        """True when no more steps should be made before some are kept."""
        return len(self.waiting) >= STEPS_MAX

    def take(self, step: Step) -> None:
        """Keep this step after all that were taken before."""
        self.node = step.node
        self.waiting.append(step)
        if self.commit is None:
            self._go_on()

    def begin_again(self, node: Node) -> None:
        """Go on from another state, which is what the store holds."""
        assert self.commit is None, "all is settled"
        self.node = self.sure = node

    def settle(self) -> None:
        """Wait until all that was taken is kept, or lost."""
        while self.commit is not None:
            self._done(self.commit)

    def close(self) -> None:
        """Settle, and let go of the threads. The store stays open."""
        self.settle()
        if self.threads is not None:
            self.threads.shutdown()
            self.loop = self.threads = None

    def _go_on(self) -> None:
        """Begin with all that waits."""
        while self.waiting and self.commit is None:
            group, self.waiting = list(self.waiting), deque()
            records = _together(group)
            try:
                if records and self.threads is not None:
                    self.store.begin(records)
                elif records:
                    self.store.commit(records)
            except StoreError as error:
                self._undo(error, group)
                continue
            if records and self.threads is not None:
                self.group, self.commit = group, self.threads.submit(self.store.finish)
                self.commit.add_done_callback(self._tell)
            else:
                self._keep(group)

    def _tell(self, commit: Future) -> None:
        """In the store's thread: have the loop look."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._done, commit)

    def _done(self, commit: Future) -> None:
        if commit is not self.commit:
            return  # settled meanwhile
        error, group = commit.exception(), self.group
        self.commit, self.group = None, []
        if error is None:
            self._keep(group)
        elif isinstance(error, StoreError):
            self._undo(error, group)
        else:
            raise error
        self._go_on()
        if self.store.long_log and self.threads is not None and (self.folding is None or self.folding.done()):
            self.folding = self.threads.submit(self.store.fold)

    def _keep(self, group: list[Step]) -> None:
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
        self.node = self.sure
        self.lost(error, gone)


def _together(group: list[Step]) -> list[Record]:
    """The records of several steps as one's: what is kept of a partner as the last of them has it."""
    if len(group) == 1:
        return group[0].out.records
    records = [record for step in group for record in step.out.records]
    last = {record.partner: record for record in records if isinstance(record, Kept)}
    return [*(record for record in records if not isinstance(record, Kept)), *last.values()]
