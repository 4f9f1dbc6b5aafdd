"""What a gateway remembers about one partner, and what it makes of each change: state only, no line and no disk.

A :class:`Link` is treated as a value: a step works on a :meth:`Link.copied` and either becomes the new state, once its
records are kept, or is forgotten.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from detente.centre.exchange.dsse import envelope_digest
from detente.centre.exchange.ledger import EMPTY_HEAD, EntryKind, Head, Tip, head_fields, head_of
from detente.centre.exchange.message import Mark
from detente.centre.exchange.offsets import Secret
from detente.centre.exchange.rules import Rules
from detente.centre.exchange.second_check import Setting, check
from detente.centre.exchange.session import Event, Session, State, advance, broken, hear, say
from detente.centre.exchange.statement import Acknowledgement, Address
from detente.centre.step import Centre, cooperate, let_go, observe
from detente.gateway.logic.closings import Closings
from detente.gateway.logic.limits import Buckets, Lane, Limits
from detente.gateway.logic.packing import pack, unpack
from detente.gateway.logic.records import Accepted, Kept, Logged, Record, Sworn
from detente.records.stages import Messages, Warnings

HEADS_KEPT = 1024  # own ledger heads that a partner's countersignature is compared with
KNOWN_KEPT = 512  # digests of envelopes received lately: the same bytes again are not opened again
REFUSED_KEPT = 256  # digests of refused bytes, or of why, so that the same make one ledger entry
FORMER_KEPT = 8  # agreements of before, under which what waits to be applied may have come
SPOKEN_KEPT = 64  # moments of notes written lately: a partner echoes one of the last few
COPIED = "pending", "closings", "sent", "beyond", "heads", "buckets", "counts", "known", "refused", "announced"
"""What of a link changes in place: a copy has its own."""

NEVER_S = -1e18

Standing = Literal["not-yet", "in-force", "over"]
"""Of an agreement, at a moment of exercise time."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, kw_only=True)
class Now:
    """The moment of an event, by our own clocks. ``wall_s`` is what we state; it orders nothing, and times nothing but
    how a partner's clock differs from it."""

    steady_s: float
    exercise_s: float  # since the origin; as steady while a process lives, set by the wall clock when it starts
    wall_s: float  # exercise seconds since the origin, as our wall clock has them
    rate: float = 1.0  # exercise seconds that pass in one of the steady clock's


@dataclass(frozen=True, kw_only=True)
class Means:
    """The pure functions that a gateway computes with. Drills give it ones that remember what they answered."""

    observe: Callable = observe
    cooperate: Callable = cooperate
    let_go: Callable = let_go
    check: Callable = check
    pack: Callable = pack
    unpack: Callable = unpack


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """What one side's gateway is set up with. A new one takes its place when keys or the agreement change."""

    centre: Centre
    names: tuple[str, ...]  # of all sides, in index order
    mark: Mark
    origin: str  # the moment from which exercise times count, as envelopes state it
    tick_s: float
    digest: str  # of the agreement
    rules: Rules
    setting: Setting  # what the second checker reads
    sensors_of: tuple[int, ...]  # bit mask of each side's sensors
    signer: Ed25519PrivateKey
    keys: Mapping[str, Mapping[bytes, Ed25519PublicKey]]  # each partner's, by key id
    secret: Secret  # keys the offsets that coarsen
    limits: Limits = field(default_factory=Limits)
    means: Means = field(default_factory=Means)
    alone: bool = False  # by its operator's word: no partner is heard or told anything, whatever was agreed

    @property
    def name(self) -> str:
        """Of the side whose gateway this is."""
        return self.names[self.centre.side]

    @property
    def partners(self) -> tuple[str, ...]:
        """The other parties to the agreement."""
        agreement = self.setting.agreement
        parties = () if agreement is None else agreement.parties
        return tuple(name for name in self.names if name in parties and name != self.name)

    def standing(self, exercise_s: float) -> Standing:
        """Of the agreement, at a moment of exercise time."""
        if exercise_s >= self.rules.end_s:
            return "over"
        return "not-yet" if exercise_s < self.rules.start_s else "in-force"

    def leaving(self, frames: Iterable[tuple[str, Lane, bytes]], exercise_s: float) -> list[tuple[str, Lane, bytes]]:
        """Those that may leave at this moment: the disk may have taken longer to keep them than the agreement lasts."""
        in_force = self.standing(exercise_s) == "in-force"
        return [frame for frame in frames if in_force or frame[1] is Lane.NOTE]


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something an operator may want to know."""

    kind: str
    partner: str
    text: str


@dataclass(kw_only=True)
class Out:
    """What a step wants done, in this order: records kept together, frames sent, notices shown."""

    records: list[Record] = field(default_factory=list)
    frames: list[tuple[str, Lane, bytes]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    warnings: Warnings = field(default_factory=Warnings.empty)  # of the assisted stream
    changed: set[str] = field(default_factory=set)  # partners of whom something must be kept that no record tells


@dataclass(frozen=True, kw_only=True)
class Pending:
    """An envelope in the outbox."""

    sequence: int
    lane: Lane
    tick: int
    envelope: bytes
    digest: bytes
    keys: tuple[tuple[int, int], ...] = ()
    sent: bool = False  # or may have been, by the process before this one


class Sent(NamedTuple):
    """When an envelope, or the notice in its place, was last sent, and how long its receipt is waited for."""

    at_s: float
    wait_s: float


@dataclass(frozen=True, kw_only=True)
class Had:
    """Something received, or known never to come, that waits for its turn in the ledger."""

    sequence: int
    kind: EntryKind
    digest: bytes
    stated_s: float

    @cached_property
    def row(self) -> str:
        """As :meth:`Link.kept` has it: of a thousand that wait most are the same from one step to the next."""
        return _encode([self.sequence, int(self.kind), self.digest.hex(), self.stated_s])


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """An opened envelope that the next tick will apply."""

    epoch: int
    sequence: int
    lane: Lane
    digest: bytes
    messages: Messages
    size: int  # of the envelope, bytes


@dataclass(frozen=True, kw_only=True)
class Skew:
    """How a partner's clock differs from ours, from the exchange of notes (as in NTP, RFC 5905, section 8)."""

    heard_stated_s: float = NEVER_S  # its clock when it sent the last note
    heard_at_s: float = NEVER_S  # ours when that came
    offset_s: float = 0.0  # its clock less ours
    delay_s: float = float("inf")  # round trip of the sample that said so; ``offset_s`` is right to half of it
    samples: int = 0
    steps: int = 0  # times that it, or ours, jumped


