"""A fault of ours in a drill: a place in the partners' half that raises what nobody foresaw, and what it may cost.

It is in what one side's gateway was given to compute with, and in nothing that sides or drills share. What becomes of
whatever meets it is the live gateway's own :class:`~detente.gateway.faults.Faults`; here it is held against what a
gateway without the fault makes of the same, less the one event, or the partner's part, that met it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from detente.gateway.faults import Faults
from detente.gateway.keeping import Keeping, Step
from detente.gateway.logic.link import Gateway, Link, Now, Out
from detente.gateway.logic.node import (
    LineDown,
    LineEvent,
    LineUp,
    Node,
    Order,
    Tick,
    ashore,
    on_lines,
    step,
    steps,
    unheard,
)
from detente.gateway.logic.packing import pack
from detente.gateway.logic.records import Snapped

PLACES = ("opening", "sealing", "applying", "remembering", "cooperating", "checking", "packing")
"""Where it is: what opens a partner's bytes; what signs ours; the centre, where partners told something, where they had
told something before, or always; the second checker; what packs the memory."""
OPENED_SHARE = 3
"""Where it comes again, of so many words of a partner's one meets it, and that one whenever it comes."""


class FlawError(Exception):
    """What nobody foresaw."""


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """A side's gateway has a fault of ours at this place, from ``start_s`` to ``end_s``: whatever comes there meets it,
    or the first alone (``once``)."""

    side: int
    place: str
    start_s: float
    end_s: float
    once: bool


class _Signer:
    """A key that may meet the fault where it signs."""

    def __init__(self, key: Ed25519PrivateKey, strike: Callable[[str], None]) -> None:
        self.key, self.strike, self.public_key = key, strike, key.public_key

    def sign(self, data: bytes) -> bytes:
        """A signature."""
        self.strike("sealing")
        return self.key.sign(data)


