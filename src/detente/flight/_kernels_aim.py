"""Launch here, land there: one row's search, a flight at a time; ``aiming`` flies all rows' next flights together.

A launch has two numbers to find: the azimuth, and one that sets the range, which is either the cut-off time (the final
pitch then follows from a table of the best pitch for each cut-off) or the final pitch at full burn. The range is
found by a secant kept inside a bracket. The azimuth is the bearing of the aim less the deflection seen in the last
flights (the turning Earth moves the aim, and the missile with it), carried on linearly to the next one.
"""

from detente.flight._kernels import AZIMUTH, FLIGHT_S, LATITUDE, LONGITUDE, RANGE
from detente.flight._kernels_motion import ESCAPES, NEVER_LANDS, OK
from detente.geodesy._kernels_geodesic import geodesic_inverse, wrap
from detente.jit import kernel

CUT_OFF, LOFTED, DEPRESSED = 0, 1, 2
BEYOND_M = 2.1e7  # the range of a flight that does not come back: more than half-way round
SEEK_FLIGHTS = 40

# Columns of an answer.
TO_AZIMUTH, TO_PITCH, TO_CUTOFF, MISS, SHORTFALL, TO_FLIGHT_S, FLIGHTS = range(7)
ANSWERS = 7

# Columns of a launch: latitude, longitude, azimuth, final pitch, cut-off, ballistic coefficient.
AT_AZIMUTH, AT_PITCH, AT_CUTOFF = 2, 3, 4

# Columns of a search. Q is the final pitch at full burn, or the cut-off time with the planned pitch.
Q, SLOPE, LOW, HIGH, WANTED, BEARING, DEFLECTION, DRIFT, TOWARD = range(9)
LAST_Q, LAST_ERROR, LAST_DEFLECTION, SHORT_Q, LONG_Q, AT_END, FLOWN, ENDED = range(9, 17)
SEARCH = 17
FOUND, FALLS_SHORT, GOES_TOO_FAR, GIVEN_UP, SEARCHING = 0.0, 1.0, -1.0, 2.0, 3.0
UNKNOWN = 1e30


@kernel
def planned(x, xs, ys):
    """Linear interpolation in a table with rising ``xs``, held constant outside."""
    if x <= xs[0]:
        return ys[0]
    i = 1
    while i < xs.shape[0] - 1 and x > xs[i]:
        i += 1
    s = min(1.0, (x - xs[i - 1]) / (xs[i] - xs[i - 1]))
    return ys[i - 1] + s * (ys[i] - ys[i - 1])


@kernel
def range_of(result, flag):
    """The range of a flight: 0 if it came to no good, ``BEYOND_M`` if it never comes down."""
    if flag == OK:
        return result[RANGE]
    return BEYOND_M if flag in (NEVER_LANDS, ESCAPES) else 0.0


@kernel
def begin_rows(searches, first, slope, low, high, wanted, bearing):
    """Sets searches out: the first try, a guess of the change of range with it, and the interval to stay in."""
    for i in range(searches.shape[0]):
        row = searches[i]
        row[:] = 0.0
        row[Q] = min(high[i], max(low[i], first[i]))
        row[SLOPE], row[LOW], row[HIGH], row[WANTED], row[BEARING] = slope[i], low[i], high[i], wanted[i], bearing[i]
        row[TOWARD], row[SHORT_Q], row[LONG_Q], row[ENDED] = bearing[i], UNKNOWN, UNKNOWN, SEARCHING


@kernel
def aim_rows(searches, by_pitch, burnout_s, plans, launches):
    """Writes each search's next try into its launch."""
    for i in range(searches.shape[0]):
        q = searches[i, Q]
        launches[i, AT_AZIMUTH] = searches[i, TOWARD]
        launches[i, AT_PITCH] = q if by_pitch else planned(q, plans[i, 0], plans[i, 1])
        launches[i, AT_CUTOFF] = burnout_s[i] if by_pitch else q


