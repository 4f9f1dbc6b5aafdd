"""What coarsening hides stays hidden: repeats, renumbering, renewal and second hearers do not bring it back."""

from dataclasses import replace

import numpy as np
import pytest
from tests import made_exchange as made

from detente.centre.exchange.offsets import Secret, secret_numbers
from detente.centre.exchange.release import initial, release, renewed
from detente.centre.exchange.rules import compile_agreement
from detente.centre.exchange.second_check import Setting, Snapshot, check
from detente.records.stages import Messages

SIGMA_M = 1500.0
COARSE = {"sigma_position_m": SIGMA_M, "sigma_velocity_m_s": 20.0}
OBJECTS, TICKS = 150, 24


def rules_of(*clauses):
    return compile_agreement(made.agreement(*clauses), made.SIDES, made.OWNERS, made.EPOCH)


def flown(tick, lost=()):
    """Many objects that stand still in space, numbered anew after each time they are lost."""
    rng = np.random.default_rng(5)
    number = np.arange(1, OBJECTS + 1)[None] + OBJECTS * sum(tick > gap for gap in lost)
    tracks, estimates = made.moment(rng, 10.0 * tick, number)
    turn = 7.292115e-5 * 10.0 * tick  # an inertial state, seen from the turning Earth, keeps its momentum and energy
    spin = np.array([[np.cos(turn), np.sin(turn), 0.0], [-np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    mean = np.concatenate([tracks.mean[..., :3] @ spin.T, tracks.mean[..., 3:] @ spin.T], axis=-1)
    here = np.broadcast_to(tick not in lost, number.shape)
    return replace(
        tracks, mean=mean * here[..., None], number=number * here, status=(2 * here).astype(np.uint8)
    ), estimates  # fmt: skip


def told(clauses, ticks=TICKS, lost=(), secret=made.SECRET):
    """All messages, and how far each is from what the giver knew."""
    rules = rules_of(*clauses)
    state, sent, moved = initial(rules, np.array([0]), OBJECTS), [], []
    for tick in range(ticks):
        tracks, estimates = flown(tick, lost)
        messages, _, state = release(state, tracks, estimates, rules, 0, 3, secret, tracks.time_s)
        sent.append(messages)
        moved.append(messages.state - tracks.mean[0, (messages.number - 1) % OBJECTS])
    return Messages.concatenate(sent), np.concatenate(moved)


@pytest.mark.parametrize("lost", [(), (6, 13, 20)], ids=["one number", "renumbered three times"])
def test_the_mean_of_all_that_was_ever_said_of_an_object_is_as_far_off_as_one_message(lost):
    messages, moved = told([made.clause(coarsen=COARSE)], lost=lost)
    thing = (messages.number - 1) % OBJECTS
    means = np.array([moved[thing == k].mean(axis=0) for k in range(OBJECTS)])
    assert np.bincount(thing).min() > 15
    # A standard deviation of 3 × 150 normal numbers has a standard error of 3 %: four of them. Offsets that were drawn
    # anew four times would leave half of it, offsets drawn for each message a fifth.
    assert np.sqrt(np.mean(means[:, :3] ** 2)) == pytest.approx(SIGMA_M, rel=0.13)
    assert np.abs(moved - moved[thing.argsort(kind="stable")[0]]).max() > SIGMA_M, "objects differ"
    assert max(np.ptp(moved[thing == k], axis=0).max() for k in range(OBJECTS)) < 1e-6


def test_two_hearers_of_one_amount_learn_nothing_by_subtracting():
    messages, _ = told([made.clause("b", coarsen=COARSE), made.clause("c", receiver="C", coarsen=COARSE)], ticks=2)
    first, second = (messages.take(messages.receiver == side) for side in (1, 2))
    assert len(first) == len(second) == 2 * OBJECTS
    assert np.array_equal(first.state, second.state)


def test_two_amounts_move_by_numbers_that_have_nothing_to_do_with_one_another():
    """Were they the same numbers, two hearers could solve for the place."""
    fine, coarse = (
        told([made.clause(coarsen={"sigma_position_m": sigma_m})], ticks=1)[1][:, :3] / sigma_m
        for sigma_m in (SIGMA_M, 2 * SIGMA_M)
    )
    assert abs(np.corrcoef(fine.ravel(), coarse.ravel())[0, 1]) < 4 / np.sqrt(fine.size)


def test_a_renewed_agreement_moves_an_object_by_the_same_offset():
    old, new = (rules_of(made.clause(name, coarsen=COARSE)) for name in ("old", "new"))
    state, moved = initial(old, np.array([0]), OBJECTS), []
    for tick, rules in enumerate((old, old, new, new)):
        tracks, estimates = flown(tick, lost=(0,))  # so that numbers are not those of the keys
        if tick == 2:
            state = renewed(state, new)
            assert state.released_messages.sum() == len(state.pending) == 0
        messages, _, state = release(state, tracks, estimates, rules, 0, 3, made.SECRET, tracks.time_s)
        moved.append(messages.state - tracks.mean[0, (messages.number - 1) % OBJECTS])
    assert [len(part) for part in moved] == [0, OBJECTS, OBJECTS, OBJECTS]
    assert np.allclose(moved[1], moved[2], rtol=0, atol=1e-6)
    assert np.allclose(moved[1], moved[3], rtol=0, atol=1e-6)


def test_every_part_of_an_address_changes_all_numbers():
    """Giver, replicate, object, class, part, amount and each byte of the secret."""

    def numbers(secret=made.SECRET, giver=0, replicate=0, thing=1, data=1, amount=500.0):
        one = np.ones(1, np.int64)
        amounts = np.full((1, 4), amount)
        return secret_numbers(
            secret, giver, replicate * one, thing * one, 0 * one, np.array([data], np.uint8), amounts
        )[0]  # fmt: skip

    base = numbers()
    assert len(set(base.tolist())) == 9
    others = [
        numbers(giver=1), numbers(replicate=1), numbers(thing=2), numbers(data=2), numbers(amount=500.0000001),
        *(numbers(secret=Secret(bytes(b ^ (i == k) for i, b in enumerate(made.SECRET.key)))) for k in range(32)),
    ]  # fmt: skip
    for other in others:
        assert np.abs(other - base).min() > 1e-9
    assert np.array_equal(numbers(), base)


def test_a_secret_is_32_bytes_and_does_not_show_itself():
    with pytest.raises(AssertionError, match="32 bytes"):
        Secret(b"short")
    assert repr(made.SECRET) == "Secret()"


SETTING = {
    "side_names": made.SIDES, "sensor_owners": made.OWNERS, "sensor_sides": made.SENSOR_SIDES, "epoch": made.EPOCH,
}  # fmt: skip


@pytest.mark.parametrize(
    "clause",
    [made.clause(coarsen=COARSE), made.clause(data="launch-warning", coarsen={"sigma_position_m": 4000.0})],
    ids=["track", "launch-warning"],
)
def test_the_second_checker_sees_an_offset_that_is_not_that_of_the_last_message(clause):
    """A giver that drew offsets anew would be caught at the second message about an object, whatever its secret."""
    rules = rules_of(clause)
    setting = Setting(agreement=made.agreement(clause), **SETTING)
    state, history, said = initial(rules, np.array([0]), OBJECTS), [], []
    for tick, secret in enumerate((made.secret(1), made.secret(1), made.secret(2))):
        tracks, estimates = flown(tick)
        history.append(Snapshot(tracks=tracks, estimates=estimates))
        messages, _, state = release(state, tracks, estimates, rules, 0, 3, secret, tracks.time_s)
        breaches = check(messages, history, setting, 0, Messages.concatenate(said))
        assert (len(breaches) == OBJECTS) == (tick == 2), breaches[:2]
        assert {breach.rule for breach in breaches} <= {"coarsening"}
        said.append(messages)
