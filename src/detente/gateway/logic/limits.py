"""How much a partner may ask of us, and how long we keep what it has not taken: assumptions, with ranges."""

import math
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from detente.scenario.agreement import DataClass


class Lane(IntEnum):
    """What goes first: each lane has its own share of the line, so that no other can hold up a warning."""

    WARNING = 0
    TRACK = 1
    OTHER = 2
    NOTE = 3


LANES = frozenset(Lane)

LANE_OF = {
    DataClass.LAUNCH_WARNING: Lane.WARNING,
    DataClass.IMPACT_PREDICTION: Lane.WARNING,
    DataClass.TRACK: Lane.TRACK,
}
"""Lane of each data class; every other one goes in ``Lane.OTHER``."""


_LANE_OF_NUMBER = {int(data): LANE_OF.get(data, Lane.OTHER) for data in DataClass}


def lane_of(data: int) -> Lane:
    """The lane a data class, by its number, travels in."""
    return _LANE_OF_NUMBER[data]


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A token bucket: so many a second, so many at once."""

    per_s: float
    burst: float

    def times(self, many: float) -> "Rate":
        """So many times as fast, and as many times as much at once: of what comes by exercise time."""
        return Rate(per_s=many * self.per_s, burst=many * self.burst)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one gateway; seconds are of the steady clock unless said otherwise."""

    retry_s: float = 2.0
    """What is not receipted after this is sent again. source: assumption, 0.5-10: above any round trip on Earth."""

    retry_most_s: float = 8.0
    """And again after twice as long each time, up to this: a line that brings nothing back is not filled with the same.
    source: assumption, 2-60. A line that broke and stands again begins anew."""

    heartbeat_s: float = 5.0
    """A partner hears from us at least this often. source: assumption, 1-30."""

    silent_s: float = 15.0
    """A line on which nothing comes for so long is ended, told, and begun anew: whoever is at its other end hangs. One
    that is only slow to keep what it says loses a line and no word. source: assumption, 10-120: three heartbeats."""

    horizon_s: float = 10.0
    """An envelope overtaken by a later one for longer than this is late. source: assumption, 2-60: two ticks."""

    window: int = 4096
    """Sequences, from the oldest that is missing on, of which all are held. source: assumption, 1,000-65,000."""

    ahead: int = 1024
    """Envelopes further ahead that are held too, so that after a long break the newest need not wait until all that was
    closed meanwhile is written. source: assumption, 256-65,000: an hour of warnings is 720 ticks'."""

    ahead_others: int = 256
    """Once there are so many of them, warnings alone. source: assumption, 0-1,024: a hundred ticks of tracks, which
    later ones cover in any case; warnings find the rest."""

    frames_each: tuple[Rate, ...] = (
        Rate(per_s=50, burst=500), Rate(per_s=50, burst=500), Rate(per_s=10, burst=50), Rate(per_s=50, burst=500),
    )  # fmt: skip
    """Frames a partner may send, by lane; more are dropped unread. An honest one sends one or two a tick and lane, and
    a burst after a break. source: assumption, 10-1,000."""

    bytes_each: tuple[Rate, ...] = (
        Rate(per_s=2e6, burst=8e6), Rate(per_s=4e6, burst=16e6), Rate(per_s=1e6, burst=4e6), Rate(per_s=1e6, burst=4e6),
    )  # fmt: skip
    """Bytes likewise. source: assumption, a factor of ten either way: 1,000 tracks are 0.4 MB a tick."""

    rows_per_tick: int = 8192
    """Partners' messages applied in a tick; the rest waits, warnings first. source: assumption, 2,000-50,000."""

    waiting_rows: int = 65_536
    """A partner's messages that may wait to be applied: eight ticks' worth. An envelope for which there is no room is
    neither kept nor receipted, so its sender sends it again. source: assumption, 16,000-500,000."""

    waiting_bytes: int = 32_000_000
    """And bytes of the envelopes that brought them: as many full ones. source: assumption, 8-250 MB."""

    waiting_envelopes: int = 4096
    """And the envelopes themselves, however small: each costs a step some nanoseconds, and a tick some microseconds.
    source: assumption, 1,000-16,000: an honest side's of an hour of ticks are some 2,000."""

    outbox_bytes: int = 64_000_000
    """Room for what a partner has not taken yet. source: assumption, 10 MB to 10 GB."""

    reserve_fraction: float = 0.25
    """Share of it, and of what may wait, that only warnings may use. source: assumption, 0.1-0.5."""

    expire_s: tuple[float, float, float] = (3600.0, 120.0, 600.0)
    """Exercise time after which an envelope not taken is closed, by lane: no missile here flies for an hour.
    source: assumption, by a factor of four."""

    audit: Rate = field(default_factory=lambda: Rate(per_s=1.0, burst=64.0))
    """Ledger entries for refused bytes, and as many for a partner that pauses and resumes; more are only counted.
    source: assumption, 0.1-10."""

    closings: Rate = field(default_factory=lambda: Rate(per_s=100.0, burst=50_000.0))
    """Ledger entries for what a partner says will never come: no more than it may send envelopes, and a day's at once
    after a long break. By exercise time, as what is closed comes of ticks. What is over is put off: it says so again.
    source: assumption, 10-1,000 and 5,000-500,000."""

    ledger_entries: float = math.inf
    """Once the ledger with a partner is so long, nothing more of that partner is taken: of all that it can fill the
    store with, that alone never goes. Its share is by the store's size (:func:`detente.gateway.store.ledger_share`)."""

    lines_an_event: int = 64
    """Entries that one event may add to the ledger of what a partner sends; the rest waits for the next events and
    timers. A note may close 512 sequences, and the last one missing frees a window of them. source: assumption, 16-512:
    some 20 us each."""

    refusals: Rate = field(default_factory=lambda: Rate(per_s=0.1, burst=3.0))
    """How often a partner that speaks another version, or under another agreement, is told so; how often its words for
    people are shown; how often it may begin a new epoch. source: assumption, 0.01-1."""

    anew: Rate = field(default_factory=lambda: Rate(per_s=0.1, burst=8.0))
    """How often all that waits for a partner is due at once because it greets. Beyond that each is due in its turn,
    within ``retry_most_s``. source: assumption, 0.01-1: a line that stands lasts for minutes."""

    skew_s: float = 1.0
    """A partner's clock that differs by more is flagged. source: assumption, 0.1-5."""

    snapshot_ticks: int = 12
    """The centre's memory is packed this often; between, ticks are run again from what they were given.
    source: assumption, 1-100: a minute of ticks takes a tenth of a second to run again."""

    def __post_init__(self) -> None:
        assert len(self.frames_each) == len(self.bytes_each) == len(Lane), "a rate for each lane"
        assert 0.0 <= self.reserve_fraction < 1.0, "a reserve is a share"
        assert self.retry_s <= self.retry_most_s, "the first wait is the shortest"
        assert self.silent_s >= 2.0 * self.heartbeat_s, "one heartbeat may be lost, or late"


