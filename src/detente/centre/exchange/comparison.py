"""Agreements held against one another: what a clause covers of another, what a change newly tells or withholds."""

from collections.abc import Sequence
from dataclasses import dataclass

from detente.scenario.agreement import RANGE_CLASSES, Agreement, Clause, Coarsening, Condition
from detente.scenario.words import Box

PHASES = ("boost", "coast", "reentry")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One clause that an agreement has, and another does not make up for."""

    clause: Clause
    beyond: tuple[str, ...]  # in what it goes beyond the other agreement's nearest clause; empty where there is none
    nearest: str  # that clause's name, "" where none speaks of the same


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What agreement B tells that A does not, and the other way round."""

    newly_releases: tuple[Change, ...]
    newly_withholds: tuple[Change, ...]
    parties_in: tuple[str, ...]
    parties_out: tuple[str, ...]
    validity: str  # in words, "" where it is the same

    @property
    def same(self) -> bool:
        """True where the two tell the same."""
        moved = self.parties_in or self.parties_out or self.validity
        return not (self.newly_releases or self.newly_withholds or moved)


def difference(before: Agreement, after: Agreement) -> Difference:
    """What changes when ``after`` takes the place of ``before``."""
    moved = []
    for end in ("start", "end"):
        one, other = getattr(before.valid, end), getattr(after.valid, end)
        if one != other:
            moved.append(f"{end} {'earlier' if other < one else 'later'}: {other.isoformat()}, not {one.isoformat()}")
    return Difference(
        newly_releases=_uncovered(after, before),
        newly_withholds=_uncovered(before, after),
        parties_in=tuple(party for party in after.parties if party not in before.parties),
        parties_out=tuple(party for party in before.parties if party not in after.parties),
        validity="; ".join(moved),
    )


def _uncovered(agreement: Agreement, other: Agreement) -> tuple[Change, ...]:
    found = []
    for clause in agreement.clauses:
        same = [candidate for candidate in other.clauses if speaks_of(candidate) == speaks_of(clause)]
        if not any(covers(candidate, clause) for candidate in same):
            nearest = min(same, key=lambda candidate: len(beyond(clause, candidate)), default=None)
            found.append(
                Change(
                    clause=clause, beyond=() if nearest is None else tuple(beyond(clause, nearest)),
                    nearest="" if nearest is None else nearest.name,
                )
            )  # fmt: skip
    return tuple(found)


def speaks_of(clause: Clause) -> tuple[str, str, str]:
    """Who tells whom what."""
    return clause.giver, clause.receiver, clause.data


def covers(loose: Clause, strict: Clause) -> bool:
    """True where everything that ``strict`` releases, ``loose`` releases too: as soon, as often and as finely."""
    return speaks_of(loose) == speaks_of(strict) and not beyond(strict, loose)


def beyond(clause: Clause, other: Clause) -> list[str]:
    """In what a clause tells more than another of the same giver, receiver and data; empty where in nothing."""
    found = _beyond_conditions(clause.when, other.when)
    if clause.delay_s < other.delay_s:
        found.append(f"sooner: after {clause.delay_s:g} s, not {other.delay_s:g} s")
    if clause.rate < other.rate:
        found.append(f"more often: every {clause.period_s:g} s, not {other.period_s:g} s")
    for name in Coarsening.model_fields:
        mine, theirs = getattr(clause.coarsen, name), getattr(other.coarsen, name)
        if mine < theirs:
            found.append(f"more finely: {name} {mine:g}, not {theirs:g}")
    kept = set(other.owners_withheld) - set(clause.owners_withheld)
    if clause.owners_consenting is not None:
        kept &= set(clause.owners_consenting)
    if kept:
        found.append(f"also from sensors of {', '.join(sorted(kept))}")
    if other.owners_consenting is not None:
        asked = set(clause.owners_consenting or ()) - set(other.owners_consenting)
        if clause.owners_consenting is None:
            found.append(f"also from sensors of others than {', '.join(other.owners_consenting) or 'nobody'}")
        elif asked:
            found.append(f"also from sensors of {', '.join(sorted(asked))}")
    if (clause.retention_s or float("inf")) > (other.retention_s or float("inf")):
        found.append("for longer: the receiver may keep it")
    return found


def _beyond_conditions(when: Condition, other: Condition) -> list[str]:
    found = []
    if _territory_beyond(when, other):
        ground = when.impact_in or "anywhere"
        found.append(f"of objects bound for {ground} (from a probability of {when.impact_probability:g})")
    for what, all_of in (("phases", PHASES), ("range_classes", RANGE_CLASSES)):
        more = _named(getattr(when, what), all_of) - _named(getattr(other, what), all_of)
        if more:
            found.append(f"in {what.replace('_', ' ')} {', '.join(name for name in all_of if name in more)}")
    zones = ("launch_zone", "object_zone", "impact_zone")
    outside = [zone for zone in zones if not _box_within(getattr(when, zone), getattr(other, zone))]
    return [*found, *(f"outside the other's {zone.replace('_', ' ')}" for zone in outside)]


def _named(names: Sequence[str], all_of: Sequence[str]) -> set[str]:
    return set(names) or set(all_of)


def _territory_beyond(when: Condition, other: Condition) -> bool:
    if other.impact_in is None:
        return False
    if when.impact_in is None or other.impact_in not in (when.impact_in, "any-party"):
        return True
    return when.impact_probability < other.impact_probability


def _box_within(box: Box | None, other: Box | None) -> bool:
    """True where every point of a zone lies in another; no zone is everywhere."""
    if other is None:
        return True
    if box is None:
        return False  # even a zone of the whole Earth asks that the point be known
    if box.south_deg < other.south_deg or box.north_deg > other.north_deg:
        return False
    width, theirs = _width_deg(box), _width_deg(other)
    return theirs >= 360 or ((box.west_deg - other.west_deg) % 360) + width <= theirs


def _width_deg(box: Box) -> float:
    width = box.east_deg - box.west_deg
    return width + 360 if width < 0 else width
