"""Whether a partner's word bears comparison with what own sensors show; a replicate at a time.

Three sequential tests of each partner, each a sum of log likelihood ratios that never falls below nothing (a CUSUM):
tracks of the same object that agree worse than their covariances say; tracks of what own radars ought to see and do
not; silence about what the partner says it watches and agreed to tell.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from detente.centre.picture._kernels_align import align
from detente.centre.picture._kernels_launches import missed_launch, note_begun, own_launch_near
from detente.centre.picture._kernels_layout import (
    COARSENED,
    GIVER,
    HAS_STATE,
    LAUNCH_S,
    LAUNCH_VALID,
    PARTNER_NUMBER,
    PHASE,
    STATUS,
    VALID_S,
)
from detente.centre.picture._kernels_matrix import distance2, factor
from detente.centre.picture._kernels_watch import missing_rate
from detente.jit import kernel

DISAGREEMENT, GHOSTS, SILENCE = 0, 1, 2
TESTS = 3

# Columns of what was counted of a partner.
COMPARED, MOVED, SEEN, UNSEEN, TOLD, UNTOLD = range(6)
COUNTS = 6

# Columns of what is remembered of a partner's line, and of an own track with regard to a partner.
MISSED, GIVEN, COMPARED_S, LAUNCH_KNOWN = range(4)
LINE_MEMORY = 4
SILENT, PROMISED_S = 0, 1
TRACK_MEMORY = 2

NO_VERDICT, FOR, AGAINST = 0, 1, 2
CONFIRMED, COAST = 2, 2
NEVER_S = -1e18
FAR = 1e300


class TrustSettings(NamedTuple):
    """When two tracks are compared, what counts for how much, and how sure an alarm must be. SI and radians."""

    compare_every_s: float = 20.0  # a pair again: trackers have half forgotten. Source: assumption, 10 to 60
    fresh_s: float = 15.0  # an own track counts if seen so lately. Source: assumption, 10 to 30: a revisit and a half
    hits: int = 6  # and so often. Source: assumption, 4 to 12
    lately_s: float = 30.0  # a partner's state counts if no older. Source: assumption, 15 to 60
    vague_m: float = 10_000.0  # root of the sum of position variances beyond which a track is no place to look
    # Source: assumption, 3 to 30 km
    gate: float = 100.0  # squared distance (6 numbers) beyond which two tracks are not compared. Source: assumption
    near: float = 25.0  # squared distance (3 numbers) within which an own line explains a partner's; chance 1.5e-5 (χ²)
    near_floor_m: float = 1_000.0  # with this added to both. Source: assumption, 0.3 to 3 km
    # Two tracks of one velocity no farther apart are one object, displaced: two missiles of a salvo, fired one after
    # the other, differ by 10 m/s for each 2 to 5 km.
    displaced_m: float = 100_000.0  # Source: assumption, 30 to 200 km
    same_velocity: float = 16.0  # squared distance of velocities; chance 1e-3 (χ², 3 numbers)
    same_velocity_m_s: float = 15.0  # with this added to both: a slow drift. Source: assumption, 5 to 30
    sharp_velocity_m_s: float = 20.0  # of root of the sum of both tracks' variances. Source: assumption, 10 to 40
    worse: float = 2.5  # the covariance is this much too small: the alternative tested. Source: assumption, 2 to 6
    comparison_most: float = 4.0  # evidence of one comparison, and of one track: no single track convicts anybody
    track_most: float = 6.0  # Source: assumption, half an alarm
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
    honest_share: float = (
        0.01  # of an honest partner's tracks and launches that look like ghosts. Source: bench/liars.py,
    )
    # 0.5 % of 5,500 verdicts on honest partners; 0.9 % of those by satellites too
    lying_share: float = 0.30  # of a liar's: the alternative tested. Source: assumption, 0.1 to 0.5
    alarm_disagreement: float = 11.5  # once in e^11.5 = 100,000 comparisons of an honest partner (G. Lorden, 1971)
    alarm_unseen: float = 9.2  # once in e^9.2 = 10,000 verdicts about tracks and launches; three ghosts at least
    alarm_untold: float = 6.5  # once in e^6.5 = 650 verdicts about own tracks; two silences at least


class Watch(NamedTuple):
    """Radars: whose, where, how good, and what they watch; satellites stand there and count for nothing."""

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
def sharp(covariance, vague_m):
    """True for a covariance whose positions are known well enough to look there."""
    return covariance[0, 0] + covariance[1, 1] + covariance[2, 2] <= vague_m * vague_m


@kernel
def comparable(status, phase, sensors, hits, updated_s, covariance, now_s, radars, settings):
    """True for an own track that may bear witness: seen by radar, often and lately, in free flight."""
    return (
        status == CONFIRMED
        and phase == COAST
        and sensors & radars != 0
        and hits >= settings.hits
        and now_s - updated_s <= settings.fresh_s
        and sharp(covariance, settings.vague_m)
    )


@kernel
def displaced(mean, covariance, other, other_covariance, settings, total, lower, vectors):
    """True for two tracks that fly alike, side by side: what one object looks like where somebody moves it."""
    gap2, spread = 0.0, 0.0
    for i in range(3):
        gap2 += (mean[i] - other[i]) ** 2
        spread += covariance[i + 3, i + 3] + other_covariance[i + 3, i + 3]
        vectors[0, i] = mean[i + 3] - other[i + 3]
        for j in range(3):
            total[i, j] = covariance[i + 3, j + 3] + other_covariance[i + 3, j + 3]
        total[i, i] += settings.same_velocity_m_s**2
    if gap2 > settings.displaced_m**2 or spread > settings.sharp_velocity_m_s**2 or not factor(total, 3, lower):
        return False
    return distance2(lower, vectors[0], 3, vectors[1]) <= settings.same_velocity


@kernel
def forget_line(memory, verdict, key, q, giver, number):
    """A slot now holds another track of a partner: its memory begins anew."""
    key[q, 0], key[q, 1] = giver, number
    memory[q, MISSED], memory[q, GIVEN], memory[q, COMPARED_S] = 0.0, 0.0, NEVER_S
    memory[q, LAUNCH_KNOWN] = 0.0
    verdict[q] = NO_VERDICT


@kernel
def add(evidence, giver, test, worth):
    """Add to a partner's evidence; it never falls below nothing."""
    evidence[giver, test] = max(0.0, evidence[giver, test] + worth)


