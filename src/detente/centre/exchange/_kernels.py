"""Which track may be spoken of, to whom, and why not; one replicate a row. No detail is taken away here."""

from detente.jit import kernel

NO_CLAUSE = 1
NOT_IN_FORCE = 2
NO_ESTIMATE = 3
ONWARD = 4
OWNER_WITHHELD = 5
PHASE = 6
IMPACT_ELSEWHERE = 7
RATE = 8
OVERFLOW = 9
DELAYED = 10
RELEASED = 11
REASONS = 12

CONFIRMED = 2
LAUNCH_WARNING, IMPACT_PREDICTION, TRACK = 1, 2, 3
CLASSES = 3
IN_RECEIVER, IN_GIVER, IN_ANY_PARTY = 1, 2, 3

GIVER, RECEIVER, DATA, IMPACT_IN, PHASES = 0, 1, 2, 3, 4
"""Columns of a rule's whole numbers."""

DELAY_S, EVERY_S, THRESHOLD = 0, 1, 2
"""Columns of a rule's real numbers."""

TOLERANCE_S = 1e-6
"""Times closer than a microsecond are the same time: sums of steps round."""

YARDSTICK_S = 10.0
"""How often the stream speaks against which withholding is counted: once in so many seconds of each track, class and
receiver. Ten seconds is the default rate of a clause."""

NEVER_S = -1e18


@kernel
def says_something(data, launch_valid, impact_valid):
    """True when there is anything of this class to say of the track."""
    if data == LAUNCH_WARNING:
        return launch_valid != 0
    if data == IMPACT_PREDICTION:
        return impact_valid != 0
    return data == TRACK


@kernel
def impact_probability(where, receiver, giver, parties, r, s, threat):
    """P(impact in the territory that a condition names); territories do not overlap, so parties' add up."""
    if where == IN_RECEIVER:
        return threat[r, s, receiver]
    if where == IN_GIVER:
        return threat[r, s, giver]
    total = 0.0
    for side in range(parties.size):
        if parties[side] != 0:
            total += threat[r, s, side]
    return total


@kernel
def slot_before(old_number, r, s, number):
    """The slot where this track's memory stands, -1 where it is new. Tracks rarely move: its own slot goes first."""
    if old_number[r, s] == number:
        return s
    for other in range(old_number.shape[1]):
        if old_number[r, other] == number:
            return other
    return -1


@kernel
def remember(r, s, source, old_due_s, old_served, old_sampled_s, due_s, served, sampled_s):
    """Carry a track's memory into its slot of the new state, or start it: due at once, never sampled."""
    due_s[r, s] = old_due_s[r, source] if source >= 0 else NEVER_S
    for receiver in range(served.shape[2]):
        for k in range(CLASSES):
            served[r, s, receiver, k] = old_served[r, source, receiver, k] if source >= 0 else 0
    for c in range(sampled_s.shape[2]):
        sampled_s[r, s, c] = old_sampled_s[r, source, c] if source >= 0 else NEVER_S


@kernel
def forget_yardstick(r, s, due_s, served):
    """The yardstick starts anew whenever a track is confirmed."""
    due_s[r, s] = NEVER_S
    for receiver in range(served.shape[2]):
        for k in range(CLASSES):
            served[r, s, receiver, k] = 0


@kernel
def judge(r, s, c, since_s, in_force, whole, real, withheld_sensors, parties, own_sensors, sensors, phase, launch_valid,
          impact_valid, threat):  # fmt: skip
    """What clause c says of one confirmed track now: a reason, RELEASED and DELAYED being the good ones."""
    if in_force == 0:
        return NOT_IN_FORCE
    if not says_something(whole[c, DATA], launch_valid[r, s], impact_valid[r, s]):
        return NO_ESTIMATE
    if sensors[r, s] & ~own_sensors != 0:
        return ONWARD
    if sensors[r, s] & withheld_sensors[c] != 0:
        return OWNER_WITHHELD
    if (whole[c, PHASES] >> phase[r, s]) & 1 == 0:
        return PHASE
    where = whole[c, IMPACT_IN]
    if where != 0:
        if impact_valid[r, s] == 0:
            return IMPACT_ELSEWHERE  # an unknown impact is nowhere
        likely = impact_probability(where, whole[c, RECEIVER], whole[c, GIVER], parties, r, s, threat)
        if likely < real[c, THRESHOLD]:
            return IMPACT_ELSEWHERE
    if since_s < real[c, EVERY_S] - TOLERANCE_S:
        return RATE
    return DELAYED if real[c, DELAY_S] > 0.0 else RELEASED


