"""Warnings: said once, of the right ground, and not on the strength of one look."""

import numpy as np
import pytest
from tests import made_picture as made

from detente.centre.picture.estimates import DEFAULTS, estimate
from detente.centre.picture.fusion import fuse
from detente.centre.picture.partner import receive, start_partner
from detente.centre.picture.settings import PictureSettings
from detente.centre.picture.warnings import Stream, start_issued, warn_own, warn_picture

GROUND = made.territories()
HALF = np.array([0.5, 0.5])
TOWARDS_WEST = -45.0


def watched(states, spread, times, *, settings=DEFAULTS, numbers=None):
    """The own stream's warnings over these times, for tracks that follow these states."""
    issued, said, warnings = start_issued(1, len(states), 2), None, []
    for time_s in times:
        now = [made.moved(state, time_s) for state in states]
        tracks = made.tracks(now, [spread] * len(states), time_s=time_s, numbers=numbers)
        said = estimate(tracks, said, GROUND, settings)
        table, issued = warn_own(tracks, said, issued, HALF, made.WEST, settings)
        warnings.append(table)
    return warnings, said, issued


def test_a_threat_is_warned_of_once_after_two_predictions():
    warnings, said, _ = watched([made.state(TOWARDS_WEST)], made.covariance(), (0.0, 5.0, 10.0, 15.0, 60.0))
    assert [len(w) for w in warnings] == [0, 1, 0, 0, 0]
    row = warnings[1]
    assert (row.side[0], row.threatened[0], row.stream[0], row.time_s[0]) == (made.WEST, made.WEST, Stream.OWN, 5.0)
    assert (row.giver[0], row.number[0], row.launch_valid[0]) == (made.WEST, 1, 1)
    assert row.probability[0] == 1.0
    assert row.impact_s[0] == pytest.approx(said.impact_s[0, 0], abs=0.5)


def test_one_prediction_is_enough_where_the_settings_say_so():
    warnings, _, _ = watched(
        [made.state(TOWARDS_WEST)], made.covariance(), (0.0, 5.0), settings=PictureSettings(confirmations=1)
    )
    assert [len(w) for w in warnings] == [1, 0]


def test_nobody_is_warned_of_what_falls_elsewhere_or_might():
    elsewhere, vague = made.state(-90.0), made.state(TOWARDS_WEST)
    warnings, said, _ = watched([elsewhere], made.covariance(), (0.0, 5.0, 10.0))
    assert said.impact_valid[0, 0] == 1
    assert [len(w) for w in warnings] == [0, 0, 0]
    warnings, said, _ = watched([vague], made.covariance(20e3, 800.0), (0.0, 5.0, 10.0))
    assert 0.0 < said.threat_probability[0, 0, made.WEST] < 0.5
    assert [len(w) for w in warnings] == [0, 0, 0]


def test_a_slot_that_changes_hands_warns_anew():
    spread, state = made.covariance(), made.state(TOWARDS_WEST)
    _, said, issued = watched([state], spread, (0.0, 5.0))
    for time_s, expected in ((10.0, 0), (15.0, 1)):
        tracks = made.tracks([made.moved(state, time_s)], [spread], time_s=time_s, numbers=[8])
        said = estimate(tracks, said, GROUND)
        table, issued = warn_own(tracks, said, issued, HALF, made.WEST)
        assert len(table) == expected
    assert table.number[0] == 8


def test_the_assisted_stream_is_labelled_and_names_the_giver():
    partner, issued, picture, tables = start_partner(1, 2, 2), start_issued(1, 3, 2), None, []
    for time_s in (0.0, 5.0):
        tracks = made.tracks([], [], slots=1, time_s=time_s)
        state = made.moved(made.state(TOWARDS_WEST), time_s)
        table, offsets = made.table(made.message(state, made.covariance(), number=4, valid_s=time_s))
        partner = receive(partner, table, offsets, made.WEST, GROUND, time_s)
        picture = fuse(tracks, estimate(tracks, None, GROUND), partner, made.WEST, GROUND, time_s, picture)
        table, issued = warn_picture(picture, issued, HALF, made.WEST)
        tables.append(table)
    assert [len(t) for t in tables] == [0, 1]
    assert (tables[1].stream[0], tables[1].giver[0], tables[1].number[0]) == (Stream.ASSISTED, made.EAST, 4)


