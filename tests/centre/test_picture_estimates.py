"""Where tracks came from and will land: against the flight room, and against their own stated uncertainty."""

import math

import numpy as np
import pytest
from tests import made_picture as made

from detente.centre.picture._kernels_arc import vacuum_landing
from detente.centre.picture._kernels_boost import CLASS_LIMITS, SHARE_LOG_SIGMA, range_share
from detente.centre.picture._kernels_layout import (
    LAUNCH_LAT,
    LAUNCH_LON,
    LAUNCH_S,
    LAUNCH_SIGMA,
    LAUNCH_VALID,
    NUMBER,
    THREAT,
)
from detente.centre.picture.estimates import empty_estimates, estimate, from_lines
from detente.centre.picture.settings import PictureSettings
from detente.flight.aiming import max_range
from detente.flight.trajectory import ephemeris
from detente.flight.vehicle import Missile, Stage, pack
from detente.geodesy._kernels import ecef_to_geodetic, geodetic_to_ecef, great_circle_m
from detente.geodesy.distance import shortest_paths
from detente.records.slots import Phase
from detente.scenario.files import load_catalogue
from detente.world.launches import flight_missile

GROUND = made.territories()
MATCHED = PictureSettings(ballistic_log_sigma=0.0, impact_floor_m=1.0, impact_floor_s=0.1)
CD = ((0.0, 0.85, 1.0, 1.2, 2.0, 4.5), (0.20, 0.20, 0.27, 0.27, 0.20, 0.20))  # Forden 2007


def drawn(mean, spread, count, seed):
    """True states of which ``mean`` with ``spread`` is an honest estimate."""
    return mean + np.random.default_rng(seed).normal(size=(count, 6)) @ np.linalg.cholesky(spread).T


def errors_of(estimates, slot, truths, beta):
    """Errors of an estimate's impact in east, north (m) and time (s), against where these states really land."""
    lat, lon = estimates.impact_lat_rad[0, slot], estimates.impact_lon_rad[0, slot]
    landed = made.landed(truths, beta)
    assert (landed.flag == 0).all()
    places = np.array([ecef_to_geodetic(*point) for point in landed.position_ecef_m])
    radius = 6_371_008.8
    east, north = radius * math.cos(lat) * (places[:, 1] - lon), radius * (places[:, 0] - lat)
    return east, north, landed.time_s - estimates.impact_s[0, slot]


def test_the_mean_impact_is_the_flight_rooms():
    means = np.array([made.state(azimuth_deg=a) for a in (-60.0, -40.0, -10.0)])
    found = estimate(made.tracks(means, [made.covariance()] * 3, time_s=100.0), None, GROUND)
    landed = made.landed(means)
    for slot in range(3):
        lat, lon, _ = ecef_to_geodetic(*landed.position_ecef_m[slot])
        assert great_circle_m(lat, lon, found.impact_lat_rad[0, slot], found.impact_lon_rad[0, slot]) < 20.0
        # A centre's quick fall: measured 0.06 s late over these flights of 1,000 s.
        assert found.impact_s[0, slot] == pytest.approx(100.0 + landed.time_s[slot], abs=0.1)
    assert found.number.tolist() == [[1, 2, 3]]
    assert found.rounds.tolist() == [[1, 1, 1]]


@pytest.mark.parametrize(
    ("speed", "climb", "height", "spread"),
    [
        (4800.0, 38.0, 250e3, (500.0, 10.0)),
        (4800.0, 38.0, 250e3, (3000.0, 60.0)),
        (6500.0, 25.0, 300e3, (500.0, 5.0)),
        (2200.0, 35.0, 90e3, (200.0, 8.0)),
        (4000.0, -25.0, 180e3, (400.0, 4.0)),
    ],
)
def test_the_ellipse_holds_the_truth_as_often_as_it_says(speed, climb, height, spread):
    mean = made.state(speed=speed, climb_deg=climb, height_m=height)
    covariance = made.covariance(*spread, seed=3)
    found = estimate(made.tracks([mean], [covariance]), None, GROUND, MATCHED)
    east, north, late_s = errors_of(found, 0, drawn(mean, covariance, 1000, seed=11), made.NOMINAL_BETA)
    ee, en, nn = found.impact_covariance_m2[0, 0]
    d2 = (nn * east**2 - 2.0 * en * east * north + ee * north**2) / (ee * nn - en * en)
    assert 0.90 <= np.mean(d2 < 5.991) <= 0.99
    assert 0.90 <= np.mean(np.abs(late_s) < 1.96 * found.impact_sigma_s[0, 0]) <= 0.99


