"""Whether a partner's word bears comparison with what own sensors show; a replicate at a time.

Four sequential tests of each partner, each a sum of log likelihood ratios that never falls below nothing (a CUSUM):
tracks of the same object that agree worse than their covariances say, comparison by comparison; the share of its tracks
that, when they first meet an own one, do not match it; tracks of what own radars ought to see and do not; silence about
what the partner says it watches and agreed to tell.
"""

import math

import numpy as np

from detente.centre.picture._kernels_align import align
from detente.centre.picture._kernels_evidence import (
    AGAINST,
    COAST,
    COMPARED,
    COMPARED_S,
    CONFIRMED,
    DISAGREEMENT,
    FAR,
    FOR,
    GHOSTS,
    GIVEN,
    LAUNCH_KNOWN,
    MATCH,
    MATCHED,
    MET_S,
    MISMATCHED,
    MISMATCHES,
    MISSED,
    MOVED,
    NEVER_S,
    NO_VERDICT,
    PROMISED_S,
    REENTRY,
    SEEN,
    SILENCE,
    SILENT,
    TOLD,
    TRACK_GIVEN,
    UNSEEN,
    UNTOLD,
    add,
    far_apart,
    sharp,
    spoken_of,
    squared_distance,
    weigh,
)  # fmt: skip
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
def forget(held, number, line_key, memory, verdict, track_key, track_memory, track_verdict):
    """Of slots that now hold another track, a partner's or an own one, the memory begins anew."""
    for q in range(held.shape[1]):
        giver, named = int(held[GIVER, q]), int(held[PARTNER_NUMBER, q])
        if held[STATUS, q] != 0.0 and (line_key[q, 0] != giver or line_key[q, 1] != named):
            line_key[q, 0], line_key[q, 1] = giver, named
            memory[q, MISSED], memory[q, GIVEN], memory[q, COMPARED_S] = 0.0, 0.0, NEVER_S
            memory[q, LAUNCH_KNOWN], memory[q, MATCH], memory[q, MET_S] = 0.0, NO_VERDICT, NEVER_S
            verdict[q] = NO_VERDICT
    for s in range(number.size):
        if track_key[s] != number[s]:
            track_key[s] = number[s]
            track_memory[s, :, SILENT], track_memory[s, :, PROMISED_S] = 0.0, NEVER_S
            track_memory[s, :, TRACK_GIVEN] = 0.0
            track_verdict[s, :] = NO_VERDICT


@kernel
def beside(mean, other, within_m):
    """True for two states no farther apart."""
    gap2 = 0.0
    for i in range(3):
        gap2 += (mean[i] - other[i]) ** 2
    return gap2 <= within_m**2


@kernel
def spoken_already(giver, q, s, held, aligned, status, mean, memory, track_memory, settings):
    """The most that a pair of tracks, or one that flies beside it on either side, has said against a partner so far."""
    most = 0.0
    for k in range(held.shape[1]):
        theirs = held[STATUS, k] != 0.0 and held[HAS_STATE, k] != 0.0 and held[GIVER, k] == giver
        if theirs and beside(aligned[k], aligned[q], settings.salvo_m):
            most = max(most, memory[k, GIVEN])
    for k in range(status.size):
        if status[k] != 0 and beside(mean[k], mean[s], settings.salvo_m):
            most = max(most, track_memory[k, giver, TRACK_GIVEN])
    return most


