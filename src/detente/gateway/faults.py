"""Faults of ours that something of a partner's brings about: whose it is, what goes on without it, how it is told.

Nobody foresaw them, so all that is known of them is whether they come again. What met one is run again on the state
before it, one partner's part at a time: whatever meets one by itself is put aside, and all the rest counts.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from detente.gateway.alone import take_up
from detente.gateway.keeping import Keeping, Step
from detente.gateway.logic.link import Gateway, Now, Out
from detente.gateway.logic.node import (
    Batch,
    LineDown,
    LineEvent,
    LineUp,
    Node,
    Order,
    Tick,
    Timer,
    ashore,
    on_lines,
    step,
    unheard,
)
from detente.gateway.logic.records import Saved
from detente.records.errors import InputError

FRAMES_TOLD = 3  # of a fault's traceback
TEXT_MAX = 2000  # characters of one, which may be made of a partner's bytes. source: assumption, 500-10,000
TRIES, WAIT_TICKS_MAX = 3, 12
"""A tick's exchange that meets a fault whoever takes part is tried again in the next tick, so many times; then after 2,
4, 8 ticks and so on up to so many. source: assumption, 1-10 and 4-60: a minute, and little work for nothing."""
STOPPED = "exchange_stopped"  # among the counts: 1 while no tick exchanges anything, else 0
Taken = Sequence[tuple[LineEvent, Now]]
"""Events of a batch, each with its moment."""


@dataclass(frozen=True, kw_only=True)
class Standstill:
    """That ticks exchange nothing, because a fault comes back whoever takes part: for people."""

    since_tick: int
    tries: int
    next_tick: int  # at which it is tried again
    text: str  # the fault


class Faults:
    """What becomes of what met a fault; each is counted, and told seldom where somebody brings it about at will."""

    def __init__(self, counts: dict[str, float], log: Callable[..., None]) -> None:
        """``counts`` has all of them as ``faults_total``; ``log`` is told of some."""
        self.counts, self.log = counts, log
        self.met: Counter[tuple[str, str]] = Counter()  # by partner and place in the source: so many there are
        self.still: Standstill | None = None
        counts[STOPPED] = 0.0

    @property
    def document(self) -> dict[str, Any] | None:
        """Why nothing is exchanged, for health; None where no fault keeps it."""
        return None if self.still is None else asdict(self.still)

    def meet(self, error: Exception, cost: str, partner: str = "") -> None:
        """Count a fault; tell of the first at its place, the tenth, the hundredth, and so on, and what it ``cost``."""
        self.counts["faults_total"] += 1
        raised = traceback.extract_tb(error.__traceback__)[-1:]
        place = "".join(f"{one.filename}:{one.lineno}" for one in raised)
        self.met[partner, place] += 1
        times = self.met[partner, place]
        if times != 10 ** (len(str(times)) - 1):
            return
        where = "".join(traceback.format_exception(error, limit=-FRAMES_TOLD))
        text = f"{f'{type(error).__name__}: {error}'[:TEXT_MAX]}; {cost}; own warnings go on"
        whose: dict[str, Any] = {"partner": partner} if partner else {}
        self.log("fault", **whose, times=times, text=text, where=where[:TEXT_MAX])

    def restored(self, gateway: Gateway, saved: Saved, now: Now) -> tuple[Node, Out]:
        """The state that a store holds, or as much of it as meets no fault: own half always comes back.

        Raises what that meets.
        """
        try:
            return take_up(gateway, saved, now)
        except InputError:
            raise
        except Exception as error:
            fault = error
        try:
            made, cost = take_up(gateway, saved, now, part="unheard"), "what partners told before is forgotten"
        except Exception:  # it is not in what they told
            made = take_up(gateway, saved, now, part="own")
            cost = "nothing is exchanged until the next start"
        self.meet(fault, cost)
        return made

    def batch_again(self, gateway: Gateway, keeping: Keeping, taken: Taken, error: Exception) -> list[Order]:
        """Have kept what a batch that met a fault was made of, but for the events that meet it alone; the operator's
        words among these. It costs no more than the batch did, and a receipt and a document for each event."""
        refused, found = [], False
        for partner, event, now in _apart(taken, keeping.node):
            made, fault = _stepped(gateway, keeping.node, event, now)
            keeping.take(made)
            if fault is not None:
                found = True
                self.meet(fault, f"this {type(event).__name__} of {partner} does not count", partner)
                refused += [event] if isinstance(event, Order) else []
        if not found:
            self.meet(error, "nothing is lost")
        return refused

    def tick(self, gateway: Gateway, node: Node, event: Tick, now: Now) -> Step:
        """What a tick comes to, whatever it meets; its own half alone where the exchange stands still and waits."""
        if self.still is not None and event.index < self.still.next_tick:
            return _own_half(node, event)
        try:
            after, out = step(gateway, node, event, now)
        except Exception as error:  # a fault of ours, which own warnings outlive
            return self._tick_again(gateway, node, event, now, error)
        self._goes_on(event.index)
        return Step(node=after, out=out, tick=event)

    def _stands(self, index: int, error: Exception) -> None:
        """No tick exchanges anything; it is tried again by itself."""
        was = self.still
        tries = 1 if was is None else was.tries + 1
        wait = min(2 ** max(0, tries - TRIES), WAIT_TICKS_MAX)
        text = f"{type(error).__name__}: {error}"[:TEXT_MAX]
        since = index if was is None else was.since_tick
        self.still = Standstill(since_tick=since, tries=tries, next_tick=index + wait, text=text)
        self.counts[STOPPED] = 1.0
        cost = (
            f"nothing is exchanged, and no tick kept, since tick {since}: it is tried again by itself, at the latest "
            f"after {WAIT_TICKS_MAX} ticks; if that does not help, see docs/live.md, Faults of ours"
        )
        self.meet(error, cost)

    def _goes_on(self, index: int) -> None:
        """A tick has come to something again."""
        if self.still is not None:
            ticks, fault = index - self.still.since_tick, self.still.text
            text = f"ticks are kept and the exchange goes on, after {ticks} ticks without: {fault}"
            self.still, self.counts[STOPPED] = None, 0.0
            self.log("notice", kind="fault", partner="", text=text)

    def _tick_again(self, gateway: Gateway, node: Node, event: Tick, now: Now, error: Exception) -> Step:
        """A tick that met a fault: without what meets it, or, as where nothing can be kept, its own half alone.

        It is run at most once more and twice for each partner, and all that again with a picture begun anew.
        """
        anew = False
        try:
            made, event = _parted(gateway, node, event, now)
        except Exception:  # whatever partners tell now: it lies in what they told before, or is not theirs
            anew = True
            try:
                made, event = _parted(gateway, unheard(gateway, node), event, now)
            except Exception:
                self._stands(event.index, error)
                return _own_half(node, event)
        self._goes_on(event.index)
        if anew:
            self.meet(error, "what partners told before is forgotten, the picture begun anew")
        for name in sorted(event.aside):
            waited = len(node.links[name].waiting)
            self.meet(error, f"what {name} told and waited, {waited} envelopes, is set aside, not applied", name)
        for name in sorted(event.without):
            self.meet(error, f"{name} has no part in this tick", name)
        if not (anew or event.aside or event.without):
            self.meet(error, "nothing is lost")
        return Step(node=made[0], out=made[1], tick=event)


def _own_half(node: Node, event: Tick) -> Step:
    """A tick of which own sensors' half counts alone, and nothing is kept."""
    return Step(node=ashore(node, event), out=Out(), tick=event)


