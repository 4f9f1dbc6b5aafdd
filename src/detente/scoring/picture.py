"""SIAP: how complete, unambiguous, clean and lasting a picture is.

Attributes after Votruba et al., *Single Integrated Air Picture (SIAP) Metrics Implementation*, 2001, as Stone Soup's
``SIAPMetrics`` documents them (the original was not to be found).
"""

from dataclasses import dataclass, field

import numpy as np

from detente.scoring.matching import Floats, Ints, Pairs, kept_pairs


@dataclass
class _Follow:
    """One object's story so far."""

    number: int  # of the track that followed it last
    first_number: int  # of the first one
    seen_at: int  # moment
    run: int = 1  # moments in a row by the same track
    longest: int = 1


@dataclass
class PictureCount:
    """Sums over moments; feed moments in order with :meth:`add`."""

    cutoff_m: float
    truths: int = 0
    tracked: int = 0
    tracks: int = 0
    associated: int = 0
    position_error_m: float = 0.0
    identity_changes: int = 0
    _moment: int = -1
    _follows: dict[int, _Follow] = field(default_factory=dict)

    def add(self, near: Pairs, objects: Ints, numbers: Ints) -> Pairs:
        """Count one moment: pairs within the cut-off, and the names of truth and track rows. Returns who follows whom.

        ``near`` pairs rows of ``objects`` (o,) with rows of ``numbers`` (t,), which name the truths and the tracks.

        An object is tracked if a track of its own follows it. A track is associated if it follows an object, or is
        redundant: near one that another track follows. Any other track is spurious.
        """
        self._moment += 1
        before = {thing: story.number for thing, story in self._follows.items()}
        kept = kept_pairs(near, before, objects, numbers, self.cutoff_m)
        redundant = _nearest(near, kept)
        self.truths += len(objects)
        self.tracks += len(numbers)
        self.tracked += len(kept.truth)
        self.associated += len(kept.track) + len(redundant)
        self.position_error_m += float(np.sum(kept.distance_m) + np.sum(redundant))
        for thing, number in zip(objects[kept.truth].tolist(), numbers[kept.track].tolist(), strict=True):
            self._follow(thing, number)
        return kept

    def _follow(self, thing: int, number: int) -> None:
        story = self._follows.get(thing)
        if story is None:
            self._follows[thing] = _Follow(number, number, self._moment)
            return
        changed = number != story.number
        self.identity_changes += changed
        story.run = 1 if changed or self._moment != story.seen_at + 1 else story.run + 1
        story.number, story.seen_at, story.longest = number, self._moment, max(story.longest, story.run)

    def unbroken(self, things: Ints, numbers: Ints) -> Ints:
        """1 where the track with this number has followed the object ever since it was first tracked: (n,) of (n,)."""
        stories = [self._follows.get(int(thing)) for thing in things]
        return np.array(
            [story is not None and story.first_number == n for story, n in zip(stories, numbers, strict=True)], np.int64
        )

    def document(self, tracked_s: float) -> dict[str, float | int | None]:
        """The attributes over all moments; None where there is nothing to divide by."""
        lives = sum(story.longest for story in self._follows.values())
        return {
            "completeness": _ratio(self.tracked, self.truths),
            "ambiguity": _ratio(self.associated, self.tracked),
            "spuriousness": _ratio(self.tracks - self.associated, self.tracks),
            "position_error_m": _ratio(self.position_error_m, self.associated),
            "identity_changes": self.identity_changes,
            "identity_changes_per_tracked_hour": _ratio(self.identity_changes * 3600.0, tracked_s),
            "longest_segment_fraction": _ratio(lives, self.truths),
        }


def _nearest(near: Pairs, kept: Pairs) -> Floats:
    """Distances of the tracks that follow nothing to the nearest object within the cut-off."""
    free = ~np.isin(near.track, kept.track)
    track, distance = near.track[free], near.distance_m[free]
    order = np.lexsort((distance, track))
    first = np.r_[True, np.diff(track[order]) != 0] if len(order) else np.empty(0, bool)
    return distance[order][first]


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None
