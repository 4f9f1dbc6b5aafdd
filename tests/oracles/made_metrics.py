"""The study table once more, by hand: every metric of one recorded world from its tables alone, one row at a time.

Written from what the metrics are said to mean, with nothing of what computes them: a track's object is the one that it
flew nearest to most of the time, not what an answer key says; paths, circles, ellipses and borders are done here again.
The table of opportunities says when a window was first seen; :class:`Windows` keeps what every later look made of it.
"""

import math
from bisect import bisect_right
from collections import Counter, defaultdict

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from detente.centre.exchange.release import ReleaseReason
from detente.geodesy.borders import load_borders

MEAN_RADIUS_M = 6_371_008.8  # IUGG: (2 a + b) / 3
COAST, OWN = 2, 1
LOOK_EVERY_S, MATCH_M, USEFUL_M = 10.0, 5_000.0, 300e3
BY_AREA, BY_PEOPLE, AT_TROOPS = 0, 1, 2
LOWER = tuple(zip(*((i, j) for i in range(6) for j in range(i + 1))))  # by rows
NOT_KEPT_BACK = {ReleaseReason.NO_ESTIMATE, ReleaseReason.DELAYED, ReleaseReason.RELEASED}


def rows_of(table):
    """A table as a list of dictionaries."""
    names = [name for name, _ in table.columns()]
    return [dict(zip(names, row)) for row in zip(*(getattr(table, name) for name in names))]


def mean(values):
    """None where there is nothing to take the mean of."""
    return sum(values) / len(values) if values else None


def circle_m(one, other):
    """Over the mean sphere, by haversines."""
    (lat, lon), (lat_2, lon_2) = one, other
    h = math.sin((lat_2 - lat) / 2) ** 2 + math.cos(lat) * math.cos(lat_2) * math.sin((lon_2 - lon) / 2) ** 2
    return 2 * MEAN_RADIUS_M * math.asin(math.sqrt(h))


def place(row, what):
    """A (latitude, longitude) that a row states."""
    return float(row[f"{what}_lat_rad"]), float(row[f"{what}_lon_rad"])


class Countries:
    """Whose ground a point is on a date: odd crossings of a ray to the north pole."""

    def __init__(self, as_of):
        borders = load_borders()
        self.rings = {code: borders.country_rings(code, as_of) for code in borders.known_codes(as_of)}

    def at(self, point):
        """A code; None at sea."""
        lat, lon = point
        for code, rings in self.rings.items():
            crossings = 0
            for ring in rings:
                lats, lons = ring.T
                if not lons.min() <= lon <= lons.max():
                    continue
                lats_2, lons_2 = np.roll(lats, -1), np.roll(lons, -1)
                over = (lons <= lon) != (lons_2 <= lon)
                share = (lon - lons[over]) / (lons_2[over] - lons[over])
                crossings += int((lats[over] + share * (lats_2[over] - lats[over]) > lat).sum())
            if crossings % 2:
                return code
        return None


class Windows:
    """Planning as it is, and a note of every window that any decision saw: a row for each line, site and look."""

    def __init__(self, plan):
        self.plan, self.rows = plan, []

    def __call__(self, state, picture, arms, rules, engageable, now_s):
        planned = self.plan(state, picture, arms, rules, engageable, now_s)
        for r, line, site in zip(*np.nonzero(planned.open)):
            self.rows.append({
                "time_s": now_s, "side": rules.decider, "site": site, "giver": picture.giver[r, line],
                "number": picture.number[r, line], "earliest_s": planned.earliest_s[r, line, site],
            })  # fmt: skip
        return planned


