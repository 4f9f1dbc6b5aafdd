"""Small scenarios and pictures made by hand: sites on a plain Earth, objects at the top of their flight."""

import math
from types import SimpleNamespace

import numpy as np

from detente.engagement.arms import arm
from detente.engagement.plan import PlanRules, plan, start
from detente.flight.prediction import predict_impacts
from detente.flight.reentry import BALLISTIC_COEFFICIENT_KG_M2
from detente.geodesy.ellipsoid import ecef_to_geodetic, geodetic_to_ecef
from detente.records.slots import Estimates, Picture
from detente.scenario.catalogue import InterceptorEntry
from detente.scenario.sides import Doctrine
from detente.scenario.words import Position, Quantity

BETA_KG_M2 = BALLISTIC_COEFFICIENT_KG_M2


def quantity(value, low=None, high=None):
    return Quantity(value=value, low=value if low is None else low, high=value if high is None else high, source="test")


def interceptor(name="arrow", **values):
    """One that flies at 3 km/s after 60 s of burning and meets objects between 80 and 500 km, up to 700 km away."""
    numbers = {
        "burnout_speed_km_s": 3.0, "burn_s": 60.0, "range_max_km": 700.0, "altitude_min_km": 80.0,
        "altitude_max_km": 500.0, "kill_probability": 0.5, "basket_km": 5.0,
    }  # fmt: skip
    numbers |= values
    given = {key: value if isinstance(value, Quantity) else quantity(value) for key, value in numbers.items()}
    return InterceptorEntry(name=name, title=name, source="test", **given)


def terminal(name="shield"):
    """One that meets objects on their last 20 km."""
    return interceptor(
        name, altitude_min_km=2.0, altitude_max_km=20.0, range_max_km=60.0, burnout_speed_km_s=1.5, burn_s=10.0
    )


def site(name, lat_deg, lon_deg, side=0, stock=4, entry=None, own_radius_km=None):
    return SimpleNamespace(
        name=name, side=side, owner="XXX", entry=entry or interceptor(), stock=stock,
        position=Position(lat_deg=lat_deg, lon_deg=lon_deg), use=SimpleNamespace(defends_own_radius_km=own_radius_km),
    )  # fmt: skip


def scenario(sites, doctrines=None, delay_s=(20.0, 30.0)):
    sides = tuple(
        SimpleNamespace(name=name, command_delay_s=quantity(delay), doctrine=doctrine)
        for name, delay, doctrine in zip(("north", "south"), delay_s, doctrines or (Doctrine(), Doctrine()))
    )
    return SimpleNamespace(sites=tuple(sites), sides=sides)


def line(
    lat_deg, lon_deg, height_km=200.0, heading_deg=0.0, speed_m_s=3_000.0, climb_m_s=0.0, threat=(1.0, 0.0), **more
):  # fmt: skip
    """An object in free flight over a place: what a picture knows of it."""
    lat, lon = math.radians(lat_deg), math.radians(lon_deg)
    position = geodetic_to_ecef([(lat, lon, height_km * 1e3)])[0]
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    north = np.array([-math.sin(lat) * math.cos(lon), -math.sin(lat) * math.sin(lon), math.cos(lat)])
    heading = math.radians(heading_deg)
    level = math.cos(heading) * north + math.sin(heading) * east
    velocity = speed_m_s * level + climb_m_s * np.cross(east, north)
    return {"state": np.concatenate([position, velocity]), "threat": threat, "origin": 1, "status": 2, "phase": 2,
            "has_state": 1, "impact_valid": 1, "giver": 0, "twin": -1, **more}  # fmt: skip


EMPTY = {"state": np.zeros(6), "threat": (0.0, 0.0), "origin": 0, "status": 0, "phase": 0, "has_state": 0,
         "impact_valid": 0, "giver": 0, "number": 0, "twin": -1}  # fmt: skip


def picture(lines, now_s=1_000.0, rows=1):
    """The same lines in every row; a track's number is its place, from 1, unless it has one."""
    n = len(lines)
    states = np.array([one["state"] for one in lines])
    impact_rad, impact_s = np.zeros((n, 2)), np.zeros(n)
    flying = [i for i in range(n) if lines[i]["has_state"]]
    if flying:
        found = predict_impacts(states[flying, :3], states[flying, 3:], np.full(len(flying), BETA_KG_M2))
        assert (found.flag == 0).all()
        impact_rad[flying] = ecef_to_geodetic(found.position_ecef_m)[:, :2]
        impact_s[flying] = now_s + found.time_s

    def column(key, dtype):
        return np.tile(np.array([one[key] for one in lines], dtype), (rows, 1))

    def flat(values):
        return np.ascontiguousarray(np.tile(values, (rows, 1)))

    zeros = np.zeros((rows, n))
    estimates = Estimates(
        launch_valid=np.zeros((rows, n), np.uint8), launch_lat_rad=zeros, launch_lon_rad=zeros, launch_s=zeros,
        launch_sigma_m=zeros, impact_valid=column("impact_valid", np.uint8), impact_lat_rad=flat(impact_rad[:, 0]),
        impact_lon_rad=flat(impact_rad[:, 1]), impact_s=flat(impact_s), impact_sigma_s=zeros,
        impact_covariance_m2=np.zeros((rows, n, 3)),
        threat_probability=np.tile(np.array([one["threat"] for one in lines], float), (rows, 1, 1)),
    )  # fmt: skip
    numbered = [{"number": i + 1, **one} for i, one in enumerate(lines)]
    return Picture(
        time_s=now_s, status=column("status", np.uint8), origin=column("origin", np.uint8),
        giver=column("giver", np.int64), number=np.tile(np.array([one["number"] for one in numbered]), (rows, 1)),
        twin=column("twin", np.int64), has_state=column("has_state", np.uint8), mean=np.tile(states, (rows, 1, 1)),
        covariance=np.zeros((rows, n, 6, 6)), phase=column("phase", np.uint8),
        sensors=np.zeros((rows, n), np.uint64), estimates=estimates,
    )  # fmt: skip


def rules(decider=0, rows=1, extra_delay_s=0.0, **more):
    more = {"hold_s": 1e9, "ballistic_coefficient_kg_m2": BETA_KG_M2, **more}
    return PlanRules(decider=decider, extra_delay_s=np.full(rows, float(extra_delay_s)), **more)


def once(asked, seen, given=None, state=None, engageable=None, seed=1):
    """One planning call: (arms, what was planned)."""
    rows, lines = seen.status.shape
    arms = arm(asked, seed, np.arange(rows))
    state = start(arms, lines) if state is None else state
    engageable = np.ones((rows, lines), np.uint8) if engageable is None else engageable
    return arms, plan(state, seen, arms, given or rules(rows=rows), engageable, seen.time_s)
