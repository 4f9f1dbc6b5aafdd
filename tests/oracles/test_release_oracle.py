"""The release logic once more, slowly: dictionaries, one track at a time, read from the agreement itself."""

import hashlib
import math
import struct

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from tests import made_exchange as made

from detente.centre.exchange import merkle
from detente.centre.exchange.release import ReleaseReason, initial, release
from detente.centre.exchange.rules import compile_agreement

CLASSES = ("launch-warning", "impact-prediction", "track")
NAMES = {1: "launch-warning", 2: "impact-prediction", 3: "track", 5: "tracklet"}
PHASES = ("", "boost", "coast", "reentry")


def inside(box, lat, lon):
    west, east, lon = box.west_deg, box.east_deg, math.degrees(lon)
    across = west <= lon <= east if west <= east else (lon >= west or lon <= east)
    return box.south_deg <= math.degrees(lat) <= box.north_deg and across


def range_class(launch, impact):
    """By the angle between two unit vectors."""
    one, other = (
        np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
        for lat, lon in (launch, impact)
    )
    km = 6371.0088 * math.atan2(np.linalg.norm(np.cross(one, other)), one @ other)
    return "short" if km < 1000 else "medium" if km < 3000 else "intermediate" if km <= 5500 else "intercontinental"


def below(state):
    """Geodetic latitude and longitude by a search for the ellipsoid's normal through the object."""
    x, y, z = state[:3]
    lat = math.atan2(z, math.hypot(x, y))
    for _ in range(50):
        normal = 6378137.0 / math.sqrt(1 - 6.6943799901413165e-3 * math.sin(lat) ** 2)
        height = math.hypot(x, y) / math.cos(lat) - normal
        lat = math.atan2(z, math.hypot(x, y) * (1 - 6.6943799901413165e-3 * normal / (normal + height)))
    return lat, math.atan2(y, x)


def counted_as(clause):
    return "track" if clause.data == "tracklet" else clause.data


def turns(moments, every_s):
    """Which of these moments are turns of a clause that says ``every_s``: rate by rate, from the fastest on."""
    for period_s in (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 86400):
        kept = []
        for moment in moments:
            if not kept or moment - kept[-1] >= period_s - 1e-6:
                kept.append(moment)
        moments = kept
        if period_s >= every_s:
            return moments
    raise AssertionError("no rate is that slow")


