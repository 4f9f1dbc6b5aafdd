"""Which track may be spoken of, to whom, and why not; one replicate a row. No detail is taken away here."""

import math

from detente.geodesy._kernels import ecef_to_geodetic, great_circle_m
from detente.jit import kernel

NO_CLAUSE = 1
NOT_IN_FORCE = 2
NO_ESTIMATE = 3
ONWARD = 4
OWNER_WITHHELD = 5
PHASE = 6
IMPACT_ELSEWHERE = 7
ZONE = 8
RANGE_CLASS = 9
RATE = 10
OVERFLOW = 11
DELAYED = 12
RELEASED = 13
REASONS = 14

CONFIRMED = 2
LAUNCH_WARNING, IMPACT_PREDICTION, TRACK, TRACKLET = 1, 2, 3, 5
CLASSES = 3
"""What the yardstick counts: a tracklet holds a state as a track does, and counts as one."""

IN_RECEIVER, IN_GIVER, IN_ANY_PARTY = 1, 2, 3

GIVER, RECEIVER, DATA, IMPACT_IN, PHASES, ZONED, RANGE_CLASSES, RATE_INDEX = 0, 1, 2, 3, 4, 5, 6, 7
"""Columns of a rule's whole numbers."""

DELAY_S, THRESHOLD = 0, 1
"""Columns of a rule's real numbers."""

TOLERANCE_S = 1e-6
"""Times closer than a microsecond are the same time: sums of steps round."""

YARDSTICK_S = 10.0
"""How often the stream speaks against which withholding is counted: once in so many seconds of each track, class and
receiver. Ten seconds is the default rate of a clause."""

NEVER_S = -1e18

LAUNCH_ZONE, OBJECT_ZONE, IMPACT_ZONE = 0, 1, 2
ANY_RANGE = 15
SHORT_M, MEDIUM_M, INTERMEDIATE_M = 1.0e6, 3.0e6, 5.5e6
"""scenario.agreement.RANGE_LIMITS_KM."""


@kernel
def says_something(data, launch_valid, impact_valid):
    """True when there is anything of this class to say of the track."""
    if data == LAUNCH_WARNING:
        return launch_valid != 0
    if data == IMPACT_PREDICTION:
        return impact_valid != 0
    return data in (TRACK, TRACKLET)


@kernel
def counted_as(data):
    """The class that the yardstick counts this data as."""
    return TRACK if data == TRACKLET else data


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
def inside(zone, lat_rad, lon_rad):
    """True where a point lies in a zone (south, north, west, width); its edges belong to it."""
    east = (lon_rad - zone[2]) % (2.0 * math.pi)
    return zone[0] <= lat_rad <= zone[1] and east <= zone[3]


@kernel
def in_zones(r, s, zoned, zones, mean, launch_valid, launch_lat, launch_lon, impact_valid, impact_lat, impact_lon):
    """True where a track's launch, itself and its impact lie in the zones asked for; what is unknown lies nowhere."""
    if (zoned >> LAUNCH_ZONE) & 1 and (
        launch_valid[r, s] == 0 or not inside(zones[LAUNCH_ZONE], launch_lat[r, s], launch_lon[r, s])
    ):
        return False
    if (zoned >> OBJECT_ZONE) & 1:
        lat_rad, lon_rad, _ = ecef_to_geodetic(mean[r, s, 0], mean[r, s, 1], mean[r, s, 2])
        if not inside(zones[OBJECT_ZONE], lat_rad, lon_rad):
            return False
    return (zoned >> IMPACT_ZONE) & 1 == 0 or (
        impact_valid[r, s] != 0 and inside(zones[IMPACT_ZONE], impact_lat[r, s], impact_lon[r, s])
    )


@kernel
def range_class(distance_m):
    """0 short, 1 medium, 2 intermediate, 3 intercontinental."""
    return int(distance_m >= SHORT_M) + int(distance_m >= MEDIUM_M) + int(distance_m > INTERMEDIATE_M)


