"""Agreements held against one another: what a clause covers of another, what a change newly tells or withholds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from detente.centre.exchange.cover import (
    OTHER_OWNERS,
    PHASES,
    Case,
    Rest,
    Told,
    cases_of,
    rest_of,
    speaks_in,
    speaks_like,
    told_by,
)
from detente.centre.exchange.obligations import Shift, shifts
from detente.centre.exchange.zones import width_deg
from detente.geodesy.timescale import format_moment
from detente.scenario.agreement import RANGE_CLASSES, Agreement, Clause, Coarsening, Condition
from detente.scenario.words import Box

UNKNOWN_RANGE = "unknown"
FROM_SENSORS = "also from sensors of"
GROUND = {"receiver": "the receiver's", "giver": "the giver's", "any-party": "any party's"}


@dataclass(frozen=True, kw_only=True)
class Change:
    """One clause that an agreement has, and another does not make up for."""

    clause: Clause
    where: tuple[str, ...]  # in which cases, in words; empty where in all that the clause speaks of
    beyond: tuple[str, ...]  # in what it goes beyond the other agreement's nearest clause; empty where there is none
    nearest: str  # that clause's name, "" where none speaks of the same
    shown: bool  # False where the other's clauses may together make up for it, which was not decided


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What agreement B tells that A does not, and the other way round; and on what other terms."""

    newly_releases: tuple[Change, ...]
    newly_withholds: tuple[Change, ...]
    parties_in: tuple[str, ...]
    parties_out: tuple[str, ...]
    validity: str  # in words, "" where it is the same
    terms: tuple[Shift, ...]  # what else binds otherwise

    @property
    def same(self) -> bool:
        """True where the two tell the same on the same terms."""
        moved = self.parties_in or self.parties_out or self.validity or self.terms
        return not (self.newly_releases or self.newly_withholds or moved)


def difference(before: Agreement, after: Agreement) -> Difference:
    """What changes when ``after`` takes the place of ``before``."""
    moved = []
    for end in ("start", "end"):
        one, other = getattr(before.valid, end), getattr(after.valid, end)
        if one != other:
            when = "earlier" if other < one else "later"
            moved.append(f"{end} {when}: {format_moment(other)}, not {format_moment(one)}")
    return Difference(
        newly_releases=_uncovered(after, before),
        newly_withholds=_uncovered(before, after),
        parties_in=tuple(party for party in after.parties if party not in before.parties),
        parties_out=tuple(party for party in before.parties if party not in after.parties),
        validity="; ".join(moved),
        terms=shifts(before, after),
    )


def _uncovered(agreement: Agreement, other: Agreement) -> tuple[Change, ...]:
    others = told_by(other)
    found = (change_of(told, others, rest_of(told, others)) for told in told_by(agreement))
    return tuple(change for change in found if change is not None)


def change_of(told: Told, others: Sequence[Told], rest: Rest) -> Change | None:
    """What others leave of a clause, in words; None where nothing."""
    if not rest.cases:
        return None
    clause = _narrowed(told.clause, rest.cases)
    like = [other for other in others if speaks_like(other.clause, clause)]
    near = [other for other in like if any(speaks_in(other.clause, case) for case in rest.cases)] or like
    more = [(_beyond(Told(clause, told.parties), other), other.clause.name) for other in near]
    words, nearest = min(more, key=lambda one: len(one[0]), default=([], ""))
    where = tuple(part for part in _where(told.clause, rest.cases) if f"also {part}" not in words)
    return Change(
        clause=told.clause, where=where, beyond=tuple(words), nearest=nearest, shown=bool(rest.uncovered)
    )  # fmt: skip


def _narrowed(clause: Clause, cases: Iterable[Case]) -> Clause:
    """A clause that speaks of no other phase, class of range or owner's sensors than these cases do."""
    if clause.data == "sensor-status":
        owners = tuple(case.owner for case in cases)
        return clause if OTHER_OWNERS in owners else clause.model_copy(update={"owners_consenting": owners})
    phases, ranges = {case.phase for case in cases}, {case.range_class for case in cases}
    narrow: dict[str, tuple[str, ...]] = {}
    if phases != set(PHASES):
        narrow["phases"] = tuple(name for name in PHASES if name in phases)
    if "" not in ranges:
        narrow["range_classes"] = tuple(name for name in RANGE_CLASSES if name in ranges)
    return clause.model_copy(update={"when": clause.when.model_copy(update=narrow)})