class PlainExchange:
    """One giver and one replicate."""

    def __init__(self, agreement, giver):
        self.agreement, self.giver = agreement, giver
        self.clauses = [] if agreement is None else list(agreement.clauses)
        self.moments, self.yard, self.pending = {}, {}, []  # moments with anything to say, by track and class
        self.left, self.log = [], []  # messages; every decision as (time, number, receiver, class, clause, reason)

    def in_force(self, time_s):
        return self.agreement is not None and self.agreement.holds_at(made.EPOCH + made.timedelta(seconds=time_s))

    def judged(self, index, track, time_s):
        clause = self.clauses[index]
        exists = {
            "launch-warning": track["launch"],
            "impact-prediction": track["impact"],
            "track": True,
            "tracklet": True,
        }
        if not self.in_force(time_s):
            return "NOT_IN_FORCE"
        if not exists.get(clause.data, True):
            return "NO_ESTIMATE"
        seen_by = [i for i in range(64) if track["sensors"] >> i & 1]
        if any(made.SENSOR_SIDES[i] != self.giver for i in seen_by):
            return "ONWARD"
        asked = clause.owners_consenting
        if any(
            made.OWNERS[i] in clause.owners_withheld or made.OWNERS[i] not in (asked or made.OWNERS) for i in seen_by
        ):
            return "OWNER_WITHHELD"
        if clause.when.phases and PHASES[track["phase"]] not in clause.when.phases:
            return "PHASE"
        named = {"receiver": [clause.receiver], "giver": [clause.giver], "any-party": self.agreement.parties, None: []}
        likely = sum(track["threat"][made.SIDES.index(name)] for name in named[clause.when.impact_in])
        if clause.when.impact_in and not (track["impact"] and likely >= clause.when.impact_probability):
            return "IMPACT_ELSEWHERE"
        places = (
            (clause.when.launch_zone, track["launch_at"]), (clause.when.object_zone, track["at"]),
            (clause.when.impact_zone, track["impact_at"]),
        )  # fmt: skip
        if any(zone is not None and not (place and inside(zone, *place)) for zone, place in places):
            return "ZONE"
        if clause.when.range_classes:
            ends = track["launch_at"], track["impact_at"]
            if None in ends or range_class(*ends) not in clause.when.range_classes:
                return "RANGE_CLASS"
        if time_s not in turns(self.moments[track["number"], counted_as(clause)], clause.every_s):
            return "RATE"
        return "DELAYED" if clause.delay_s > 0 else "RELEASED"

    def step(self, time_s, living, confirmed):
        self.yard = {number: yard for number, yard in self.yard.items() if number in living}
        self.moments = {key: moments for key, moments in self.moments.items() if key[0] in living}
        for number in set(living) - {track["number"] for track in confirmed}:
            self.yard.pop(number, None)
        prompt = []
        for track in confirmed:
            self.tell(track, time_s, prompt)
        ripe = [m for m in self.pending if m["earliest_s"] <= time_s + 1e-6]
        self.pending = [m for m in self.pending if m["earliest_s"] > time_s + 1e-6]
        for message in ripe:
            reason = "RELEASED" if self.in_force(time_s) else "NOT_IN_FORCE"
            self.note(time_s, message["number"], message["clause"], reason)
            if reason == "RELEASED":
                self.left.append({**message, "released_s": time_s})
        self.left += [{**message, "released_s": time_s} for message in prompt]

    def tell(self, track, time_s, prompt):
        reasons, number = {}, track["number"]
        for data, something in (("launch-warning", "launch"), ("impact-prediction", "impact"), ("track", "slot")):
            if something == "slot" or track[something]:
                self.moments.setdefault((number, data), []).append(time_s)
        due_s, served = self.yard.setdefault(number, (-math.inf, set()))
        for index, clause in enumerate(self.clauses):
            if clause.giver != made.SIDES[self.giver] or clause.data not in (*CLASSES, "tracklet"):
                continue
            reason = reasons[index] = self.judged(index, track, time_s)
            if reason in ("RELEASED", "DELAYED"):
                self.note(time_s, number, index, reason)
                served = served | {(clause.receiver, counted_as(clause))}
                message = {"number": number, "clause": index, "valid_s": time_s, "track": track}
                (prompt if reason == "RELEASED" else self.pending).append(
                    {**message, "earliest_s": time_s + clause.delay_s}
                )
        if time_s >= due_s - 1e-6:
            self.measure(track, time_s, reasons, served)
            due_s, served = (due_s + 10 if due_s + 10 > time_s + 1e-6 else time_s + 10), set()
        self.yard[number] = (due_s, served)

    def measure(self, track, time_s, reasons, served):
        for receiver in made.SIDES:
            for data in CLASSES:
                if receiver == made.SIDES[self.giver] or (receiver, data) in served:
                    continue
                mine = [
                    i for i in reasons if (self.clauses[i].receiver, counted_as(self.clauses[i])) == (receiver, data)
                ]
                ranked = sorted(mine, key=lambda i: (-ReleaseReason[reasons[i]], i))
                exists = {"launch-warning": track["launch"], "impact-prediction": track["impact"], "track": True}
                if ranked:
                    self.log.append((time_s, track["number"], receiver, data, ranked[0], reasons[ranked[0]]))
                elif exists[data]:
                    self.log.append((time_s, track["number"], receiver, data, -1, "NO_CLAUSE"))

    def note(self, time_s, number, index, reason):
        clause = self.clauses[index]
        self.log.append((time_s, number, clause.receiver, clause.data, index, reason))


def place(valid, lat_rad, lon_rad, row, s):
    return (lat_rad[row, s], lon_rad[row, s]) if valid[row, s] else None


def plain_run(agreement, giver, story, row):
    exchange = PlainExchange(agreement, giver)
    for tracks, est in story:
        number, slots = tracks.number[row], range(tracks.number.shape[1])
        confirmed = [
            {
                "number": int(number[s]), "slot": s, "sensors": int(tracks.sensors[row, s]),
                "phase": int(tracks.phase[row, s]), "launch": bool(est.launch_valid[row, s]),
                "impact": bool(est.impact_valid[row, s]), "threat": est.threat_probability[row, s],
                "at": below(tracks.mean[row, s]),
                "launch_at": place(est.launch_valid, est.launch_lat_rad, est.launch_lon_rad, row, s),
                "impact_at": place(est.impact_valid, est.impact_lat_rad, est.impact_lon_rad, row, s),
            }
            for s in slots if number[s] > 0 and tracks.status[row, s] == 2
        ]  # fmt: skip
        exchange.step(tracks.time_s, {int(n) for n in number if n > 0}, confirmed)
    return exchange


def real_run(agreement, giver, story, secret=made.SECRET):
    rules = compile_agreement(agreement, made.SIDES, made.OWNERS, made.EPOCH)
    rows, slots = story[0][0].number.shape
    state, messages, decisions = initial(rules, np.arange(rows), slots), [], []
    for tracks, est in story:
        sent, decided, state = release(
            state, tracks, est, rules, giver, made.SENSORS_OF[giver], secret, tracks.time_s, record=True
        )
        messages.append(sent)
        decisions.append(decided)
    return type(sent).concatenate(messages), type(decided).concatenate(decisions), state