@kernel
def nearest_to_release(r, s, verdict, mine, whole, receiver, data):
    """The clause of this receiver and class that came nearest to releasing the track; -1 if none speaks of it."""
    best, clause = 0, -1
    for c in mine:
        if whole[c, RECEIVER] == receiver and whole[c, DATA] == data and verdict[r, s, c] > best:
            best, clause = verdict[r, s, c], c
    return clause


@kernel
def settle(
    r, s, giver, mine, whole, launch_valid, impact_valid, verdict, served, withheld, withheld_clause, counts, no_clause
):
    """One moment of the yardstick for one track: count what was due to each receiver and did not leave, and why."""
    for receiver in range(served.shape[2]):
        for k in range(CLASSES):
            if receiver != giver and served[r, s, receiver, k] == 0:
                clause = nearest_to_release(r, s, verdict, mine, whole, receiver, k + 1)
                withheld_clause[r, s, receiver, k] = clause
                if clause >= 0:
                    withheld[r, s, receiver, k] = verdict[r, s, clause]
                    counts[r, clause, verdict[r, s, clause]] += 1
                elif says_something(k + 1, launch_valid[r, s], impact_valid[r, s]):
                    withheld[r, s, receiver, k] = NO_CLAUSE
                    no_clause[r, receiver, k] += 1
            served[r, s, receiver, k] = 0


@kernel
def decide(
    valid_s, in_force, giver, own_sensors,
    status, number, phase, sensors, launch_valid, impact_valid, threat,
    mine, whole, real, withheld_sensors, parties,
    old_number, old_due_s, old_served, old_sampled_s,
    due_s, served, sampled_s, verdict, withheld, withheld_clause, counts, no_clause,
):  # fmt: skip
    """Judge every confirmed track by every clause of this giver (``mine``), replicate by replicate.

    Writes the new memory (due_s, served, sampled_s), ``verdict`` (R, S, C), ``withheld`` and its clause
    (R, S, sides, CLASSES), and adds to ``counts`` (R, C, REASONS) and ``no_clause`` (R, sides, CLASSES).
    """
    for r in range(number.shape[0]):
        for s in range(number.shape[1]):
            if number[r, s] == 0:
                continue
            source = slot_before(old_number, r, s, number[r, s])
            remember(r, s, source, old_due_s, old_served, old_sampled_s, due_s, served, sampled_s)
            if status[r, s] != CONFIRMED:
                forget_yardstick(r, s, due_s, served)
                continue
            for c in mine:
                reason = judge(
                    r, s, c, valid_s - sampled_s[r, s, c], in_force, whole, real, withheld_sensors, parties,
                    own_sensors, sensors, phase, launch_valid, impact_valid, threat,
                )  # fmt: skip
                verdict[r, s, c] = reason
                if reason >= DELAYED:
                    counts[r, c, reason] += 1
                    sampled_s[r, s, c] = valid_s
                    served[r, s, whole[c, RECEIVER], whole[c, DATA] - 1] = 1
            if valid_s >= due_s[r, s] - TOLERANCE_S:
                settle(
                    r, s, giver, mine, whole, launch_valid, impact_valid, verdict, served, withheld, withheld_clause,
                    counts, no_clause,
                )  # fmt: skip
                due_s[r, s] += YARDSTICK_S
                if due_s[r, s] <= valid_s + TOLERANCE_S:
                    due_s[r, s] = valid_s + YARDSTICK_S
