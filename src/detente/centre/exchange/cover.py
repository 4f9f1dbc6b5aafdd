"""Which part of what a clause tells no other clause tells: decided case by case, and in each case for all places.

A clause is a product: phases × classes of range × what is known of launch and impact × three zones × a territory ×
owners, under a delay, a rate, coarsening and a retention. Others cover it where, in every case, for every place that it
speaks of, one of them that is as soon, as frequent, as fine, as long kept and asks no further owner speaks too. (Of a
track only the clause that asks least of all contributors counts: if every one of them contributed, it alone may speak.)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from detente.centre.exchange.zones import EARTH, Point, distance_km, free_points, possible_ranges, range_class
from detente.scenario.agreement import RANGE_CLASSES, Agreement, Clause, Coarsening, Condition
from detente.scenario.words import Box

PHASES = ("boost", "coast", "reentry")

OTHER_OWNERS = "others"
"""Stands for every owner that no clause in question names."""

STEPS_MAX = 1_000
"""How many ways past other clauses' places are tried before a case is given up as not decided. Six clauses that each
ask for three zones can need as many; most need a dozen."""


@dataclass(frozen=True)
class Told:
    """A clause as it stands in an agreement: "any party" means those of that agreement."""

    clause: Clause
    parties: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One cell of what can be known of an object; or, of a sensor, whose it is."""

    phase: str = ""
    range_class: str = ""  # "" where launch or impact is not known
    launch_known: bool = False
    impact_known: bool = False
    owner: str = ""  # of the sensor whose status is told