TERMS = (
    {},
    {"delay_s": 12.0},
    {"every_s": 15.0},
    {"owners_withheld": ["TUR"]},
    {"owners_consenting": ["USA", "RUS"]},
    {"when": {"launch_zone": made.box(-40, 60, -100, 120)}},
    {"when": {"object_zone": made.box(-60, 50, 20, -20)}},
    {"when": {"impact_zone": made.box(-80, 80, 170, -170), "object_zone": made.box(-90, 90, -180, 180)}},
    {"when": {"range_classes": ["short", "intermediate", "intercontinental"]}},
    {"when": {"range_classes": ["medium", "intermediate"], "launch_zone": made.box(-90, 70, -180, 180)}},
    {"when": {"phases": ["boost", "coast"]}},
    {"when": {"impact_in": "receiver", "impact_probability": 0.3}},
    {"when": {"impact_in": "giver", "impact_probability": 0.2}, "every_s": 7.0},
    {"when": {"impact_in": "any-party", "impact_probability": 0.8, "phases": ["reentry"]}, "delay_s": 3.0},
)


def lottery(seed):
    rng = np.random.default_rng(1000 + seed)
    clauses = []
    for index in range(rng.integers(0, 7)):
        giver, receiver = rng.choice(3, 2, replace=False)
        data = [*CLASSES, "sensor-status", "tracklet"][rng.integers(5)]
        terms = TERMS[rng.integers(len(TERMS))]
        clauses.append(made.clause(f"c{index}", data, made.SIDES[giver], made.SIDES[receiver], **terms))
    return made.agreement(*clauses, start_s=float(rng.integers(-1, 2) * 10), end_s=float(rng.integers(20, 70)))


@pytest.mark.parametrize("seed", range(40))
def test_kernel_decides_as_the_plain_twin_does(seed):
    agreement, story, giver = lottery(seed), made.story(seed, ticks=14), seed % 2
    messages, decisions, state = real_run(agreement, giver, story)
    for row in range(2):
        plain = plain_run(agreement, giver, story, row)
        mine = messages.take(messages.replicate == row)
        told = sorted(zip(mine.released_s, mine.valid_s, mine.number, mine.clause, strict=True))
        assert told == sorted((m["released_s"], m["valid_s"], m["number"], m["clause"]) for m in plain.left)
        ours = decisions.take(decisions.replicate == row)
        log = [
            (t, n, made.SIDES[receiver], NAMES[data], c, ReleaseReason(reason).name)
            for t, n, receiver, data, c, reason in zip(
                ours.time_s, ours.number, ours.receiver, ours.data, ours.clause, ours.reason, strict=True
            )
        ]
        assert sorted(log) == sorted(plain.log)
        for c, reason in np.ndindex(state.counts.shape[1:]):
            name = ReleaseReason(reason).name if reason else ""
            assert state.counts[row, c, reason] == sum(entry[4:] == (c, name) for entry in log)
        assert state.no_clause[row].sum() == sum(entry[5] == "NO_CLAUSE" for entry in log)
        assert len(state.pending.take(state.pending.replicate == row)) == len(plain.pending)


def test_story_reaches_every_reason():
    seen = set()
    for seed in range(120):
        seen |= set(real_run(lottery(seed), seed % 2, made.story(seed, ticks=14))[1].reason.tolist())
    assert seen == {int(reason) for reason in ReleaseReason} - {ReleaseReason.OVERFLOW}


POSITION, VELOCITY, GRID, TIME = range(4)


def evens(secret, giver, data, part, amount, replicate, thing):
    """Four numbers in (0, 1) as the README words them: AES-256 of an address, under a key of one purpose."""
    purpose = struct.pack("<qqqd", giver, data, part, amount)
    key = hashlib.blake2b(purpose, key=secret.key, digest_size=32, person=b"detente-offsets").digest()
    blocks = [struct.pack("<IIq", replicate, half, thing) for half in (0, 1)]
    encrypt = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return [((word >> 11) + 0.5) / 2**53 for word in struct.unpack("<4Q", b"".join(map(encrypt.update, blocks)))]


def bells(*address):
    """Four standard normal numbers, by Box and Muller."""
    a, b, c, d = evens(*address)
    return [
        math.sqrt(-2 * math.log(one)) * turn(2 * math.pi * other)
        for one, other in ((a, b), (c, d))
        for turn in (math.cos, math.sin)
    ]