def test_an_unknown_ballistic_coefficient_is_owned_up_to():
    mean, covariance = made.state(), made.covariance(100.0, 1.0)
    found = estimate(made.tracks([mean], [covariance]), None, GROUND)
    rng = np.random.default_rng(5)
    limits = [e.ballistic_coefficient_kg_m2 for e in load_catalogue().missiles.values()]
    betas = np.array([rng.uniform(limits[k % len(limits)].low, limits[k % len(limits)].high) for k in range(400)])
    east, north, late_s = errors_of(found, 0, drawn(mean, covariance, 400, seed=2), betas)
    ee, en, nn = found.impact_covariance_m2[0, 0]
    d2 = (nn * east**2 - 2.0 * en * east * north + ee * north**2) / (ee * nn - en * en)
    assert np.mean(d2 < 5.991) >= 0.90
    assert np.mean(np.abs(late_s) < 1.96 * found.impact_sigma_s[0, 0]) >= 0.90


def test_threat_probability_is_the_share_of_the_ellipse_on_that_ground():
    mean = made.state(azimuth_deg=-40.0)
    covariance = made.covariance(2000.0, 60.0, seed=1)
    found = estimate(made.tracks([mean], [covariance]), None, GROUND, MATCHED)
    landed = made.landed(drawn(mean, covariance, 4000, seed=9))
    places = np.degrees([ecef_to_geodetic(*point)[:2] for point in landed.position_ecef_m])
    inside = (places[:, 0] > 46) & (places[:, 0] < 56) & (places[:, 1] > 4) & (places[:, 1] < 20)
    assert 0.1 < inside.mean() < 0.9
    assert found.threat_probability[0, 0, made.WEST] == pytest.approx(inside.mean(), abs=0.08)
    assert found.threat_probability[0, 0, made.EAST] == 0.0


def test_a_boosting_track_says_no_more_than_its_class_may_do():
    mean, covariance = made.state(), made.covariance()
    boosting = made.tracks([mean], [covariance], phase=np.full((1, 1), Phase.BOOST, np.uint8))
    vague = estimate(boosting, None, GROUND)
    sharp = estimate(made.tracks([mean], [covariance]), None, GROUND)
    assert (vague.impact_valid[0, 0], vague.foretold[0, 0], sharp.foretold[0, 0]) == (1, 0, 1)
    spread_m = math.sqrt(vague.impact_covariance_m2[0, 0, [0, 2]].sum())
    assert spread_m > 20.0 * math.sqrt(sharp.impact_covariance_m2[0, 0, [0, 2]].sum())
    assert vague.impact_sigma_s[0, 0] > sharp.impact_sigma_s[0, 0]
    # Where it would fall if its motor stopped now is the least it may do.
    launch = sharp.launch_lat_rad[0, 0], sharp.launch_lon_rad[0, 0]
    least_m, mean_m = (great_circle_m(*launch, e.impact_lat_rad[0, 0], e.impact_lon_rad[0, 0]) for e in (sharp, vague))
    assert mean_m > least_m
    assert 0.0 < vague.threat_probability[0, 0, made.WEST] < sharp.threat_probability[0, 0, made.WEST] == 1.0
    for found in (vague, sharp):
        assert found.class_probability[0, 0].sum() == pytest.approx(1.0)
        assert found.class_probability[0, 0, 0] == 0.0  # it flies 2,500 km already


def test_a_boosting_track_keeps_what_was_said_until_there_is_news():
    mean, covariance = made.state(), made.covariance()
    boosting = made.tracks([mean], [covariance], phase=np.full((1, 1), Phase.BOOST, np.uint8))
    said = estimate(made.tracks([mean], [covariance]), None, GROUND)
    after = estimate(boosting, said, GROUND)
    assert set(made.same_arrays(after, said)) <= {"lines"}  # but for what is remembered of its burning


