"""Many bodies falling through the air at once, height by height to the ground.

Height over the ellipsoid is the independent variable, so landing is exact and needs no search; and every lane takes the
same steps in height, so the air at each stage of each step is one number for all of them, taken from the standard
itself and not from a table. The steps end where the standard's layers do: inside a layer the air is smooth, and a
fifth-order method is one. A lane joins at the first of the steps' ends below it, after one step of its own.
"""

import math

import numpy as np

from detente.flight._kernels_air import EARTH_RADIUS_M, FORMULA_TOP_M, LAYER_BASE_M, standard_air
from detente.flight._kernels_coast import AT_X, ERROR_M, TIME_S, state_in
from detente.flight._kernels_lanes import (
    LANES,
    NO_PLACE_BEYOND,
    RELAXED,
    add_drag_coefficient,
    height_and_climb,
    lane_air,
)
from detente.flight._kernels_motion import BAD_INPUT, J2_PULL, OK, STEP_LIMIT, STRETCH, plausible
from detente.flight._kernels_tableau import FIVE, FIVE_ERROR, FIVE_NODES, FIVE_STAGES
from detente.geodesy.constants import A_M, G0_M_S2, MU_M3_S2
from detente.jit import kernel

# Rows of a block: where each begins.
(
    TIME, PX, PY, PZ, VX, VY, VZ,
    STEP,  # height of this step, negative; 0 while the lane has not joined
    JOINS,  # number of the step at which the lane joins
    HALF_BETA,  # half the inverse of the ballistic coefficient, m2/kg
    HALF_AREA,  # half the area over the mass, where the drag coefficient is a table's
    MACH,
    ERROR,
    DENSITY, SOUND,  # of the air at the stage
    CLIMB,
    DRAG,  # drag coefficient times area over mass, plus the inverse ballistic coefficient, halved
    START,  # height where the lane's own step starts
    BRAKE,  # deceleration by the air over the speed at the stage, 1/s
) = range(0, 19 * LANES, LANES)  # fmt: skip
AT = 19 * LANES  # the state at the stage, six rows
SEVEN = 7 * LANES
K = 25 * LANES  # rates per metre at the stages, seven rows each; nothing else may lie behind them
ROWS = 25 + 7 * FIVE_STAGES

# How many steps there are down through each layer, from the top: the drag ceiling, 86 km, and the layers' bases. The
# lighter the body and the flatter its fall, the sooner the air brakes it and the finer the steps; the finest also for
# what has not fallen far, as its path still bends. Found by trial.
TOP_M = 150_000.0
STEPS_DOWN = (
    (5, 1, 3, 1, 3, 5, 7, 9),
    (4, 1, 2, 1, 2, 3, 6, 9),
    (4, 1, 1, 1, 1, 2, 4, 8),
    (4, 1, 1, 1, 1, 1, 2, 5),
    (4, 1, 1, 1, 1, 1, 1, 3),
)
FINER_UP_TO = (300.0, 650.0, 1_300.0, 2_400.0)  # ballistic coefficient times the sine of the angle of fall, kg/m2
SLOW_M_S = 900.0  # of descent
CROWDED = 1.4  # steps above 86 km are shorter where a fall begins
LEAST_CLIMB_M_S = 5.0
USUAL_CD = 0.3  # of a body whose drag is by table, to choose a grid with
LEVEL_M = 1e-3
USUAL_R2 = 4.1506e13  # squared distance from the Earth's centre, half-way between the pole's ground and the air's top
USUAL_INVERSE_R = 1.0 / math.sqrt(USUAL_R2)
DEEPEST_M = 1_000.0  # a noisy state this far under the ground is still taken as landing
LONGEST_SHARE = 1.5  # of the height fallen since the apogee, in one step down
HOPELESS_M = 1e6

# Columns of a body; a body's place is in those of a coast's result.
BODY_BETA, BODY_AREA, BODY_TABLE = range(3)
BODIES = 3

NO_WAY, VACUUM, TO_THE_AIR, IN_THE_AIR = range(4)


def _ends(steps_down: tuple[int, ...]) -> np.ndarray:
    """Heights where the steps end, falling, the drag ceiling first and the ground last."""
    bases = [EARTH_RADIUS_M * base / (EARTH_RADIUS_M - base) for base in LAYER_BASE_M]
    edges = [TOP_M, FORMULA_TOP_M, *reversed(bases)]
    ends = [TOP_M]
    for layer, count in enumerate(steps_down):
        share = np.arange(1, count + 1) / count
        ends += list(edges[layer] + (edges[layer + 1] - edges[layer]) * (share**CROWDED if layer == 0 else share))
    return np.array(ends)


