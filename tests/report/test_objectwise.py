"""What the page computes from the table of objects, against sums done by hand and against the study's own interval."""

import numpy as np
import pytest

from detente.report import closer_look, objectwise
from detente.report.answer import _aimed, answer
from detente.report.objectwise import Changed, Mean
from detente.studies.summary import interval


def _slow_good_warning(saved, architecture, side, within_km):
    """Mean over worlds of the mean over threatening objects, object by object."""
    under = saved.objects_under(architecture)
    worlds = []
    for replicate in range(saved.replicates):
        leads = []
        for row in range(len(under)):
            if under.replicate[row] != replicate or not under.threatened[row] >> side & 1:
                continue
            warned = under.warned_s[row] >= 0 and under.impact_error_m[row] <= within_km * 1e3
            leads.append(under.impact_s[row] - under.warned_s[row] if warned else 0.0)
        worlds.append(np.mean(leads))
    return np.array(worlds)


@pytest.mark.parametrize("within_km", [60.0, 300.0])
def test_good_warning_is_the_mean_over_worlds_of_means_over_objects(saved, within_km):
    mean, change = objectwise.good_warning(saved, "joint", 1, within_km)
    there, base = (_slow_good_warning(saved, name, 1, within_km) for name in ("joint", "alone"))
    assert mean.mean == pytest.approx(there.mean())
    assert change.mean == pytest.approx((there - base).mean())


def test_without_a_limit_it_is_the_warning_time_itself(saved):
    for side, name in enumerate(saved.sides):
        mean, change = objectwise.good_warning(saved, "cooperating", side, 1e6)
        cell = saved.cell("cooperating", name, "warning_time_s")
        difference = saved.difference("cooperating", name, "warning_time_s")
        assert (mean.mean, mean.low, mean.high, mean.n) == pytest.approx(
            tuple(cell[k] for k in ("mean", "low", "high", "n"))
        )
        assert (change.mean, change.low, change.high) == pytest.approx(
            tuple(difference[k] for k in ("mean", "low", "high"))
        )


def test_useful_warning_is_the_study_s_own_metric(saved):
    for side, name in enumerate(saved.sides):
        mean, change = objectwise.useful_warning(saved, "cooperating", side)
        cell = saved.cell("cooperating", name, "useful_warning_time_s")
        difference = saved.difference("cooperating", name, "useful_warning_time_s")
        assert 0.0 < mean.mean < saved.cell("cooperating", name, "warning_time_s")["mean"]
        assert (mean.mean, mean.low, mean.high) == pytest.approx((cell["mean"], cell["low"], cell["high"]))
        assert (change.mean, change.low, change.high) == pytest.approx(
            tuple(difference[k] for k in ("mean", "low", "high"))
        )


def test_a_narrower_limit_never_gives_more_warning(saved):
    means = [objectwise.good_warning(saved, "joint", 0, within)[0].mean for within in (30.0, 50.0, 80.0, 200.0)]
    assert means == sorted(means)
    assert means[0] == 0.0  # every made-up error is 40 km or more
    assert means[-1] > means[1] > 0.0


@pytest.mark.parametrize("values", [[1.0, 2.0, 4.0], [3.0, np.nan, 5.0], [7.0], [2.0, 2.0]])
def test_the_interval_is_the_study_s(values):
    values = np.array(values)
    ours = objectwise.mean_over_worlds(values)
    theirs = interval(np.nan_to_num(values), np.isfinite(values), fraction=False)
    assert (ours.mean, ours.low, ours.high, ours.n) == pytest.approx((theirs.mean, theirs.low, theirs.high, theirs.n))


def test_what_exists_in_no_world_has_no_mean():
    assert objectwise.mean_over_worlds(np.full(3, np.nan)) is None


def test_ellipses_held_are_counted_at_the_95_percent_point(saved):
    for side in (0, 1):
        objects = saved.threatening("joint", side)
        count, of = objectwise.held(saved, "joint", side)
        assert of == len(objects) == 50 * 12
        assert count == (objects.impact_nees <= 5.991).sum()
        assert 0.70 < count / of < 0.80  # made up as evenly spread between 0 and 8
    assert closer_look.inside(saved, "joint", 0).endswith("% of 600")


def test_the_error_is_compared_over_objects_warned_of_in_both(saved):
    _, change, pairs = objectwise.impact_error_km(saved, "joint", 0)
    assert (change.mean, change.low, change.high) == (0.0, 0.0, 0.0)  # the made-up errors are those of alone
    assert pairs == 600


def test_kinds_of_aim_point_add_up_to_all(saved):
    for side, name in enumerate(saved.sides):
        counts = [objectwise.leaked(saved, "joint", side, kind) for kind in objectwise.kinds(saved)]
        leaked, of = (sum(column) for column in zip(*counts, strict=True))
        assert of == 50 * 12
        assert leaked / of == pytest.approx(saved.cell("joint", name, "leakage_fraction")["mean"])


def test_changed_fates_explain_the_difference_of_leakage(saved):
    for side, name in enumerate(saved.sides):
        found = objectwise.changed(saved, "cooperating", side)
        gained, lost = sum(found.gained.values()), sum(found.lost.values())
        difference = saved.difference("cooperating", name, "leakage_fraction")["mean"]
        assert gained > 0
        assert (lost - gained) / found.of == pytest.approx(difference)
    assert _aimed({0: 1, 3: 1200}) == " (ground, by area 1, named points 1,200)"


def test_the_answer_says_which_objects_it_rests_on(saved):
    text = str(answer(saved))
    assert text.count("of 600 in all, ") == 2
    assert text.count("km where it will land, and is right: ") == 2


def test_a_difference_of_one_world_is_not_judged():
    one = Mean(mean=60.0, low=60.0, high=60.0, n=1)
    assert 'class="judged single"' in str(closer_look._change("joint", one, closer_look.MINUTES))
    many = Mean(mean=60.0, low=30.0, high=90.0, n=9)
    assert "+1.0 better" in str(closer_look._change("joint", many, closer_look.MINUTES))


def test_a_share_that_leaks_is_told_with_what_is_intercepted_more_and_fewer():
    moved = Changed(gained={0: 2, 1: 7}, lost={0: 1}, of=40)
    assert closer_look._leakage_cell((3, 12), None, 0) == "<td>25.0 %</td>"
    assert closer_look._leakage_cell((3, 12), moved, 0) == "<td>25.0 % <small>(2 more, 1 fewer)</small></td>"
    assert closer_look._leakage_cell((3, 12), moved, 1) == "<td>25.0 % <small>(7 more)</small></td>"
    assert closer_look._leakage_cell((3, 12), moved, 3) == "<td>25.0 % </td>"


def test_one_architectures_objects_are_its_own(saved):
    for index, name in enumerate(saved.about["architecture_index"]):
        under = saved.objects_under(name)
        assert set(under.architecture.tolist()) == {index}
        assert len(under) == 50 * 24
        assert (saved.threatening(name, 1).aim_side == 1).all()
