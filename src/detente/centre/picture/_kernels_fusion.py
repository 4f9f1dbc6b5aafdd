"""Own and partners' lines made one picture, a row (replicate) at a time.

Lines 0..S-1 of a row are own tracks, S..S+Q-1 partners'. ``facts`` are the integer columns of its lines, ``before``
those of the tick before, ``held`` what is known of partners' lines, ``taken`` marks lines that found their pair: those
of the picture in row 0, partners' in row 1.
"""

import numpy as np

from detente.centre.picture._kernels_align import align
from detente.centre.picture._kernels_estimate import due, predict_impact
from detente.centre.picture._kernels_layout import (
    COARSENED,
    GIVER,
    HAS_STATE,
    IMPACT_EE,
    IMPACT_EN,
    IMPACT_NN,
    IMPACT_VALID,
    LAUNCH_SIGMA,
    LAUNCH_VALID,
    LINE_GIVER,
    LINE_HAS_STATE,
    LINE_NUMBER,
    LINE_ORIGIN,
    LINE_PHASE,
    LINE_STATUS,
    LINE_TWIN,
    NUMBER,
    PARTNER_NUMBER,
    PHASE,
    RECEIVED_S,
    STATUS,
    VALID_S,
    clear_impact,
    clear_line,
    copy_impact,
    copy_launch,
)
from detente.centre.picture._kernels_pairs import (
    NO_PAIR,
    alone_together,
    cheapest,
    gap2_m2,
    paired_before,
    position_spread_m2,
    state_cost,
    warning_cost,
)
from detente.centre.picture._kernels_states import MIXED_STATE, fuse_states
from detente.jit import kernel

EMPTY, CONFIRMED = 0, 2
OWN, FUSED, PARTNER = 1, 2, 3
BOOST, COAST = 1, 2
OWN_STATE = -1


@kernel
def place_own(status, number, phase, own_side, tracks_mean, tracks_covariance, facts, mean, covariance, source):
    """Own tracks stand first, as they are."""
    for s in range(status.size):
        if status[s] == EMPTY:
            continue
        facts[LINE_STATUS, s] = status[s]
        facts[LINE_ORIGIN, s] = OWN
        facts[LINE_GIVER, s] = own_side
        facts[LINE_NUMBER, s] = number[s]
        facts[LINE_HAS_STATE, s] = 1
        facts[LINE_PHASE, s] = phase[s]
        source[s] = OWN_STATE
        for i in range(6):
            mean[s, i] = tracks_mean[s, i]
            for j in range(6):
                covariance[s, i, j] = tracks_covariance[s, i, j]


@kernel
def align_partner(now_s, held, partner_mean, partner_covariance, settings, matrices, aligned_mean, aligned_covariance):
    """Bring all partners' states to now."""
    for q in range(held.shape[1]):
        if held[STATUS, q] != 0.0 and held[HAS_STATE, q] != 0.0:
            align(
                partner_mean[q], partner_covariance[q], now_s - held[VALID_S, q], held[PHASE, q], settings,
                matrices[0], matrices[1], aligned_mean[q], aligned_covariance[q],
            )  # fmt: skip


@kernel
def told_of(giver, held, has_state):
    """True when this giver holds any line with (1) or without (0) a state."""
    for q in range(held.shape[1]):
        if held[STATUS, q] != 0.0 and held[GIVER, q] == giver and held[HAS_STATE, q] == has_state:
            return True
    return False


@kernel
def list_state_pairs(
    giver, facts, before, mean, covariance, held, aligned_mean, aligned_covariance, settings, cost, pair, matrices,
    vectors,
):  # fmt: skip
    """List every own or earlier giver's line that may be a line of this giver, with its cost; returns how many."""
    count = 0
    slots = facts.shape[1] - held.shape[1]
    widest = max(settings.gate_state, settings.gate_position) + settings.paired_bonus
    if not told_of(giver, held, 1.0):
        return 0
    for line in range(facts.shape[1]):
        if facts[LINE_STATUS, line] != CONFIRMED or facts[LINE_HAS_STATE, line] == 0:
            continue
        if line >= slots and facts[LINE_GIVER, line] == giver:
            continue
        spread = position_spread_m2(covariance, line)
        for q in range(held.shape[1]):
            if held[STATUS, q] == 0.0 or held[GIVER, q] != giver or held[HAS_STATE, q] == 0.0:
                continue
            reach2 = widest * (spread + position_spread_m2(aligned_covariance, q))
            if not gap2_m2(mean, line, aligned_mean, q) <= reach2:
                continue
            bonus = settings.paired_bonus if paired_before(before, facts, held, line, q) else 0.0
            numbers, gate = 6, settings.gate_state
            if held[COARSENED, q] != 0.0:
                numbers, gate = 3, settings.gate_position
            worth = state_cost(
                mean, covariance, line, aligned_mean, aligned_covariance, q, numbers, gate + bonus, matrices, vectors
            )
            if worth < NO_PAIR:
                cost[count], pair[count, 0], pair[count, 1] = worth - bonus, line, q
                count += 1
    return count


