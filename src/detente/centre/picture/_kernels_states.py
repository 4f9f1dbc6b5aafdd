"""A line's state and a partner's made one, by the rule that their pedigrees and the giver's licence allow.

``facts``, ``before``, ``held`` and the rest as in ``_kernels_fusion``; ``past`` is a ``Past``, of which row r is read.
"""

from detente.centre.picture._kernels_align import align, carry
from detente.centre.picture._kernels_layout import (
    COARSENED,
    HAS_STATE,
    LICENSED,
    LINE_PHASE,
    LINE_RULE,
    PHASE,
    VALID_S,
)
from detente.centre.picture._kernels_matrix import distance2, factor
from detente.centre.picture._kernels_pairs import paired_before
from detente.centre.picture._kernels_rules import (
    INCREMENTS,
    INTERSECTION,
    INVERSE,
    LAWFUL,
    NAIVE,
    add_increment,
    intersect,
    intersect_inverse,
    multiply,
)
from detente.jit import kernel

BOOST, COAST = 1, 2
MIXED_STATE = -2


@kernel
def tells_increments(line, q, facts, sensors, held, partner_sensors, rule):
    """True where it is lawful to tell what a partner's track has learnt since it last spoke, and to add just that.

    The giver must have licensed it and taken nothing away, its pedigree must be known and share no sensor with what the
    line holds, and both must coast: there is next to no unmodelled motion for the two to have in common.
    """
    return (
        (rule == INCREMENTS or (rule == LAWFUL and held[LICENSED, q] != 0.0))
        and line < facts.shape[1] - held.shape[1]
        and held[COARSENED, q] == 0.0
        and partner_sensors[q] != 0
        and sensors[line] & partner_sensors[q] == 0
        and facts[LINE_PHASE, line] == COAST
        and held[PHASE, q] == COAST
        and facts[LINE_RULE, line] != INTERSECTION
    )


@kernel
def resume(r, line, now_s, updated_s, mean, covariance, settings, past, matrices, vectors):
    """Bring the line's fused state of the tick before to now and add what the own track has learnt; false: start anew.

    ``mean`` and ``covariance`` of the line hold the own track, and are left holding the fused state. What is fused must
    refine the own track: if it lies too far from it, something was not what it was taken for.
    """
    fused_mean, fused, old_mean, old = vectors[2], matrices[6], vectors[3], matrices[7]
    dt_s = now_s - past.time_s
    align(
        past.mean[r, line], past.covariance[r, line], dt_s, COAST, settings, matrices[8], matrices[9], fused_mean, fused
    )
    for i in range(6):
        vectors[0, i] = fused_mean[i] - mean[line, i]
    if not factor(covariance[line], 6, matrices[8]):
        return False
    if not distance2(matrices[8], vectors[0], 6, vectors[1]) <= settings.gate_resumed:
        return False
    if updated_s > past.own_updated_s[r, line]:
        carry(past.own_mean[r, line], past.own_covariance[r, line], dt_s, matrices[8], matrices[9], old_mean, old)
        if (
            add_increment(fused_mean, fused, mean[line], covariance[line], old_mean, old, matrices, fused_mean, fused)
            < 0.0
            and intersect(fused_mean, fused, mean[line], covariance[line], matrices, fused_mean, fused) < 0.0
        ):
            return False
    for i in range(6):
        mean[line, i] = fused_mean[i]
        for j in range(6):
            covariance[line, i, j] = fused[i, j]
    return True


@kernel
def learn(r, line, q, now_s, mean, covariance, held, aligned_mean, aligned_covariance, past, matrices, vectors):
    """Add to a resumed line what a partner's track has learnt since the tick before; false: it is not a state."""
    if held[VALID_S, q] == past.held[VALID_S, r, q]:
        return True
    old_mean, old = vectors[3], matrices[7]
    since_s = now_s - past.held[VALID_S, r, q]
    carry(past.partner_mean[r, q], past.partner_covariance[r, q], since_s, matrices[8], matrices[9], old_mean, old)
    return (
        add_increment(
            mean[line], covariance[line], aligned_mean[q], aligned_covariance[q], old_mean, old, matrices, mean[line],
            covariance[line],
        ) >= 0.0
        or intersect(
            mean[line], covariance[line], aligned_mean[q], aligned_covariance[q], matrices, mean[line], covariance[line]
        ) >= 0.0
    )  # fmt: skip