@kernel
def compare(d2, numbers, giver, q, s, held, aligned, status, mean, memory, track_memory, evidence, counts, settings):
    """One comparison of a partner's track with an own one of the same object.

    Honest, d² is χ² of ``numbers`` or, for common errors, less; the alternative is that of a covariance ``worse`` times
    too small. The ratio's mean is 1 or less under an honest partner, also once it is cut at its greatest. In the coast
    a track's error lasts: what one comparison found, the next finds again; and tracks beside each other take each
    other's plots. So these speak against their giver by their worst comparison, not by their sum; for it, by each.
    """
    worth = 0.5 * d2 * (1.0 - 1.0 / settings.worse) - 0.5 * numbers * math.log(settings.worse)
    if worth > 0.0:
        worst = min(worth, settings.track_most)
        spoken = spoken_already(giver, q, s, held, aligned, status, mean, memory, track_memory, settings)
        worth = max(0.0, worst - spoken)
        memory[q, GIVEN] = max(memory[q, GIVEN], worst)
        track_memory[s, giver, TRACK_GIVEN] = max(track_memory[s, giver, TRACK_GIVEN], worst)
    add(evidence, giver, DISAGREEMENT, worth)
    counts[giver, COMPARED] += 1


@kernel
def missing_anywhere(own_radars, mean, covariance, watch, drawn, settings, lower):
    """How fast seeing nothing speaks against a track, (nats a second): the least at seven points of its ellipsoid.

    Middle, and both ways along each column of the root of its covariance; of a sharp track the middle alone.
    """
    least = missing_rate(
        own_radars, watch.sites, drawn, watch.sectors, settings.rcs_m2, settings.margin_rad, settings.margin_share,
        settings.chance_most, mean[0], mean[1], mean[2],
    )  # fmt: skip
    if least == 0.0 or sharp(covariance, settings.vague_m):
        return least
    if not factor(covariance, 3, lower):
        return 0.0
    for k in range(6):
        i, reach = k % 3, settings.wide_sigmas * (1.0 if k < 3 else -1.0)
        x = mean[0] + (reach * lower[0, 0] if i == 0 else 0.0)
        y = mean[1] + (reach * lower[1, i] if i <= 1 else 0.0)
        z = mean[2] + reach * lower[2, i]
        rate = missing_rate(
            own_radars, watch.sites, drawn, watch.sectors, settings.rcs_m2, settings.margin_rad, settings.margin_share,
            settings.chance_most, x, y, z,
        )  # fmt: skip
        least = min(least, rate)
    return least


@kernel
def own_answer(
    line, line_spread, giver, numbers, now_s, held, aligned, spread, status, phase, sensors, hits, updated_s, mean,
    covariance, watch, settings, work, vectors,
):  # fmt: skip
    """What own lines say of a partner's: the nearest comparable one's distance and slot (-1: none), whether any is
    near enough to explain it, and whether it stands displaced from one of which this partner says nothing better."""
    best, witness, explained, moved = FAR, -1, False, False
    for s in range(status.size):
        if status[s] == 0 or far_apart(
            line, line_spread, mean[s], covariance[s], settings.displaced_m, settings
        ):  # fmt: skip
            continue
        d2 = squared_distance(
            line, line_spread, mean[s], covariance[s], 3, settings.near_floor_m, work[0], work[1], vectors
        )
        explained = explained or d2 <= settings.near
        if comparable(
            status[s], phase[s], sensors[s], hits[s], updated_s[s], covariance[s], now_s, watch.radars, settings
        ):
            d2 = squared_distance(line, line_spread, mean[s], covariance[s], numbers, 0.0, work[0], work[1], vectors)
            if d2 <= best:
                best, witness = d2, s
            if not moved and displaced(line, line_spread, mean[s], covariance[s], settings, work[0], work[1], vectors):
                moved = not spoken_of(giver, held, aligned, spread, mean[s], covariance[s], settings, work, vectors)
    return best, witness, explained, moved