def test_a_radars_track_lost_early_may_have_burnt_on():
    """Seen again, or seen by a satellite, or lost late in its flight: then the tracker's word is good."""
    mean, covariance = made.state(), made.covariance()
    sharp = estimate(made.tracks([mean], [covariance]), None, GROUND)
    late = {"time_s": 40.0, "updated_s": np.zeros((1, 1))}

    def after(**changes):
        tracks = made.tracks([made.moved(mean, 40.0)], [covariance], **{**late, **changes})
        return estimate(tracks, sharp, GROUND)

    assert after().foretold[0, 0] == 0
    assert after().impact_covariance_m2[0, 0, 0] > 100.0 * sharp.impact_covariance_m2[0, 0, 0]
    assert after(burning_by=np.zeros((1, 1), np.int64), burning_s=np.full((1, 1), -20.0)).foretold[0, 0] == 1
    assert after(time_s=20.0).foretold[0, 0] == 1
    again = made.tracks([made.moved(mean, 50.0)], [covariance], time_s=50.0)
    assert estimate(again, after(), GROUND).foretold[0, 0] == 1
    old = made.replaced(sharp, lines=sharp.lines.copy())
    old.lines.flags.writeable = True
    old.lines[LAUNCH_S] -= 300.0
    tracks = made.tracks([made.moved(mean, 40.0)], [covariance], **late)
    assert estimate(tracks, old, GROUND).foretold[0, 0] == 1


def since_burning(state, launch, covariance, **changes):
    """What is said, 5 s on, of a missile that a satellite saw burn at 0 s and that is then said to coast.

    ``launch``: latitude, longitude (rad) and how long before. The state is believed with ``covariance`` while it burns,
    and with a sharp one when its motor is said to have stopped.
    """
    seen = {"burning_by": np.full((1, 1), 3), "burning_s": np.full((1, 1), 100.0), "updated_s": np.full((1, 1), 100.0)}
    cloud = np.array(geodetic_to_ecef(*launch[:2], 10_000.0)).reshape(1, 1, 3)
    began = {"start_ecef_m": cloud, "born_s": np.full((1, 1), 140.0 - launch[2])}
    burning = made.tracks(
        [state], [covariance], time_s=100.0, phase=np.full((1, 1), Phase.BOOST, np.uint8), **seen, **began
    )
    held = estimate(burning, None, GROUND)
    line = held.lines.copy()
    line[LAUNCH_LAT], line[LAUNCH_LON], line[LAUNCH_S] = launch[0], launch[1], 100.0 - launch[2]
    coasting = made.tracks(
        [made.moved(state, 5.0)], [made.covariance(2_000.0, 50.0)], time_s=105.0, **{**seen, **began, **changes}
    )
    return estimate(coasting, from_lines(line), GROUND)


@pytest.fixture(scope="module")
def burnt_out(flown):
    """Launch (latitude, longitude, burn) and state at the end of the burn of an Al Hussein."""
    start, paths = flown
    rows = slice(paths.offsets[1], paths.offsets[2])
    last = int(np.argmax(paths.phase[rows] == Phase.COAST))
    state = np.concatenate([paths.position_ecef_m[rows][last], paths.velocity_ecef_m_s[rows][last]])
    return state, (*start, float(paths.time_s[rows][last]))