def _where(clause: Clause, cases: Sequence[Case]) -> tuple[str, ...]:
    """These cases of a clause in words, phases that are alike together; empty where they are all of its cases."""
    everywhere = cases_of(clause, tuple(case.owner for case in cases))
    if set(everywhere) == set(cases):
        return ()
    if clause.data == "sensor-status":
        return (f"from sensors of {', '.join(case.owner for case in cases)}",)
    alike: dict[tuple[str, ...], list[str]] = {}
    for phase in PHASES:
        sights = tuple(_sight(case) for case in cases if case.phase == phase)
        if sights:
            alike.setdefault(sights, []).append(phase)
    return tuple(_case_words(phases, sights, everywhere) for sights, phases in alike.items())


def _case_words(phases: Sequence[str], sights: Sequence[str], everywhere: Sequence[Case]) -> str:
    """Some phases and what is known in them, of all cases of a clause."""
    whole = list(dict.fromkeys(_sight(case) for case in everywhere))
    unknown = [sight for sight in whole if sight.endswith("unknown")]
    parts = []
    if len(phases) < len({case.phase for case in everywhere}):
        parts.append(f"in {' or '.join(phases)}")
    if unknown and set(sights) == set(unknown) != set(whole):
        parts.append("with launch or impact unknown")
    elif set(sights) != set(whole):
        parts.append(" or ".join(sights))
    return " ".join(parts)


def _sight(case: Case) -> str:
    if case.range_class:
        return f"of {case.range_class} range"
    unknown = [end for end, known in (("launch", case.launch_known), ("impact", case.impact_known)) if not known]
    return f"with {' and '.join(unknown)} unknown"


def covers(loose: Clause, strict: Clause, parties: Iterable[str]) -> bool:
    """True where everything that ``strict`` releases, ``loose`` releases too: as soon, as often and as finely.

    Both stand in an agreement of these ``parties``.
    """
    everyone = frozenset(parties)
    return not rest_of(Told(strict, everyone), [Told(loose, everyone)]).cases


def _beyond(told: Told, other: Told) -> list[str]:
    words = beyond(told.clause, other.clause)
    strangers = sorted(told.parties - other.parties)
    if strangers and told.clause.when.impact_in == other.clause.when.impact_in == "any-party":
        words.append(f"of objects bound for {', '.join(strangers)}, no party there")
    return words


def beyond(clause: Clause, other: Clause) -> list[str]:
    """In what a clause tells more than one other that speaks of the same; empty where in nothing."""
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
        found.append(f"{FROM_SENSORS} {', '.join(sorted(kept))}")
    if other.owners_consenting is not None:
        asked = set(clause.owners_consenting or ()) - set(other.owners_consenting)
        if clause.owners_consenting is None:
            found.append(f"{FROM_SENSORS} others than {', '.join(other.owners_consenting) or 'nobody'}")
        elif asked:
            found.append(f"{FROM_SENSORS} {', '.join(sorted(asked))}")
    if (clause.retention_s or float("inf")) > (other.retention_s or float("inf")):
        found.append("for longer: the receiver may keep it")
    return found


def _beyond_conditions(when: Condition, other: Condition) -> list[str]:
    found = []
    if _territory_beyond(when, other):
        ground = "anywhere"
        if when.impact_in is not None:
            ground = f"{GROUND[when.impact_in]} territory (from a probability of {when.impact_probability:g})"
        found.append(f"of objects bound for {ground}")
    for what, all_of in (("phases", PHASES), ("range_classes", (*RANGE_CLASSES, UNKNOWN_RANGE))):
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
    width, theirs = width_deg(box), width_deg(other)
    return theirs >= 360 or ((box.west_deg - other.west_deg) % 360) + width <= theirs