@kernel
def list_warning_pairs(giver, facts, before, held, own, theirs, settings, only_launch, taken, cost, pair, start):
    """List, from ``start`` on, lines that may be the object of a warning that came without a state; returns the end.

    With ``only_launch`` 0 pairs whose impacts agree, with 1 pairs of which nothing but launches can be compared.
    """
    count = start
    slots = facts.shape[1] - held.shape[1]
    if not told_of(giver, held, 0.0):
        return count
    for line in range(facts.shape[1]):
        if facts[LINE_STATUS, line] != CONFIRMED or taken[0, line] != 0:
            continue
        if line >= slots and facts[LINE_GIVER, line] == giver:
            continue
        for q in range(held.shape[1]):
            if held[STATUS, q] == 0.0 or held[GIVER, q] != giver or held[HAS_STATE, q] != 0.0:
                continue
            bonus = settings.paired_bonus if paired_before(before, facts, held, line, q) else 0.0
            ours = own[:, line] if line < slots else theirs[:, line - slots]
            worth, by_launch = warning_cost(
                ours, theirs[:, q], settings.gate_warning + bonus, settings.launch_time_sigma_s
            )  # fmt: skip
            if worth < NO_PAIR and by_launch == only_launch:
                cost[count], pair[count, 0], pair[count, 1] = worth - bonus, line, q
                count += 1
    return count


@kernel
def fold(line, q, facts, sensors, held, partner_sensors, taken):
    """Note that a partner's line is the same object as another line; its own slot stays empty."""
    slots = facts.shape[1] - held.shape[1]
    if line < slots:
        facts[LINE_ORIGIN, line] = FUSED
    if facts[LINE_TWIN, line] < 0:
        facts[LINE_TWIN, line] = slots + q
    sensors[line] |= partner_sensors[q]
    facts[LINE_GIVER, slots + q] = held[GIVER, q]
    facts[LINE_NUMBER, slots + q] = held[PARTNER_NUMBER, q]
    facts[LINE_TWIN, slots + q] = line
    taken[0, line] = 1
    taken[1, q] = 1


@kernel
def place_partner(
    q, facts, mean, covariance, sensors, held, aligned_mean, aligned_covariance, partner_sensors, source
):  # fmt: skip
    """A line that only a partner holds."""
    line = facts.shape[1] - held.shape[1] + q
    facts[LINE_STATUS, line] = CONFIRMED
    facts[LINE_ORIGIN, line] = PARTNER
    facts[LINE_GIVER, line] = held[GIVER, q]
    facts[LINE_NUMBER, line] = held[PARTNER_NUMBER, q]
    facts[LINE_HAS_STATE, line] = held[HAS_STATE, q]
    facts[LINE_PHASE, line] = held[PHASE, q]
    sensors[line] = partner_sensors[q]
    source[line] = q
    if held[HAS_STATE, q] == 0.0:
        return
    for i in range(6):
        mean[line, i] = aligned_mean[q, i]
        for j in range(6):
            covariance[line, i, j] = aligned_covariance[q, i, j]


@kernel
def join_giver(
    r, giver, now_s, updated_s, facts, before, mean, covariance, sensors, held, aligned_mean, aligned_covariance,
    partner_sensors, own, theirs, settings, rule, past, source, taken, cost, pair, matrices, vectors,
):  # fmt: skip
    """Pair one giver's lines with what the picture holds already; what finds no pair becomes a line of its own."""
    taken[:, :] = 0
    count = list_state_pairs(
        giver, facts, before, mean, covariance, held, aligned_mean, aligned_covariance, settings, cost, pair,
        matrices, vectors,
    )  # fmt: skip
    at = cheapest(cost, pair, count, taken[0], taken[1])
    while at >= 0:
        line, q = pair[at, 0], pair[at, 1]
        cost[at] = NO_PAIR
        if fuse_states(
            r, line, q, now_s, updated_s, facts, before, mean, covariance, sensors, held, aligned_mean,
            aligned_covariance, partner_sensors, settings, rule, past, source, matrices, vectors,
        ):  # fmt: skip
            fold(line, q, facts, sensors, held, partner_sensors, taken)
        at = cheapest(cost, pair, count, taken[0], taken[1])
    by_impact = list_warning_pairs(giver, facts, before, held, own, theirs, settings, 0, taken, cost, pair, np.int64(0))
    count = list_warning_pairs(giver, facts, before, held, own, theirs, settings, 1, taken, cost, pair, by_impact)
    at = cheapest(cost, pair, by_impact, taken[0], taken[1])
    while at >= 0:
        fold(pair[at, 0], pair[at, 1], facts, sensors, held, partner_sensors, taken)
        at = cheapest(cost, pair, by_impact, taken[0], taken[1])
    # A launch alone names no missile of a salvo: it pairs only where nothing else could be meant.
    for k in range(by_impact, count):
        line, q = pair[k, 0], pair[k, 1]
        if taken[0, line] == 0 and taken[1, q] == 0 and alone_together(pair, count, k, taken[0], taken[1]):
            fold(line, q, facts, sensors, held, partner_sensors, taken)
    for q in range(held.shape[1]):
        if held[STATUS, q] != 0.0 and held[GIVER, q] == giver and taken[1, q] == 0:
            place_partner(
                q, facts, mean, covariance, sensors, held, aligned_mean, aligned_covariance, partner_sensors, source
            )