@dataclass(kw_only=True)
class Link:
    """All about one partner."""

    session: Session
    epoch: int  # ours
    boots: int = 0  # how often we started with this store
    up: bool = False  # there is a line
    heard: bool = False  # their hello came on this line
    told: bool = False  # our last hello said that we heard theirs
    deaf: bool = False  # they greet again on this line, as one that does not hear us: until they do, notes alone go
    greet_s: float = 0.0  # since our last note until we greet again, while they are not heard
    agreed: bool = False  # both named this agreement
    former: tuple[str, ...] = ()  # digests of the agreements before it, the latest last
    standing: Standing = "in-force"  # of this agreement, by our exercise clock at the last event
    paused_here: bool = False
    paused_there: bool = False
    withdrawn: bool = False  # by either
    quarantined: bool = False
    crowded: bool = False  # our store has no more room for what it sends
    pardon: bool = False  # the operator believes it again: the next tick forgets what spoke against it
    announced: dict[str, float] = field(default_factory=dict)  # words that take effect at this exercise_s, after notice
    notes: int = 0  # written since we started
    note_seen: int = -1  # the highest number of their notes
    newest: tuple[int, int] = (-1, 0)  # number of their newest note or receipt; entries of their ledger, as that said
    forked: str = ""  # how they denied what they had said in this epoch: then nothing of it counts any more
    next_sequence: int = 0
    pending: dict[int, Pending] = field(default_factory=dict)
    closings: Closings = field(default_factory=Closings)  # given up, and the partner has not heard of it yet
    sent: dict[int, Sent] = field(default_factory=dict)  # by sequence, of what waits for its receipt on this line
    partner_epoch: int = -1
    below: int = 0  # every sequence before this was received or closed
    beyond: dict[int, Had] = field(default_factory=dict)
    ends: bool = False  # the partner has begun a new epoch, and what is missing of this one will never come
    waiting: tuple[Waiting, ...] = ()
    waiting_rows: int = 0  # of all that wait, messages
    waiting_bytes: int = 0
    arrivals: tuple[tuple[int, int, float], ...] = ()  # (lane, sequence, steady_s) of the latest
    known: dict[bytes, int] = field(default_factory=dict)  # sequences received lately by digest, oldest first
    owed: tuple[Acknowledgement, ...] = ()  # to be receipted
    spoke_s: float = NEVER_S  # our last note
    spoken: tuple[tuple[float, float], ...] = ()  # (wall_s as stated, steady_s) of our latest notes
    tip: Tip = field(default_factory=Tip)
    heads: dict[int, bytes] = field(default_factory=dict)  # size → root of our recent heads
    partner_head: Head = EMPTY_HEAD  # of its ledger, as last seen
    testified: tuple[int, int] = (0, 0)  # sizes of its head and ours in its latest word that is kept, or held to be
    testimony: bytes = b""  # that word, until it is kept
    skew: Skew = field(default_factory=Skew)
    buckets: Buckets = field(default_factory=dict)
    refused: dict[bytes, None] = field(default_factory=dict)  # digests of the latest, or of why, oldest first
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def partner(self) -> str:
        """Its name."""
        return self.session.partner

    @property
    def note_number(self) -> int:
        """Number of the next note: greater than any we wrote before, restarts included."""
        return (self.boots << 32) + self.notes

    @property
    def outbox_bytes(self) -> int:
        """What waits for the partner."""
        return sum(len(one.envelope) for one in self.pending.values())

    @property
    def base(self) -> int:
        """The lowest sequence that the partner is not known to hold."""
        return min(min(self.pending, default=self.next_sequence), self.closings.lowest(self.next_sequence))

    def copied(self) -> "Link":
        """Another link with the same content, for a step to work on."""
        other = object.__new__(Link)
        held = other.__dict__
        held.update(self.__dict__)
        for name in COPIED:
            held[name] = held[name].copy()
        return other

    def see_head(self, head: Head) -> None:
        """Remember the partner's newest head, to countersign it."""
        if head.size > self.partner_head.size:
            self.partner_head = head

    def news(self, digest: bytes) -> bool:
        """Whether this refusal is not one of the latest again; from now on it is."""
        if digest in self.refused:
            return False
        self.refused[digest] = None
        if len(self.refused) > REFUSED_KEPT:
            del self.refused[next(iter(self.refused))]
        return True

    def witness(self, word: bytes, said: Address) -> None:
        """Hold a sound word, to be kept with what is kept next: its heads prove to others where both ledgers stood.

        Never one older than that which is kept: played again it would take its place.
        """
        sizes = (said.head.size, said.seen.size)
        if sizes >= self.testified and self.bears_out(said.seen):
            self.testified, self.testimony = sizes, word

    def bears_out(self, seen: Head) -> bool:
        """True where we know that our ledger had this head: another, kept, might be held against us."""
        return seen == EMPTY_HEAD or self.heads.get(seen.size) == seen.root

    def keep(self, out: Out) -> None:
        """Have what must outlive us kept with this step, and what the partner testified with it."""
        if self.testimony:
            out.records.append(Sworn(partner=self.partner, kind="latest", word=self.testimony))
            self.testimony = b""
        out.records.append(self.kept())

    def wait_too(self, one: Waiting) -> None:
        """One more waits for the next tick."""
        self.waiting = (*self.waiting, one)
        self.waiting_rows += len(one.messages)
        self.waiting_bytes += one.size

    def wait_on(self, those: tuple[Waiting, ...]) -> None:
        """These wait, and no others: after a tick, or a restart."""
        self.waiting = those
        self.waiting_rows = sum(len(one.messages) for one in those)
        self.waiting_bytes = sum(one.size for one in those)

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter."""
        self.counts[name] = self.counts.get(name, 0) + amount

    def log(
        self, out: Out, kind: EntryKind, digest: bytes, now: Now, *, stated_s: float | None = None, epoch: int = -1,
        sequence: int = 0,
    ) -> None:  # fmt: skip
        """Append to the ledger kept with this partner."""
        self.tip, entry = self.tip.append(
            kind, digest, written_s=now.wall_s, stated_s=now.wall_s if stated_s is None else stated_s,
            epoch=self.epoch if epoch < 0 else epoch, sequence=sequence,
        )  # fmt: skip
        self.heads[self.tip.size] = self.tip.head.root
        while len(self.heads) > HEADS_KEPT:
            del self.heads[next(iter(self.heads))]
        out.records.append(Logged(partner=self.partner, entry=entry))

    def settle(self) -> None:
        """Bring the session to where the agreement, the line and both sides' words say it should be, by legal moves."""
        if self.standing == "over":
            if self.session.state is not State.ENDED:
                self.session = advance(self.session, Event.END)
            return
        if not (self.up and self.heard):
            self.session = broken(self.session)
            return
        for event in self._moves(self.session.own, self.paused_here):
            self.session = say(self.session, event)
        for event in self._moves(self.session.theirs, self.paused_there):
            self.session = hear(self.session, event, self.session.agreement)

    def _moves(self, standing: State, paused: bool) -> list[Event]:
        """What a side says to get from where it stands to where it wants to be; it opens nothing before its time."""
        events = _towards(standing, paused, self.withdrawn)
        return [event for event in events if event is not Event.OPEN or self.standing == "in-force"]

    @property
    def accepting(self) -> bool:
        """True while the outbox takes envelopes: agreed, in force, stopped by nobody's word; a broken line does not."""
        stopped = self.paused_here or self.paused_there or self.withdrawn
        return self.agreed and self.standing == "in-force" and not stopped

    def kept(self) -> Kept:
        """What must outlive us, as a document."""
        document: dict[str, Any] = {
            "agreed": self.agreed, "agreement": self.session.agreement, "former": self.former, "boots": self.boots,
            "paused_here": self.paused_here, "paused_there": self.paused_there, "withdrawn": self.withdrawn,
            "quarantined": self.quarantined, "pardon": self.pardon, "announced": self.announced,
            "note_seen": self.note_seen, "newest": self.newest, "forked": self.forked,
            "next_sequence": self.next_sequence, "partner_epoch": self.partner_epoch, "below": self.below,
            "tip": [self.tip.size, [peak.hex() for peak in self.tip.peaks], self.tip.last.hex()],
            "partner_head": head_fields(self.partner_head), "testified": self.testified, "counts": self.counts,
        }  # fmt: skip
        rows = ",".join(had.row for had in self.beyond.values())
        return Kept(partner=self.partner, document=f'{_encode(document)[:-1]},"beyond":[{rows}]}}')


