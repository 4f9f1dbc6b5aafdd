"""What a step wants kept: each step's records are written together or not at all, before anything is said aloud."""

from dataclasses import dataclass

from detente.centre.exchange.ledger import Entry

INBOX_TICKS = 720
"""Applied envelopes are kept for so many ticks at most. source: assumption, 100-20,000: an hour of 5 s."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An envelope that the outbox took for a partner: from here on it is delivered or closed."""

    partner: str
    sequence: int
    lane: int
    tick: int
    envelope: bytes
    keys: tuple[tuple[int, int], ...]  # (data class, track number) of what it speaks of


@dataclass(frozen=True, kw_only=True)
class Closed:
    """An outbox envelope that will never be delivered, and why; its bytes go, its digest stays."""

    partner: str
    sequence: int
    reason: str
    digest: bytes


@dataclass(frozen=True, kw_only=True)
class Receipted:
    """Outbox sequences that the partner has: they leave the outbox."""

    partner: str
    sequences: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Received:
    """An envelope that came in, was found sound, and waits to be applied at a tick."""

    partner: str
    epoch: int
    sequence: int
    lane: int
    envelope: bytes
    late: bool


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """Inbox envelopes that may be kept no longer: their bytes go. A snapshot that needs them no more comes with it."""

    names: tuple[tuple[str, int, int], ...]  # (partner, epoch, sequence)


@dataclass(frozen=True, kw_only=True)
class Ticked:
    """A tick that was run: what own sensors said, and which envelopes were applied. With both it can be run again."""

    index: int
    detections: bytes
    applied: tuple[tuple[str, int, int], ...]  # (partner, epoch, sequence)
    aside: tuple[tuple[str, int, int], ...] = ()  # likewise, of quarantined partners or too late: kept, never applied


@dataclass(frozen=True, kw_only=True)
class Snapped:
    """All that the centre remembers after tick ``index``, packed."""

    index: int
    memory: bytes


@dataclass(frozen=True, kw_only=True)
class Logged:
    """A ledger entry."""

    partner: str
    entry: Entry


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The small changing facts about one partner, as a document."""

    partner: str
    document: str


@dataclass(frozen=True, kw_only=True)
class Sworn:
    """A partner's signed word of where both ledgers stand, for whoever audits them; in place of the one before."""

    partner: str
    kind: str  # "latest", or "equivocation": the first that denied what another had said
    word: bytes


Record = Accepted | Closed | Receipted | Received | Forgotten | Ticked | Snapped | Logged | Kept | Sworn


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What a store holds, as a gateway needs it to go on."""

    epoch: int
    snapshot: Snapped | None
    ticks: tuple[Ticked, ...]  # after the snapshot, in order
    received: tuple[Received, ...]  # those that the ticks above applied, and those that no tick has applied yet
    outbox: tuple[Accepted | Closed, ...]  # not receipted yet, in order of partner and sequence
    kept: tuple[Kept, ...]


class StoreError(Exception):
    """The store could not keep what it was given; nothing of it was kept."""