def test_the_end_of_thrust_is_unknown_until_somebody_has_seen_it_coast(burnt_out):
    """The speed is no better known than when it burnt, and what a thrust may have added since comes on top."""
    state, launch = burnt_out
    open_speed, seen_again = made.covariance(2_000.0, 300.0), {"updated_s": np.full((1, 1), 105.0)}
    wide = since_burning(state, launch, open_speed)
    sharp = since_burning(state, launch, open_speed, **seen_again)
    assert wide.foretold[0, 0] == 1
    assert sharp.foretold[0, 0] == 1
    longest = [
        math.sqrt(np.linalg.eigvalsh(np.array([[ee, en], [en, nn]]))[1])
        for ee, en, nn in (said.impact_covariance_m2[0, 0] for said in (wide, sharp))
    ]
    # What one metre a second of speed more moves the impact, times how far the speed is open.
    faster = state.copy()
    faster[3:] *= 1.0 + 1.0 / np.linalg.norm(state[3:])
    here, there = (
        np.array(ecef_to_geodetic(*made.landed(made.moved(one, 5.0)[None]).position_ecef_m[0])[:2])
        for one in (state, faster)
    )
    per_speed = great_circle_m(*here, *there)
    thrust = 2.25 * np.linalg.norm(state[3:]) / launch[2]
    expected = per_speed * math.hypot(300.0, thrust * 5.0 / math.sqrt(12.0))
    assert longest[0] == pytest.approx(math.hypot(expected, longest[1]), rel=0.15)
    assert longest[1] < 0.4 * longest[0]


def test_a_state_that_does_not_come_from_its_launch_is_stated_vaguely(burnt_out):
    """As of a track that took its neighbour's plots: turned aside, or far too fast for the ground it has covered."""
    state, launch = burnt_out
    spread = made.covariance(2_000.0, 100.0)
    right = since_burning(state, launch, spread)
    assert right.foretold[0, 0] == 1
    for wrong in (aside(state, 0.9), np.concatenate([state[:3], 2.2 * state[3:]])):
        said = since_burning(wrong, launch, spread)
        assert said.foretold[0, 0] == 0
        vague = said.impact_covariance_m2[0, 0]
        assert said.impact_valid[0, 0] == 0 or vague[0] + vague[2] > 9.0 * right.impact_covariance_m2[0, 0].sum()
    too_young = since_burning(state, (*launch[:2], 45.0), spread)
    assert too_young.foretold[0, 0] == 0


def aside(state, turn_rad):
    """The same place and speed, flying in a direction turned about the vertical."""
    up = state[:3] / np.linalg.norm(state[:3])
    velocity = state[3:]
    turned = (
        velocity * math.cos(turn_rad)
        + np.cross(up, velocity) * math.sin(turn_rad)
        + up * (up @ velocity) * (1.0 - math.cos(turn_rad))
    )
    return np.concatenate([state[:3], turned])


def test_a_radars_word_that_it_coasts_is_borne_out_by_its_energy():
    """Two sights ten seconds apart that agree make an impact sharp; one that has gained energy says it burns on."""
    mean, covariance = made.state(speed=2_600.0, height_m=90e3), made.covariance(300.0, 20.0)
    burning = made.tracks([mean], [covariance], phase=np.full((1, 1), Phase.BOOST, np.uint8))
    said = estimate(burning, None, GROUND)

    def seen(said, time_s, gained_m_s=0.0):
        state = made.moved(mean, time_s)
        state[3:] *= 1.0 + gained_m_s / np.linalg.norm(state[3:])
        return estimate(made.tracks([state], [covariance], time_s=time_s), said, GROUND)

    first = seen(said, 5.0)
    assert first.foretold[0, 0] == 0
    assert seen(first, 10.0).foretold[0, 0] == 0  # too soon to tell
    assert seen(first, 16.0).foretold[0, 0] == 1
    gained = seen(first, 16.0, 300.0)
    assert gained.foretold[0, 0] == 0
    assert seen(gained, 27.0, 300.0).foretold[0, 0] == 1
    assert seen(seen(first, 16.0), 27.0, 300.0).foretold[0, 0] == 0  # relit, or believed too early


def test_a_boosting_track_without_a_direction_says_nothing():
    mean = made.state(climb_deg=90.0, height_m=20e3, speed=300.0)
    boosting = made.tracks([mean], [made.covariance(3000.0, 300.0)], phase=np.full((1, 1), Phase.BOOST, np.uint8))
    found = estimate(boosting, None, GROUND)
    assert found.impact_valid[0, 0] == 0
    assert found.threat_probability.sum() == 0.0


