"""Trust once more, slowly: one partner, one replicate, in plain numpy and dictionaries, from the README's words."""

import math

import numpy as np
import pytest
from tests.centre import test_picture_trust as tested

from detente.centre.picture import _kernels_launches, _kernels_watch
from detente.centre.picture.trust import COUNTED, TrustSettings, watch_of
from detente.geodesy.ellipsoid import geodetic_to_ecef
from detente.geodesy.look import line_of_sight_clear, look_angles

made, SETTINGS, TICK_S = tested.made, TrustSettings(), tested.TICK_S


def plain_chance(suite, i, sector, place, settings=SETTINGS):
    """P(detection) by look angles and Swerling's first case."""
    site = np.array([suite.lat_rad[i], suite.lon_rad[i], suite.height_m[i]])
    seen = look_angles(site, place)
    azimuth, elevation, distance = seen.azimuth_rad[0], seen.elevation_rad[0], seen.range_m[0]
    farthest = min(sector[4], suite.instrumented_range_m[0, i]) * (1 - settings.margin_share)
    off = abs((azimuth - sector[0] + math.pi) % (2 * math.pi) - math.pi)
    inside = (distance <= farthest and off <= sector[1] - settings.margin_rad) or sector[1] >= math.pi
    low, high = sector[2] + settings.margin_rad, sector[3] - settings.margin_rad
    clear = line_of_sight_clear(geodetic_to_ecef(site)[0], place)[0]
    if not (inside and distance <= farthest and low <= elevation <= high and clear):
        return 0.0
    snr = suite.reference_snr[0, i] * (suite.reference_range_m[0, i] / distance) ** 4 * settings.rcs_m2
    return suite.false_alarm_probability[0, i] ** (1 / (1 + snr))


def test_a_radar_sees_as_the_plain_words_say():
    rng, suite = np.random.default_rng(3), tested.suite()
    watch = watch_of(suite)
    sector, found = np.array([math.radians(90), math.radians(80), math.radians(2), math.radians(85), 2.5e6]), []
    for _ in range(400):
        place = made.state(
            lat_deg=rng.uniform(25, 50), lon_deg=rng.uniform(38, 75), height_m=10 ** rng.uniform(4, 6.2)
        )[:3]  # fmt: skip
        chance = _kernels_watch.detection_chance(
            watch.sites[0], watch.drawn[0, 0], sector, SETTINGS.rcs_m2, SETTINGS.margin_rad, SETTINGS.margin_share,
            *place,
        )  # fmt: skip
        assert chance == pytest.approx(plain_chance(suite, 0, sector, place), abs=1e-9)
        found.append(chance)
    assert 50 < np.count_nonzero(found) < 350


def test_a_launch_is_missed_as_the_plain_words_say():
    """A satellite over 60° east, one look in ten seconds, for as long as a launch is in its sight."""
    watch, own = watch_of(tested.suite()), np.array([0, 0, 1], np.uint8)
    satellite = np.array([math.cos(math.radians(60)), math.sin(math.radians(60)), 0.0]) * 42_164e3
    said, seen = np.zeros(25), 0
    for lon_deg in range(-180, 180, 15):
        for lat_deg in range(-80, 90, 20):
            said[[0, 1, 2]] = 1.0, math.radians(lat_deg), math.radians(lon_deg)
            place = geodetic_to_ecef(np.array([said[1], said[2], 30e3]))
            clear = line_of_sight_clear(satellite, place, 10e3)[0]
            looks = SETTINGS.burning_s / 10.0 if clear else 0.0
            missed = _kernels_launches.missed_launch(own, watch, watch.drawn[0], watch.orbits[0], said, SETTINGS)
            assert missed == pytest.approx(-looks * math.log(1 - SETTINGS.chance_most))
            seen += bool(clear)
    assert 60 < seen < 130