@kernel
def tighter(a, b):
    """True when ``a`` has an impact and ``b`` has none, or a wider one."""
    if a[IMPACT_VALID] == 0.0 or b[IMPACT_VALID] == 0.0:
        return a[IMPACT_VALID] != 0.0 and b[IMPACT_VALID] == 0.0
    return a[IMPACT_EE] * a[IMPACT_NN] - a[IMPACT_EN] ** 2 < b[IMPACT_EE] * b[IMPACT_NN] - b[IMPACT_EN] ** 2


@kernel
def refresh(line, now_s, news_s, facts, before, mean, covariance, held, settings, ground, matrices, out):
    """Predict the impact of a mixed state anew, where there is news and the last prediction is old enough."""
    slots = facts.shape[1] - held.shape[1]
    if out[NUMBER] != facts[LINE_NUMBER, line] or before[LINE_TWIN, line] != facts[LINE_TWIN, line]:
        clear_impact(out)
    for q in range(held.shape[1]):
        if facts[LINE_TWIN, slots + q] == line:
            news_s = max(news_s, held[RECEIVED_S, q])
    if due(news_s, now_s, out, settings):
        predict_impact(mean[line], covariance[line], now_s, settings, ground, matrices[0], out)


@kernel
def settle(line, ours, facts, held, theirs, source, out):
    """State one line's launch and impact: the best that anyone who holds the object has said of it.

    ``ours`` is the estimate of the line's first holder. While that holder sees it burn, what another's state foretells
    of its impact does not count.
    """
    burning = facts[LINE_PHASE, line] == BOOST
    mixed = source == MIXED_STATE and facts[LINE_PHASE, line] >= COAST and out[IMPACT_VALID] != 0.0
    if not mixed:
        copy_impact(ours if source < 0 or burning else theirs[:, source], out)
        if out[IMPACT_VALID] == 0.0:
            copy_impact(ours, out)
    copy_launch(ours, out)
    out[NUMBER] = facts[LINE_NUMBER, line]
    if facts[LINE_TWIN, line] < 0:
        return
    slots = facts.shape[1] - held.shape[1]
    for q in range(held.shape[1]):
        if facts[LINE_TWIN, slots + q] != line:
            continue
        said = theirs[:, q]
        if said[LAUNCH_VALID] != 0.0 and (out[LAUNCH_VALID] == 0.0 or said[LAUNCH_SIGMA] < out[LAUNCH_SIGMA]):
            copy_launch(said, out)
        premature = burning and held[HAS_STATE, q] != 0.0
        if not mixed and not premature and tighter(said, out):
            copy_impact(said, out)


@kernel
def fuse_rows(
    now_s, own_side, sides, status, number, tracks_mean, tracks_covariance, phase, updated_s, held, partner_mean,
    partner_covariance, partner_sensors, own, theirs, before, settings, rule, past, ground, facts, mean, covariance,
    sensors, out, aligned_mean, aligned_covariance, source, taken, cost, pair, matrices, vectors,
):  # fmt: skip
    """Fill the picture, ``facts``, states and ``sensors``, and bring its estimates ``out`` up to date; all (R, ...)."""
    slots = status.shape[1]
    for r in range(status.shape[0]):
        place_own(
            status[r], number[r], phase[r], own_side, tracks_mean[r], tracks_covariance[r], facts[:, r], mean[r],
            covariance[r], source,
        )  # fmt: skip
        align_partner(
            now_s, held[:, r], partner_mean[r], partner_covariance[r], settings, matrices, aligned_mean,
            aligned_covariance,
        )  # fmt: skip
        for giver in range(sides):
            if giver != own_side:
                join_giver(
                    r, giver, now_s, updated_s[r], facts[:, r], before[:, r], mean[r], covariance[r], sensors[r],
                    held[:, r], aligned_mean, aligned_covariance, partner_sensors[r], own[:, r], theirs[:, r], settings,
                    rule, past, source, taken, cost, pair, matrices, vectors,
                )  # fmt: skip
        for line in range(facts.shape[2]):
            if facts[LINE_STATUS, r, line] == EMPTY:
                if out[NUMBER, r, line] != 0.0:
                    clear_line(out[:, r, line])
                continue
            if source[line] == MIXED_STATE and facts[LINE_PHASE, r, line] >= COAST:
                news_s = updated_s[r, line] if line < slots else held[RECEIVED_S, r, line - slots]
                refresh(
                    line, now_s, news_s, facts[:, r], before[:, r], mean[r], covariance[r], held[:, r], settings,
                    ground, matrices, out[:, r, line],
                )  # fmt: skip
            ours = own[:, r, line] if line < slots else theirs[:, r, line - slots]
            settle(line, ours, facts[:, r], held[:, r], theirs[:, r], source[line], out[:, r, line])