class World:
    """One recorded world under one architecture, and what its tracks really were.

    ``windows``: all that any decision saw. ``own``: the same world where each side has a picture, which a pool has not.
    """

    def __init__(self, scenario, architecture, tables, windows, own=None):
        self.scenario, self.architecture, self.windows = scenario, architecture, windows
        self.own = self if own is None else own
        self.sides = range(len(scenario.sides))
        self.site_side = [site.side for site in scenario.sites]
        self.objects = {int(row["object"]): row for row in rows_of(tables["objects"]) if row["flag"] == 0}
        self.tables = {name: rows_of(tables[name]) for name in ("tracks", "warnings", "shots")}
        self.outcomes, self.releases = rows_of(tables["outcomes"]), rows_of(tables["releases"])
        self.messages = tables["messages"]
        self.paths = {n: self._path(tables["truth"], n) for n in self.objects}
        self.object_of = self._objects_of_tracks()
        self.countries = Countries(scenario.file.epoch.date())

    @staticmethod
    def _path(truth, number):
        mine = truth.object == number
        times = truth.time_s[mine]
        cubic = CubicHermiteSpline(times, truth.position_ecef_m[mine], truth.velocity_ecef_m_s[mine])
        return times, cubic, cubic.derivative(), truth.phase[mine]

    def where(self, number, time_s):
        """(position, velocity, phase) of an object; None where it does not fly."""
        times, cubic, slope, phase = self.paths[number]
        if not times[0] <= time_s <= times[-1]:
            return None
        return cubic(time_s), slope(time_s), phase[min(bisect_right(times, time_s), len(times) - 1) - 1]

    def _objects_of_tracks(self):
        """(giver, number) → the object that this track was nearest to at most moments of its giver's own picture."""
        votes = defaultdict(Counter)
        for row in self.tables["tracks"]:
            if self.pooled or row["side"] == row["giver"]:
                found = {n: self.where(n, row["time_s"]) for n in self.objects}
                far = {n: math.dist(row["position_ecef_m"], at[0]) for n, at in found.items() if at is not None}
                if far:
                    votes[int(row["giver"]), int(row["number"])][min(far, key=lambda n: far[n])] += 1
        return {track: counted.most_common(1)[0][0] for track, counted in votes.items()}

    @property
    def pooled(self):
        return self.architecture == "joint"

    def of(self, row):
        """The object that a row's track is about; None where it is about none."""
        return self.object_of.get((int(row["giver"]), int(row["number"])))

    def threatens(self, number, side):
        """True where the object's true impact lies in the side's territory."""
        return number is not None and bool(self.objects[number]["threatened"] >> side & 1)

    def heard(self, side):
        """Statements that name this side's territory, by its own centre or the one that all share."""
        return [w for w in self.tables["warnings"] if w["threatened"] == side and (self.pooled or w["side"] == side)]

    def heard_alone(self, side):
        """The same, of its own sensors alone."""
        return [w for w in self.heard(side) if w["stream"] == OWN]

    def first_of_each(self, said, side):
        """Object that threatens the side → the first of these statements about it, the own stream's before others."""
        found = {}
        for one in sorted(said, key=lambda w: (w["time_s"], w["stream"], w["giver"], w["number"])):
            if self.threatens(self.of(one), side):
                found.setdefault(self.of(one), one)
        return found


def metrics_by_hand(world):
    """Side name, or ``all`` → metric → value; None where the quantity does not exist."""
    columns = {name: (side,) for side, name in enumerate(world.scenario.side_names)} | {"all": tuple(world.sides)}
    return {
        name: _of_objects(world, sides) | _of_warnings(world, sides) | _of_tracks(world, sides) | _counts(world, sides)
        for name, sides in columns.items()
    }


def _of_objects(world, sides):
    """What is said of each (object, side) where the object threatens the side."""
    pairs = [(n, side) for side in sides for n in world.objects if world.threatens(n, side)]
    sites, earliest = defaultdict(set), {}
    for window in world.windows:
        n = world.of(window)
        sites[n].add(int(window["site"]))
        earliest[n] = min(earliest.get(n, math.inf), window["earliest_s"])
    down = {int(outcome["object"]) for outcome in world.outcomes if outcome["hit"]}

    def defended(*aimed_by):
        aims = {n: (thing["aim_by"], thing["aim_side"]) for n, thing in world.objects.items()}
        drawn = [n for n, side in pairs if aims[n][0] in aimed_by and aims[n][1] == side]
        return mean([1.0 if sites[n] else 0.0 for n in drawn])

    def margin_s(n):
        return world.objects[n]["impact_s"] - earliest[n] if n in earliest else 0.0

    return {
        "engagement_opportunities": mean([len(sites[n]) for n, _ in pairs]),
        "engagement_margin_s": mean([margin_s(n) for n, _ in pairs]),
        "territory_defended_fraction": defended(BY_AREA),
        "people_defended_fraction": defended(BY_PEOPLE, AT_TROOPS),
        "leakage_fraction": mean([0.0 if n in down else 1.0 for n, _ in pairs]),
    }  # fmt: skip