class Bucket(NamedTuple):
    """How much may come now; ``level`` was right at ``at_s``."""

    level: float
    at_s: float

    def take(self, amount: float, rate: Rate, now_s: float) -> "Bucket | None":
        """The bucket with so much less in it, or None where there is not that much."""
        level = min(rate.burst, self.level + max(0.0, now_s - self.at_s) * rate.per_s)
        return Bucket(level=level - amount, at_s=now_s) if amount <= level else None


Buckets = dict[tuple[str, int], Bucket]
"""Of one partner, by what is counted and in which lane."""


def left_of(buckets: Buckets, what: str, lane: int, amount: float, rate: Rate, now_s: float) -> Bucket | None:
    """What would be left of a bucket after so much, or None where it does not hold that much. Nothing is taken."""
    return buckets.get((what, lane), Bucket(level=rate.burst, at_s=now_s)).take(amount, rate, now_s)


def take(buckets: Buckets, what: str, lane: int, amount: float, rate: Rate, now_s: float) -> bool:
    """True, and the bucket lower by so much, where it holds that much."""
    left = left_of(buckets, what, lane, amount, rate, now_s)
    if left is not None:
        buckets[what, lane] = left
    return left is not None


def admits(buckets: Buckets, limits: Limits, lane: int, size: int, now_s: float) -> bool:
    """Whether a frame of so many bytes may come in now: all that is known of it are its lane and its length."""
    return take(buckets, "frames", lane, 1.0, limits.frames_each[lane], now_s) and take(
        buckets, "bytes", lane, size, limits.bytes_each[lane], now_s
    )