@kernel
def next_try(row, error, landed):
    """The next try of a search whose last one missed by ``error`` in range; bisects where the secant is no help."""
    q = row[Q]
    change = -error / row[SLOPE]
    ahead = q + change if landed else 0.5 * (q + (row[HIGH] if change > 0.0 else row[LOW]))
    if row[SHORT_Q] < UNKNOWN and row[LONG_Q] < UNKNOWN:
        inner, outer = min(row[SHORT_Q], row[LONG_Q]), max(row[SHORT_Q], row[LONG_Q])
        if outer - inner < 1e-10 * (1.0 + abs(outer)):
            row[SHORT_Q], row[LONG_Q] = UNKNOWN, UNKNOWN
        elif not inner < ahead < outer or row[FLOWN] % 12 == 0:
            ahead = 0.5 * (inner + outer)
    return min(row[HIGH], max(row[LOW], ahead))


@kernel
def learn(row, error, landed):
    """Takes a flight's error in range, and its deflection, into the search: slopes, bracket and next try."""
    q = row[Q]
    row[SHORT_Q if error < 0.0 else LONG_Q] = q
    if row[FLOWN] > 1.0 and q != row[LAST_Q] and landed:
        secant = (error - row[LAST_ERROR]) / (q - row[LAST_Q])
        if secant * row[SLOPE] > 0.0:
            row[SLOPE] = secant
        row[DRIFT] = wrap(row[DEFLECTION] - row[LAST_DEFLECTION]) / (q - row[LAST_Q])
    change = -error / row[SLOPE]
    # Three flights at the same end, all wanting past it: there is nothing beyond.
    past = (q == row[LOW] and change < 0.0) or (q == row[HIGH] and change > 0.0)
    row[AT_END] = row[AT_END] + 1.0 if past else 0.0
    if row[AT_END] >= 3.0:
        row[ENDED] = FALLS_SHORT if error < 0.0 else GOES_TOO_FAR
        return
    row[LAST_Q], row[LAST_ERROR], row[LAST_DEFLECTION] = q, error, row[DEFLECTION]
    row[Q] = next_try(row, error, landed)
    turn = row[DRIFT] * (row[Q] - q)
    row[TOWARD] = wrap(row[BEARING] - row[DEFLECTION] - max(-0.1, min(0.1, turn)))
    if row[FLOWN] >= SEEK_FLIGHTS:
        row[ENDED] = GIVEN_UP


@kernel
def judge_rows(searches, launches, results, flags, aims, tolerance, answers):
    """Looks where each search's flight came down: found, or what to try next."""
    for i in range(searches.shape[0]):
        row, answer = searches[i], answers[i]
        reached = range_of(results[i], flags[i])
        row[FLOWN] += 1.0
        answer[FLIGHTS] += 1.0
        error = reached - row[WANTED]
        answer[TO_AZIMUTH], answer[TO_PITCH] = launches[i, AT_AZIMUTH], launches[i, AT_PITCH]
        answer[TO_CUTOFF], answer[TO_FLIGHT_S], answer[SHORTFALL] = launches[i, AT_CUTOFF], results[i, FLIGHT_S], -error
        landed = 0.0 < reached < BEYOND_M
        if landed:
            answer[MISS], _, _, _ = geodesic_inverse(
                results[i, LATITUDE], results[i, LONGITUDE], aims[i, 0], aims[i, 1]
            )
            if answer[MISS] <= tolerance:
                row[ENDED] = FOUND
                continue
            row[DEFLECTION] = wrap(results[i, AZIMUTH] - launches[i, AT_AZIMUTH])
        learn(row, error, landed)


@kernel
def bearing_rows(rows, wanted, bearing, good):
    """Distance and first bearing over the ellipsoid of each (latitude, longitude, latitude, longitude)."""
    for i in range(rows.shape[0]):
        wanted[i], bearing[i], _, good[i] = geodesic_inverse(rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3])


@kernel
def planned_rows(wanted, plans, cutoff):
    """The cut-off at which each missile's plan says it flies so far."""
    for i in range(wanted.size):
        cutoff[i] = planned(wanted[i], plans[i, 2], plans[i, 0])