def test_coarse_state_is_offset_as_addressed():
    """The offset of a state, by its address."""
    agreement = made.agreement(made.clause(coarsen={"sigma_position_m": 2000.0, "sigma_velocity_m_s": 30.0}))
    story = made.story(3, ticks=6, foreign=0.0)
    messages, _, _ = real_run(agreement, 0, story, secret=made.secret(99))
    known = {tracks.time_s: tracks for tracks, _ in story}
    for i in range(len(messages)):
        row, number = messages.replicate[i], messages.number[i]
        tracks = known[messages.valid_s[i]]
        slot = int(np.flatnonzero(tracks.number[row] == number)[0])
        position = bells(made.secret(99), 0, 3, POSITION, 2000.0, row, number)[:3]
        velocity = bells(made.secret(99), 0, 3, VELOCITY, 30.0, row, number)[:3]
        expected = tracks.mean[row, slot] + np.concatenate([2000.0 * np.array(position), 30.0 * np.array(velocity)])
        np.testing.assert_allclose(messages.state[i], expected, rtol=1e-14)
        added = np.diag([2000.0**2] * 3 + [30.0**2] * 3)
        stated = (tracks.covariance[row, slot] + added)[np.tril_indices(6)]
        np.testing.assert_allclose(messages.covariance[i], stated, rtol=1e-14)
    assert len(messages) > 5


def test_coarse_point_is_moved_and_gridded_as_addressed():
    """A launch point, recomputed by vectors instead of angles."""
    agreement = made.agreement(
        made.clause(data="launch-warning", coarsen={"sigma_position_m": 5000.0, "grid_km": 80.0, "time_s": 20.0})
    )
    story = made.story(4, ticks=6, foreign=0.0)
    messages, _, _ = real_run(agreement, 0, story, secret=made.secret(5))
    known = {tracks.time_s: (tracks, est) for tracks, est in story}
    for i in range(len(messages)):
        row, number = int(messages.replicate[i]), int(messages.number[i])
        tracks, est = known[messages.valid_s[i]]
        slot = int(np.flatnonzero(tracks.number[row] == number)[0])
        lat, lon = est.launch_lat_rad[row, slot], est.launch_lon_rad[row, slot]
        a, b, _, _ = bells(made.secret(5), 0, 1, POSITION, 5000.0, row, number)
        lat, lon = moved(lat, lon, 5000.0 * a, 5000.0 * b)
        u, v, _, _ = evens(made.secret(5), 0, 1, GRID, 80e3, row, number)
        parallels = 2 * int(math.pi * 6_371_008.8 / 160e3)
        k = round((lat + (u - 0.5) * math.pi / parallels) / math.pi * parallels)
        coarse_lat = k * math.pi / parallels
        meridians = int(2 * math.pi * math.cos(coarse_lat) * 6_371_008.8 / 80e3)
        j = round((lon + (v - 0.5) * 2 * math.pi / meridians) / (2 * math.pi) * meridians)
        w = evens(made.secret(5), 0, 1, TIME, 20.0, row, number)[0]
        assert messages.launch_lat_rad[i] == pytest.approx(coarse_lat, abs=1e-12)
        turn = messages.launch_lon_rad[i] - j * 2 * math.pi / meridians
        assert math.cos(turn) == pytest.approx(1.0, abs=1e-12)
        assert messages.launch_s[i] == 20.0 * round(est.launch_s[row, slot] / 20.0 + w - 0.5)
        cell_m = max(2 * math.pi / meridians * math.cos(coarse_lat), math.pi / parallels) * 6_371_008.8
        variance = est.launch_sigma_m[row, slot] ** 2 + 5000.0**2 + cell_m**2 / 6
        assert messages.launch_sigma_m[i] == pytest.approx(math.sqrt(variance), rel=1e-12)
    assert len(messages) > 5


def moved(lat, lon, east_m, north_m):
    """A point moved on the sphere of the mean radius, by rotating its unit vector along the tangent."""
    up = np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    tangent = east_m * east + north_m * np.cross(up, east)
    angle = np.linalg.norm(tangent) / 6_371_008.8
    x, y, z = up * math.cos(angle) + tangent / np.linalg.norm(tangent) * math.sin(angle)
    return math.asin(z), math.atan2(y, x)


def plain_root(leaves):
    """RFC 6962, section 2.1, as its text has it."""
    if len(leaves) == 0:
        return merkle.hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return merkle.hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return merkle.hashlib.sha256(b"\x01" + plain_root(leaves[:k]) + plain_root(leaves[k:])).digest()


def plain_path(m, leaves):
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return [*plain_path(m, leaves[:k]), plain_root(leaves[k:])]
    return [*plain_path(m - k, leaves[k:]), plain_root(leaves[:k])]


@pytest.mark.parametrize("size", range(40))
def test_tree_is_that_of_the_plain_definition(size):
    leaves = [bytes([i, 255 - i]) * (i % 3) for i in range(size)]
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    assert merkle.root(hashes) == plain_root(leaves)
    for index in range(size):
        proof = merkle.inclusion_proof(hashes, index)
        assert list(proof) == plain_path(index, leaves)
        assert merkle.includes(plain_root(leaves), size, index, hashes[index], proof)
