"""Whatever is asked of ``detente fly``: numbers that are numbers, or a refusal in words. Nothing else, and soon."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente import fly, fly_burnout, fly_observed
from detente.records.errors import InputError
from detente.scenario.catalogue import MissileFile

PLACES = st.tuples(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0))
AZIMUTHS = st.floats(-360.0, 360.0)
OFTEN_POLAR = st.sampled_from([(90.0, 0.0), (-90.0, 10.0), (0.0, 180.0), (0.0, -180.0), (35.0, 51.0)]) | PLACES


def numbers_of(value):
    """Every number in a document, at any depth."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_of(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers_of(part)]
    return [float(value)] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def told(ask):
    """The document, checked; None where it was refused in words."""
    try:
        result = ask()
    except InputError as error:
        missing = [part for part in ("found", "expected", "remedy", "path") if not getattr(error, part)]
        if missing:
            pytest.fail(f"a refusal without {missing}")
        return None
    document = result.document
    assert np.isfinite(numbers_of(document)).all()
    assert np.isfinite(result.path.position_ecef_m).all()
    assert 0.0 <= document["range_km"] <= 20_040.0
    assert document["flight_time_s"] > 0.0
    assert abs(document["impact"]["lat_deg"]) <= 90.0
    return document


@settings(max_examples=80, deadline=None)
@given(
    speed=st.floats(0.0, 21_000.0) | st.just(math.nan),
    angle=st.floats(-91.0, 91.0),
    altitude_km=st.just(0.0) | st.floats(0.0, 5_000.0),
    beta=st.floats(10.0, 1e6),
    start=OFTEN_POLAR,
    azimuth=AZIMUTHS,
    rotation=st.booleans(),
    drag=st.booleans(),
)
def test_any_burnout_is_flown_or_refused(speed, angle, altitude_km, beta, start, azimuth, rotation, drag):
    document = told(
        lambda: fly_burnout(
            speed, angle, altitude_km=altitude_km, ballistic_coefficient_kg_m2=beta, start_deg=start,
            azimuth_deg=azimuth, rotation=rotation, drag=drag,
        )
    )  # fmt: skip
    if document is not None:
        assert document["apogee_km"] >= altitude_km - 0.1


@settings(max_examples=8, deadline=None)
@given(
    range_km=st.floats(0.0, 19_000.0),
    apogee_km=st.floats(5.0, 10_000.0),
    boost_s=st.none() | st.floats(1.0, 1_000.0),
    start=OFTEN_POLAR,
    azimuth=st.none() | AZIMUTHS,
)
def test_any_observation_is_inverted_or_refused(range_km, apogee_km, boost_s, start, azimuth):
    document = told(lambda: fly_observed(range_km, apogee_km, boost_s=boost_s, start_deg=start, azimuth_deg=azimuth))
    if document is not None:
        assert document["range_km"] == pytest.approx(range_km, abs=0.05)
        assert document["apogee_km"] == pytest.approx(apogee_km, abs=0.05)
        assert document["standard_range_km"]["low"] >= range_km - 1e-6


STAGES = st.fixed_dictionaries({
    "fuelled_kg": st.floats(500.0, 50_000.0), "dry_kg": st.floats(50.0, 5_000.0), "isp_s": st.floats(180.0, 320.0),
    "burn_s": st.floats(0.1, 300.0), "diameter_m": st.floats(0.3, 3.0),
})  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    stages=st.lists(STAGES, min_size=1, max_size=3),
    payload_kg=st.floats(1.0, 3_000.0),
    beta=st.none() | st.floats(10.0, 20_000.0),
    start=OFTEN_POLAR,
    loft=st.none() | st.floats(-25.0, 90.0),
    rotation=st.booleans(),
)
def test_any_missile_is_flown_or_refused(stages, payload_kg, beta, start, loft, rotation):
    said = {
        "name": "any", "source": "made up", "payload_kg": payload_kg, "cd": [[0.0, 0.2], [1.0, 0.4], [3.0, 0.2]],
        "stages": stages, "ballistic_coefficient_kg_m2": beta,
    }  # fmt: skip
    try:
        missile = MissileFile.model_validate(said)
    except ValueError:
        return  # refused by the file's own model
    document = told(lambda: fly(missile, start_deg=start, loft=loft, rotation=rotation))
    if document is not None:
        assert document["missile"] == "any"