def _grids() -> tuple[np.ndarray, ...]:
    """For every grid: its count of steps, their ends, and density and speed of sound at each end and each stage."""
    counts = np.array([sum(steps_down) for steps_down in STEPS_DOWN])
    most = counts.max()
    ends, air = np.zeros((len(counts), most + 1)), np.zeros((len(counts), most, FIVE_STAGES, 3))
    for g, steps_down in enumerate(STEPS_DOWN):
        ends[g, : counts[g] + 1] = _ends(steps_down)
        stages = ends[g, :-1, None] + np.diff(ends[g])[:, None] * FIVE_NODES
        air[g] = [[standard_air(max(height, 0.0)) for height in row] for row in stages]
    density, sound = np.ascontiguousarray(np.exp(air[..., 0])), np.ascontiguousarray(air[..., 2])
    end_density = np.concatenate((density[:, :1, 0], density[:, :, -1]), axis=1)
    end_sound = np.concatenate((sound[:, :1, 0], sound[:, :, -1]), axis=1)
    return counts, ends, density, sound, end_density, end_sound


COUNTS, ENDS_M, DENSITIES, SOUNDS, END_DENSITIES, END_SOUNDS = _grids()
GRIDS = len(COUNTS)
MOST = int(COUNTS.max())


@kernel(inline=True, fastmath=RELAXED)
def place_stage(x, i):
    """Every lane's state at stage ``i`` of its step."""
    for lane in range(LANES):
        h = x[STEP + lane]
        sx, sy, sz, su, sv, sw = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(i):
            if FIVE[i, j] != 0.0:
                sx += FIVE[i, j] * x[K + j * SEVEN + LANES + lane]
                sy += FIVE[i, j] * x[K + j * SEVEN + 2 * LANES + lane]
                sz += FIVE[i, j] * x[K + j * SEVEN + 3 * LANES + lane]
                su += FIVE[i, j] * x[K + j * SEVEN + 4 * LANES + lane]
                sv += FIVE[i, j] * x[K + j * SEVEN + 5 * LANES + lane]
                sw += FIVE[i, j] * x[K + j * SEVEN + 6 * LANES + lane]
        x[AT + lane] = x[PX + lane] + h * sx
        x[AT + LANES + lane] = x[PY + lane] + h * sy
        x[AT + 2 * LANES + lane] = x[PZ + lane] + h * sz
        x[AT + 3 * LANES + lane] = x[VX + lane] + h * su
        x[AT + 4 * LANES + lane] = x[VY + lane] + h * sv
        x[AT + 5 * LANES + lane] = x[VZ + lane] + h * sw


