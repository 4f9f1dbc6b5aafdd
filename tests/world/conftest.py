"""Small worlds made by hand: objects that hang still or move along a given line, and sensors of one's choice."""

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from tests.made_sensors import make_suite

from detente.geodesy import _kernels as geodesy
from detente.geodesy.shapes import polygon_rings
from detente.geodesy.territory import make_territory
from detente.records.stages import Objects, Truth
from detente.scenario.asked import People, Scenario, Sensor
from detente.scenario.catalogue import MissileEntry, PlaceEntry, RadarEntry
from detente.scenario.raid import Raid
from detente.scenario.words import Quantity
from detente.world.history import World


def radar(name="radar", side=0, **values):
    """A radar on the equator at longitude 0 that sees all round; angles in radians, lengths in metres."""
    numbers = {
        "kind": 1, "name": name, "side": side, "lat_rad": 0.0, "lon_rad": 0.0, "height_m": 0.0, "boresight_rad": 0.0,
        "sector_half_width_rad": math.pi, "elevation_min_rad": math.radians(2.0),
        "elevation_max_rad": math.radians(88.0), "watch_rad": (-math.pi / 2, math.pi / 2, -math.pi, math.pi),
        "grazing_m": 0.0, "orbit": (0.0,) * 6, "revisit_s": 10.0, "offset_s": 3.0, "reference_range_m": 1e6,
        "reference_snr": 20.0, "instrumented_range_m": 3e6, "false_alarm_probability": 1e-6,
        "false_plots_per_scan": 0.0, "detection_probability": 0.0, "cloud_top_m": 0.0, "sigma_range_m": 30.0,
        "sigma_azimuth_rad": 2e-3, "sigma_elevation_rad": 3e-3,
    }  # fmt: skip
    return {**numbers, **values}


def satellite(name="satellite", side=0, **values):
    """A geostationary satellite over longitude 0 that watches the whole disc."""
    numbers = radar(
        name, side, kind=2, orbit=(42_164_172.0, 0.0, 0.0, 0.0, 0.0, 0.0), revisit_s=5.0, offset_s=1.0,
        reference_range_m=0.0, reference_snr=0.0, instrumented_range_m=0.0, false_alarm_probability=0.0,
        detection_probability=1.0, cloud_top_m=10_000.0, grazing_m=15_000.0, sigma_range_m=0.0,
        sigma_azimuth_rad=50e-6, sigma_elevation_rad=50e-6,
    )  # fmt: skip
    return {**numbers, **values}


@dataclass(frozen=True)
class Flight:
    """Samples of one object's path, and when its motor stops."""

    time_s: np.ndarray
    position_ecef_m: np.ndarray
    velocity_ecef_m_s: np.ndarray
    burnout_s: float = 0.0
    rcs_m2: float = 1.0


def still(lat_deg, lon_deg, height_m, begin_s=0.0, end_s=1000.0, burnout_s=0.0, rcs_m2=1.0):
    """An object that hangs over one place."""
    point = geodesy.geodetic_to_ecef(math.radians(lat_deg), math.radians(lon_deg), height_m)
    times = np.array([begin_s, 0.5 * (begin_s + end_s), end_s])
    return Flight(times, np.tile(point, (3, 1)), np.zeros((3, 3)), burnout_s, rcs_m2)


def make_world(flights, sensors, replicates=(0,)):
    """The same flights and the same sensors in every replicate."""
    replicates = np.array(replicates, np.int64)
    count, n = len(replicates), len(flights)
    objects = {name: np.zeros(count * n, spec.dtype) for name, spec in Objects.columns()}
    objects["replicate"] = np.repeat(np.arange(count), n)
    objects["object"] = np.tile(np.arange(n), count)
    objects["burnout_s"] = np.tile([flight.burnout_s for flight in flights], count)
    objects["radar_cross_section_m2"] = np.tile([flight.rcs_m2 for flight in flights], count)
    sizes = np.tile([len(flight.time_s) for flight in flights], count).astype(np.int64)
    pile = {name: [getattr(flight, name) for flight in flights] for name in Flight.__annotations__}
    truth = Truth(
        replicate=np.repeat(objects["replicate"], sizes),
        object=np.repeat(objects["object"], sizes),
        time_s=np.tile(np.concatenate(pile["time_s"]), count),
        position_ecef_m=np.tile(np.concatenate(pile["position_ecef_m"]), (count, 1)),
        velocity_ecef_m_s=np.tile(np.concatenate(pile["velocity_ecef_m_s"]), (count, 1)),
        phase=np.full(sizes.sum(), 2, np.uint8),
    )
    return World(
        objects=Objects(**objects), truth=truth, offsets=np.concatenate([[0], np.cumsum(sizes)]),
        suite=make_suite(sensors, count), missiles=("made",), places=("here",), object_count=n, replicates=replicates,
    )  # fmt: skip


def asked(duration_s=1000.0, false_alarms=False):
    """The little that sensing asks of a scenario."""
    return SimpleNamespace(file=SimpleNamespace(duration_s=duration_s, false_alarms=false_alarms))