@kernel
def fuse_by_increments(
    r, line, q, now_s, updated_s, facts, before, mean, covariance, held, aligned_mean, aligned_covariance, settings,
    past, matrices, vectors,
):  # fmt: skip
    """Combine a line's state with a partner's licensed one: false where it cannot be.

    The first time they meet, by inverse intersection, for the beginnings of two tracks may have motion in common; from
    then on only what each has learnt is added. LINE_RULE tells a line begun so from one resumed.
    """
    together = past.known != 0 and paired_before(before, facts, held, line, q)
    together = together and past.held[HAS_STATE, r, q] != 0.0
    begun = facts[LINE_RULE, line] == 0 and together and before[LINE_RULE, line] >= INVERSE
    if begun and resume(r, line, now_s, updated_s, mean, covariance, settings, past, matrices, vectors):
        facts[LINE_RULE, line] = INCREMENTS
    if facts[LINE_RULE, line] == INCREMENTS and together:
        return learn(
            r, line, q, now_s, mean, covariance, held, aligned_mean, aligned_covariance, past, matrices, vectors
        )
    weight = intersect_inverse(
        mean[line], covariance[line], aligned_mean[q], aligned_covariance[q], matrices, mean[line], covariance[line]
    )
    if weight >= 0.0 and facts[LINE_RULE, line] == 0:
        facts[LINE_RULE, line] = INVERSE
    return weight >= 0.0


@kernel
def fuse_whole(line, q, mean, covariance, aligned_mean, aligned_covariance, rule, source, matrices):
    """Combine a line's state with a partner's, taken whole; false: one of them is not a state."""
    ours, theirs = (mean[line], covariance[line]), (aligned_mean[q], aligned_covariance[q])
    if rule == INVERSE:
        weight = intersect_inverse(*ours, *theirs, matrices, *ours)
    elif rule == NAIVE:
        weight = multiply(*ours, *theirs, matrices, *ours)
    else:
        weight = intersect(*ours, *theirs, matrices, *ours)
    if weight < 0.0:
        return False
    if rule in (INVERSE, NAIVE):
        source[line] = MIXED_STATE
    elif weight == 0.0:
        source[line] = q
    elif weight < 1.0:
        source[line] = MIXED_STATE
    return True


@kernel
def fuse_states(
    r, line, q, now_s, updated_s, facts, before, mean, covariance, sensors, held, aligned_mean, aligned_covariance,
    partner_sensors, settings, rule, past, source, matrices, vectors,
):  # fmt: skip
    """Combine a line's state with a partner's by the rule that is lawful for the two; false: one is not a state."""
    done = False
    if tells_increments(line, q, facts, sensors, held, partner_sensors, rule):
        done = fuse_by_increments(
            r, line, q, now_s, updated_s[line], facts, before, mean, covariance, held, aligned_mean,
            aligned_covariance, settings, past, matrices, vectors,
        )  # fmt: skip
        if done:
            source[line] = MIXED_STATE
    if not done:
        if not fuse_whole(line, q, mean, covariance, aligned_mean, aligned_covariance, rule, source, matrices):
            return False
        if facts[LINE_RULE, line] == 0 and source[line] == MIXED_STATE:
            facts[LINE_RULE, line] = INTERSECTION if rule in (LAWFUL, INCREMENTS) else rule
    # Whoever still sees it burn is believed.
    if facts[LINE_PHASE, line] != BOOST:
        facts[LINE_PHASE, line] = max(facts[LINE_PHASE, line], int(held[PHASE, q]))
    return True