class Plain:
    """What speaks against one partner, by track number."""

    def __init__(self):
        self.evidence = dict.fromkeys(("disagreement", "ghosts", "silence", "mismatches"), 0.0)
        self.counts = dict.fromkeys(COUNTED, 0)
        self.lines, self.tracks, self.given = {}, {}, {}

    def add(self, test, worth):
        self.evidence[test] = max(0.0, self.evidence[test] + worth)

    def verdict(self, test, memory, against, count, key="verdict", shares=None):
        memory[key] = "against" if against else "for"
        self.counts[count] += 1
        p, q = shares or (SETTINGS.lying_share, SETTINGS.honest_share)
        self.add(test, math.log(p / q) if against else math.log((1 - p) / (1 - q)))


def d2(a, P, b, Q, n, floor=0.0):
    total = (P + Q)[:n, :n] + np.diag([floor**2 if i < 3 else 0.0 for i in range(n)])
    return float((a - b)[:n] @ np.linalg.solve(total, (a - b)[:n]))


def same_flight(a, P, b, Q):
    total = (P + Q)[3:, 3:]
    sharp = np.trace(total) <= SETTINGS.sharp_velocity_m_s**2 and np.linalg.norm(a[:3] - b[:3]) <= SETTINGS.displaced_m
    total = total + SETTINGS.same_velocity_m_s**2 * np.eye(3)
    return sharp and float((a - b)[3:] @ np.linalg.solve(total, (a - b)[3:])) <= SETTINGS.same_velocity


def plain_meeting(plain, memory, now_s, line, Q, own, P, near, k):
    """The verdict of a line's first meetings: with what lies near it, or beside it and is not spoken of."""
    beside = [s for s, a in enumerate(own) if np.linalg.norm((a - line)[:3]) <= SETTINGS.beside_m and not any(near[s])]
    met = [s for s in range(len(own)) if near[s][k] or s in beside]
    if memory["match"] or not met:
        return
    memory["met_s"] = memory["met_s"] if memory["met_s"] is not None else now_s
    if now_s - memory["met_s"] >= SETTINGS.settle_s:
        against = min(d2(line, Q, own[s], P, 6) for s in met) > SETTINGS.mismatch
        shares = SETTINGS.lying_mismatches, SETTINGS.honest_mismatches
        plain.verdict("mismatches", memory, against, "not_matched" if against else "matched", "match", shares)


def plain_news(plain, worst, k, told, s, own):
    """What a comparison adds to what this pair of tracks, and those beside it on either side, have said before."""
    lines = [j for j in plain.lines if np.linalg.norm((told[j] - told[k])[:3]) <= SETTINGS.salvo_m]
    tracks = [j for j in range(len(own)) if np.linalg.norm((own[j] - own[s])[:3]) <= SETTINGS.salvo_m]
    spoken = [plain.lines[j]["given"] for j in lines] + [plain.given.get(j, 0.0) for j in tracks]
    plain.lines[k]["given"] = max(plain.lines[k]["given"], worst)
    plain.given[s] = max(plain.given.get(s, 0.0), worst)
    return max(0.0, worst - max(spoken))


def plain_rate(suite, sector, place, Q):
    """Nats a second against an object: the least in its ellipsoid, of a sharp one in its middle."""
    reach = SETTINGS.wide_sigmas * np.linalg.cholesky(Q[:3, :3]).T
    points = [place] if np.trace(Q[:3, :3]) <= SETTINGS.vague_m**2 else [place, *(place + reach), *(place - reach)]
    chance = min(plain_chance(suite, 0, sector, point) for point in points)
    return -math.log(1 - min(chance, SETTINGS.chance_most)) / suite.revisit_s[0, 0]


