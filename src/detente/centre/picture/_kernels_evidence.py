"""What tests of a partner's word share: their settings, sensors as stated, distances, and what a verdict is worth."""

import math
from typing import Any, NamedTuple

from detente.centre.picture._kernels_layout import GIVER, HAS_STATE, STATUS
from detente.centre.picture._kernels_matrix import distance2, factor
from detente.jit import kernel

DISAGREEMENT, GHOSTS, SILENCE, MISMATCHES = range(4)
TESTS = 4

# Columns of what was counted of a partner.
COMPARED, MOVED, SEEN, UNSEEN, TOLD, UNTOLD, MATCHED, MISMATCHED = range(8)
COUNTS = 8

# Columns of what is remembered of a partner's line, and of an own track with regard to a partner.
MISSED, GIVEN, COMPARED_S, LAUNCH_KNOWN, MATCH, MET_S = range(6)
LINE_MEMORY = 6
SILENT, PROMISED_S, TRACK_GIVEN = range(3)
TRACK_MEMORY = 3

NO_VERDICT, FOR, AGAINST = 0, 1, 2
CONFIRMED, COAST, REENTRY = 2, 2, 3
NEVER_S = -1e18
FAR = 1e300


class TrustSettings(NamedTuple):
    """When two tracks are compared, what counts for how much, and how sure an alarm must be. SI and radians."""

    compare_every_s: float = 20.0  # a pair again: trackers have half forgotten. Source: assumption, 10 to 60
    fresh_s: float = 15.0  # an own track counts if seen so lately. Source: assumption, 10 to 30: a revisit and a half
    hits: int = 6  # and so often. Source: assumption, 4 to 12
    lately_s: float = 30.0  # a partner's state counts if no older. Source: assumption, 15 to 60
    vague_m: float = 10_000.0  # root of the sum of position variances up to which a track is one place to look, or is
    # sharp enough to bear witness. Source: assumption, 3 to 30 km
    lost_m: float = 60_000.0  # likewise: beyond it, nobody knows where to look. Source: assumption, 20 to 100 km
    wide_sigmas: float = 2.0  # up to there, own radars must see it wherever in so many sigmas it is
    gate: float = 100.0  # squared distance (6 numbers) beyond which two tracks are not compared. Source: assumption
    near: float = 25.0  # squared distance (3 numbers) within which an own line explains a partner's; chance 1.5e-5 (χ²)
    near_floor_m: float = 1_000.0  # with this added to both. Source: assumption, 0.3 to 3 km
    # Two tracks of one velocity no farther apart are one object, displaced: two missiles of a salvo, fired one after
    # the other, differ by 10 m/s for each 2 to 5 km.
    displaced_m: float = 100_000.0  # Source: assumption, 30 to 200 km
    same_velocity: float = 16.0  # squared distance of velocities; chance 1e-3 (χ², 3 numbers)
    same_velocity_m_s: float = 15.0  # with this added to both: a slow drift. Source: assumption, 5 to 30
    sharp_velocity_m_s: float = 20.0  # of root of the sum of both tracks' variances. Source: assumption, 10 to 40
    worse: float = 4.0  # the covariance is this much too small: the alternative tested. Source: assumption, 2 to 6
    track_most: float = 4.5  # evidence of one witness. Source: assumption, 3.9 to 5.7: three at least
    # Tracks that fly so near each other take each other's plots, and go wrong together: they are one witness.
    salvo_m: float = 30_000.0  # Source: assumption, 10 to 60 km
    rcs_m2: float = 0.05  # of what should be seen. Source: assumption, 0.02 to 0.2, the catalogue's front ends
    chance_most: float = 0.8  # no look is trusted more. Source: assumption, 0.7 to 0.95
    margin_rad: float = 0.05  # inside a sector's edges. Source: assumption, 0.02 to 0.1
    margin_share: float = 0.1  # and inside its range. Source: assumption, 0.05 to 0.2
    burning_s: float = 30.0  # a launch is in satellites' sight at least so long. Source: assumption, 15 to 60
    launch_near_m: float = 60_000.0  # beside three sigmas of both. Source: assumption, 20 to 200 km
    launch_near_s: float = 150.0  # Source: assumption, 60 to 300: a radar's first look, or an estimate's error
    launch_after_s: float = 90.0  # so long after it an own track should have begun. Source: assumption, 60 to 180
    launch_late_s: float = 900.0  # a launch told of later than this is not judged. Source: assumption, 300 to 1,800
    unseen: float = 9.2  # looks in vain make a ghost: chance 1e-4 each
    untold: float = 13.8  # likewise, silence about an object: 1e-6, for its giver has a tracker between
    silence_s: float = 30.0  # beyond the clause's delay and rate: the line, and a tracker. Source: assumption, 15 to 60
    declared_kept_s: float = 300.0  # a partner's word about its sensors counts so long. Source: assumption, 60 to 1,000
    # Of an honest partner's tracks the share that look like ghosts: 4 of 850 in lisbon-2020, lisbon-2010, theatre-2011.
    honest_share: float = 0.01
    lying_share: float = 0.30  # of a liar's: the alternative tested. Source: assumption, 0.1 to 0.5
    # Likewise of launches, which radars state far from where they were: 0 to 4 %, in clusters.
    honest_launches: float = 0.05
    lying_launches: float = 0.5
    # A first meeting of two tracks of any sensors: whether they are one object, by all that both state.
    beside_m: float = 30_000.0  # that near, a track that nothing else is said of is meant. Source: assumption, 10-60 km
    mismatch: float = 22.5  # squared distance (6 numbers) beyond which they are not; chance 1e-3 (χ²)
    mismatch_coarse: float = 16.3  # likewise of 3
    match_hits: int = 3  # own looks that make a witness. Source: assumption, 3 to 6
    settle_s: float = 20.0  # after they first met: both have settled. Source: assumption, 10 to 40
    # Of an honest partner's meetings 3 to 6 % fail, in the worst of a hundred judgements 25 %.
    honest_mismatches: float = 0.12
    lying_mismatches: float = 0.7  # of a liar's: the alternative tested. Source: assumption, 0.5 to 0.9
    alarm_mismatches: float = 9.2  # once in e^9.2 = 10,000 meetings; six that fail at least
    alarm_disagreement: float = 11.5  # once in e^11.5 = 100,000 comparisons of an honest partner (G. Lorden, 1971)
    alarm_unseen: float = 9.2  # once in e^9.2 = 10,000 verdicts about tracks and launches; three ghosts at least
    alarm_untold: float = 6.5  # once in e^6.5 = 650 verdicts about own tracks; two silences at least