@pytest.fixture(scope="module")
def catalogue_flights():
    """Every missile of the catalogue flown as far as it goes towards the north-west: entries, ranges, samples."""
    entries = list(load_catalogue().missiles.values())
    missiles = pack([flight_missile(e, e.ballistic_coefficient_kg_m2.value) for e in entries])
    start, azimuth, each = np.radians([36.0, 50.0]), math.radians(-45.0), np.arange(len(entries))
    reach = max_range(missiles, each, *start, azimuth)
    return entries, start, reach.range_m, ephemeris(missiles, each, *start, azimuth, reach.pitch_final_rad)


def test_the_classes_are_those_of_the_catalogue(catalogue_flights):
    entries, _, _, _ = catalogue_flights
    counts = np.zeros(4)
    for entry in entries:
        burn_s = sum(stage.burn_s for stage in entry.stages)
        k = int(np.digitize(entry.range_km.value, [1_000.0, 3_000.0, 5_501.0]))
        counts[k] += 1
        least_m, greatest_m, shortest_s, longest_s, _ = CLASS_LIMITS[k]
        assert least_m <= 1e3 * entry.range_km.value <= greatest_m, entry.name
        assert shortest_s <= burn_s <= longest_s, entry.name
    assert CLASS_LIMITS[:, 4].tolist() == counts.tolist()


def test_what_an_unknown_ballistic_coefficient_is_taken_to_be(catalogue_flights):
    """Of its inverse over the catalogue, each missile's evenly between low and high: the mean, and the deviation of
    which 1.96 times holds 95 % of them.
    """
    limits = np.array([(e.ballistic_coefficient_kg_m2.low, e.ballistic_coefficient_kg_m2.high)
                       for e in catalogue_flights[0]])  # fmt: skip
    low, high = limits.T
    mean = (np.log(high / low) / (high - low)).mean()
    drawn = 1.0 / (low + (high - low) * (np.arange(2_000)[:, None] + 0.5) / 2_000)
    held = np.quantile(np.abs(drawn - mean), 0.95) / 1.96
    settings = PictureSettings()
    assert settings.ballistic_coefficient_kg_m2 == pytest.approx(1.0 / mean, rel=0.01)
    assert math.expm1(settings.ballistic_log_sigma) == pytest.approx(held / mean, rel=0.02)


def test_a_burning_missile_has_come_as_far_as_its_burn_says(catalogue_flights):
    """The share of the range against the share of the burn: the catalogue's missiles, and their scatter."""
    entries, start, range_m, flown = catalogue_flights
    pad = np.array(geodetic_to_ecef(*start, 0.0))
    off = []
    for k, entry in enumerate(entries):
        rows = slice(flown.offsets[k], flown.offsets[k + 1])
        for share in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
            at = np.argmin(np.abs(flown.time_s[rows] - share * sum(stage.burn_s for stage in entry.stages)))
            state = (*flown.position_ecef_m[rows][at], *flown.velocity_ecef_m_s[rows][at])
            _, x, y, z, flag = vacuum_landing(*state, 6_371_008.8, 1.0)
            assert flag == 0
            far_m = 2.0 * 6_371_008.8 * math.asin(np.linalg.norm(np.array([x, y, z]) - pad) / 2.0 / 6_371_008.8)
            off.append(math.log(far_m / range_m[k] / range_share(share)))
    assert abs(np.mean(off)) < 0.1
    assert np.std(off) == pytest.approx(SHARE_LOG_SIGMA, abs=0.1)


def test_an_ellipse_in_boost_holds_where_the_catalogue_flies(catalogue_flights):
    """From half of their burn on, as a well-kept track sees them: all but a few of the catalogue's longest flights."""
    entries, start, _, flown = catalogue_flights
    inside, flat = [], made.covariance(500.0, 10.0)
    for k, entry in enumerate(entries):
        rows = slice(flown.offsets[k], flown.offsets[k + 1])
        end = flown.position_ecef_m[rows][-1]
        aim = ecef_to_geodetic(*end)[:2]
        for share in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
            at = np.argmin(np.abs(flown.time_s[rows] - share * sum(stage.burn_s for stage in entry.stages)))
            state = np.concatenate([flown.position_ecef_m[rows][at], flown.velocity_ecef_m_s[rows][at]])
            now_s = float(flown.time_s[rows][at])
            tracks = made.tracks([state], [flat], time_s=now_s, phase=np.full((1, 1), Phase.BOOST, np.uint8))
            line = np.zeros((THREAT + 2, 1, 1))
            line[[NUMBER, LAUNCH_VALID]] = 1.0
            line[[LAUNCH_LAT, LAUNCH_LON], 0, 0] = start
            line[LAUNCH_SIGMA] = 10e3
            found = estimate(tracks, from_lines(line), GROUND)
            assert found.impact_valid[0, 0] == 1, (entry.name, share)
            inside.append(squared_distance(found, aim) < 5.991)
            assert abs(found.impact_s[0, 0] - flown.time_s[rows][-1]) < 3.0 * found.impact_sigma_s[0, 0]
    assert np.mean(inside) >= 0.9


