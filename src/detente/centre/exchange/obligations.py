"""What an agreement binds two parties to besides what they tell: who may pause or leave, what is deleted, its labels.

Taken as gateways keep to it (docs/live.md). A pause is of everything between two parties, so every clause between them
must give the right to it; of their notices the longest counts. What is kept together goes together, by the strictest of
the giver's clauses about it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from detente.scenario.agreement import Agreement, Clause, Label

KEPT_TOGETHER = (("launch-warning", "impact-prediction"), ("track",), ("tracklet", "sensor-status"))
"""Kinds of data of which a receiver keeps all or deletes all: the lanes of a gateway."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One thing that binds two parties otherwise than before."""

    kind: str  # suspension, suspension-notice, withdrawal-notice, after-withdrawal, retention or label
    between: tuple[str, str]  # the giver first where it is of what one tells the other
    text: str
    loses: tuple[str, ...] = ()  # who may do less
    gains: tuple[str, ...] = ()  # who may do more


def terms_words(clause: Clause) -> str:
    """The terms of a clause and its label, in a sentence."""
    terms, label = clause.terms, clause.label
    who = {"either": "either", "giver": f"{clause.giver} alone", "receiver": f"{clause.receiver} alone"}
    parts = [
        f"{who[terms.suspended_by]} may suspend it, {_notice(terms.suspension_notice_s)}",
        f"either may leave, {_notice(terms.withdrawal_notice_s)}, and what was told before is {terms.after_withdrawal}",
        f"labelled {label_words(label)}",
    ]
    return "; ".join(parts) + "."


def label_words(label: Label) -> str:
    """A confidentiality label in words."""
    to = f", releasable to {', '.join(label.releasable_to)}" if label.releasable_to else ""
    return f"{label.policy} {label.classification}{to}"


def bars_to_suspend(agreement: Agreement, party: str, other: str) -> tuple[str, ...]:
    """The clauses between two by which one of them has no right to suspend; empty where it may."""
    return tuple(
        clause.name
        for clause in _between(agreement, party, other)
        if clause.terms.suspended_by not in ("either", "giver" if clause.giver == party else "receiver")
    )


def deleted_after_withdrawal(agreement: Agreement, giver: str, receiver: str, kinds: Sequence[str]) -> bool | None:
    """Whether what one told another of these kinds of data is deleted once either left; None where it tells none."""
    found = telling(agreement, giver, receiver, kinds)
    return any(clause.terms.after_withdrawal == "deleted" for clause in found) if found else None


def told_words(clauses: Sequence[Clause]) -> str:
    """What clauses tell, each kind once."""
    return ", ".join(dict.fromkeys(clause.data for clause in clauses))


def labels(agreement: Agreement, giver: str, receiver: str) -> dict[str, tuple[str, ...]]:
    """By kind of data, the labels under which one tells it to another, in words, each once, in order."""
    kinds = [data for together in KEPT_TOGETHER for data in together]
    under = {data: {label_words(one.label) for one in telling(agreement, giver, receiver, (data,))} for data in kinds}
    return {data: tuple(sorted(words)) for data, words in under.items() if words}


def otherwise(some: Mapping[str, tuple[str, ...]], others: Mapping[str, tuple[str, ...]]) -> dict[tuple[str, str], str]:
    """Where labels differ: (of the first, of the second) in words, and the kinds of data that are labelled so."""
    found: dict[tuple[str, str], list[str]] = {}
    for data in some:
        if data in others and some[data] != others[data]:
            found.setdefault((" or ".join(some[data]), " or ".join(others[data])), []).append(data)
    return {words: ", ".join(kinds) for words, kinds in found.items()}


def shifts(before: Agreement, after: Agreement) -> tuple[Shift, ...]:
    """What binds otherwise where ``after`` takes the place of ``before``: of parties that have clauses in both."""
    parties = [party for party in before.parties if party in after.parties]
    pairs = [
        pair for pair in combinations(parties, 2) if _between(before, *pair) and _between(after, *pair)
    ]  # fmt: skip
    return tuple(
        shift
        for one, other in pairs
        for found in (
            _suspension(before, after, one, other), _notices(before, after, one, other),
            *(_kept(before, after, *way) for way in permutations((one, other))),
            *(_labelled(before, after, *way) for way in permutations((one, other))),
        )
        for shift in found
    )  # fmt: skip


