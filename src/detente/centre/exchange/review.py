"""An agreement read before anybody signs it: what contradicts itself, does nothing, binds one side alone, or lapses."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from detente.centre.exchange.comparison import beyond, covers, speaks_of
from detente.centre.exchange.rules import idle_coarsening
from detente.scenario.agreement import Agreement, Clause, Condition

SOON = timedelta(days=30)
"""How long before its end an agreement is said to lapse soon. Source: assumption, range 7–180 days."""


class Kind(Enum):
    """Of a finding."""

    CONTRADICTION = "contradiction"  # a restriction that another clause of the same agreement undoes
    SHADOWED = "shadowed"  # adds nothing to another clause
    UNREACHABLE = "unreachable"  # can never release anything
    ONE_SIDED = "one-sided"  # the other direction has nothing like it
    EXPIRY = "expiry"  # over, not yet begun, or soon over


SERIOUS = (Kind.CONTRADICTION, Kind.UNREACHABLE)
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


def review(agreement: Agreement, now: datetime) -> tuple[Finding, ...]:
    """Everything worth knowing about an agreement at a moment, clause by clause, then as a whole."""
    found = [finding for clause in agreement.clauses for finding in _of_clause(clause, agreement)]
    return (*found, *_one_sided(agreement), *_expiry(agreement, now))


def _of_clause(clause: Clause, agreement: Agreement) -> Iterator[Finding]:
    def finding(kind: Kind, text: str) -> Finding:
        return Finding(kind=kind, clause=clause.name, text=text)

    reason = _unreachable(clause, agreement)
    if reason:
        yield finding(Kind.UNREACHABLE, reason)
    idle = idle_coarsening(clause)
    if idle:
        yield finding(Kind.CONTRADICTION, f"coarsens {idle}, which {clause.data} does not carry")
    for other in agreement.clauses:
        if other is clause or not covers(other, clause):
            continue
        stricter = beyond(other, clause)
        if stricter:
            text = f"clause {other.name!r} tells the same without its restrictions ({'; '.join(stricter)})"
            yield finding(Kind.CONTRADICTION, text)
        elif agreement.clauses.index(other) < agreement.clauses.index(clause):
            yield finding(Kind.SHADOWED, f"clause {other.name!r} tells all of it already")


def _unreachable(clause: Clause, agreement: Agreement) -> str:
    if clause.data == "sensor-status" and clause.when != Condition():
        return "asks of an object what no sensor's status can answer"
    if clause.owners_consenting == ():
        return "no owner consents, so that no sensor's contribution may leave"
    lasts_s = (agreement.valid.end - agreement.valid.start).total_seconds()
    if clause.delay_s >= lasts_s:
        return f"its delay of {clause.delay_s:g} s is as long as the agreement lasts"
    if clause.retention_s is not None and clause.retention_s < clause.delay_s:
        return f"to be deleted after {clause.retention_s:g} s, but sent only after {clause.delay_s:g} s"
    return ""


def _one_sided(agreement: Agreement) -> Iterator[Finding]:
    told = {speaks_of(clause) for clause in agreement.clauses}
    for giver, receiver, data in sorted(told):
        if (receiver, giver, data) not in told:
            names = [clause.name for clause in agreement.clauses if speaks_of(clause) == (giver, receiver, data)]
            text = f"{giver} tells {receiver} {data}, and {receiver} tells {giver} none"
            yield Finding(kind=Kind.ONE_SIDED, clause=names[0], text=text)
    for clause in agreement.clauses:
        mirrored = (clause.receiver, clause.giver, clause.data)
        counterparts = [c for c in agreement.clauses if speaks_of(c) == mirrored]
        if counterparts and all(beyond(clause, counterpart) for counterpart in counterparts):
            more = min((beyond(clause, counterpart) for counterpart in counterparts), key=len)
            text = f"tells more than its counterpart {counterparts[0].name!r}: {'; '.join(more)}"
            yield Finding(kind=Kind.ONE_SIDED, clause=clause.name, text=text)
    for party in agreement.parties:
        gives = any(clause.giver == party for clause in agreement.clauses)
        hears = any(clause.receiver == party for clause in agreement.clauses)
        if agreement.clauses and not (gives or hears):
            yield Finding(kind=Kind.ONE_SIDED, clause="", text=f"{party} is a party, and no clause names it")


def _expiry(agreement: Agreement, now: datetime) -> Iterator[Finding]:
    start, end = agreement.valid.start, agreement.valid.end
    if now >= end:
        yield Finding(kind=Kind.EXPIRY, clause="", text=f"it ended on {end.isoformat()}: nothing is released any more")
    elif now < start:
        yield Finding(kind=Kind.EXPIRY, clause="", text=f"it begins on {start.isoformat()}: nothing is released before")
    elif end - now <= SOON:
        yield Finding(kind=Kind.EXPIRY, clause="", text=f"it ends soon, on {end.isoformat()}")
