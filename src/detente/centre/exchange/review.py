"""An agreement read before anybody signs it: what contradicts itself, does nothing, binds one side alone, or lapses."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import combinations

from detente.centre.exchange.comparison import FROM_SENSORS, beyond, change_of, covers
from detente.centre.exchange.cover import Told, carries, cases_of, rest_of, told_by
from detente.centre.exchange.obligations import (
    KEPT_TOGETHER,
    bars_to_suspend,
    deleted_after_withdrawal,
    labels,
    otherwise,
    telling,
    told_words,
)
from detente.centre.exchange.rules import idle_coarsening
from detente.geodesy.timescale import format_moment
from detente.scenario.agreement import Agreement, Clause, Condition

SOON = timedelta(days=30)
"""How long before its end an agreement is said to lapse soon. Source: assumption, range 7–180 days."""


class Kind(Enum):
    """Of a finding."""

    CONTRADICTION = "contradiction"  # a restriction that another clause of the same agreement undoes
    SHADOWED = "shadowed"  # adds nothing to another clause
    UNREACHABLE = "unreachable"  # can never release anything
    ONE_SIDED = "one-sided"  # the other direction has nothing like it
    UNSUSPENDABLE = "unsuspendable"  # each of two parties lacks the right to suspend some clause, so that neither may
    UNDECIDED = "undecided"  # others may tell all of it: their places together were not compared to the end
    UNKNOWN_OWNER = "unknown-owner"  # a code that is no country's: whom it was to protect is not protected
    EXPIRY = "expiry"  # not yet begun, or soon over
    ENDED = "ended"  # over


SERIOUS = (Kind.CONTRADICTION, Kind.UNREACHABLE, Kind.UNKNOWN_OWNER, Kind.ENDED)
"""What makes an agreement unsound; the rest its signers ought to know."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to know before signing."""

    kind: Kind
    clause: str  # name; "" where it is of the whole agreement
    text: str

    @property
    def serious(self) -> bool:
        """True where the agreement does not say what it seems to say."""
        return self.kind in SERIOUS


def review(agreement: Agreement, now: datetime, countries: Container[str] | None = None) -> tuple[Finding, ...]:
    """Everything worth knowing about an agreement at a moment, clause by clause, then as a whole.

    ``countries``: the ISO 3166-1 alpha-3 codes that there are; not given, owners are not looked up.
    """
    found = [finding for clause in agreement.clauses for finding in _of_clause(clause, agreement)]
    if countries is not None:
        found += [finding for clause in agreement.clauses for finding in _owners(clause, countries)]
    return (*found, *_one_sided(agreement), *_one_sided_terms(agreement), *_expiry(agreement, now))


def _owners(clause: Clause, countries: Container[str]) -> Iterator[Finding]:
    for owner in (*clause.owners_withheld, *(clause.owners_consenting or ())):
        if owner not in countries:
            text = f"{owner} is the code of no country, so that no sensor is meant by it"
            yield Finding(kind=Kind.UNKNOWN_OWNER, clause=clause.name, text=text)


def _of_clause(clause: Clause, agreement: Agreement) -> Iterator[Finding]:
    def finding(kind: Kind, text: str) -> Finding:
        return Finding(kind=kind, clause=clause.name, text=text)

    reason = _unreachable(clause, agreement)
    if reason:
        yield finding(Kind.UNREACHABLE, reason)
    idle = idle_coarsening(clause)
    if idle:
        yield finding(Kind.CONTRADICTION, f"coarsens {idle}, which {clause.data} does not carry")
    if not reason:
        yield from (finding(kind, text) for kind, text in _told_again(clause, agreement))


def _told_again(clause: Clause, agreement: Agreement) -> Iterator[tuple[Kind, str]]:
    """Where other clauses tell all that a clause tells: one of them alone, or several together."""
    alone = [other for other in agreement.clauses if other is not clause and covers(other, clause, agreement.parties)]
    for other in alone:
        stricter = beyond(other, clause)
        twins = covers(clause, other, agreement.parties)
        if stricter:
            text = f"{_named(other, clause)} tells the same without its restrictions ({'; '.join(stricter)})"
            yield Kind.CONTRADICTION, text
        elif not twins or agreement.clauses.index(other) < agreement.clauses.index(clause):
            yield Kind.SHADOWED, f"{_named(other, clause)} tells all of it already"
    if alone:
        return
    told, others = Told(clause, frozenset(agreement.parties)), [t for t in told_by(agreement) if t.clause is not clause]
    rest = rest_of(told, others)
    if rest.uncovered:
        return
    if rest.undecided:
        yield Kind.UNDECIDED, "other clauses may together tell all of it: this was not decided"
        return
    together = _fewest(told, others)
    names = " and ".join(_named(other.clause, clause) for other in together)
    stricter = {other.clause.name: beyond(other.clause, clause) for other in together}
    undone = [f"{name}: {'; '.join(words)}" for name, words in stricter.items() if words]
    if all(covers(clause, other.clause, agreement.parties) for other in together):
        return  # each of them is undone by this clause, and is told of there
    if undone:
        yield Kind.CONTRADICTION, f"{names} together tell the same without its restrictions ({'; '.join(undone)})"
    else:
        yield Kind.SHADOWED, f"{names} together tell all of it already"


def _named(other: Clause, clause: Clause) -> str:
    """A clause that tells what another tells, with how it does where that is not plain."""
    holds = "" if other.data == clause.data else f", whose {other.data}s hold the whole exact {clause.data},"
    return f"clause {other.name!r}{holds}"


def _fewest(told: Told, others: Sequence[Told]) -> list[Told]:
    """Of others that together cover a clause, some that do, none of which can be spared."""
    kept = list(others)
    for other in others:
        fewer = [one for one in kept if one is not other]
        if not rest_of(told, fewer).cases:
            kept = fewer
    return kept