@kernel
def compare(d2, numbers, giver, q, memory, evidence, counts, settings):
    """One comparison of a partner's track with an own one of the same object.

    Honest, d² is χ² of ``numbers`` or, for common errors, less; the alternative is that of a covariance ``worse`` times
    too small. The ratio's mean is 1 or less under an honest partner, also once it is cut at its greatest.
    """
    worth = 0.5 * d2 * (1.0 - 1.0 / settings.worse) - 0.5 * numbers * math.log(settings.worse)
    if worth > 0.0:
        worth = min(worth, settings.comparison_most, settings.track_most - memory[q, GIVEN])
        memory[q, GIVEN] += worth
    add(evidence, giver, DISAGREEMENT, worth)
    counts[giver, COMPARED] += 1


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
        d2 = squared_distance(
            aligned[q], spread[q], mean, covariance, 3, settings.near_floor_m, work[0], work[1], vectors
        )
        if d2 <= settings.near:
            return True
    return False


@kernel
def look_at_line(
    q, now_s, since_s, held, aligned, spread, partner_sensors, status, phase, sensors, hits, updated_s, mean,
    covariance, own_radars, watch, drawn, memory, verdict, evidence, counts, settings, work, vectors,
):  # fmt: skip
    """Hold one line of a partner against all own ones: compared, explained, or not to be seen where it should be."""
    giver = int(held[GIVER, q])
    coarse = held[COARSENED, q] != 0.0
    numbers = 3 if coarse else 6
    best, explained, moved = FAR, False, False
    for s in range(status.size):
        if status[s] == 0:
            continue
        d2 = squared_distance(
            aligned[q], spread[q], mean[s], covariance[s], 3, settings.near_floor_m, work[0], work[1], vectors
        )
        explained = explained or d2 <= settings.near
        if comparable(
            status[s], phase[s], sensors[s], hits[s], updated_s[s], covariance[s], now_s, watch.radars, settings
        ):
            d2 = squared_distance(
                aligned[q], spread[q], mean[s], covariance[s], numbers, 0.0, work[0], work[1], vectors
            )
            best = min(best, d2)
            if displaced(aligned[q], spread[q], mean[s], covariance[s], settings, work[0], work[1], vectors):
                moved = moved or not spoken_of(
                    giver, held, aligned, spread, mean[s], covariance[s], settings, work, vectors
                )  # fmt: skip
    by_radar = partner_sensors[q] & watch.radars != 0
    if best <= settings.gate or (moved and not explained):
        if by_radar and now_s - memory[q, COMPARED_S] >= settings.compare_every_s:
            memory[q, COMPARED_S] = now_s
            compare(best, numbers, giver, q, memory, evidence, counts, settings)
            if best > settings.gate:
                counts[giver, MOVED] += 1
        explained = True
    if explained:
        memory[q, MISSED] = 0.0
        if verdict[q] == NO_VERDICT and best <= settings.gate:
            verdict[q] = FOR
            counts[giver, SEEN] += 1
            add(evidence, giver, GHOSTS, weigh(settings.lying_share, settings.honest_share, False))
        return
    if verdict[q] == AGAINST or not sharp(spread[q], settings.vague_m):
        return
    memory[q, MISSED] += since_s * missing_rate(
        own_radars, watch.sites, drawn, watch.sectors, settings.rcs_m2, settings.margin_rad, settings.margin_share,
        settings.chance_most, aligned[q, 0], aligned[q, 1], aligned[q, 2],
    )  # fmt: skip
    if memory[q, MISSED] >= settings.unseen:
        verdict[q] = AGAINST
        counts[giver, UNSEEN] += 1
        add(evidence, giver, GHOSTS, weigh(settings.lying_share, settings.honest_share, True))


