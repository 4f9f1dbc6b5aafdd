"""How fast the tracker is, and whether it is the same as Stone Soup's on the same files."""

import statistics
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import tracking_scenes as scenes
from lines import Line, cpu_seconds
from tracking_scenes import Scene, flat

from detente.centre.tracking.follower import Follower, follow
from detente.centre.tracking.settings import TEXTBOOK
from detente.records.paths import TrackPaths
from detente.records.results import FollowedTracks
from detente.scoring.files import read_tracks
from detente.scoring.score import Score, score_states

SETTINGS = replace(
    TEXTBOOK, gravity_m_s2=scenes.GRAVITY_M_S2, local_noise_m2_s3=scenes.NOISE_M2_S3,
    radar_speed_sigma_m_s=scenes.SPEED_SIGMA_M_S,
)  # fmt: skip
FULL_SCAN = 30  # by then every object is there


def ours(scene: Scene) -> FollowedTracks:
    """Our tracker on a scene, full history kept."""
    followed, shed = follow(scene.plots, scene.sensors, SETTINGS)
    assert not any(shed.__dict__.values()), f"the tracker shed something: {shed}"
    return followed


def updates_in(followed: FollowedTracks) -> int:
    """Track-updates: each live track, confirmed or tentative, carried through one scan."""
    return len(followed) - int(np.sum(followed.time_s == followed.time_s[-1]))


def confirmed(followed: FollowedTracks) -> TrackPaths:
    """What is scored."""
    return read_tracks(followed)[""]


def speed(quick: bool) -> Iterator[Line]:
    """Track-updates a second with full history, and the cost of a scan of 2,000 objects."""
    case, seconds = "Flat frame, one radar, full history kept", 0.0
    for objects in (10, 50, 200, 1000, 2000):
        rates = []
        for seed in (1,) if quick or objects > 200 else (1, 2, 3):
            scene = flat(objects, seed)
            seconds = cpu_seconds(lambda scene=scene: ours(scene), 0.2 if quick else 1.0)
            rates.append(updates_in(ours(scene)) / seconds)
        goal = 1.0e6 if objects == 200 else None
        yield Line(case, f"N = {objects}: track-updates", statistics.median(rates), "/s", at_least=goal)
    yield Line(case, "N = 2000: a scan once all are there", _scan_ms(seconds, quick), "ms", at_most=5.0)


def _scan_ms(all_scans_s: float, quick: bool) -> float:
    """What a scan of the later part of the file costs: the whole less the part in which objects still appear."""
    early = flat(2000, 1, FULL_SCAN)
    first_s = cpu_seconds(lambda: ours(early), 0.2 if quick else 1.0)
    return (all_scans_s - first_s) / (scenes.SCANS - FULL_SCAN) * 1e3


def stone_soup(quick: bool) -> Iterator[Line]:
    """The same files through Stone Soup in the same run: its speed against ours, and equality of the results."""
    import stonesoup
    import tracking_stonesoup as theirs

    version = stonesoup.__version__
    assert version.startswith("1.9"), f"the targets speak of Stone Soup 1.9.1, not {version}"
    for objects in (10, 50) if quick else (10, 50, 200):
        scene = flat(objects, 1, 40 if quick else scenes.SCANS)
        followed = ours(scene)
        mine = score_states(confirmed(followed), scene.truth)
        yield from _edges(f"On a gate's edge, N = {objects}", "", scene)
        rate = updates_in(followed) / cpu_seconds(lambda scene=scene: ours(scene), 0.2 if quick else 1.0)
        for which in (theirs.TREE, theirs.PLAIN, theirs.TREE_ANALYTIC):
            tracks, updates, spent = theirs.run(scene, which)
            case = f"Beside Stone Soup {version}, {which}, N = {objects}"
            goal = 1000.0 if which == theirs.TREE and objects >= 50 else None
            yield Line(case, "its track-updates", updates / spent, "/s")
            yield Line(case, "ours is faster", rate / (updates / spent), "×", at_least=goal)
            yield from _apart(case, "", score_states(tracks, scene.truth), mine, which == theirs.TREE_ANALYTIC)
    case = f"Further files beside Stone Soup {version}, {theirs.TREE_ANALYTIC}"
    for objects, seed in () if quick else ((10, 2), (10, 3), (50, 2), (50, 3)):
        scene = flat(objects, seed)
        mine = score_states(confirmed(ours(scene)), scene.truth)
        other = score_states(theirs.run(scene, theirs.TREE_ANALYTIC)[0], scene.truth)
        yield from _edges(case, f"N = {objects}, seed {seed}: ", scene)
        yield from _apart(case, f"N = {objects}, seed {seed}: ", other, mine, True)


def _edges(case: str, head: str, scene: Scene) -> Iterator[Line]:
    """How many detections of a file lie on a gate's edge, where rounding may part two trackers, and each of them."""
    follower = Follower(plots=scene.plots, sensors=scene.sensors, settings=SETTINGS)
    for _ in follower.chunks():
        pass
    decided = follower.decided
    yield Line(case, f"{head}detections on a gate's edge", decided.edges)
    for edge in decided.gate_edges:
        where = f"row {edge.row}, at {scene.plots.time_s[edge.row]:g} s, track {edge.track}: distance over gate, less 1"
        yield Line(case, head + where, edge.distance_sigmas / SETTINGS.gate_sigmas - 1.0)


def _apart(case: str, head: str, other: Score, mine: Score, same: bool) -> Iterator[Line]:
    """How far two scores' GOSPA are apart, and from which scan on where that is more than rounding."""
    apart = np.abs(other.gospa_m / np.maximum(mine.gospa_m, 1e-9) - 1.0)
    mean = abs(float(np.mean(other.gospa_m)) / float(np.mean(mine.gospa_m)) - 1.0)
    most = 1e-5 if same else None
    yield Line(case, f"{head}GOSPA, relative difference of the mean", mean, at_most=most)
    yield Line(case, f"{head}GOSPA, relative difference at the worst scan", float(np.max(apart)), at_most=most)
    if same and np.any(apart > 1e-5):
        yield Line(case, f"{head}the first scan that differs", float(np.argmax(apart > 1e-5)))