def _unreachable(clause: Clause, agreement: Agreement) -> str:
    if clause.data == "sensor-status" and clause.when != Condition():
        return "asks of an object what no sensor's status can answer"
    if clause.owners_consenting == ():
        return "no owner consents, so that no sensor's contribution may leave"
    if not cases_of(clause):
        ranges = " or ".join(clause.when.range_classes)
        return f"no flight from its launch zone to its impact zone is of {ranges} range"
    lasts_s = (agreement.valid.end - agreement.valid.start).total_seconds()
    if clause.delay_s >= lasts_s:
        return f"its delay of {clause.delay_s:g} s is as long as the agreement lasts"
    if clause.retention_s is not None and clause.retention_s < clause.delay_s:
        return f"to be deleted after {clause.retention_s:g} s, but sent only after {clause.delay_s:g} s"
    return ""


def _one_sided(agreement: Agreement) -> Iterator[Finding]:
    everyone = frozenset(agreement.parties)
    for clause in agreement.clauses:
        mirrored = [Told(_mirrored(other), everyone) for other in agreement.clauses if _answers(other, clause)]
        if not mirrored:
            if clause.name == _first_like(clause, agreement).name:
                text = f"{clause.giver} tells {clause.receiver} {clause.data}, and {clause.receiver} tells "
                yield Finding(kind=Kind.ONE_SIDED, clause=clause.name, text=f"{text}{clause.giver} none")
            continue
        told = Told(clause, everyone)
        change = change_of(told, mirrored, rest_of(told, mirrored))
        if change is not None:
            where = f", {' and '.join(change.where)}" if change.where else ""
            tells = "tells more than its" if change.shown else "is not shown to tell no more than its"
            words = (  # whose sensors a giver has, no agreement knows
                f"{word}, should {clause.giver} have any" if word.startswith(FROM_SENSORS) else word
                for word in change.beyond
            )
            more = f"{tells} counterpart {change.nearest!r}{where}: {'; '.join(words)}"
            yield Finding(kind=Kind.ONE_SIDED, clause=clause.name, text=more)
    for party in agreement.parties:
        gives = any(clause.giver == party for clause in agreement.clauses)
        hears = any(clause.receiver == party for clause in agreement.clauses)
        if agreement.clauses and not (gives or hears):
            yield Finding(kind=Kind.ONE_SIDED, clause="", text=f"{party} is a party, and no clause names it")


def _one_sided_terms(agreement: Agreement) -> Iterator[Finding]:
    """Where two parties are not bound alike besides what they tell, or both so that neither may suspend."""
    for one, other in combinations(agreement.parties, 2):
        barred = {party: bars_to_suspend(agreement, party, of) for party, of in ((one, other), (other, one))}
        bound = {party: ", ".join(map(repr, names)) for party, names in barred.items() if names}
        if len(bound) == 2:
            by = " and ".join(f"{party} has no right to by {names}" for party, names in bound.items())
            text = f"neither {one} nor {other} may suspend their exchange, for a pause is of all clauses: {by}"
            yield Finding(kind=Kind.UNSUSPENDABLE, clause="", text=text)
        one_sided = _kept_longer(agreement, one, other)
        for party, names in bound.items() if len(bound) == 1 else ():
            free = other if party == one else one
            one_sided.append(f"{free} may suspend the exchange with {party}; {party} has no right to by {names}")
        unlike = otherwise(labels(agreement, one, other), labels(agreement, other, one))
        for (there, back), kinds in unlike.items():
            one_sided.append(f"what {one} tells {other} of {kinds} is labelled {there}, the other way {back}")
        yield from (Finding(kind=Kind.ONE_SIDED, clause="", text=text) for text in one_sided)


def _kept_longer(agreement: Agreement, one: str, other: str) -> list[str]:
    """What one of two must delete once either leaves, and the other may keep."""
    found = []
    for kinds in KEPT_TOGETHER:
        for giver, receiver in ((one, other), (other, one)):
            deleted = deleted_after_withdrawal(agreement, giver, receiver, kinds)
            if deleted and deleted_after_withdrawal(agreement, receiver, giver, kinds) is False:
                what = told_words(telling(agreement, giver, receiver, kinds))
                text = f"{receiver} must delete what {giver} told it of {what} once either leaves; "
                found.append(f"{text}{giver} may keep what {receiver} told it")
    return found


def _answers(other: Clause, clause: Clause) -> bool:
    """True where a clause lets a receiver tell its giver what the giver tells it, or what holds that."""
    return (other.giver, other.receiver) == (clause.receiver, clause.giver) and clause.data in carries(other.data)


def _mirrored(clause: Clause) -> Clause:
    """The same the other way round."""
    return clause.model_copy(update={"giver": clause.receiver, "receiver": clause.giver})


def _first_like(clause: Clause, agreement: Agreement) -> Clause:
    """The first clause by which the same giver tells the same receiver the same."""
    same = (clause.giver, clause.receiver, clause.data)
    return next(one for one in agreement.clauses if (one.giver, one.receiver, one.data) == same)


def _expiry(agreement: Agreement, now: datetime) -> Iterator[Finding]:
    start, end = agreement.valid.start, agreement.valid.end
    if now >= end:
        yield Finding(
            kind=Kind.ENDED, clause="", text=f"it ended on {format_moment(end)}: nothing is released any more"
        )
    elif now < start:
        yield Finding(
            kind=Kind.EXPIRY, clause="", text=f"it begins on {format_moment(start)}: nothing is released before"
        )
    elif end - now <= SOON:
        yield Finding(kind=Kind.EXPIRY, clause="", text=f"it ends soon, on {format_moment(end)}")
