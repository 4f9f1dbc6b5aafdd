"""What a gateway keeps for its second checker: all that it asks for, however long ago, and no more."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.gateway.made_agreements import agreement, coarse, pair_under, under
from tests.gateway.made_gateway import FIRST_TICK, SIDES, Pair

from detente.centre.step import cooperate
from detente.gateway.logic.link import Means
from detente.gateway.logic.node import start
from detente.records.stages import Messages
from detente.scenario.agreement import DELAY_MAX_S, Agreement, DataClass

NATO, RUSSIA = SIDES
TICKS = 24


def told(data: str, **values: Any) -> Callable[[dict], Any]:
    """Clauses about this class say this."""

    def change(clause: dict) -> None:
        if clause["data"] == data:
            clause.update(values)

    return change


def both(*changes: Callable[[dict], Any]) -> Callable[[dict], Any]:
    return lambda clause: [change(clause) for change in changes]


def stopped(pair: Pair) -> list[str]:
    return [notice.text for _, notice in pair.notices if notice.kind == "stopped"]


def memory(pair: Pair, name: str) -> int:
    snapshot = pair.stores[name].load().snapshot
    assert snapshot is not None
    return len(snapshot.memory)


@pytest.mark.parametrize("slow", [told("sensor-status", every_s=86400), told("launch-warning", every_s=3600)])
def test_memory_does_not_grow_with_the_longest_period(slow: Callable[[dict], Any]) -> None:
    quick, long = (pair_under(agreement(change=change), TICKS) for change in (told("track", every_s=10), slow))
    for name in SIDES:
        assert memory(long, name) <= 1.1 * memory(quick, name)
        assert len(long.nodes[name].known) <= 2
    assert stopped(long) == []


def test_what_was_said_is_known_by_the_last_of_each_object() -> None:
    pair = pair_under(agreement(), TICKS)
    for name in SIDES:
        said = pair.nodes[name].said
        assert len(said) > 0
        last_tick_s = 5.0 * (FIRST_TICK + TICKS)
        before = said.take(said.released_s < last_tick_s)
        subjects = set(zip(before.clause.tolist(), before.number.tolist(), strict=True))
        assert len(subjects) == len(before)
        tracks = pair.nodes[name].centre.own.tracks
        of_tracks = before.number[before.data != DataClass.SENSOR_STATUS]
        assert set(of_tracks.tolist()) <= set(tracks.number[tracks.status > 0].tolist())


@pytest.mark.parametrize("delay_s", [30.0, 75.0])
def test_what_waits_long_is_checked_against_the_picture_of_its_moment(delay_s: float) -> None:
    pair = pair_under(agreement(change=both(told("track", delay_s=delay_s), coarse(1000.0))), TICKS)
    assert stopped(pair) == []
    node = pair.nodes[RUSSIA]  # whose tracks live all the while
    assert pair.link(RUSSIA).counts["accepted"] > 3
    moments = {float(one.tracks.time_s) for one in node.known}
    pending = set(node.centre.assisted.release.pending.valid_s.tolist())
    assert len(pending) > 1
    assert pending <= moments
    assert len(moments) <= len(pending) + 4


def altered(change: Callable[[Messages, float], Messages]) -> Callable:
    """A first opinion that says something else than it ought to."""

    def wrong(centre: Any, own: Any, assisted: Any, messages: Any, offsets: Any, now_s: float) -> Any:
        after, said = cooperate(centre, own, assisted, messages, offsets, now_s)
        return after, replace(said, messages=change(said.messages, now_s))

    return wrong


def with_first_opinion(said: str, wrong: Callable) -> Pair:
    pair = Pair()
    for name in SIDES:
        pair.gateways[name] = replace(under(name, said), means=Means(cooperate=wrong))
        pair.nodes[name] = start(pair.gateways[name], 1)
    pair.connect()
    pair.talk(FIRST_TICK, TICKS)
    return pair


def test_an_offset_that_changes_long_after_is_found() -> None:
    """Told once in a minute: the picture of a minute ago is asked for."""

    def moved(messages: Messages, now_s: float) -> Messages:
        late = (messages.coarsened > 0) & (messages.data == DataClass.TRACK) & (now_s > 5.0 * FIRST_TICK + 60.0)
        return replace(messages, state=messages.state + 100.0 * late[:, None] * (np.arange(6) == 0))

    said = agreement(change=both(told("track", every_s=60), coarse(1000.0)))
    assert stopped(with_first_opinion(said, altered(lambda messages, now_s: messages))) == []
    assert any("the offset is not the same" in text for text in stopped(with_first_opinion(said, altered(moved))))


def test_a_rate_that_is_broken_long_after_is_found() -> None:
    """What a quicker clause says is said under the number of one that may speak once in five minutes."""
    said = agreement(change=told("sensor-status", every_s=300))
    quick = under(NATO, agreement(change=told("sensor-status", every_s=60)))

    def hasty(centre: Any, own: Any, assisted: Any, messages: Any, offsets: Any, now_s: float) -> Any:
        return cooperate(centre, own, replace(assisted, rules=quick.rules), messages, offsets, now_s)

    assert any("was told 60.0 s apart, not 300 s" in text for text in stopped(with_first_opinion(said, hasty)))


def test_a_delay_has_an_end() -> None:
    assert Agreement.model_validate_json(agreement(change=told("track", delay_s=DELAY_MAX_S)))
    with pytest.raises(ValueError, match="less than or equal to 600"):
        Agreement.model_validate_json(agreement(change=told("track", delay_s=DELAY_MAX_S + 1.0)))