@kernel
def look_at_track(
    s, giver, now_s, since_s, promised_s, held, aligned, spread, mean, covariance, declared, watch, drawn, sectors,
    memory, verdict, evidence, counts, settings, work, vectors,
):  # fmt: skip
    """Whether a partner that says it watches there, and agreed to tell, speaks of an own track."""
    if promised_s < 0.0:
        memory[s, giver, PROMISED_S] = NEVER_S
        return
    if memory[s, giver, PROMISED_S] == NEVER_S:
        memory[s, giver, PROMISED_S] = now_s
    if spoken_of(giver, held, aligned, spread, mean[s], covariance[s], settings, work, vectors):
        memory[s, giver, SILENT] = 0.0
        if verdict[s, giver] == NO_VERDICT:
            verdict[s, giver] = FOR
            counts[giver, TOLD] += 1
            add(evidence, giver, SILENCE, weigh(settings.lying_share, settings.honest_share, False))
        return
    if verdict[s, giver] == AGAINST or now_s - memory[s, giver, PROMISED_S] < promised_s + settings.silence_s:
        return
    memory[s, giver, SILENT] += since_s * missing_rate(
        declared, watch.sites, drawn, sectors, settings.rcs_m2, settings.margin_rad, settings.margin_share,
        settings.chance_most, mean[s, 0], mean[s, 1], mean[s, 2],
    )  # fmt: skip
    if memory[s, giver, SILENT] >= settings.untold:
        verdict[s, giver] = AGAINST
        counts[giver, UNTOLD] += 1
        add(evidence, giver, SILENCE, weigh(settings.lying_share, settings.honest_share, True))


@kernel
def align_all(now_s, held, partner_mean, partner_covariance, picture, phi, work, aligned, spread):
    """Bring all partners' states to now."""
    for q in range(held.shape[1]):
        if held[STATUS, q] != 0.0 and held[HAS_STATE, q] != 0.0:
            align(
                partner_mean[q], partner_covariance[q], now_s - held[VALID_S, q], held[PHASE, q], picture, phi, work,
                aligned[q], spread[q],
            )  # fmt: skip


@kernel
def look_at_launch(
    q, now_s, giver, said, begun, own, own_satellites, watch, drawn, orbits, memory, verdict, evidence, counts,
    settings,
):  # fmt: skip
    """Whether a launch told of in time is one that own satellites ought to have seen, and no own track began with."""
    if said[LAUNCH_VALID] == 0.0 or verdict[q] != NO_VERDICT or memory[q, LAUNCH_KNOWN] != 0.0:
        return
    if now_s - said[LAUNCH_S] > settings.launch_late_s:
        memory[q, LAUNCH_KNOWN] = 1.0
    elif own_launch_near(said, begun, own, settings):
        memory[q, LAUNCH_KNOWN], verdict[q] = 1.0, FOR
        counts[giver, SEEN] += 1
        add(evidence, giver, GHOSTS, weigh(settings.lying_share, settings.honest_share, False))
    elif now_s - said[LAUNCH_S] >= settings.launch_after_s:
        memory[q, LAUNCH_KNOWN] = 1.0
        if missed_launch(own_satellites, watch, drawn, orbits, said, settings) >= settings.unseen:
            verdict[q] = AGAINST
            counts[giver, UNSEEN] += 1
            add(evidence, giver, GHOSTS, weigh(settings.lying_share, settings.honest_share, True))