def plain_tick(plain, now_s, own, told, P, Q, suite, sector):
    """One tick: every own track may bear witness, every line of the partner is fresh, seen by radar and in coast."""
    since_s = TICK_S if now_s > TICK_S else 0.0  # nothing was looked for before the first tick
    near = [[d2(a, P, b, Q, 3, SETTINGS.near_floor_m) <= SETTINGS.near for b in told] for a in own]
    for k, line in enumerate(told):
        memory = plain.lines.setdefault(
            k, {"verdict": "", "missed": 0.0, "given": 0.0, "compared_s": -1e18, "match": "", "met_s": None}
        )
        plain_meeting(plain, memory, now_s, line, Q, own, P, near, k)
        explained = any(near[s][k] for s in range(len(own)))
        best = min((d2(line, Q, a, P, 6) for a in own), default=math.inf)
        moved = any(same_flight(line, Q, a, P) and not any(near[s]) for s, a in enumerate(own))
        if best <= SETTINGS.gate or (moved and not explained):
            if now_s - memory["compared_s"] >= SETTINGS.compare_every_s:
                memory["compared_s"] = now_s
                worth = 0.5 * best * (1 - 1 / SETTINGS.worse) - 3 * math.log(SETTINGS.worse)
                if worth > 0:
                    witness = int(np.argmin([d2(line, Q, a, P, 6) for a in own]))
                    worth = plain_news(plain, min(worth, SETTINGS.track_most), k, told, witness, own)
                plain.add("disagreement", worth)
                plain.counts["compared"] += 1
                plain.counts["displaced"] += best > SETTINGS.gate
            explained = True
        if explained:
            memory["missed"] = 0.0
            if not memory["verdict"] and best <= SETTINGS.gate:
                plain.verdict("ghosts", memory, False, "seen_here_too")
        elif memory["verdict"] != "against":
            memory["missed"] += since_s * plain_rate(suite, sector(0), line[:3], Q)
            if memory["missed"] >= SETTINGS.unseen:
                plain.verdict("ghosts", memory, True, "not_seen_here")
    for s, track in enumerate(own):
        memory = plain.tracks.setdefault(s, {"verdict": "", "silent": 0.0, "since_s": now_s})
        if any(near[s]):
            memory["silent"] = 0.0
            if not memory["verdict"]:
                plain.verdict("silence", memory, False, "told")
        elif memory["verdict"] != "against" and now_s - memory["since_s"] >= 20.0 + SETTINGS.silence_s:
            chance = plain_chance(suite, 1, sector(1), track[:3])
            memory["silent"] -= since_s * math.log(1 - min(chance, SETTINGS.chance_most)) / suite.revisit_s[0, 1]
            if memory["silent"] >= SETTINGS.untold:
                plain.verdict("silence", memory, True, "not_told")


@pytest.mark.parametrize("seed", range(12))
def test_the_kernel_judges_as_the_plain_twin_does(seed):
    rng, watching, plain, suite = np.random.default_rng(seed), tested.Watching(), Plain(), tested.suite()
    watching.promised_s[:, :, made.EAST], watching.declared[:, 1] = 20.0, 1
    own = tested.flock(5)
    shift = np.where(rng.random((7, 1)) < 0.5, 0.0, 10 ** rng.uniform(2.5, 5, (7, 1))) * np.array([[0, 0, 1, 0, 0, 0]])
    base = tested.flock(7, rng.choice([48.0, 49.0])) + shift
    if seed % 3 == 2:  # a salvo: 13 km from one to the next
        own, base = ((one - one[0]) * 0.1 + one[0] for one in (own, base))
    own, said = own[: rng.integers(0, 6)], base[: rng.integers(0, 8)]
    spread, said_spread = tested.SPREAD, rng.choice([0.1, 1.0, 4.0, 900.0]) * tested.SPREAD
    stated = watching.watch.sectors

    def sector(i):
        return (*stated[i][:4], math.inf)

    for _ in range(40):
        told = said + rng.multivariate_normal(np.zeros(6), spread, len(said))
        watching.tick(own, told, spread, said_spread)
        plain_tick(plain, watching.now_s, own, told, spread, said_spread, suite, sector)
        assert watching.trust.counts[0, made.EAST].tolist() == list(plain.counts.values())
        assert watching.trust.evidence[0, made.EAST] == pytest.approx(list(plain.evidence.values()), abs=1e-6)