SIGHTS = (
    *(Case(range_class=name, launch_known=True, impact_known=True) for name in RANGE_CLASSES),
    Case(impact_known=True), Case(launch_known=True), Case(),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Rest:
    """What others leave of a clause: the cases in which they certainly do not tell all of it, and those not decided."""

    uncovered: tuple[Case, ...] = ()
    undecided: tuple[Case, ...] = ()

    @property
    def cases(self) -> tuple[Case, ...]:
        """All in which it is not shown that others tell the same."""
        return (*self.uncovered, *self.undecided)


def told_by(agreement: Agreement) -> tuple[Told, ...]:
    """An agreement's clauses."""
    return tuple(Told(clause, frozenset(agreement.parties)) for clause in agreement.clauses)


def carries(data: str) -> tuple[str, ...]:
    """What kinds of data can be read out of one kind: a tracklet holds a whole, exact track."""
    return ("tracklet", "track") if data == "tracklet" else (data,)


def speaks_like(other: Clause, clause: Clause) -> bool:
    """True where a clause lets the same giver tell the same receiver the same, or what holds it."""
    return (other.giver, other.receiver) == (clause.giver, clause.receiver) and clause.data in carries(other.data)


def rest_of(told: Told, others: Iterable[Told]) -> Rest:
    """What the others leave of a clause: of how much of it nobody else says as much."""
    good = [other for other in others if _as_good(other.clause, told.clause)]
    uncovered, undecided = [], []
    for case in cases_of(told.clause, _owners_named([told, *good])):
        speaking = [other for other in good if speaks_in(other.clause, case)]
        way_past = _way_past(told, speaking, case)
        if way_past is None:
            undecided.append(case)
        elif way_past:
            uncovered.append(case)
    return Rest(uncovered=tuple(uncovered), undecided=tuple(undecided))


def cases_of(clause: Clause, owners: Sequence[str] = (OTHER_OWNERS,)) -> tuple[Case, ...]:
    """The cases in which a clause can tell anything; none where it can never. ``owners`` part cases about sensors."""
    if clause.data == "sensor-status":
        cases = [Case(owner=owner) for owner in (*owners, *_owners_named([Told(clause, frozenset())]))]
    else:
        cases = [
            Case(
                phase=phase, range_class=sight.range_class, launch_known=sight.launch_known,
                impact_known=sight.impact_known,
            )
            for phase in PHASES
            for sight in SIGHTS
        ]  # fmt: skip
    return tuple(dict.fromkeys(case for case in cases if speaks_in(clause, case)))


def speaks_in(clause: Clause, case: Case) -> bool:
    """True where there is any place, known or not, of which a clause speaks in a case."""
    when = clause.when
    if clause.data == "sensor-status":
        withheld, consenting = case.owner in clause.owners_withheld, clause.owners_consenting
        return when == Condition() and not withheld and (consenting is None or case.owner in consenting)
    asks_launch = when.launch_zone is not None or clause.data == "launch-warning"
    asks_impact = when.impact_zone is not None or when.impact_in is not None or clause.data == "impact-prediction"
    if clause.owners_consenting == () or (when.phases and case.phase not in when.phases):
        return False
    if (asks_launch and not case.launch_known) or (asks_impact and not case.impact_known):
        return False
    if when.range_classes and case.range_class not in when.range_classes:
        return False
    return not case.range_class or case.range_class in possible_ranges(when.launch_zone, when.impact_zone)


def _owners_named(clauses: Iterable[Told]) -> tuple[str, ...]:
    named = {
        owner
        for told in clauses
        for owner in (*told.clause.owners_withheld, *(told.clause.owners_consenting or ()))
    }  # fmt: skip
    return (*sorted(named), OTHER_OWNERS)


def _as_good(other: Clause, clause: Clause) -> bool:
    """True where what another clause tells, if it speaks, is no later, rarer, coarser or sooner deleted."""
    if not speaks_like(other, clause) or other.delay_s > clause.delay_s or other.rate > clause.rate:
        return False
    if any(getattr(other.coarsen, name) > getattr(clause.coarsen, name) for name in Coarsening.model_fields):
        return False
    if (other.retention_s or float("inf")) < (clause.retention_s or float("inf")):
        return False
    return clause.data == "sensor-status" or _owners_within(clause, other)  # sensors are told of one by one


def _owners_within(clause: Clause, other: Clause) -> bool:
    """True where all owners that may have contributed to what a clause tells may have to what another tells."""
    mine, theirs, held = clause.owners_consenting, other.owners_consenting, set(other.owners_withheld)
    if mine is None:
        return theirs is None and held <= set(clause.owners_withheld)
    return not held & set(mine) and (theirs is None or set(mine) <= set(theirs))


def _way_past(told: Told, others: Sequence[Told], case: Case) -> bool | None:
    """True where in this case some object falls under a clause and under none of the others; None if not decided.

    Such an object must fail one condition of each of the others. The conditions on launch, object and impact point and
    on territory are independent but for the range, which is checked on the points found.
    """
    if any(not any(_free(told, [other], part) for part in _parts(other)) for other in others):
        return False  # one alone covers it
    found, steps = False, 0
    trials: list[tuple[int, Way]] = [(0, ((), (), (), ()))]  # how many of the others are passed, and by which parts
    while trials:
        passed, way = trials.pop()
        if passed == len(others):
            if _of_range(told, way, case):
                return True
            found = True
            continue
        steps += 1
        if steps > STEPS_MAX:
            return None
        other = others[passed]
        for part in _parts(other):
            taken = (*way[part], other)
            if _free(told, taken, part):
                trials.append((passed + 1, (*way[:part], taken, *way[part + 1 :])))
    return None if found else False


Way = tuple[tuple[Told, ...], ...]
"""Past other clauses: which of them fail by the launch, by the object, by the impact and by the territory."""

LAUNCH, OBJECT, IMPACT, TERRITORY = range(4)


def _parts(told: Told) -> Iterator[int]:
    """Which conditions on places a clause has."""
    when = told.clause.when
    asked = (when.launch_zone, when.object_zone, when.impact_zone, when.impact_in)
    return (part for part, condition in enumerate(asked) if condition is not None)


def _zone(told: Told, part: int) -> Box | None:
    when = told.clause.when
    return (when.launch_zone, when.object_zone, when.impact_zone)[part]


def _free(told: Told, others: Sequence[Told], part: int) -> bool:
    """True where a clause's place leaves room outside all those of others."""
    if part == TERRITORY:
        return _territory_free(told, others)
    return bool(_points(told, others, part))


def _points(told: Told, others: Sequence[Told], part: int) -> list[Point]:
    taken = [zone for zone in (_zone(other, part) for other in others) if zone is not None]
    return free_points(_zone(told, part) or EARTH, taken)


def _territory_free(told: Told, others: Sequence[Told]) -> bool:
    """True where an object may be bound for a clause's territory, likely enough for it and for none of the others.

    An object that is just likely enough passes most; "any party" may be shared out among the parties.
    """
    ground, least = _ground(told)
    if not ground:
        return True  # bound for nobody's territory
    asked = [_ground(other) for other in others]
    whole = min((likely for where, likely in asked if where >= ground), default=float("inf"))
    each = (min((likely for where, likely in asked if where & ground == {side}), default=2.0) for side in ground)
    return least < min(whole, sum(each))


def _ground(told: Told) -> tuple[frozenset[str], float]:
    """Whose territory a clause asks for, and how likely; nobody's where it asks for none."""
    clause, when = told.clause, told.clause.when
    ground = {None: frozenset(), "receiver": {clause.receiver}, "giver": {clause.giver}, "any-party": told.parties}
    return frozenset(ground[when.impact_in]), when.impact_probability


def _of_range(told: Told, way: Way, case: Case) -> bool:
    """True where launch and impact points past the others are found at a distance of the case's class."""
    bound = [_zone(told, part) is not None or bool(way[part]) for part in (LAUNCH, IMPACT)]
    if not case.range_class or not all(bound):
        return True  # one of the two may be anywhere
    launches, impacts = (_points(told, way[part], part) for part in (LAUNCH, IMPACT))
    found = {RANGE_CLASSES.index(range_class(distance_km(one, other))) for one in launches for other in impacts}
    asked = RANGE_CLASSES.index(case.range_class)
    if way[LAUNCH] or way[IMPACT]:
        return asked in found
    return min(found) <= asked <= max(found)  # two whole zones: between two distances every other is found too
