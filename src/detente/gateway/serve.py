"""One side's process: its centre and gateway between a feed, a store, its partners and an operator.

One loop runs all of it, and waits for no disk (:mod:`detente.gateway.keeping`). Ticks come first, and of a tick its own
sensors' half; what partners send is read between ticks, in bounded batches that give way to a tick after each event.
Everything that decides is in :mod:`detente.gateway.logic`.
"""

import asyncio
import contextlib
import gc
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from detente.gateway import health
from detente.gateway.alone import take_up
from detente.gateway.config import read_config
from detente.gateway.faults import Faults, ended
from detente.gateway.feeds import Feeds, configured_recording
from detente.gateway.keeping import Keeping, Step
from detente.gateway.lines import Lines
from detente.gateway.logic import operator
from detente.gateway.logic.limits import LANES, Buckets, admits
from detente.gateway.logic.link import Gateway, Now, Out
from detente.gateway.logic.node import (
    Batch,
    Dropped,
    Frame,
    LineDown,
    LineEvent,
    LineUp,
    Node,
    Order,
    Tick,
    Timer,
    watch,
)
from detente.gateway.logic.records import StoreError
from detente.gateway.prepare import Ready, prepare
from detente.gateway.sqlite_store import SqliteStore
from detente.gateway.telling import early_words, shown, warning_fields
from detente.gateway.transport import listen
from detente.records.errors import InputError
from detente.records.stages import Detections, Warnings

BATCH_EVENTS_MAX = 16  # events in one batch. source: assumption, 8-512
BATCH_S = 0.005  # and no more is taken after so long. source: assumption, 1-20 ms: a dozen envelopes a commit
OWN_TURNS = 6  # of the loop, until own sensors' bytes went from socket to reader to tick. source: assumption, 4-16
QUEUE_EVENTS_MAX = 512  # events that wait; then sockets are not read. source: assumption
LOG_BYTES = 20_000_000  # of the store's log, taken at the start: more than it grows to. source: assumption, 8-64 MB
TICKS_A_PASS = 4  # source: assumption, 1-20
TIMER_S = 0.5
DEAF_S = 0.001  # between looks at a disk that is far behind
CATCH_UP_TICKS = 2000  # further behind than this, ticks without detections are skipped. source: assumption
Show = Callable[[dict[str, Any]], None]