@kernel(inner=True, fastmath=RELAXED)
def find_drag(x, curve):
    """The drag of lanes whose coefficient follows a curve over Mach number."""
    for lane in range(LANES):
        u, v, w = x[AT + 3 * LANES + lane], x[AT + 4 * LANES + lane], x[AT + 5 * LANES + lane]
        x[MACH + lane] = math.sqrt(u * u + v * v + w * w) / x[SOUND + lane]
    add_drag_coefficient(x, np.int64(MACH // LANES), np.int64(DRAG // LANES), curve)
    for lane in range(LANES):
        x[DRAG + lane] = x[HALF_BETA + lane] + x[HALF_AREA + lane] * x[DRAG + lane]


@kernel(inner=True, fastmath=RELAXED)
def rate_stage(x, k, spin):
    """Rates per metre of height, of the time, the position and the velocity, into the rows from ``k`` on.

    The same as ``turning_rates``. The distance is that of the ground within some 150 km, so its inverse is a series:
    within 1e-10, as is the ellipsoid's within 1e-9.
    """
    k &= NO_PLACE_BEYOND
    for lane in range(LANES):
        px, py, pz = x[AT + lane], x[AT + LANES + lane], x[AT + 2 * LANES + lane]
        u, v, w = x[AT + 3 * LANES + lane], x[AT + 4 * LANES + lane], x[AT + 5 * LANES + lane]
        y = (px * px + py * py + pz * pz) * (1.0 / USUAL_R2) - 1.0
        inverse_r = 1.0 - y * (0.5 - y * (0.375 - y * (0.3125 - y * (0.2734375 - y * 0.24609375))))
        inverse_r *= USUAL_INVERSE_R
        inverse_r2 = inverse_r * inverse_r
        q = pz * pz * inverse_r2
        cube = inverse_r * inverse_r2
        central, bulge = -MU_M3_S2 * cube, J2_PULL * cube * inverse_r2
        level = central + bulge * (5.0 * q - 1.0) + spin * spin
        e = (STRETCH - 1.0) * q
        share = 1.0 - e * (0.5 - e * (0.375 - e * 0.3125))
        flat = A_M * inverse_r * share
        along, up = px * u + py * v, w * pz
        climb = ((along + up) * (1.0 - flat) + flat * share * share * (along + STRETCH * up)) * inverse_r
        drag = x[DENSITY + lane] * x[DRAG + lane] * math.sqrt(u * u + v * v + w * w)
        x[CLIMB + lane], x[BRAKE + lane] = climb, drag
        per = 1.0 / (climb if climb < -LEAST_CLIMB_M_S else -LEAST_CLIMB_M_S)
        x[k + lane] = per
        x[k + LANES + lane], x[k + 2 * LANES + lane], x[k + 3 * LANES + lane] = per * u, per * v, per * w
        x[k + 4 * LANES + lane] = per * (level * px + 2.0 * spin * v - drag * u)
        x[k + 5 * LANES + lane] = per * (level * py - 2.0 * spin * u - drag * v)
        x[k + 6 * LANES + lane] = per * ((central + bulge * (5.0 * q - 3.0)) * pz - drag * w)


@kernel(inner=True, fastmath=RELAXED)
def fill_air(x, g, s, i):
    """The air at stage ``i`` of step ``s`` of grid ``g`` for all lanes; before the first step, each lane's own.

    The end of a lane's own step is a step's end, and takes its air from there: to the bit what the next step takes.
    """
    if s >= 0:
        density, sound = DENSITIES[g, s, i], SOUNDS[g, s, i]
        for lane in range(LANES):
            x[DENSITY + lane], x[SOUND + lane] = density, sound
    elif i < 5:
        node = FIVE_NODES[i]
        for lane in range(LANES):
            density, sound = lane_air(x[START + lane] + node * x[STEP + lane])
            x[DENSITY + lane], x[SOUND + lane] = density, sound
    else:
        for lane in range(LANES):
            k = np.int32(x[JOINS + lane])
            x[DENSITY + lane], x[SOUND + lane] = END_DENSITIES[g, k], END_SOUNDS[g, k]


@kernel(inline=True)
def stage(x, g, s, i, bodily, curve, spin):
    """Everything at stage ``i``; ``bodily`` where some lane's drag is a table's."""
    place_stage(x, i)
    fill_air(x, g, s, i)
    if bodily:
        find_drag(x, curve)
    rate_stage(x, K + i * SEVEN, spin)


@kernel(inner=True, fastmath=RELAXED)
def close_step(x, height_m):
    """Moves every lane to the end of its step and adds up its error, grown over the fall from ``height_m``."""
    for lane in range(LANES):
        taken, off, fast = 0.0, 0.0, 0.0
        for j in range(6):
            taken += FIVE[6, j] * x[K + j * SEVEN + lane]
        for c in range(LANES + lane, 4 * LANES + lane, LANES):
            e, f = 0.0, 0.0
            for j in range(7):
                e += FIVE_ERROR[j] * x[K + j * SEVEN + c]
                f += FIVE_ERROR[j] * x[K + j * SEVEN + 3 * LANES + c]
            off += e * e
            fast += f * f
        h, climb = x[STEP + lane], x[CLIMB + lane]
        x[TIME + lane] += h * taken
        falling = climb < -LEAST_CLIMB_M_S
        # An error in velocity grows until the ground is met or the air has damped it, whichever is sooner.
        to_ground = (height_m + 1.0) / ((-climb if falling else 1.0) + (height_m + 1.0) * x[BRAKE + lane])
        made = -h * math.sqrt(off + to_ground * to_ground * fast)
        x[ERROR + lane] += made if falling else -h * HOPELESS_M
    for i in range(6 * LANES):
        x[PX + i] = x[AT + i]
    for i in range(SEVEN):
        x[K + i] = x[K + 6 * SEVEN + i]


@kernel(inner=True, fastmath=RELAXED)
def fall(x, g, first, bodily, curve, spin):
    """Each lane's own step, then those of grid ``g`` from number ``first`` to the ground.

    Before its own step a lane's height is in the row START and its step's in STEP.
    """
    stage(x, g, np.int64(-1), np.int64(0), bodily, curve, spin)
    for s in range(-1, COUNTS[g]):
        if 0 <= s < first:
            continue
        if s >= 0:
            height = ENDS_M[g, s + 1] - ENDS_M[g, s]
            for lane in range(LANES):
                x[STEP + lane] = height if x[JOINS + lane] <= s else 0.0
        stage(x, g, s, np.int64(1), bodily, curve, spin)
        stage(x, g, s, np.int64(2), bodily, curve, spin)
        stage(x, g, s, np.int64(3), bodily, curve, spin)
        stage(x, g, s, np.int64(4), bodily, curve, spin)
        stage(x, g, s, np.int64(5), bodily, curve, spin)
        stage(x, g, s, np.int64(6), bodily, curve, spin)
        close_step(x, ENDS_M[g, s + 1])


@kernel(inner=True)
def grid_of(body, climb, speed):
    """The number of the grid that is fine enough for a body that falls so fast."""
    grid = 0
    if climb < -SLOW_M_S:
        half_inverse = (body[BODY_BETA] + USUAL_CD * body[BODY_AREA]) * speed
        for limit in FINER_UP_TO:
            grid += -0.5 * climb > limit * half_inverse
    return grid


@kernel(inner=True)
def joining(g, height_m, climb_m_s):
    """The number of the first step of a grid that starts no higher than this, or -1 where height is no clock.

    Falling in a vacuum the height lost since the apogee is ``fallen``; rates per metre change over that scale.
    """
    k = 0
    while k < COUNTS[g] and ENDS_M[g, k] > height_m + LEVEL_M:
        k += 1
    fallen = climb_m_s * climb_m_s / (2.0 * G0_M_S2)
    own_m, next_m = height_m - ENDS_M[g, k], ENDS_M[g, k] - ENDS_M[g, k + 1 if k < COUNTS[g] else k]
    good = -DEEPEST_M < height_m <= TOP_M + 1.0 and climb_m_s < -LEAST_CLIMB_M_S
    return k if good and (own_m if own_m > next_m else next_m) < LONGEST_SHARE * fallen else -1


@kernel
def line_up(rows, bodies, tables, results, flags, key):
    """Gives every row a key: rows of one grid and one drag curve together, and those in the order in which they join.

    A row for which height is no clock, as a skimming one's is not, is flagged STEP_LIMIT and comes last.
    """
    for n in range(rows.size):
        i = rows[n]
        px, py, pz, u, v, w = state_in(results, i, AT_X)
        height, climb = height_and_climb(px, py, pz, u, v, w)
        grid = grid_of(bodies[i], climb, math.sqrt(u * u + v * v + w * w))
        join = joining(grid, height, climb)
        curve = 1 + np.int64(bodies[i, BODY_TABLE]) if bodies[i, BODY_AREA] > 0.0 else 0
        key[n] = (grid * (tables + 1) + curve) * (MOST + 1) + join
        if join < 0:
            flags[i], key[n] = STEP_LIMIT, GRIDS * (tables + 1) * (MOST + 1)


@kernel(inner=True)
def load(x, g, results, rows, bodies, joins, first, last):
    """Fills a block with falling states in the order given, the last padding it; returns the first step of any."""
    soonest = MOST
    for lane in range(LANES):
        n = first + lane if first + lane < last else last - 1
        i, join = rows[n], joins[n]
        px, py, pz, u, v, w = state_in(results, i, AT_X)
        x[PX + lane], x[PY + lane], x[PZ + lane], x[VX + lane], x[VY + lane], x[VZ + lane] = px, py, pz, u, v, w
        height, _ = height_and_climb(px, py, pz, u, v, w)
        x[HALF_BETA + lane], x[HALF_AREA + lane] = bodies[i, BODY_BETA], bodies[i, BODY_AREA]
        x[DRAG + lane] = bodies[i, BODY_BETA]
        x[JOINS + lane] = join
        x[START + lane], x[STEP + lane] = height, ENDS_M[g, join] - height
        x[TIME + lane], x[ERROR + lane] = results[i, TIME_S], results[i, ERROR_M]
        soonest = join if join < soonest else soonest
    return soonest


@kernel(inner=True)
def unload(x, rows, first, last, results, flags):
    """Writes a block's lanes to the rows they came from."""
    for lane in range(LANES if last - first > LANES else last - first):
        i = rows[first + lane]
        if not x[ERROR + lane] < HOPELESS_M:
            flags[i] = STEP_LIMIT
            continue
        px, py, pz, vx, vy, vz = x[PX + lane], x[PY + lane], x[PZ + lane], x[VX + lane], x[VY + lane], x[VZ + lane]
        # The clock's height and the state's own differ by the steps' errors: decimetres, in a straight line.
        height, climb = height_and_climb(px, py, pz, vx, vy, vz)
        rest = -height / climb
        results[i, TIME_S], results[i, ERROR_M] = x[TIME + lane] + rest, x[ERROR + lane]
        results[i, AT_X], results[i, AT_X + 1], results[i, AT_X + 2] = px + rest * vx, py + rest * vy, pz + rest * vz
        results[i, AT_X + 3], results[i, AT_X + 4], results[i, AT_X + 5] = vx, vy, vz


@kernel
def fall_rows(block, rows, joins, begins, bodies, curves, spin, results, flags):
    """Carries the ``rows`` of ``results`` (``_kernels_coast``'s), falling below 150 km, on to the ground.

    ``rows`` are in the order of ``line_up``'s keys, ``joins`` the steps they join at, and ``begins`` says where those
    of each kind begin. ``bodies`` (n, 3): half the inverse of the ballistic coefficient (m2/kg), half the area over the
    mass (m2/kg) where drag follows a curve, the curve's number in ``curves``; ``spin`` the Earth's rotation rate. Time
    and error go on from what they are. ``block`` is room for ROWS rows of lanes.
    """
    for kind in range(begins.size - 1):
        grid, curve = kind // (curves.shape[0] + 1), kind % (curves.shape[0] + 1)
        last = begins[kind + 1]
        for first in range(begins[kind], last, LANES):
            soonest = load(block, grid, results, rows, bodies, joins, first, last)
            fall(block, grid, soonest, curve > 0, curves[curve - 1 if curve > 0 else 0], spin)
            unload(block, rows, first, last, results, flags)


@kernel
def survey_rows(states, betas, bodies, heights, rising, flags):
    """Says of every state whether it is one of a body near the Earth, how high it is and whether it climbs.

    Bad ones are replaced by one that harms nothing; ``bodies`` gets the ballistic coefficients.
    """
    for i in range(flags.size):
        px, py, pz, vx, vy, vz = state_in(states, i, 0)
        good = plausible(px, py, pz, vx, vy, vz) and 0.0 <= betas[i] < 1e7
        if good:
            heights[i], climb = height_and_climb(px, py, pz, vx, vy, vz)
            rising[i], good = climb > 0.0, heights[i] >= -DEEPEST_M
        flags[i] = OK if good else BAD_INPUT
        if not good:
            for c in range(6):
                states[i, c] = 0.0
            states[i, 0], states[i, 3], heights[i] = A_M, -1.0, 0.0
        elif betas[i] > 0.0:
            bodies[i, BODY_BETA] = 0.5 / betas[i]


@kernel
def choose_ways(states, bodies, flags, ways, results):
    """How each row whose flag is OK comes down: through a vacuum, through one to the air's top, or falling already.

    The results of those that fall already begin with their states, all others with zeros.
    """
    for i in range(flags.size):
        ways[i] = NO_WAY
        for c in range(results.shape[1]):
            results[i, c] = 0.0
        if flags[i] == OK:
            px, py, pz, u, v, w = state_in(states, i, 0)
            height, climb = height_and_climb(px, py, pz, u, v, w)
            if bodies[i, BODY_BETA] == 0.0 and bodies[i, BODY_AREA] == 0.0:
                ways[i] = VACUUM
            elif climb > 0.0 or height > TOP_M + 1.0:
                ways[i] = TO_THE_AIR
            else:
                ways[i] = IN_THE_AIR
                for c in range(6):
                    results[i, AT_X + c] = states[i, c]


@kernel
def steepness_rows(states, steep):
    """The sine of the angle at which each state falls, 0 where there is none."""
    for i in range(steep.size):
        px, py, pz, vx, vy, vz = state_in(states, i, 0)
        r2, v2 = px * px + py * py + pz * pz, vx * vx + vy * vy + vz * vz
        along = px * vx + py * vy + pz * vz
        steep[i] = abs(along) / math.sqrt(r2 * v2) if r2 * v2 > 0.0 else 0.0