@kernel
def look_at_line(
    q, now_s, since_s, held, aligned, spread, partner_sensors, status, phase, sensors, hits, updated_s, mean,
    covariance, own_radars, watch, drawn, memory, track_memory, verdict, evidence, counts, settings, work, vectors,
):  # fmt: skip
    """Hold one line of a partner against all own ones: compared, explained, or not to be seen where it should be."""
    giver = int(held[GIVER, q])
    coarse = held[COARSENED, q] != 0.0
    numbers = 3 if coarse else 6
    best, witness, explained, moved = own_answer(
        aligned[q], spread[q], giver, numbers, now_s, held, aligned, spread, status, phase, sensors, hits, updated_s,
        mean, covariance, watch, settings, work, vectors,
    )  # fmt: skip
    by_radar = partner_sensors[q] & watch.radars != 0
    if best <= settings.gate or (moved and not explained):
        if by_radar and now_s - memory[q, COMPARED_S] >= settings.compare_every_s:
            memory[q, COMPARED_S] = now_s
            compare(
                best, numbers, giver, q, witness, held, aligned, status, mean, memory, track_memory, evidence, counts,
                settings,
            )  # fmt: skip
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
    if verdict[q] == AGAINST or not sharp(spread[q], settings.lost_m):
        return
    memory[q, MISSED] += since_s * missing_anywhere(own_radars, aligned[q], spread[q], watch, drawn, settings, work[0])
    if memory[q, MISSED] >= settings.unseen:
        verdict[q] = AGAINST
        counts[giver, UNSEEN] += 1
        add(evidence, giver, GHOSTS, weigh(settings.lying_share, settings.honest_share, True))


@kernel
def look_at_meeting(
    q, now_s, held, aligned, spread, status, phase, hits, updated_s, mean, covariance, memory, evidence, counts,
    settings, work, vectors,
):  # fmt: skip
    """One verdict a line, when it first meets an own track that bears witness: whether any own track matches it.

    Own tracks that may be meant lie near it by the two covariances, or beside it with no other word of this partner
    about them: a covariance that is told too small, or a place that is told wrong, must not hide the meeting. The
    verdict falls once both have settled. In reentry nobody knows the drag, and all are let be.
    """
    if memory[q, MATCH] != NO_VERDICT or held[PHASE, q] == REENTRY:
        return
    giver, coarse = int(held[GIVER, q]), held[COARSENED, q] != 0.0
    best, witnessed = FAR, False
    for s in range(status.size):
        if status[s] == 0 or phase[s] == REENTRY or far_apart(
            aligned[q], spread[q], mean[s], covariance[s], settings.beside_m, settings
        ):  # fmt: skip
            continue
        near = squared_distance(
            aligned[q], spread[q], mean[s], covariance[s], 3, settings.near_floor_m, work[0], work[1], vectors
        )
        if near > settings.near:
            gap2 = 0.0
            for i in range(3):
                gap2 += (aligned[q, i] - mean[s, i]) ** 2
            if gap2 > settings.beside_m**2 or spoken_of(
                giver, held, aligned, spread, mean[s], covariance[s], settings, work, vectors
            ):
                continue
        d2 = squared_distance(
            aligned[q], spread[q], mean[s], covariance[s], 3 if coarse else 6, 0.0, work[0], work[1], vectors
        )
        best = min(best, d2)
        fresh = hits[s] >= settings.match_hits and now_s - updated_s[s] <= settings.fresh_s
        witnessed = witnessed or (status[s] == CONFIRMED and fresh)
    matches = best <= (settings.mismatch_coarse if coarse else settings.mismatch)
    if not matches and not witnessed:
        return
    if memory[q, MET_S] == NEVER_S:
        memory[q, MET_S] = now_s
    if now_s - memory[q, MET_S] < settings.settle_s:
        return
    memory[q, MATCH] = FOR if matches else AGAINST
    counts[giver, MATCHED if matches else MISMATCHED] += 1
    add(evidence, giver, MISMATCHES, weigh(settings.lying_mismatches, settings.honest_mismatches, not matches))


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
    q, now_s, began_s, giver, said, begun, own, own_satellites, watch, drawn, orbits, memory, verdict, evidence, counts,
    settings,
):  # fmt: skip
    """Whether a launch told of in time is one that own satellites ought to have seen, and no own track began with.

    All are judged at one age: were those that are seen judged at once, nothing would be left of them when the verdicts
    about their salvo's others fall.
    """
    if said[LAUNCH_VALID] == 0.0 or verdict[q] != NO_VERDICT or memory[q, LAUNCH_KNOWN] != 0.0:
        return
    age_s = now_s - said[LAUNCH_S]
    if age_s < settings.launch_after_s:
        return
    memory[q, LAUNCH_KNOWN] = 1.0
    if age_s > settings.launch_late_s or said[LAUNCH_S] < began_s:
        return
    if own_launch_near(said, begun, own, settings):
        verdict[q] = FOR
        counts[giver, SEEN] += 1
        add(evidence, giver, GHOSTS, weigh(settings.lying_launches, settings.honest_launches, False))
    elif missed_launch(own_satellites, watch, drawn, orbits, said, settings) >= settings.unseen:
        verdict[q] = AGAINST
        counts[giver, UNSEEN] += 1
        add(evidence, giver, GHOSTS, weigh(settings.lying_launches, settings.honest_launches, True))