class Server:
    """A side's running process."""

    def __init__(self, ready: Ready, show: Show) -> None:
        """Opens the store, and keeps nothing in it yet. Raises InputError where it cannot be this side's."""
        file = ready.config.file
        self.ready, self.gateway, self.clock, self.show = ready, ready.gateway, ready.clock, show
        self.counts: dict[str, float] = dict.fromkeys(
            ("ticks_total", "own_warnings_total", "assisted_warnings_total", "feed_gaps_total", "feed_faults_total",
             "feed_dropped_total", "feed_conflicts_total", "store_failures_total", "faults_total", "late_batches_total",
             "frames_without_agreement_total", "unshown_total"), 0.0
        )  # fmt: skip
        self.faults = Faults(self.counts, self._log)
        recorded = configured_recording(ready, self._log)
        self.store = SqliteStore(
            ready.config.path(file.store), file.side, epoch=int(time.time()), exercise=ready.exercise,
            bytes_max=file.store_bytes_max, log_bytes=LOG_BYTES,
        )  # fmt: skip
        try:
            node, out = self.faults.restored(self.gateway, self.store.load(), self.clock.now)
        except InputError:
            self.store.close()
            raise
        self.restored = out  # kept, and told, once nothing can refuse the start any more
        self.keeping = Keeping(self.store, node, kept=self._kept, lost=self._lost)
        self.events: asyncio.Queue[LineEvent] = asyncio.Queue(QUEUE_EVENTS_MAX)
        self.batch: Batch | None = None  # of partners' events, while it is being made
        self.taken: list[tuple[LineEvent, Now]] = []  # what it was made of
        self.feeds = Feeds(self.gateway, node.tick, self.counts, self._log, self._wake)
        self.batches = self.feeds.batches
        self.batches.update((index, part) for index, part in enumerate(recorded) if index > node.tick)
        self.dropped: Counter[str] = Counter()  # frames by partner that exceeded its rates since the last timer
        self.partners = Lines(self._on_frame, self._on_line, self._tell_line, self._own_first, self._line_ended)
        self.lines = self.partners.open
        self.news: dict[str, LineUp | LineDown] = {}  # of each line the latest, until the loop reads it
        self.asked: dict[int, asyncio.Future[str]] = {}  # by an order's identity: who waits for what becomes of it
        self.began_s = self.clock.exercise_s
        self.stopping = self.started = False
        self.hush = self.reading = False  # partners wait, because all is read anew; what they sent is being read
        self.ordering = asyncio.Lock()  # the operator's words come one after the other
        self.standing = ""  # of the agreement, as last told
        self.kept_tick = node.tick

    @property
    def node(self) -> Node:
        """What the next step is made from."""
        return self.keeping.node

    @node.setter
    def node(self, node: Node) -> None:
        self.keeping.node = node

    async def run(self) -> None:
        """Until stopped: by a signal, or at ``until_s`` of exercise time."""
        file = self.ready.config.file
        asked = health.HealthServer(self._state, self._order, self.gateway.names, self.ready.token)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._let_go)
            self.keeping.run_in(asyncio.get_running_loop())
            stack.callback(self.keeping.close)
            stack.callback((await listen(file.health, asked.client)).close)
            if file.feed.listen is not None:
                stack.callback((await listen(file.feed.listen, self.feeds.client)).close)
            stack.callback(self.partners.close)
            await self.partners.begin(self.ready)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.stop)
            gc.collect()
            gc.freeze()  # what is here now stays: no pause in a warning to look through all of it
            self.started = True
            self.keeping.owe(self.restored.records)
            self._log("started", tick=self.node.tick, store=file.store)
            self._notify(self.restored)
            self._tell_standing()
            if text := early_words(self.node.tick, self.gateway.tick_s, self.clock.exercise_s):
                self._log("notice", kind="clock", partner="", text=text)
            await self._loop(file.until_s)
            self._close()
            self.keeping.settle()
            self._log("stopped", tick=self.node.tick)

    def _let_go(self) -> None:
        """Close the store; of a start that was refused none is left behind that was not there before."""
        if self.started:
            self.store.close()
        else:
            self.store.discard()

    def _tell_standing(self) -> None:
        """Say whether the agreement is in force, when that is not what was said last."""
        said = health.agreement_document(self.gateway, self.clock.exercise_s)
        if said["standing"] != self.standing:
            self.standing = said["standing"]
            self._log("notice", kind="agreement", partner="", text=health.agreement_words(said))

    def stop(self) -> None:
        """Finish what is being done, and end."""
        self.stopping = True

    async def _loop(self, until_s: float | None) -> None:
        timer_s, events = time.monotonic(), list[LineEvent]()
        while self.hush or not (self.stopping or (until_s is not None and self.clock.exercise_s >= until_s)):
            await self._own_turn()
            full = self.keeping.full  # the disk is far behind: partners wait, own sensors do not
            wait_s = min(self._tick_in_s(), max(0.0, timer_s - time.monotonic()))
            if not (full or self.hush or events):
                events = await self._first(wait_s)
            for _ in range(TICKS_A_PASS):  # one that is behind catches up, but not deaf to its partners
                if not self._due(full):
                    break
                self._tick()
                await asyncio.sleep(0)
            if full or self.hush:
                await asyncio.sleep(DEAF_S)
                continue
            if time.monotonic() >= timer_s:
                timer = Timer(crowded=self.store.crowded)
                events += [timer, *(Dropped(partner=one, frames=many) for one, many in self.dropped.items())]
                self.dropped.clear()
                self._tell_standing()
                timer_s = time.monotonic() + TIMER_S
            events = [*self._line_news(), *events]
            if events:
                self.reading = True
                await self._read(events)
                self.reading, events = False, []

    def _line_news(self) -> list[LineEvent]:
        """The latest of each line since it was last asked: a state, which waits behind nobody's frames."""
        news, self.news = self.news, {}
        return [event for partner, event in news.items() if partner in self.node.links]

    def _wake(self) -> None:
        """Have the loop look at what came otherwise than as an event."""
        if self.events.empty():
            self.events.put_nowait(Timer())

    async def _first(self, most_s: float) -> list[LineEvent]:
        """The event that comes next, if one does for so long."""
        if not self.events.empty():
            return [self.events.get_nowait()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(most_s, 0.0)):
                return [await self.events.get()]
        return []

    async def _read(self, events: list[LineEvent]) -> None:
        """These events and those that wait behind them, in one batch; after each, own sensors may speak.

        Once a tick is due no more are taken, and the batch is left as it is: the tick's own half comes first.
        """
        for event in events:
            self._take(event)
        end_s = time.monotonic() + BATCH_S
        for _ in range(BATCH_EVENTS_MAX - len(events)):
            if self.events.empty() or time.monotonic() > end_s:
                break
            await asyncio.sleep(0)
            await self._own_turn()
            if self._due(False):
                return
            self._take(self.events.get_nowait())
        self._close()

    async def _own_turn(self) -> None:
        """Where own sensors' bytes wait in a socket, no partner's are read until it has been emptied."""
        if self.feeds.unread:
            for _ in range(OWN_TURNS):
                await asyncio.sleep(0)
                if self._due(False):
                    return

    async def _own_first(self) -> None:
        """Before more of a partner's bytes are looked at: own sensors' that wait, and a tick that is due."""
        for _ in range(OWN_TURNS):
            if not (self.feeds.unread or self._due(False)):
                return
            await asyncio.sleep(0)

    def _take(self, event: LineEvent) -> None:
        """One event, into the batch that is being made."""
        if self.batch is None:
            self.batch = Batch(self.gateway, self.node)
        now = self.clock.now
        self.taken.append((event, now))
        try:
            self.batch.take(event, now)
        except Exception as error:  # a fault of ours, which own warnings outlive, and all that did not meet it
            self._again(error)

    def _close(self) -> None:
        """End the batch that is being made: one commit, then what it sends."""
        if self.batch is None:
            return
        try:
            made = ended(self.batch, self.clock.now)
        except Exception as error:  # likewise
            self._again(error)
        else:
            self.batch, self.taken = None, []
            self.keeping.take(made)

    def _again(self, error: Exception) -> None:
        """Run the batch that met a fault again, event by event: what meets it does not count, the rest does."""
        taken, self.batch, self.taken = self.taken, None, []
        refused = self.faults.batch_again(self.gateway, self.keeping, taken, error)
        self._answer(refused, health.ORDER_FAULT)

    def _run(self, events: Iterable[LineEvent]) -> None:
        """Events that wait for nothing: a batch of their own, or the end of the one that is being made."""
        for event in events:
            self._take(event)
        self._close()

    def _kept(self, step: Step) -> None:
        """What was kept counts, and may be said."""
        if step.tick is not None and step.node.durable:  # of others own half alone counts, and it is not on disk
            self.kept_tick = step.tick.index
            self.counts["ticks_total"] += 1
            self._warn("assisted", Warnings.empty() if self.gateway.alone else step.out.warnings)
            self.feeds.acknowledge(self.kept_tick)
        self._say(step.out)
        self._answer(step.orders, "")

    def _lost(self, error: StoreError, gone: list[Step]) -> None:
        """Nothing of these steps counts, nor of a batch that was begun after them; but a line that came or went did so
        all the same."""
        if not self.counts["store_failures_total"]:
            self._log("store", text=f"nothing can be kept, nothing is exchanged; own warnings go on: {error}")
        self.counts["store_failures_total"] += 1
        self._give_up(str(error))
        for one in gone:
            self._answer(one.orders, f"it could not be kept, and does not count: {error}")

    def _give_up(self, why: str) -> None:
        """Nothing of the batch that is being made counts, but that lines came and went."""
        batch, self.batch, self.taken = self.batch, None, []
        if batch is not None:
            self.keeping.hear_lines(batch.lines)
            self._answer(batch.orders, f"it could not be kept, and does not count: {why}")

    def _answer(self, orders: Iterable[Order], text: str) -> None:
        """Tell the operator what became of words of theirs."""
        for order in orders:
            asked = self.asked.pop(id(order), None)
            if asked is not None and not asked.done():
                asked.set_result(text)

    def _due(self, deaf: bool) -> bool:
        """Whether the next tick is to be run now: when its time has come, whatever the disk does (``deaf``: it is far
        behind). Old ticks that are caught up with wait for the disk, because steps that wait for it take room."""
        grace_s = self.ready.config.file.feed.grace_s
        old = self.clock.exercise_s > (self.node.tick + 3) * self.gateway.tick_s + grace_s
        return self._tick_in_s() <= 0.0 and not (deaf and old)

    def _tick_in_s(self) -> float:
        """Seconds until the next tick: when its detections are there, or have been waited for long enough."""
        index = self.node.tick + 1
        if self.ready.config.file.feed.file is None:
            if index in self.batches:
                return 0.0
            grace_s = self.ready.config.file.feed.grace_s
        else:
            grace_s = 0.0
        over_s = max((index + 1) * self.gateway.tick_s, self.began_s) + grace_s
        return (over_s - self.clock.exercise_s) / self.clock.rate

    def _tick(self) -> None:
        """The next tick: own half first, shown at once; then what came before it, then the partners' half."""
        index = self.node.tick + 1
        behind = int(self.clock.exercise_s // self.gateway.tick_s) - index
        if behind > CATCH_UP_TICKS and index not in self.batches:
            ahead = [tick for tick in self.batches if tick >= index]
            index = min([*ahead, index + behind - 1])
            self._close()
            self.node = replace(self.node, durable=False)
        detections = self.feeds.take(index)
        if detections is None:
            self.counts["feed_gaps_total"] += self.ready.config.file.feed.file is None
            detections = Detections.empty()
        own, warnings = watch(self.gateway, self.node, index, detections)
        self._warn("own", warnings)
        self._close()
        event, now = Tick(index=index, detections=detections, own=own), self.clock.now
        if self.keeping.read is not None:
            self.keeping.go_ashore(event)
            return
        self.keeping.take(self.faults.tick(self.gateway, self.node, event, now))

    def _say(self, out: Out) -> None:
        for partner, lane, data in self.gateway.leaving(out.frames, self.clock.exercise_s):
            line = self.lines.get(partner)
            if line is not None:
                line.send(int(lane), data)
        self._notify(out)

    def _notify(self, out: Out) -> None:
        for notice in out.notices:
            self._log("notice", kind=notice.kind, partner=notice.partner, text=notice.text)

    def _warn(self, stream: str, warnings: Warnings) -> None:
        names = self.gateway.names
        self.counts[f"{stream}_warnings_total"] += len(warnings)
        for row in range(len(warnings)):
            self._log("warning", stream=stream, **warning_fields(warnings, row, names))

    def _log(self, event: str, **fields: Any) -> None:
        said = {"event": event, **health.marks(self.gateway), "exercise_s": round(self.clock.exercise_s, 3), **fields}
        try:
            self.show(said)
        except OSError:  # its disk is full, or whoever reads it is gone: nothing else depends on it
            self.counts["unshown_total"] += 1

    def _on_frame(self, partner: str):
        buckets: Buckets = {}

        async def take(lane: int, data: bytes) -> None:
            if partner not in self.node.links:  # under no agreement nothing of anybody's is read
                self.counts["frames_without_agreement_total"] += 1
            elif lane in LANES and admits(buckets, self.gateway.limits, lane, len(data), time.monotonic()):
                await self.events.put(Frame(partner=partner, lane=lane, data=data, admitted=True))
            else:  # a flood ends here: nothing of it waits, and nothing waits for it
                self.dropped[partner] += 1

        return take

    def _on_line(self, partner: str):
        def take(up: bool) -> None:
            if partner in self.node.links:
                self.news[partner] = LineUp(partner=partner) if up else LineDown(partner=partner)
                self._wake()

        return take

    def _tell_line(self, partner: str):
        def tell(up: bool, why: str) -> None:
            self._log("line", partner=partner, up=up, **({"text": why} if why else {}))

        return tell

    def _line_ended(self, partner: str, running: asyncio.Task) -> None:
        """A line that nothing here will mend: told, and own warnings go on."""
        if not running.cancelled() and running.exception() is not None:
            self._log("notice", kind="line-ended", partner=partner, text=str(running.exception()))

    async def _order(self, word: str, partner: str) -> str:
        """An operator's word, until it is kept; why it cannot be followed, or nothing."""
        if word == "reload":
            async with self.ordering:
                refusal = await self._reload()
            return refusal or await self._follow()
        async with self.ordering:
            if partner not in self.node.links:
                return f"{partner} is no partner" + (" of a side that runs alone" if self.gateway.alone else "")
            self._close()
            if why := operator.idle(self.gateway, self.node.links[partner], word):
                return why
            order = Order(word=word, partner=partner)
            answer = self.asked[id(order)] = asyncio.get_running_loop().create_future()
            self._run([order])
        return await answer or health.Done(operator.effect(self.gateway, partner, word))

    async def _reload(self) -> str:
        """Read the configuration again: new and revoked signing keys, new certificates, a renewed agreement.

        Partners wait until it is done. Own sensors do not: a store that holds much takes seconds to read.
        """
        path = self.ready.config.folder / self.ready.config.located.file.rpartition("/")[2]
        try:
            ready = await asyncio.to_thread(lambda: prepare(read_config(path, alone=self.gateway.alone), self.clock))
            self.hush = True
            while self.reading:
                await asyncio.sleep(DEAF_S)
            self._close()
            while self.keeping.group:
                await asyncio.sleep(DEAF_S)
            if not self.node.durable:
                return health.UNKEPT["start" if self.node.adrift else "tick" if self.faults.still else "disk"]
            self.store.refuse_other({"side": ready.gateway.name, **ready.exercise})
            self.partners.renew(ready)
            await self.keeping.read_anew(partial(self._restored, ready, (self.gateway, self.node)))
        except InputError as error:
            return str(error)
        except StoreError as error:
            self._lost(error, [])
            return str(error)
        except Exception as error:  # likewise
            self.faults.meet(error, "the reload does not count")
            return health.ORDER_FAULT
        finally:
            self.hush = False
        self._renewed(ready)
        return ""

    def _restored(self, ready: Ready, live: tuple[Gateway, Node]) -> Node:
        """The state under another configuration, kept. In a thread: it reads all of the store."""
        node, out = take_up(ready.gateway, self.store.load(), self.clock.now, live)
        self.store.commit(out.records)
        self.restored = out
        return node

    def _renewed(self, ready: Ready) -> None:
        """Go on under another configuration."""
        self.ready, self.gateway = ready, ready.gateway
        self.dropped.clear()
        self._log("reloaded", agreement=ready.gateway.digest[:16] if ready.gateway.partners else None)
        self._notify(self.restored)
        self._tell_standing()
        up = [name for name, line in self.lines.items() if line.writer is not None]
        self._run([LineUp(partner=name) for name in up if name in self.node.links])

    async def _follow(self) -> str:
        """Have lines to the partners that there are now; why one cannot be, or nothing."""
        try:
            await self.partners.follow(self.ready)
        except InputError as error:
            return f"all but this is as the configuration says: {error}"
        return ""

    def _state(self) -> tuple[Node, dict[str, float], dict[str, Any]]:
        node = self.keeping.sure
        document = health.health_document(self.gateway, node, self.clock.exercise_s, feeds=len(self.feeds.writers))
        document["fault"] = self.faults.document
        counts = {**self.counts, "tick": float(node.tick), "exercise_seconds": self.clock.exercise_s,
                  "alone": float(self.gateway.alone), "durable": float(node.durable),
                  "calls_refused_total": float(self.partners.refused)}  # fmt: skip
        return node, counts, document


def serve(ready: Ready) -> None:
    """Run a side's process until it is stopped; what it tells goes to standard output."""
    with shown() as show:
        asyncio.run(Server(ready, show).run())