@kernel
def judge_lines(
    r, now_s, since_s, held, theirs, own, begun, own_satellites, aligned, spread, partner_sensors, status, phase,
    sensors, hits, updated_s, mean, covariance, own_radars, watch, key, memory, verdict, evidence, counts, settings,
    work, vectors,
):  # fmt: skip
    """All lines of all partners in one replicate: their launches, and states in free flight that were told lately."""
    for q in range(held.shape[1]):
        if held[STATUS, q] == 0.0:
            continue
        giver, number = int(held[GIVER, q]), int(held[PARTNER_NUMBER, q])
        if key[q, 0] != giver or key[q, 1] != number:
            forget_line(memory, verdict, key, q, giver, number)
        look_at_launch(
            q, now_s, giver, theirs[:, q], begun, own, own_satellites, watch, watch.drawn[r], watch.orbits[r], memory,
            verdict, evidence, counts, settings,
        )  # fmt: skip
        if held[HAS_STATE, q] != 0.0 and held[PHASE, q] == COAST and now_s - held[VALID_S, q] <= settings.lately_s:
            look_at_line(
                q, now_s, since_s, held, aligned, spread, partner_sensors, status, phase, sensors, hits, updated_s,
                mean, covariance, own_radars, watch, watch.drawn[r], memory, verdict, evidence, counts, settings, work,
                vectors,
            )  # fmt: skip


@kernel
def judge_tracks(
    r, now_s, since_s, own_side, held, aligned, spread, status, number, phase, sensors, hits, updated_s, mean,
    covariance, promised_s, declared, sectors, theirs, watch, key, memory, verdict, evidence, counts, settings, work,
    vectors,
):  # fmt: skip
    """All own tracks in one replicate that may bear witness, with regard to each partner."""
    for s in range(status.size):
        if key[s] != number[s]:
            key[s] = number[s]
            memory[s, :, SILENT], memory[s, :, PROMISED_S] = 0.0, NEVER_S
            verdict[s, :] = NO_VERDICT
        if not comparable(
            status[s], phase[s], sensors[s], hits[s], updated_s[s], covariance[s], now_s, watch.radars, settings
        ):
            continue
        for giver in range(promised_s.shape[1]):
            if giver == own_side:
                continue
            for i in range(theirs.size):
                theirs[i] = watch.sides[i] == giver and declared[i] != 0
            look_at_track(
                s, giver, now_s, since_s, promised_s[s, giver], held, aligned, spread, mean, covariance, theirs, watch,
                watch.drawn[r], sectors, memory, verdict, evidence, counts, settings, work, vectors,
            )  # fmt: skip


@kernel
def judge_rows(
    now_s, since_s, own_side, status, number, phase, sensors, hits, updated_s, mean, covariance, born_s, start_ecef_m,
    own, said, held, partner_mean, partner_covariance, partner_sensors, promised_s, declared, sectors, watch, settings,
    picture, line_key, line_memory, line_verdict, track_key, track_memory, track_verdict, evidence, counts, begun,
    noted,
):  # fmt: skip
    """Bring every partner's evidence up to date, replicate by replicate; all arrays (R, ...)."""
    lines = held.shape[2]
    aligned, spread = np.zeros((lines, 6)), np.zeros((lines, 6, 6))
    work, vectors = np.zeros((2, 6, 6)), np.zeros((2, 6))
    own_radars, theirs = np.zeros(watch.sides.size, np.uint8), np.zeros(watch.sides.size, np.uint8)
    own_satellites = np.zeros(watch.sides.size, np.uint8)
    for i in range(watch.sides.size):
        radar = (watch.radars >> np.uint64(i)) & np.uint64(1) != 0
        own_radars[i] = watch.sides[i] == own_side and radar
        own_satellites[i] = watch.sides[i] == own_side and not radar
    for r in range(held.shape[1]):
        align_all(now_s, held[:, r], partner_mean[r], partner_covariance[r], picture, work[0], work[1], aligned, spread)
        note_begun(number[r], born_s[r], start_ecef_m[r], begun, noted, r)
        judge_lines(
            r, now_s, since_s, held[:, r], said[:, r], own[:, r], begun[r], own_satellites, aligned, spread,
            partner_sensors[r], status[r], phase[r], sensors[r], hits[r], updated_s[r], mean[r], covariance[r],
            own_radars, watch, line_key[r], line_memory[r], line_verdict[r], evidence[r], counts[r], settings, work,
            vectors,
        )  # fmt: skip
        judge_tracks(
            r, now_s, since_s, own_side, held[:, r], aligned, spread, status[r], number[r], phase[r], sensors[r],
            hits[r], updated_s[r], mean[r], covariance[r], promised_s[r], declared[r], sectors[r], theirs, watch,
            track_key[r], track_memory[r], track_verdict[r], evidence[r], counts[r], settings, work, vectors,
        )  # fmt: skip