def squared_distance(estimates, place):
    """Of a place from the first line's impact over its covariance, along the great circle to it."""
    here = np.array([[estimates.impact_lat_rad[0, 0], estimates.impact_lon_rad[0, 0]]])
    path = shortest_paths(here, np.array([place]))
    azimuth, far = path.azimuth_start_rad[0], path.distance_m[0]
    off = far * np.array([math.sin(azimuth), math.cos(azimuth)])
    ee, en, nn = estimates.impact_covariance_m2[0, 0]
    return off @ np.linalg.solve([[ee, en], [en, nn]], off)


def test_a_prediction_is_renewed_with_news_and_not_sooner_than_the_cadence():
    covariance = made.covariance()
    mean = made.state()
    settings = PictureSettings(eager_rounds=1, cadence_s=10.0, cadence_share=0.0)
    first = estimate(made.tracks([mean], [covariance], time_s=0.0), None, GROUND, settings)
    rounds = []
    for time_s, updated_s in ((5.0, 5.0), (10.0, 0.0), (15.0, 14.0), (20.0, 20.0), (25.0, 25.0)):
        now = made.tracks([made.moved(mean, time_s)], [covariance], time_s=time_s, updated_s=np.full((1, 1), updated_s))
        after = estimate(now, first, GROUND, settings)
        rounds.append(int(after.rounds[0, 0]))
        assert after.impact_s[0, 0] == pytest.approx(first.impact_s[0, 0], abs=0.2)
        first = after
    assert rounds == [1, 1, 2, 2, 3]


def test_a_slot_that_changes_hands_keeps_nothing():
    covariance = made.covariance()
    one = estimate(made.tracks([made.state()], [covariance], slots=2), None, GROUND)
    other = estimate(made.tracks([made.state(azimuth_deg=0.0)], [covariance], slots=2, numbers=[7]), one, GROUND)
    alone = estimate(made.tracks([made.state(azimuth_deg=0.0)], [covariance], slots=2, numbers=[7]), None, GROUND)
    assert made.same_arrays(other, alone) == []
    gone = estimate(made.tracks([], [], slots=2), one, GROUND)
    assert made.same_arrays(gone, empty_estimates(1, 2, 2)) == []


def test_a_track_that_cannot_land_or_is_no_state_says_nothing():
    escaping = made.state(speed=13_000.0)
    orbiting = made.state(speed=8_500.0, climb_deg=0.0)
    broken = np.diag([1.0, 1.0, 1.0, 1.0, 1.0, -1.0])
    vague = made.covariance(1e6, 3_000.0)
    found = estimate(
        made.tracks([escaping, orbiting, made.state(), made.state()], [made.covariance()] * 2 + [broken, vague]),
        None,
        GROUND,
    )
    assert found.impact_valid.tolist() == [[0, 0, 0, 0]]
    assert made.finite(found)


@pytest.fixture(scope="module")
def flown():
    """Two missiles after Forden 2007, flown north-west from 35° N 50° E: launch, then samples."""
    missiles = pack(
        [
            Missile("No-dong", 1000.0, (Stage(19900.0, 3900.0, 240.0, 70.0, 0.88),), *CD, 2200.0),
            Missile("Al Hussein", 191.0, (Stage(6073.0, 1334.0, 230.0, 90.0, 0.84),), *CD, 2200.0),
        ]
    )
    start = np.radians([35.0, 50.0])
    paths = ephemeris(missiles, np.array([0, 1]), start[0], start[1], math.radians(-40.0), math.radians(42.0), math.inf)
    assert paths.flag.tolist() == [0, 0]
    return start, paths