@kernel
def in_classes(r, s, classes, launch_valid, launch_lat, launch_lon, impact_valid, impact_lat, impact_lon):
    """True where the flight from the estimated launch to the predicted impact is of a class asked for."""
    if launch_valid[r, s] == 0 or impact_valid[r, s] == 0:
        return False
    distance_m = great_circle_m(launch_lat[r, s], launch_lon[r, s], impact_lat[r, s], impact_lon[r, s])
    return (classes >> range_class(distance_m)) & 1 == 1


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
def rates_due(r, s, k, time_s, periods_s, turn_s):
    """How many of the rates have a turn now to speak of class k of this track, the fastest first; notes those turns.

    A turn of the fastest rate is the first moment at which there is anything of the class to say, and each next one
    that is a period after its last turn; a turn of a slower rate is such a one among the turns of the next faster.
    Nothing that an agreement says moves a turn.
    """
    count = 0
    for q in range(periods_s.size):
        if time_s - turn_s[r, s, k, q] < periods_s[q] - TOLERANCE_S:
            break
        turn_s[r, s, k, q] = time_s
        count += 1
    return count


@kernel
def class_rates(r, s, time_s, launch_valid, impact_valid, periods_s, turn_s):
    """:func:`rates_due` of each class, where there is anything of it to say; 0 where not."""
    launch = impact = 0
    if launch_valid[r, s] != 0:
        launch = rates_due(r, s, LAUNCH_WARNING - 1, time_s, periods_s, turn_s)
    if impact_valid[r, s] != 0:
        impact = rates_due(r, s, IMPACT_PREDICTION - 1, time_s, periods_s, turn_s)
    return launch, impact, rates_due(r, s, TRACK - 1, time_s, periods_s, turn_s)


@kernel
def remember(r, s, source, old_due_s, old_served, old_turn_s, due_s, served, turn_s):
    """Carry a track's memory into its slot of the new state, or start it: due at once, no turn taken."""
    due_s[r, s] = old_due_s[r, source] if source >= 0 else NEVER_S
    for receiver in range(served.shape[2]):
        for k in range(CLASSES):
            served[r, s, receiver, k] = old_served[r, source, receiver, k] if source >= 0 else 0
    for k in range(CLASSES):
        for q in range(turn_s.shape[3]):
            turn_s[r, s, k, q] = old_turn_s[r, source, k, q] if source >= 0 else NEVER_S


@kernel
def forget_yardstick(r, s, due_s, served):
    """The yardstick starts anew whenever a track is confirmed."""
    due_s[r, s] = NEVER_S
    for receiver in range(served.shape[2]):
        for k in range(CLASSES):
            served[r, s, receiver, k] = 0


@kernel
def judge(
    r, s, c, rates, in_force, whole, real, zones, withheld_sensors, parties, own_sensors, sensors, phase, mean,
    launch_valid, launch_lat, launch_lon, impact_valid, impact_lat, impact_lon, threat,
):  # fmt: skip
    """What clause c says of one confirmed track now: a reason, RELEASED and DELAYED being the good ones.

    ``rates`` is the number of rates, fastest first, that have a turn now, by class.
    """
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
    if whole[c, ZONED] != 0 and not in_zones(
        r, s, whole[c, ZONED], zones[c], mean, launch_valid, launch_lat, launch_lon, impact_valid, impact_lat,
        impact_lon,
    ):  # fmt: skip
        return ZONE
    if whole[c, RANGE_CLASSES] != ANY_RANGE and not in_classes(
        r, s, whole[c, RANGE_CLASSES], launch_valid, launch_lat, launch_lon, impact_valid, impact_lat, impact_lon
    ):  # fmt: skip
        return RANGE_CLASS
    if whole[c, RATE_INDEX] >= rates[counted_as(whole[c, DATA]) - 1]:
        return RATE
    return DELAYED if real[c, DELAY_S] > 0.0 else RELEASED