class _Verifier:
    """A key that may meet the fault where it verifies."""

    def __init__(self, key: Ed25519PublicKey, strike: Callable[..., None]) -> None:
        self.key, self.strike, self.public_bytes_raw = key, strike, key.public_bytes_raw

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raises InvalidSignature where it is none."""
        self.strike("opening", signature[0] % OPENED_SHARE == 0)
        self.key.verify(signature, data)


class Flawed:
    """One side's gateway with such a fault in it."""

    def __init__(self, sound: Gateway, flaw: Flaw, clock: Callable[[], float]) -> None:
        self.sound, self.flaw, self.clock = sound, flaw, clock
        self.met = 0  # how often it was met
        self.whole = True  # whether the last tick met nothing
        self.wrong: list[str] = []  # what was made of it that should not have been
        self.counts = {"faults_total": 0.0}  # of all its processes
        self.begin()
        means, keys = sound.means, cast(Mapping[str, Mapping[bytes, Ed25519PublicKey]], {
            name: {of: _Verifier(key, self.strike) for of, key in ring.items()} for name, ring in sound.keys.items()
        })  # fmt: skip
        self.gateway = replace(
            sound, keys=keys, signer=cast(Ed25519PrivateKey, _Signer(sound.signer, self.strike)),
            means=replace(means, cooperate=self._cooperate, check=self._check, pack=self._pack),
        )  # fmt: skip

    def begin(self) -> None:
        """As a process that starts: what one before met is forgotten."""
        self.faults = Faults(self.counts, self._hear)

    def strike(self, place: str, apt: bool = True) -> None:
        """Raise it where its time and place have come. ``apt``: of those that come again, whether this one meets it."""
        flaw = self.flaw
        due = place == flaw.place and flaw.start_s <= self.clock() < flaw.end_s
        if due and (not self.met if flaw.once else apt):
            self.met += 1
            raise FlawError(place)

    def _cooperate(self, centre: Any, own: Any, assisted: Any, messages: Any, *more: Any) -> Any:
        self.strike("cooperating")
        if len(messages):
            self.strike("applying")
        if assisted.partner.status.any():
            self.strike("remembering")
        return self.sound.means.cooperate(centre, own, assisted, messages, *more)

    def _check(self, *given: Any) -> Any:
        self.strike("checking")
        return self.sound.means.check(*given)

    def _pack(self, value: Any) -> bytes:
        if isinstance(value, tuple):  # a memory; else what own sensors said
            self.strike("packing")
        return self.sound.means.pack(value)

    def _hear(self, event: str, *, text: str, **_: Any) -> None:
        if event == "fault" and not text.startswith(FlawError.__name__):
            self.wrong.append(f"a fault that nobody planned: {text}")

    def batch_again(
        self, keeping: Keeping, events: Sequence[LineEvent], now: Now, error: FlawError, losses: Callable[[], int]
    ) -> list[Order]:  # fmt: skip
        """As the live gateway does; of all that came together, only what meets the fault alone may not count.

        ``losses``: how often a commit failed so far, which undoes more.
        """
        before, counted, lost = keeping.node, list[tuple[LineEvent, bool]](), losses()
        taken = cast(Sequence[tuple[LineEvent, Now]], self._watched(events, now, counted))
        refused = self.faults.batch_again(self.gateway, keeping, taken, error)
        if [one for one, _ in counted] != list(events):
            self.wrong.append(f"of {len(events)} events {len(counted)} were looked at again")
        expected = before
        for event, counts in counted:
            if counts:
                expected, _ = steps(self.sound, expected, (event,), now)
            elif isinstance(event, (LineUp, LineDown)):
                expected = on_lines(expected, (event,))
        if losses() == lost and _told(expected) != _told(keeping.node):
            self.wrong.append(f"a fault costs more than what meets it, of {[type(one).__name__ for one in events]}")
        return refused

    def _watched(
        self, events: Sequence[LineEvent], now: Now, counted: list[tuple[LineEvent, bool]]
    ) -> Iterator[tuple[LineEvent, Now]]:  # fmt: skip
        """The events one by one, noting which of them met the fault by itself."""
        for event in events:
            before = self.met
            yield event, now
            counted.append((event, self.met == before))

    def tick(self, node: Node, event: Tick, now: Now) -> Step:
        """As the live gateway does; of a tick all counts that does not meet the fault, unless the exchange waits."""
        met, still = self.met, self.faults.still
        waits = still is not None and event.index < still.next_tick
        made = self.faults.tick(self.gateway, node, event, now)
        self.whole = self.met == met and not waits
        if self.whole:
            return made
        expected, out = (ashore(node, event), Out()) if waits else self._without(node, event, now)
        same = (made.out.records, made.out.frames) == (out.records, out.frames)
        if not same or _told(made.node) != _told(expected) or pack(made.node.centre) != pack(expected.centre):
            self.wrong.append(f"a fault in {self.flaw.place} costs tick {event.index} more, or less, than meets it")
        return made

    def _without(self, node: Node, event: Tick, now: Now) -> tuple[Node, Out]:
        """A tick as a sound gateway has it, without what meets the fault: where that is everything, own half alone."""
        partners = frozenset(node.links)
        if self.flaw.once:
            return step(self.sound, node, event, now)
        if self.flaw.place == "applying":
            return step(self.sound, node, replace(event, aside=partners), now)
        if self.flaw.place in ("sealing", "checking"):
            return step(self.sound, node, replace(event, without=partners), now)
        if self.flaw.place == "remembering":
            return step(self.sound, unheard(self.sound, node), event, now)
        if self.flaw.place == "packing":  # it may be due because what partners told must be deleted
            for less in (replace(event, aside=partners), replace(event, without=partners)):
                made = step(self.sound, node, less, now)
                if not any(isinstance(record, Snapped) for record in made[1].records):
                    return made
        return ashore(node, event), Out()


def _told(node: Node) -> list[tuple]:
    """What a node knows of its partners, whatever it said to whom."""
    return [_known(link) for link in node.links.values()]


def _known(link: Link) -> tuple:
    waiting = sorted((one.epoch, one.sequence) for one in link.waiting)
    return link.kept().document, link.up, link.heard, sorted(link.pending), waiting