def _towards(standing: State, paused: bool, withdrawn: bool) -> list[Event]:
    """What a side says to get from where it stands to where it wants to be, once both have greeted."""
    if standing in (State.WITHDRAWN, State.ENDED):
        return []
    said = [Event.HELLO, Event.AGREE] if standing is State.CLOSED else []
    if withdrawn:
        return [*said, Event.WITHDRAW]
    if paused:
        return [] if standing is State.SUSPENDED else [*said, Event.SUSPEND]
    if standing is State.SUSPENDED:
        return [Event.RESUME, Event.OPEN]
    return [] if standing is State.EXCHANGING else [*said, Event.OPEN]


def pending_of(one: Accepted) -> Pending:
    """What waited in the outbox of a store, and may have been sent before."""
    return Pending(
        sequence=one.sequence, lane=Lane(one.lane), tick=one.tick, envelope=one.envelope,
        digest=envelope_digest(one.envelope), keys=one.keys, sent=True,
    )  # fmt: skip


def start_link(partner: str, agreement: str, epoch: int) -> Link:
    """A link to a partner never heard of."""
    return Link(session=Session(partner=partner, agreement=agreement), epoch=epoch)


def restored_link(kept: Kept, agreement: str, epoch: int) -> Link:
    """The link that a document speaks of. Under another agreement the session begins anew: a withdrawal from the one
    before, and a word of which notice was given by its clauses, are not of this one."""
    said = json.loads(kept.document)
    same = said["agreement"] == agreement
    former = [one for one in said.get("former", []) if one not in (said["agreement"], agreement)]
    size, peaks, last = said["tip"]
    tip = Tip(size=size, peaks=tuple(bytes.fromhex(peak) for peak in peaks), last=bytes.fromhex(last))
    return Link(
        session=Session(partner=kept.partner, agreement=agreement), epoch=epoch, boots=said["boots"] + 1,
        beyond={
            n: Had(sequence=n, kind=EntryKind(kind), digest=bytes.fromhex(digest), stated_s=stated)
            for n, kind, digest, stated in said["beyond"]
        },
        tip=tip, heads={tip.size: tip.head.root},
        partner_head=head_of(said["partner_head"]), testified=tuple(said["testified"]),
        former=tuple(former if same else [*former, said["agreement"]][-FORMER_KEPT:]),
        agreed=said["agreed"] and same, withdrawn=said["withdrawn"] and same,
        announced=said["announced"] if same else {}, counts=dict(said["counts"]),
        newest=tuple(said.get("newest", (-1, 0))), forked=said.get("forked", ""),  # stores made before have neither
        **{
            name: said[name]
            for name in (
                "paused_here", "paused_there", "quarantined", "pardon", "note_seen", "next_sequence",
                "partner_epoch", "below",
            )
        },
    )  # fmt: skip
