"""Sensors' status: told under its clauses and no other, coarse, checked again on its way out, kept as heard."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests import made_exchange as made
from tests.centre import test_picture_trust as picture

from detente.centre.exchange import explanation, sensor_status
from detente.centre.exchange.digest import digest
from detente.centre.exchange.dsse import keyring
from detente.centre.exchange.egress_check import check_egress
from detente.centre.exchange.message import Expected, Header, Mark, open_envelope, seal
from detente.centre.exchange.release import ReleaseReason, initial, release
from detente.centre.exchange.review import Kind, review
from detente.centre.exchange.rules import compile_agreement, label_of
from detente.centre.exchange.second_check import Setting, Snapshot, check
from detente.records.errors import PeerError
from detente.records.slots import SensorState
from detente.records.stages import Messages

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def suite():
    """Six sensors, two a side, as the made exchange has them: one radar of each side, then one satellite."""
    three = picture.suite()
    columns = {name: getattr(three, name) for name in three.__dataclass_fields__}
    for name in columns:
        if isinstance(columns[name], np.ndarray):
            axis = 0 if columns[name].shape[0] == 3 else 1
            columns[name] = np.take(columns[name], [0, 1, 0, 1, 0, 2], axis=axis)
    names = tuple(f"s{index}" for index in range(6))
    return type(three)(**{**columns, "side": np.array(made.SENSOR_SIDES), "names": names})


SUITE = suite()
STATES = np.array([1, 3, 1, 1, 1, 1], np.uint8)  # the second is down


def agreement(*clauses):
    return made.agreement(*clauses)


def rules_of(asked):
    return compile_agreement(asked, made.SIDES, made.OWNERS, made.EPOCH)


def said(rules, times=(0.0,), giver=0, states=STATES, **values):
    """Everything a side says, tick by tick, and what it remembers."""
    state, told, decided = initial(rules, np.array([0]), 1), [], []
    known = sensor_status.declaration(SUITE, giver, states)
    for now_s in times:
        tracks, est = made.moment(np.random.default_rng(0), now_s, [[0]])
        messages, decisions, state = release(
            state, tracks, est, rules, giver, made.SENSORS_OF[giver], 5, now_s, record=True, status=known
        )
        told.append(messages)
        decided.append(decisions)
    return Messages.concatenate(told), decided, state


def test_a_clause_tells_each_own_sensor_at_its_rate():
    rules = rules_of(agreement(made.clause("s", "sensor-status", every_s=60)))
    messages, _, state = said(rules, np.arange(0.0, 130.0, 5.0))
    assert messages.valid_s.tolist() == [0.0, 0.0, 60.0, 60.0, 120.0, 120.0]
    assert messages.number.tolist() == [1, 2] * 3
    assert messages.sensors.tolist() == [1, 2] * 3
    assert messages.phase.tolist() == [SensorState.UP, SensorState.DOWN] * 3
    assert not messages.state[1::2].any(), "what is down watches nothing"
    assert state.counts[0, 0, ReleaseReason.RELEASED] == 6
    assert said(rules, giver=1)[0].number.tolist() == []
    assert len(said(rules_of(agreement(made.clause("t", "track"))))[0]) == 0


def test_a_delay_holds_it_and_an_owner_may_withhold_it():
    clauses = made.clause("s", "sensor-status", delay_s=20, every_s=60, owners_withheld=["TUR"])
    messages, decided, state = said(rules_of(agreement(clauses)), np.arange(0.0, 50.0, 5.0))
    assert messages.number.tolist() == [1]
    assert (messages.valid_s.tolist(), messages.released_s.tolist()) == ([0.0], [20.0])
    assert state.counts[0, 0, [ReleaseReason.DELAYED, ReleaseReason.RELEASED]].tolist() == [1, 1]
    held = [one.take(one.reason == ReleaseReason.OWNER_WITHHELD) for one in decided]
    assert [one.number.tolist() for one in held if len(one)] == [[2]]
    assert state.counts[0, 0, ReleaseReason.OWNER_WITHHELD] == 1


@pytest.mark.parametrize("phases", [["coast"], ["boost", "coast", "reentry"]])
def test_a_condition_about_an_object_holds_of_no_sensor(phases):
    asked = agreement(made.clause("s", "sensor-status", when={"phases": phases}))
    assert len(said(rules_of(asked), (0.0, 60.0))[0]) == 0
    found = review(asked, made.EPOCH + timedelta(seconds=1))
    assert Kind.UNREACHABLE in {finding.kind for finding in found}
    facts = explanation.Facts(
        data="sensor-status", giver="A", receiver="B", at=made.EPOCH, owners=("USA",), phase="coast"
    )
    assert "no sensor's status can answer" in explanation.explain(asked, facts).judgements[0].reasons[0]
    plain = agreement(made.clause("s", "sensor-status"))
    assert explanation.explain(plain, facts).released


def test_declared_sectors_lie_inside_the_true_ones_in_whole_steps():
    rng = np.random.default_rng(7)
    for _ in range(50):
        true = replace(
            SUITE, boresight_rad=rng.uniform(-np.pi, np.pi, 6), sector_half_width_rad=rng.uniform(0.2, 2.0, 6),
            elevation_min_rad=rng.uniform(0, 0.3, 6), elevation_max_rad=rng.uniform(0.8, 1.5, 6),
            instrumented_range_m=rng.uniform(1e5, 6e6, (1, 6)),
        )  # fmt: skip
        told = sensor_status.coarse_sectors(true)[0]
        off = np.abs((told[:, 0] - true.boresight_rad + np.pi) % (2 * np.pi) - np.pi)
        assert np.all(off + told[:, 1] <= true.sector_half_width_rad + 1e-6)
        assert np.all(told[:, 2] >= true.elevation_min_rad - 1e-6)
        assert np.all((told[:, 3] <= true.elevation_max_rad + 1e-6) & (told[:, 3] >= told[:, 2]))
        assert np.all(told[:, 4] <= true.instrumented_range_m[0] + 1e-3)
        steps = np.concatenate([told[:, :4] / math.radians(5), told[:, 4:] / 50e3], axis=1)
        assert np.allclose(steps, np.rint(steps), atol=1e-6)


AGREEMENT = agreement(made.clause("s", "sensor-status", every_s=60))
RULES = rules_of(AGREEMENT)
SAID = said(RULES)[0]
SETTING = Setting(
    agreement=AGREEMENT, side_names=made.SIDES, sensor_owners=made.OWNERS, sensor_sides=made.SENSOR_SIDES,
    epoch=made.EPOCH,
)  # fmt: skip


def history(**values):
    tracks, est = made.moment(np.random.default_rng(0), 0.0, [[0]])
    known = sensor_status.declaration(SUITE, 0, STATES)
    return [Snapshot(**{"tracks": tracks, "estimates": est, "sensors": known, **values})]


def header(messages=SAID):
    return Header(
        mark=Mark.SIMULATED, giver="A", receiver="B", agreement=digest(AGREEMENT), origin=made.EPOCH.isoformat(),
        epoch=1, sequence=0, sealed_s=0.0, label=label_of(RULES, "B", messages.clause),
    )  # fmt: skip


def sealed(messages=SAID):
    return seal(messages, header(messages), SIGNER)


def changed(**values):
    columns = {name: getattr(SAID, name).copy() for name in values}
    for name, value in values.items():
        columns[name][0] = value
    return replace(SAID, **columns)


def test_honest_status_passes_the_second_check_and_the_wire():
    assert check(SAID, history(), SETTING, 0) == []
    assert check_egress(sealed(), history(), SETTING, 0, 1, mark="simulated") == []
    _, opened = open_envelope(sealed(), keyring(SIGNER.public_key()), expected())
    for name, _ in Messages.columns():
        assert np.array_equal(getattr(opened, name), getattr(SAID, name)), name


def expected():
    return Expected(
        mark=Mark.SIMULATED, giver="A", receiver="B", agreement=digest(AGREEMENT), origin=made.EPOCH.isoformat(),
        giver_index=0, receiver_index=1, rules=RULES, sensors_of_giver=made.SENSORS_OF[0],
    )  # fmt: skip


SECTOR = SAID.state[0]
LESS = SECTOR - np.array([0.0, 0.0, 0.0, 0.0, sensor_status.RANGE_STEP_M, 0.0])
FINER = SECTOR + np.array([0.0, 0.01, 0.0, 0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"phase": 3}, "content"), ({"state": FINER}, "coarsening"), ({"state": LESS}, "content"),
        ({"number": 3, "sensors": 4}, "onward"),
        ({"number": 9}, "onward"), ({"sensors": 2}, "pedigree"), ({"covariance": 1.0}, "content"),
        ({"impact_lat_rad": 0.1}, "content"), ({"coarsened": 1}, "content"), ({"valid_s": -5.0}, "source"),
    ],
)  # fmt: skip
def test_a_status_that_was_tampered_with_does_not_leave(values, rule):
    assert rule in {breach.rule for breach in check(changed(**values), history(), SETTING, 0)}


def test_the_second_check_knows_owners_conditions_rates_and_what_was_known():
    def rules_broken(asked, messages=SAID, known=None, earlier=None):
        setting = replace(SETTING, agreement=asked)
        return {breach.rule for breach in check(messages, known or history(), setting, 0, earlier)}

    assert rules_broken(agreement(made.clause("s", "sensor-status", owners_withheld=["USA"]))) == {"owner"}
    assert rules_broken(agreement(made.clause("s", "sensor-status", when={"phases": ["coast"]}))) == {"conditions"}
    assert rules_broken(AGREEMENT, known=history(sensors=None)) == {"content"}
    assert rules_broken(AGREEMENT, earlier=replace(SAID, valid_s=SAID.valid_s - 30.0)) == {"rate"}


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"phase": 4}, "a phase"), ({"sensors": 2}, "not one sensor's"), ({"sensors": 3}, "not one sensor's"),
        ({"number": 70}, "not one sensor's"), ({"state": FINER * 1e3}, "no radar can watch"),
        ({"state": [0.0, 0.0, 1.0, 0.5, 0.0, 0.0]}, "no radar can watch"),
        ({"state": [0.0, 0.0, 0.0, 0.5, -1.0, 0.0]}, "no radar can watch"),
        ({"state": [0.0, 0.0, 0.0, 0.5, 1.0, 1.0]}, "no radar can watch"),
        ({"covariance": 1.0}, "a part"), ({"launch_valid": 1}, "a flag"),
        ({"sensors": 4, "number": 3}, "not the giver's"),
    ],
)  # fmt: skip
def test_a_status_that_is_none_is_refused(values, complaint):
    bad = changed(**values)
    with pytest.raises(PeerError, match=complaint):
        open_envelope(sealed(bad), keyring(SIGNER.public_key()), expected())


def test_what_was_heard_last_of_a_sensor_stands():
    nothing = sensor_status.nothing_declared(1, 6)
    once = sensor_status.heard(nothing, SAID, SUITE.side)
    assert once.state[0].tolist() == [1, 3, 0, 0, 0, 0]
    assert np.array_equal(once.sector[0, 0], SAID.state[0, :5])
    newer = replace(SAID, valid_s=SAID.valid_s + 60.0, phase=np.array([2, 1], np.uint8))
    both = Messages.concatenate([newer, SAID])
    for table in (both, both.take(np.array([3, 2, 1, 0]))):  # the order of arrival decides nothing
        after = sensor_status.heard(nothing, table, SUITE.side)
        assert after.state[0].tolist() == [2, 1, 0, 0, 0, 0]
        assert after.stated_s[0, :2].tolist() == [60.0, 60.0]
    assert sensor_status.heard(after, SAID, SUITE.side).state[0].tolist() == [2, 1, 0, 0, 0, 0]
    stranger = replace(SAID, giver=SAID.giver + 1)
    assert sensor_status.heard(nothing, stranger, SUITE.side) is nothing


def test_words_about_sensors_and_about_objects_are_told_apart():
    tracks = picture.made.table(picture.made.message(picture.made.state(), picture.SPREAD))[0]
    table = Messages.concatenate([tracks, SAID, tracks])
    objects, offsets, sensors = sensor_status.parted(table, np.array([0, 1, 4, 4]))
    assert objects.data.tolist() == [3, 3]
    assert offsets.tolist() == [0, 1, 2, 2]
    assert sensors.replicate.tolist() == [1, 1]
    assert sensor_status.parted(tracks, np.array([0, 1]))[0] is tracks