class Watch(NamedTuple):
    """All sensors as stated: whose, where, how good, and what they watch."""

    sites: Any  # (n, SITE_WIDTH)
    drawn: Any  # (R, n, DRAWN_WIDTH)
    sectors: Any  # (n, SECTOR_WIDTH) as stated
    radars: Any  # mask
    sides: Any  # (n,)
    orbits: Any  # (R, n, 6) of satellites
    boxes: Any  # (n, 4) that they watch
    grazing_m: Any  # (n,)


@kernel
def squared_distance(mean, covariance, other, other_covariance, n, floor_m, total, lower, vectors):
    """Between the first n numbers of two states, over the sum of their covariances; FAR where that is none."""
    for i in range(n):
        vectors[0, i] = mean[i] - other[i]
        for j in range(n):
            total[i, j] = covariance[i, j] + other_covariance[i, j]
        if i < 3:
            total[i, i] += floor_m * floor_m
    if not factor(total, n, lower):
        return FAR
    return distance2(lower, vectors[0], n, vectors[1])


@kernel
def far_apart(mean, covariance, other, other_covariance, least_m, settings):
    """True for two states that no test could take for one object: cheap, and never true of two that one might.

    No squared distance is less than gap² over the sum of all position variances.
    """
    gap2, spread = 0.0, 3.0 * settings.near_floor_m**2
    for i in range(3):
        gap2 += (mean[i] - other[i]) ** 2
        spread += covariance[i, i] + other_covariance[i, i]
    return gap2 > least_m * least_m and gap2 > max(settings.gate, settings.near) * spread


@kernel
def sharp(covariance, vague_m):
    """True for a covariance whose positions are known well enough to look there."""
    return covariance[0, 0] + covariance[1, 1] + covariance[2, 2] <= vague_m * vague_m


@kernel
def add(evidence, giver, test, worth):
    """Add to a partner's evidence; it never falls below nothing."""
    evidence[giver, test] = max(0.0, evidence[giver, test] + worth)


@kernel
def weigh(share_of_liar, share_of_honest, against):
    """Worth of one verdict about a track, for or against its giver."""
    if against:
        return math.log(share_of_liar / share_of_honest)
    return math.log((1.0 - share_of_liar) / (1.0 - share_of_honest))


@kernel
def spoken_of(giver, held, aligned, spread, mean, covariance, settings, work, vectors):
    """True where a line of this partner is, or may be, the object of an own track."""
    for q in range(held.shape[1]):
        if held[STATUS, q] == 0.0 or held[GIVER, q] != giver or held[HAS_STATE, q] == 0.0:
            continue
        if far_apart(aligned[q], spread[q], mean, covariance, 0.0, settings):
            continue
        d2 = squared_distance(
            aligned[q], spread[q], mean, covariance, 3, settings.near_floor_m, work[0], work[1], vectors
        )
        if d2 <= settings.near:
            return True
    return False