@kernel
def nearest_to_release(r, s, verdict, mine, whole, receiver, data):
    """The clause of this receiver and class that came nearest to releasing the track; -1 if none speaks of it."""
    best, clause = 0, -1
    for c in mine:
        if whole[c, RECEIVER] == receiver and counted_as(whole[c, DATA]) == data and verdict[r, s, c] > best:
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
    status, number, phase, sensors, mean, launch_valid, launch_lat, launch_lon, impact_valid, impact_lat, impact_lon,
    threat, mine, whole, real, zones, withheld_sensors, parties,
    periods_s, old_number, old_due_s, old_served, old_turn_s,
    due_s, served, turn_s, verdict, withheld, withheld_clause, counts, no_clause,
):  # fmt: skip
    """Judge every confirmed track by every clause of this giver (``mine``), replicate by replicate.

    Writes the new memory (due_s, served, turn_s), ``verdict`` (R, S, C), ``withheld`` and its clause
    (R, S, sides, CLASSES), and adds to ``counts`` (R, C, REASONS) and ``no_clause`` (R, sides, CLASSES).
    """
    for r in range(number.shape[0]):
        for s in range(number.shape[1]):
            if number[r, s] == 0:
                continue
            source = slot_before(old_number, r, s, number[r, s])
            remember(r, s, source, old_due_s, old_served, old_turn_s, due_s, served, turn_s)
            if status[r, s] != CONFIRMED:
                forget_yardstick(r, s, due_s, served)
                continue
            rates = class_rates(r, s, valid_s, launch_valid, impact_valid, periods_s, turn_s)
            for c in mine:
                reason = judge(
                    r, s, c, rates, in_force, whole, real, zones, withheld_sensors, parties,
                    own_sensors, sensors, phase, mean, launch_valid, launch_lat, launch_lon, impact_valid, impact_lat,
                    impact_lon, threat,
                )  # fmt: skip
                verdict[r, s, c] = reason
                if reason >= DELAYED:
                    counts[r, c, reason] += 1
                    served[r, s, whole[c, RECEIVER], counted_as(whole[c, DATA]) - 1] = 1
            if valid_s >= due_s[r, s] - TOLERANCE_S:
                settle(
                    r, s, giver, mine, whole, launch_valid, impact_valid, verdict, served, withheld, withheld_clause,
                    counts, no_clause,
                )  # fmt: skip
                due_s[r, s] += YARDSTICK_S
                if due_s[r, s] <= valid_s + TOLERANCE_S:
                    due_s[r, s] = valid_s + YARDSTICK_S


@kernel
def gather(
    rows, slots, data, mean, full, launch_lat, launch_lon, launch_s, launch_sigma_m, impact_lat, impact_lon, impact_s,
    impact_sigma_s, impact_covariance, state, covariance, launch, impact,
):  # fmt: skip
    """Fill what each message of (row, slot, class) carries into zeroed columns; ``full`` is (R, S, 6, 6)."""
    for m in range(rows.size):
        r, s = rows[m], slots[m]
        if data[m] in (TRACK, TRACKLET):
            k = 0
            for i in range(6):
                state[m, i] = mean[r, s, i]
                for j in range(i + 1):
                    covariance[m, k] = full[r, s, i, j]
                    k += 1
        elif data[m] == LAUNCH_WARNING:
            launch[m, 0], launch[m, 1] = launch_lat[r, s], launch_lon[r, s]
            launch[m, 2], launch[m, 3] = launch_s[r, s], launch_sigma_m[r, s]
        else:
            impact[m, 0], impact[m, 1] = impact_lat[r, s], impact_lon[r, s]
            impact[m, 2], impact[m, 3] = impact_s[r, s], impact_sigma_s[r, s]
            for i in range(3):
                impact[m, 4 + i] = impact_covariance[r, s, i]