def _suspension(before: Agreement, after: Agreement, one: str, other: str) -> Iterator[Shift]:
    for party, partner in ((one, other), (other, one)):
        was, now = (bars_to_suspend(agreement, party, partner) for agreement in (before, after))
        if now and not was:
            text = f"{party} may no longer suspend the exchange with {partner}: it has no right to by {_clauses(now)}"
            yield Shift(kind="suspension", between=(one, other), text=text, loses=(party,))
        elif was and not now:
            text = f"{party} may now suspend the exchange with {partner}: it had no right to by {_clauses(was)}"
            yield Shift(kind="suspension", between=(one, other), text=text, gains=(party,))


def _notices(before: Agreement, after: Agreement, one: str, other: str) -> Iterator[Shift]:
    for kind, word in (("suspension", "a pause"), ("withdrawal", "a withdrawal")):
        was_s, now_s = (
            max(getattr(clause.terms, f"{kind}_notice_s") for clause in _between(agreement, one, other))
            for agreement in (before, after)
        )
        if was_s != now_s:
            text = f"{word} between {one} and {other} takes effect {_effect(now_s)}, not {_effect(was_s)}"
            both = (one, other)
            yield Shift(
                kind=f"{kind}-notice", between=both, text=text, loses=both if now_s > was_s else (),
                gains=both if now_s < was_s else (),
            )  # fmt: skip


def _kept(before: Agreement, after: Agreement, giver: str, receiver: str) -> Iterator[Shift]:
    for kinds in KEPT_TOGETHER:
        was, now = (telling(agreement, giver, receiver, kinds) for agreement in (before, after))
        if not was or not now:
            continue
        what = f"{receiver} may keep what {giver} told it of {told_words((*was, *now))}"
        rests = [min(clause.retention_s or math.inf for clause in clauses) for clauses in (was, now)]
        deleted = [deleted_after_withdrawal(agreement, giver, receiver, kinds) for agreement in (before, after)]
        for kind, less, more, words in (
            ("retention", rests[1] < rests[0], rests[1] > rests[0], [_while(rest_s) for rest_s in rests]),
            ("after-withdrawal", deleted[1] and not deleted[0], deleted[0] and not deleted[1], [
                f"{'only until' if gone else 'also after'} either leaves" for gone in deleted
            ]),
        ):  # fmt: skip
            if less or more:
                yield Shift(
                    kind=kind, between=(giver, receiver), text=f"{what} {words[1]}, not {words[0]}",
                    loses=(receiver,) if less else (), gains=(receiver,) if more else (),
                )  # fmt: skip


def _labelled(before: Agreement, after: Agreement, giver: str, receiver: str) -> Iterator[Shift]:
    changed = otherwise(labels(before, giver, receiver), labels(after, giver, receiver))
    for (was, now), kinds in changed.items():
        text = f"what {giver} tells {receiver} of {kinds} is labelled {now}, not {was}"
        yield Shift(kind="label", between=(giver, receiver), text=text)


def _between(agreement: Agreement, one: str, other: str) -> list[Clause]:
    return [clause for clause in agreement.clauses if {clause.giver, clause.receiver} == {one, other}]


def telling(agreement: Agreement, giver: str, receiver: str, kinds: Sequence[str]) -> list[Clause]:
    """The clauses by which one tells another something of these kinds."""
    return [
        clause
        for clause in agreement.clauses
        if (clause.giver, clause.receiver) == (giver, receiver) and clause.data in kinds
    ]


def _clauses(names: Sequence[str]) -> str:
    return f"clause{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"


def _notice(notice_s: float) -> str:
    return f"with a notice of {notice_s:g} s" if notice_s else "at once"


def _effect(notice_s: float) -> str:
    return f"{notice_s:g} s after the word" if notice_s else "at once"


def _while(rest_s: float) -> str:
    return "for as long as it likes" if rest_s == math.inf else f"for {rest_s:g} s"