DRAG = ((0.0, 0.20), (0.85, 0.20), (1.0, 0.27), (1.2, 0.27), (2.0, 0.20), (4.5, 0.20))  # Forden 2007
SCUD = {"fuelled_kg": 4897, "dry_kg": 1198, "isp_s": 230, "burn_s": 75, "diameter_m": 0.84}  # Forden 2007
NO_DONG = {"fuelled_kg": 19900, "dry_kg": 3900, "isp_s": 240, "burn_s": 70, "diameter_m": 0.88}  # Forden 2007
WEST = ((40.0, 38.0), (40.0, 44.0), (46.0, 44.0), (46.0, 38.0))
SOUTH = ((36.0, 30.0), (36.0, 42.0), (39.0, 42.0), (39.0, 30.0))
NOBODY = People(lat_rad=np.zeros(0), lon_rad=np.zeros(0), people=np.zeros(0), names=())


def quantity(value, low=None, high=None):
    low, high = value if low is None else low, value if high is None else high
    return {"value": value, "low": low, "high": high, "source": "made for the test"}


def missile(name, *stages):
    given = {
        "name": name, "title": name, "source": "made for the test", "payload_kg": 1000.0, "stages": stages, "cd": DRAG,
        "range_km": quantity(1.0), "ballistic_coefficient_kg_m2": quantity(3000.0, 1000.0, 8000.0),
        "radar_cross_section_m2": quantity(0.2, 0.02, 1.0),
    }  # fmt: skip
    return MissileEntry(**given)


def place(name, lat_deg, lon_deg):
    position = {"lat_deg": lat_deg, "lon_deg": lon_deg}
    return PlaceEntry(name=name, title=name, source="made for the test", country="XXX", position=position)


def radar_entry():
    return RadarEntry(
        name="watch", title="watch", source="made for the test", country="XXX", owner="XXX",
        position={"lat_deg": 41, "lon_deg": 40}, reference_range_km=quantity(800.0, 600.0, 1000.0),
        reference_snr_db=quantity(13.0), instrumented_range_km=quantity(3000.0), revisit_s=quantity(10.0, 5.0, 15.0),
        false_alarm_probability=quantity(1e-6), false_plots_per_scan=quantity(0.5), sigma_range_m=quantity(30.0),
        sigma_azimuth_mrad=quantity(2.0), sigma_elevation_mrad=quantity(2.0),
    )  # fmt: skip


RAID = (
    {"missile": "no-dong", "places": ["east", "near"], "count": 3, "aim": {"side": "North"}},
    {"missile": "no-dong", "places": ["east"], "count": 2, "aim": {"side": "South", "by": "people"}},
    {"missile": "scud", "places": ["near"], "count": 1, "aim": {"side": "South", "by": "troops"}, "loft": "lofted"},
    {
        "missile": "no-dong", "places": ["near"], "count": 2,
        "aim": {"side": "South", "at": [{"lat_deg": 39, "lon_deg": 40}, {"lat_deg": 38, "lon_deg": 41}]},
    },
)  # fmt: skip


def scenario(*more_waves, launches=RAID, reach=None):
    """Two square countries, two places to the east of them, and a raid; ``reach``: published ranges by missile."""
    waves = [{"name": "first", "at_s": 10, "spread_s": 100, "launches": launches}, *more_waves]
    cities = People(
        lat_rad=np.radians([38.0, 38.5]),
        lon_rad=np.radians([39.0, 41.0]),
        people=np.array([3e6, 1e6]),
        names=("a", "b"),
    )
    missiles = [missile("scud", SCUD), missile("no-dong", NO_DONG), missile("two-stage", NO_DONG, SCUD)]
    published = {name: Quantity(**quantity(*numbers)) for name, numbers in (reach or {}).items()}
    missiles = [m.model_copy(update={"range_km": published.get(m.name, m.range_km)}) for m in missiles]
    flown = {launch["missile"] for wave in waves for launch in wave["launches"]}
    camp = People(lat_rad=np.radians([38.2]), lon_rad=np.radians([41.5]), people=np.array([100.0]), names=("camp",))
    territories = tuple(make_territory(polygon_rings(ring)) for ring in (WEST, SOUTH))
    return Scenario(
        name="made",
        digest="",
        file=asked(2400.0, True).file,
        sides=(SimpleNamespace(name="North"), SimpleNamespace(name="South")),
        territories=territories,
        grounds=territories,
        sectors=(None, None),
        cities=(NOBODY, cities),
        troops=(NOBODY, camp),
        sensors=(Sensor(name="watch", side=0, owner="XXX", entry=radar_entry()),),
        sites=(),
        missiles={entry.name: entry for entry in missiles if entry.name in flown},
        places={"east": place("east", 38, 46), "near": place("near", 37.5, 43.5)},
        raid=Raid(waves=waves),
        agreements={},
    )


@pytest.fixture
def made():
    """Everything above, for tests to build with."""
    return SimpleNamespace(
        radar=radar, satellite=satellite, Flight=Flight, still=still, world=make_world, asked=asked, suite=make_suite,
        scenario=scenario, raid=RAID,
    )  # fmt: skip
