"""Release, the second checker and ``explain`` judge one message apart from each other: at the edges they must agree."""

import math
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from detente.centre.exchange.explanation import Facts, explain
from detente.centre.exchange.release import initial, release
from detente.centre.exchange.rules import compile_agreement
from detente.centre.exchange.second_check import Setting, Snapshot, check
from detente.geodesy.ellipsoid import geodetic_to_ecef

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "made_exchange.py")))
HERE = (10.0, 20.0)
PARTIES = ("A", "B")
MEAN_RADIUS_KM = 6371.0088


def asking(when):
    """An agreement of one clause: A tells B its tracks."""
    return made.agreement(made.clause(when=when), parties=PARTIES)


def told(when, launch=HERE, place=HERE, impact=HERE, threat=(0.5, 0.3, 0.1), phase=2):
    """Whether a track with these points (degrees) leaves under such a clause; all three must say the same."""
    tracks, est = made.moment(np.random.default_rng(3), 0.0, [[1]], phase=[[phase]])
    mean = tracks.mean.copy()
    mean[0, 0, :3] = geodetic_to_ecef([[*np.radians(place), 8e5]])[0]
    tracks = replace(tracks, mean=mean)
    points = {
        f"{what}_{name}_rad": np.array([[math.radians(value)]])
        for what, point in (("launch", launch), ("impact", impact))
        for name, value in zip(("lat", "lon"), point, strict=True)
    }
    est = replace(est, **points, threat_probability=np.array([[threat]]))

    def released(agreement):
        rules = compile_agreement(agreement, made.SIDES, made.OWNERS, made.EPOCH)
        return release(initial(rules, np.array([0]), 1), tracks, est, rules, 0, 3, made.SECRET, 0.0)[0]

    setting = Setting(
        agreement=asking(when), side_names=made.SIDES, sensor_owners=made.OWNERS, sensor_sides=made.SENSOR_SIDES,
        epoch=made.EPOCH,
    )  # fmt: skip
    breaches = check(released(asking({})), [Snapshot(tracks=tracks, estimates=est)], setting, 0)
    launch, place, impact = ({"lat_deg": lat, "lon_deg": lon} for lat, lon in (launch, place, impact))
    facts = Facts(
        data="track", giver="A", receiver="B", at=made.EPOCH, owners=("USA",), launch=launch, object=place,
        impact=impact, phase=("boost", "coast", "reentry")[phase - 1],
        impact_probability=dict(zip(made.SIDES, threat, strict=True)),
    )  # fmt: skip
    verdicts = [len(released(asking(when))) == 1, not breaches, explain(asking(when), facts).released]
    assert len(set(verdicts)) == 1, verdicts
    return verdicts[0]


ZONES = [
    made.box(50, 50.4, 10, 10.4), made.box(-0.2, 0.2, 179.8, -179.8), made.box(-61, -60.5, -180, -179.9),
    made.box(30, 70, -10, 170), made.box(30, 70, 170, -10),
]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_ends_at_its_edges(zone):
    """A hand's breadth (1e-6°) within each edge belongs to it and without does not, launch, object and impact alike."""
    south, north, west, east = zone.values()
    middle = (west + ((east - west) % 360) / 2 + 180) % 360 - 180
    for sign, expected in ((1, True), (-1, False)):
        breadth = 1e-6 * sign
        points = [(south + breadth, middle), (north - breadth, middle)]
        points += [((south + north) / 2, (lon + 180) % 360 - 180) for lon in (west + breadth, east - breadth)]
        for point in points:
            assert told({"object_zone": zone}, place=point) is expected
            assert told({"launch_zone": zone}, launch=point) is expected
            assert told({"impact_zone": zone}, impact=point) is expected


@pytest.mark.parametrize(
    ("km", "shorter", "longer"),
    [(1000.0, "short", "medium"), (3000.0, "medium", "intermediate"), (5500.0, "intermediate", "intercontinental")],
)
def test_a_class_of_range_ends_at_its_limit(km, shorter, longer):
    """Ten metres to either side of the limit, along a meridian and from 15° to 40° of latitude where that is so far."""
    south, north = math.radians(15.0), math.radians(40.0)
    for beyond_km in (-0.01, 0.01):
        turn = (km + beyond_km) / MEAN_RADIUS_KM
        flights = [((-20.0, 3.0), (math.degrees(turn) - 20.0, 3.0))]
        if turn > north - south:
            cosine = math.cos(turn) - math.sin(south) * math.sin(north)
            east = math.acos(cosine / (math.cos(south) * math.cos(north)))
            flights.append(((15.0, 170.0), (40.0, math.degrees(east) - 190.0)))
        for launch, impact in flights:
            assert told({"range_classes": [shorter]}, launch=launch, impact=impact) is (beyond_km < 0)
            assert told({"range_classes": [longer]}, launch=launch, impact=impact) is (beyond_km > 0)


@pytest.mark.parametrize(
    ("where", "likely"), [("receiver", 0.3), ("giver", 0.5), ("any-party", 0.8)]
)  # B's, A's, and both: C is no party
def test_a_probability_is_enough_at_its_threshold(where, likely):
    assert told({"impact_in": where, "impact_probability": likely})
    assert not told({"impact_in": where, "impact_probability": likely + 1e-9})


def test_a_phase_is_asked_for_by_name():
    for phase, name in enumerate(("boost", "coast", "reentry"), 1):
        for others in (["boost", "coast"], ["reentry"], ["boost", "reentry"]):
            assert told({"phases": others}, phase=phase) is (name in others)
