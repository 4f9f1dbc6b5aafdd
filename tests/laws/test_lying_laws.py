"""Laws of a lying partner: own sensors' warnings stand whatever is told, no side is asked more than the other, honest
partners are believed, and looking costs nothing where nobody lies."""

from functools import cache

import numpy as np
import pytest

from detente.centre import step as centres
from detente.centre.picture.trust import Suspicion
from detente.records.table import Table
from detente.scenario.asked import Scenario
from detente.scenario.files import load_scenario
from detente.studies.lies import LIES, Lie
from detente.studies.lying import DAMAGE, lying
from detente.studies.replicates import Flown, fly

ROWS = np.arange(3)
NAMES = ("alone", "cooperating")


@cache
def theatre() -> Scenario:
    return load_scenario("theatre-2011")


@cache
def flown(lie: Lie | None = None, quarantine: centres.Quarantine = "off") -> Flown:
    return fly(theatre(), 1, ROWS, NAMES, record=False, lie=lie, quarantine=quarantine)


def values(one: Flown, architecture: str, side: str, metric: str) -> np.ndarray:
    table = one.table
    rows = (table.architecture == architecture) & (table.side == side) & (table.metric == metric)
    return table.value[rows]


def same(one: Table, other: Table) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name, _ in one.columns())


def test_looking_changes_nothing_where_nobody_lies() -> None:
    for quarantine in ("advise", "automatic"):
        looked = flown(None, quarantine)
        assert same(looked.table, flown().table)
        assert same(looked.objects, flown().objects)
        for trust in looked.doubts["cooperating"].trust.values():
            assert not trust.suspected.any()
            assert trust.counts[:, :, 0].sum() > 3, "and there was something to look at"


def test_a_lie_never_lowers_own_warnings_nor_moves_what_is_not_exchanged() -> None:
    """P11: own sensors' warnings, and all of ``alone``, are the same whoever lies, and however."""
    sides = theatre().side_names
    for index, name in enumerate(LIES):
        lied = flown(Lie(name, index % 2))
        for side in sides:
            for metric in ("own_warning_time_s", "warning_time_s", "leakage_fraction", "false_warnings"):
                before, after = (values(one, "alone", side, metric) for one in (flown(), lied))
                assert np.array_equal(before, after), (name, side, metric)
            own, told = (values(lied, "cooperating", side, m) for m in ("own_warning_time_s", "warning_time_s"))
            assert np.array_equal(own, values(flown(), "cooperating", side, "own_warning_time_s")), (name, side)
            assert np.all(told >= own), f"{name}: {side} is warned later than by its own sensors alone"


def test_that_law_notices_a_guard_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Own tracks that a partner's word may drop: the own stream is then no longer what it was."""
    before = values(flown(), "cooperating", "Russia", "own_warning_time_s")  # flown, and kept, with the guard in place
    honest = centres.observe

    def swayed(centre, own, detections, offsets, now_s):
        heard = SWAYED.get(centre.side, 0) > 5
        return honest(centre, own, detections.rows(0, 0) if heard else detections,
                      np.zeros_like(offsets) if heard else offsets, now_s)  # fmt: skip

    cooperate = centres.cooperate
    SWAYED: dict[int, int] = {}

    def listening(centre, own, assisted, messages, *others, **more):
        SWAYED[centre.side] = SWAYED.get(centre.side, 0) + len(messages)
        return cooperate(centre, own, assisted, messages, *others, **more)

    monkeypatch.setattr(centres, "observe", swayed)
    monkeypatch.setattr(centres, "cooperate", listening)
    lied = fly(theatre(), 1, ROWS[:1], NAMES, record=False, lie=Lie("bias", 0))
    after = values(lied, "cooperating", "Russia", "own_warning_time_s")
    assert not np.array_equal(before[:1], after)


@pytest.mark.parametrize("side", [0, 1])
def test_silence_and_slow_drift_cost_no_more_than_cooperation_gave(side: int) -> None:
    """Neither can be seen without own overlap: what is bounded is the damage.

    Suppressed, a side is warned as by what it is still told and its own sensors, never later than alone. A drift of
    30 m/s moves what only the partner sees by no more than its rate times the flight; of own objects nothing.
    """
    victim = theatre().side_names[1 - side]
    honest, alone = (values(flown(), name, victim, "warning_time_s") for name in ("cooperating", "alone"))
    silent = values(flown(Lie("suppression", side)), "cooperating", victim, "warning_time_s")
    drifting = values(flown(Lie("drift", side)), "cooperating", victim, "warning_time_s")
    assert np.all((alone <= silent) & (silent <= honest + 1e-9))
    assert np.all(alone <= drifting)
    errors = [values(flown(lie), "cooperating", victim, "impact_point_error_km") for lie in (None, Lie("drift", side))]
    assert np.all(errors[1] - errors[0] <= 30.0 * 1200.0 / 1e3)
    added = [values(flown(lie), "cooperating", victim, "false_warnings") for lie in (None, Lie("drift", side))]
    assert np.all(added[1] - added[0] <= len(flown().objects) / len(ROWS) / 2)


def test_a_liar_is_left_out_and_the_table_says_so() -> None:
    found = lying(load_scenario("lisbon-2010"), replicates=2, seed=1, lies=("ghosts",))
    assert [(one.lie, one.liar, one.victim) for one in found] == [
        (lie, *pair) for lie in ("none", "ghosts") for pair in (("NATO", "Russia"), ("Russia", "NATO"))
    ]
    honest, lied = found[:2], found[2:]
    assert [one.found_out for one in honest] == [0, 0]
    assert all(one.found_out <= one.lied == 2 for one in lied)
    sure = lied[1]  # NATO's satellites look where Russia's ghosts would have begun
    assert sure.found_out == 2
    assert set(sure.reasons) == {(kind.name or "").lower() for kind in Suspicion}
    assert np.all(sure.delay_s > 0.0)
    for one in found:
        assert set(one.against) == set(DAMAGE)
        own = one.against["own_warning_time_s"]
        assert own is not None
        assert (own.low, own.high) == (0.0, 0.0)
        assert one.document["lie"] == one.lie
    believed, set_aside = sure.against["false_warnings"], sure.set_aside["false_warnings"]
    assert believed is not None
    assert set_aside is not None
    assert set_aside.mean < believed.mean, "left out once it is found out, it does less harm"