def _of_warnings(world, sides):
    """When who was warned of what, and how well."""
    time, own_time, useful_time, named, launch_km, impact_km, false = [], [], [], [], [], [], 0
    for side in sides:
        heard = world.heard(side)
        first = world.first_of_each(heard, side)
        first_own = world.own.first_of_each(world.own.heard_alone(side), side)
        useful = world.first_of_each([one for one in heard if _useful(one, world.objects.get(world.of(one)))], side)
        for n, thing in world.objects.items():
            if not world.threatens(n, side):
                continue
            for found, out in ((first, time), (first_own, own_time), (useful, useful_time)):
                out.append(thing["impact_s"] - found[n]["time_s"] if n in found else 0.0)
            country = world.countries.at(place(thing, "launch"))
            stated = n in first and first[n]["launch_valid"] == 1
            if country is not None:
                named.append(float(stated and world.countries.at(place(first[n], "launch")) == country))
            if stated:
                launch_km.append(circle_m(place(first[n], "launch"), place(thing, "launch")) / 1e3)
            if n in first:
                impact_km.append(circle_m(place(first[n], "impact"), place(thing, "impact")) / 1e3)
        warned = {(w["giver"], w["number"]): world.of(w) for w in heard}
        false += sum(not world.threatens(n, side) for n in warned.values())
    return {
        "warning_time_s": mean(time), "own_warning_time_s": mean(own_time), "useful_warning_time_s": mean(useful_time),
        "false_warnings": false, "launch_attribution_fraction": mean(named),
        "launch_point_error_km": mean(launch_km), "impact_point_error_km": mean(impact_km),
    }  # fmt: skip


def _useful(said, thing):
    """Its own 95 % ellipse reaches no farther than 300 km from its middle, and the true impact is no farther."""
    if thing is None:
        return False
    east, both, north = said["impact_covariance_m2"]
    longest_m2 = max(np.linalg.eigvalsh([[east, both], [both, north]]))
    reach_m = math.sqrt(-2.0 * math.log(1.0 - 0.95) * longest_m2)
    return reach_m <= USEFUL_M and circle_m(place(said, "impact"), place(thing, "impact")) <= USEFUL_M


def _of_tracks(world, sides):
    """How far off pictures are, and how far off they think they are, at the moments at which deciders look."""
    squares, lengths = [], []
    for row in world.tables["tracks"]:
        n = world.of(row)
        if row["time_s"] % LOOK_EVERY_S or n is None or not (world.pooled or row["side"] in sides):
            continue
        at = world.where(n, row["time_s"])
        if at is None or at[2] != COAST or math.dist(row["position_ecef_m"], at[0]) > MATCH_M:
            continue
        covariance = np.zeros((6, 6))
        covariance[LOWER] = row["covariance"]
        covariance = covariance + np.tril(covariance, -1).T
        error = np.concatenate([row["position_ecef_m"] - at[0], row["velocity_ecef_m_s"] - at[1]])
        squares.append(error[:3] @ error[:3])
        lengths.append(error @ np.linalg.solve(covariance, error))
    return {"track_position_rmse_m": math.sqrt(mean(squares)) if squares else None, "track_nees": mean(lengths)}


def _counts(world, sides):
    """How many in this world."""
    shooters, spent = defaultdict(set), 0
    for shot in world.tables["shots"]:
        side = world.site_side[shot["site"]]
        spent += side in sides
        if world.of(shot) is not None:
            shooters[world.of(shot)].add(side)
    double = [n for n, who in shooters.items() if len(who) > 1 and who & set(sides)]
    kept_back = [r for r in world.releases if r["giver"] in sides and r["reason"] not in NOT_KEPT_BACK]
    return {
        "interceptors_spent": spent,
        "double_engagements": 0 if world.pooled else len(double),  # one plan means to
        "released_messages": sum(int(giver) in sides for giver in world.messages.giver),
        "withheld_messages": len(kept_back),
    }