def ended(batch: Batch, now: Now) -> Step:
    """What a batch comes to."""
    node, out = batch.end(now)
    return Step(node=node, out=out, lines=tuple(batch.lines), orders=tuple(batch.orders))


def _apart(taken: Taken, node: Node) -> Iterable[tuple[str, LineEvent, Now]]:
    """Events of one partner each; what concerns all partners once for each."""
    for event, now in taken:
        if isinstance(event, Timer) and not event.partner:
            for name in node.links:
                yield name, replace(event, partner=name), now
        else:
            yield event.partner, event, now


def _stepped(gateway: Gateway, node: Node, event: LineEvent, now: Now) -> tuple[Step, Exception | None]:
    """A batch of one event. Where that meets a fault: the fault, and a step with only what is true all the same."""
    batch = Batch(gateway, node)
    try:
        batch.take(event, now)
        return ended(batch, now), None
    except Exception as error:
        fault, lines = error, (event,) if isinstance(event, (LineUp, LineDown)) else ()
    try:
        return Step(node=on_lines(node, lines), out=Out(), lines=lines), fault
    except Exception:  # not even that can be made of it
        return Step(node=node, out=Out()), fault


def _parted(gateway: Gateway, node: Node, event: Tick, now: Now) -> tuple[tuple[Node, Out], Tick]:
    """What a tick comes to where each partner has as much part in it as meets no fault: all, or that what it told is
    set aside, or none; and the tick that says so. Raises what is met where nobody has a part in it.
    """
    event = replace(event, without=frozenset(node.links))
    made = step(gateway, node, event, now)
    for name in node.links:
        without = event.without - {name}
        for aside in (event.aside, event.aside | {name}):
            trial = replace(event, without=without, aside=aside)
            try:
                made, event = step(gateway, node, trial, now), trial
                break
            except Exception:  # the same again, or another: the next trial is without it
                continue
    return made, event