def test_what_was_said_of_a_partners_line_is_not_said_again_when_it_proves_our_own():
    partner, issued, picture, count = start_partner(1, 2, 2), start_issued(1, 3, 2), None, []
    said = None
    for time_s in (0.0, 5.0, 10.0, 15.0, 20.0, 25.0):
        state = made.moved(made.state(TOWARDS_WEST), time_s)
        seen = [state] if time_s >= 10.0 else []
        tracks = made.tracks(seen, [made.covariance()] * len(seen), slots=1, time_s=time_s)
        said = estimate(tracks, said, GROUND)
        table, offsets = made.table(made.message(state, made.covariance(), number=4, valid_s=time_s))
        partner = receive(partner, table, offsets, made.WEST, GROUND, time_s)
        picture = fuse(tracks, said, partner, made.WEST, GROUND, time_s, picture)
        table, issued = warn_picture(picture, issued, HALF, made.WEST)
        count.append(len(table))
    assert picture.twin[0, 0] == 1
    assert count == [0, 1, 0, 0, 0, 0]


def test_false_warnings_are_rare_where_tracks_are_honest():
    """400 missiles that land well outside; tracks as uncertain as a first radar track: at most 1 % warn falsely."""
    rng = np.random.default_rng(12)
    spread = made.covariance(1500.0, 60.0)
    states = np.array([made.state(azimuth_deg=a, speed=4500.0) for a in rng.uniform(-80.0, -64.0, 400)])
    seen = states + rng.normal(size=states.shape) @ np.linalg.cholesky(spread).T
    warnings, said, _ = watched(list(seen), spread, (0.0, 5.0))
    assert said.impact_valid.sum() == 400
    assert sum(len(w) for w in warnings) <= 4


def corrected(changes):
    """What is stated at each of these: (time, sigmas of position and velocity, push aside)."""
    issued, said, found = start_issued(1, 1, 2), None, []
    for time_s, position_m, velocity_m_s, aside_m_s in changes:
        state = made.moved(made.state(TOWARDS_WEST), time_s)
        state[3:] += aside_m_s * np.cross(state[:3], state[3:]) / np.linalg.norm(np.cross(state[:3], state[3:]))
        tracks = made.tracks([state], [made.covariance(position_m, velocity_m_s)], time_s=time_s)
        said = estimate(tracks, said, GROUND)
        table, issued = warn_own(tracks, said, issued, HALF, made.WEST)
        found.append(table)
    return found


def test_a_warning_is_corrected_where_its_ellipse_is_half_or_twice_as_long():
    steady, vague, sharp = (500.0, 20.0, 0.0), (1_500.0, 60.0, 0.0), (100.0, 3.0, 0.0)
    story = ((0.0, *steady), (5.0, *steady), (50.0, *steady), (100.0, *sharp), (150.0, *sharp), (200.0, *vague))
    found = corrected(story)
    assert [table.update.tolist() for table in found] == [[], [0], [], [1], [], [2]]
    longest = [np.linalg.eigvalsh(_matrix(table))[1] ** 0.5 for table in found if len(table)]
    assert longest[1] < 0.5 * longest[0]
    assert longest[2] > 2.0 * longest[1]
    assert found[3].time_s[0] == 100.0
    assert found[3].threatened[0] == made.WEST


def _matrix(table):
    east, cross, north = table.impact_covariance_m2[0]
    return np.array([[east, cross], [cross, north]])


def test_a_warning_is_corrected_where_its_impact_has_moved_beyond_what_it_allowed():
    """Also to where it threatens nobody any more: then the correction is what takes the warning back."""
    steady = (500.0, 20.0)
    near = corrected(((0.0, *steady, 0.0), (5.0, *steady, 0.0), (50.0, *steady, 30.0)))
    assert [table.update.tolist() for table in near] == [[], [0], []]
    far = corrected(((0.0, *steady, 0.0), (5.0, *steady, 0.0), (50.0, *steady, 2_000.0)))
    assert [table.update.tolist() for table in far] == [[], [0], [1]]
    assert far[1].probability[0] == 1.0
    assert far[2].probability[0] == 0.0


def test_a_correction_is_held_to_what_was_stated_last_not_first():
    """A middle that drifts by less than its ellipse allows each time is corrected as soon as the sum is more."""
    steady = (500.0, 20.0)
    pushes = [0.0, 0.0] + [20.0 * step for step in range(1, 12)]
    times = [0.0, 5.0] + [50.0 * step for step in range(1, 12)]
    found = corrected([(time_s, *steady, push) for time_s, push in zip(times, pushes, strict=True)])
    ordinals = [table.update.tolist() for table in found]
    assert ordinals[1] == [0]
    given = [one[0] for one in ordinals if one]
    assert given == list(range(len(given)))
    assert 2 <= len(given) <= 6