@kernel
def judge_lines(
    r, now_s, since_s, began_s, held, theirs, own, begun, own_satellites, aligned, spread, partner_sensors, status,
    phase, sensors, hits, updated_s, mean, covariance, own_radars, watch, memory, track_memory, verdict, evidence,
    counts, settings, work, vectors,
):  # fmt: skip
    """All lines of all partners in one replicate: their launches, and their states that were told lately."""
    for q in range(held.shape[1]):
        if held[STATUS, q] == 0.0:
            continue
        look_at_launch(
            q, now_s, began_s, int(held[GIVER, q]), theirs[:, q], begun, own, own_satellites, watch, watch.drawn[r],
            watch.orbits[r], memory, verdict, evidence, counts, settings,
        )  # fmt: skip
        if held[HAS_STATE, q] == 0.0 or now_s - held[VALID_S, q] > settings.lately_s:
            continue
        look_at_meeting(
            q, now_s, held, aligned, spread, status, phase, hits, updated_s, mean, covariance, memory, evidence, counts,
            settings, work, vectors,
        )  # fmt: skip
        if held[PHASE, q] == COAST:
            look_at_line(
                q, now_s, since_s, held, aligned, spread, partner_sensors, status, phase, sensors, hits, updated_s,
                mean, covariance, own_radars, watch, watch.drawn[r], memory, track_memory, verdict, evidence, counts,
                settings, work, vectors,
            )  # fmt: skip


@kernel
def judge_tracks(
    r, now_s, since_s, own_side, held, aligned, spread, status, phase, sensors, hits, updated_s, mean, covariance,
    promised_s, declared, sectors, theirs, watch, memory, verdict, evidence, counts, settings, work, vectors,
):  # fmt: skip
    """All own tracks in one replicate that may bear witness, with regard to each partner."""
    for s in range(status.size):
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
    now_s, since_s, began_s, own_side, status, number, phase, sensors, hits, updated_s, mean, covariance, born_s,
    start_ecef_m,
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
        forget(
            held[:, r], number[r], line_key[r], line_memory[r], line_verdict[r], track_key[r], track_memory[r],
            track_verdict[r],
        )  # fmt: skip
        judge_lines(
            r, now_s, since_s, began_s, held[:, r], said[:, r], own[:, r], begun[r], own_satellites, aligned, spread,
            partner_sensors[r], status[r], phase[r], sensors[r], hits[r], updated_s[r], mean[r], covariance[r],
            own_radars, watch, line_memory[r], track_memory[r], line_verdict[r], evidence[r], counts[r],
            settings, work, vectors,
        )  # fmt: skip
        judge_tracks(
            r, now_s, since_s, own_side, held[:, r], aligned, spread, status[r], phase[r], sensors[r], hits[r],
            updated_s[r], mean[r], covariance[r], promised_s[r], declared[r], sectors[r], theirs, watch,
            track_memory[r], track_verdict[r], evidence[r], counts[r], settings, work, vectors,
        )  # fmt: skip