def test_a_launch_seen_from_space_is_placed_under_the_cloud_tops(flown):
    start, paths = flown
    for flight in range(2):
        rows = slice(paths.offsets[flight], paths.offsets[flight + 1])
        places = np.array([ecef_to_geodetic(*point) for point in paths.position_ecef_m[rows]])
        seen = int(np.argmax(places[:, 2] > 10_000.0)) + 4  # a few seconds after it broke the clouds
        cloud = np.array(geodetic_to_ecef(places[seen, 0], places[seen, 1], 10_000.0))
        state = np.concatenate([paths.position_ecef_m[rows][seen + 20], paths.velocity_ecef_m_s[rows][seen + 20]])
        tracks = made.tracks(
            [state], [made.covariance(2000.0, 100.0)], time_s=float(paths.time_s[rows][seen + 20]),
            burning_by=np.zeros((1, 1), np.int64), start_ecef_m=cloud.reshape(1, 1, 3),
            born_s=np.full((1, 1), paths.time_s[rows][seen]), phase=np.full((1, 1), Phase.BOOST, np.uint8),
        )  # fmt: skip
        found = estimate(tracks, None, GROUND)
        missed_m = great_circle_m(*start, found.launch_lat_rad[0, 0], found.launch_lon_rad[0, 0])
        assert missed_m < 1.5 * found.launch_sigma_m[0, 0]
        assert abs(found.launch_s[0, 0]) < 15.0


def test_a_launch_seen_by_radar_lies_ahead_of_the_arc(flown):
    start, paths = flown
    for flight in range(2):
        rows = slice(paths.offsets[flight], paths.offsets[flight + 1])
        seen = int(np.argmax(paths.phase[rows] == Phase.COAST)) + 10
        state = np.concatenate([paths.position_ecef_m[rows][seen], paths.velocity_ecef_m_s[rows][seen]])
        tracks = made.tracks([state], [made.covariance(100.0, 2.0)], time_s=float(paths.time_s[rows][seen]))
        found = estimate(tracks, None, GROUND)
        missed_m = great_circle_m(*start, found.launch_lat_rad[0, 0], found.launch_lon_rad[0, 0])
        bare = estimate(
            tracks, None, GROUND, PictureSettings(launch_arc_share=0.0, launch_arc_lag_s=0.0, launch_arc_lag_s_m=0.0)
        )
        bare_m = great_circle_m(*start, bare.launch_lat_rad[0, 0], bare.launch_lon_rad[0, 0])
        assert missed_m < bare_m
        assert missed_m < found.launch_sigma_m[0, 0]
        assert abs(found.launch_s[0, 0]) < 15.0 < bare.launch_s[0, 0]


def test_a_launch_once_stated_is_kept():
    covariance = made.covariance()
    before = estimate(made.tracks([made.state()], [covariance]), None, GROUND)
    later = made.tracks([made.state()], [covariance], time_s=20.0, first_mean=made.state(10.0).reshape(1, 1, 6))
    after = estimate(later, before, GROUND)
    assert after.launch_lat_rad[0, 0] == before.launch_lat_rad[0, 0]
    assert after.launch_s[0, 0] == before.launch_s[0, 0]


def test_a_row_does_not_depend_on_the_rows_beside_it():
    rng = np.random.default_rng(4)
    means = np.array([made.state(azimuth_deg=a) for a in rng.uniform(-70, 30, 24)]).reshape(4, 6, 6)
    spreads = np.array([made.covariance(seed=k) for k in range(24)]).reshape(4, 6, 6, 6)
    base = made.tracks(means[0], spreads[0], rows=4)
    together = estimate(
        made.replaced(base, mean=means, covariance=spreads, first_mean=means, first_covariance=spreads), None, GROUND
    )
    for r in range(4):
        alone = estimate(made.tracks(means[r], spreads[r]), None, GROUND)
        assert np.array_equal(alone.lines[:, 0], together.lines[:, r])
