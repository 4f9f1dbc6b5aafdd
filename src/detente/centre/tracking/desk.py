"""The scratch that tracking's kernels work on: named here, made once for many steps, and of no meaning between them.

Kernels take these tuples as they are and read them by name. Shapes: S slots, D detections at most in one step (or one
moment of a file), K pairs of a track and a detection at most, M moments remembered, B biases (three a sensor). What is
not asked for has no room: joint probabilities, moments, gates' edges and biases are then empty arrays.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.centre.tracking import _kernels_places as places

Floats, Ints = NDArray[np.float64], NDArray[np.int64]
PAIRS_EACH = 32  # room for pairs of a track and a detection, for each of them
LARGEST_CLUSTER = 256  # tracks that are assigned together at least cost; a larger cluster is settled hurriedly


class Pairs(NamedTuple):
    """Who could belong together, one row for each pair, in order of slot."""

    track: Ints  # (K,)
    detection: Ints  # (K,) its place in the scan
    cost: Floats  # (K,)


class Assigning(NamedTuple):
    """Scratch of the assignment of one cluster: r tracks against w detections and misses."""

    cost: Floats  # (r, w)
    row_price: Floats  # (r,)
    column_price: Floats  # (w,)
    reach: Floats  # (w,) length of the shortest path to each column
    came_from: Ints  # (w,) the row it was reached from
    taken_by: Ints  # (w,) its row
    given: Ints  # (r,) a row's column
    done: Ints  # (w,)
    tracks_here: Ints  # (r,) slots of the rows
    detections_here: Ints  # (w,)


class Comparing(NamedTuple):
    """Scratch of a comparison of one track with one detection."""

    offsets: Floats  # (3,) of the three measured numbers
    slopes: Floats  # (3, 3) of theirs by position
    spread: Floats  # (6,) their covariance, upper triangle by rows


class Trial(NamedTuple):
    """Scratch of an update that is tried and may be tried again."""

    state: Floats  # (2, 7)
    covariance: Floats  # (7, 7)
    gain: Floats  # (7,)
    seen: Floats  # (15, 4) what would be measured of the mean and of fourteen sigma points
    middle: Floats  # (4,) its mean
    cross: Floats  # (7, 4) its covariance with the state
    spread: Floats  # (4, 4) its covariance


class Memory(NamedTuple):
    """What every slot knew at moments before, in a ring: for the sake of late detections."""

    times: Floats  # (S, M)
    owners: Ints  # (S, M) number of the track that was in the slot then
    phases: Ints  # (S, M)
    states: Floats  # (S, M, 7)
    covariances: Floats  # (S, M, 7, 7)


class Past(NamedTuple):
    """How a moment past goes with the present: x(then) = state + slopes (x - x̂) + noise (see `_kernels_late`)."""

    state: Floats  # (7,)
    slopes: Floats  # (7, 7)
    noise: Floats  # (7, 7) its covariance


class Joint(NamedTuple):
    """Joint probabilities of a scan."""

    log_odds: Floats  # (K,) of each pair
    share: Floats  # (K,) probability that the pair is right
    missed: Floats  # (S,) probability that no detection is the track's; below 0 where its assignment stands
    claimed: Floats  # (D,) sum of a detection's shares


class Edges(NamedTuple):
    """Detections met on a gate's edge, the first of them."""

    numbers: Ints  # (E,) of the track
    detections: Ints  # (E,) place in the scan, then row of the plots
    distances: Floats  # (E,) squared, in sigmas
    many: Ints  # (1,) how many there were, told or not


class Biases(NamedTuple):
    """What is known of the sensors' biases (see `_kernels_bias`)."""

    value: Floats  # (B,)
    doubt: Floats  # (B, B) covariance
    told: Floats  # (B, B) information of this moment, not yet taken in
    told_mean: Floats  # (B,) and what it says
    lean: Floats  # (S, 7, B) how each track's error goes with them
    known: Floats  # (B, B) information of all moments


class Desk(NamedTuple):
    """Everything a scan is worked on."""

    lines: Floats  # (D, LINES) its detections as lines of sight
    free: Ints  # (D,) 1 while a detection is no track's
    chosen: Ints  # (S,) each track's detection, or -1
    pairs: Pairs
    nodes: Ints  # (4, S + D) of clusters: parent, count, end, place
    grouped: Ints  # (K,) pairs, cluster by cluster
    assigning: Assigning
    comparing: Comparing
    trial: Trial
    memory: Memory
    past: Past
    joint: Joint
    edges: Edges
    biases: Biases


class Bench(NamedTuple):
    """A row's tracks while they are worked on, and what else a step needs."""

    state: Floats  # (S, 7)
    covariance: Floats  # (S, 7, 7)
    seen_by: Ints  # (S,) sensors that saw each slot in this step, one bit each
    held: Ints  # (S,) whether a slot was in use before
    order: Ints  # (D,) detections in order
    spare: Ints  # (D,)
    rates: Floats  # (3, 7) slopes of acceleration
    work: Floats  # (7, 7)
    factor: Floats  # (7, 7)
    looks: Ints  # (sensors,) looks that each took in this step


def desk_of(
    slots: int, most: int, sensors: int, moments: int = 0, *, joint: bool = False, edges: int = 0, biases: int = 0
) -> tuple[Desk, Bench]:
    """Scratch for this many slots, at most this many detections in a row, sensors, and moments that each slot remembers
    for the sake of late detections; room for joint probabilities, for so many detections on a gate's edge, and for so
    many biases.

    It grows with the sum of both, not with their product: what a flood of plots does not leave room for is shed.
    """
    most = max(most, 1)
    pairs = min(slots * most, PAIRS_EACH * (slots + most)) + 1
    desk = Desk(
        lines=np.empty((most, places.LINES)),
        free=np.empty(most, np.int64),
        chosen=np.empty(slots, np.int64),
        pairs=Pairs(track=np.empty(pairs, np.int64), detection=np.empty(pairs, np.int64), cost=np.empty(pairs)),
        nodes=np.empty((4, slots + most), np.int64),
        grouped=np.empty(pairs, np.int64),
        assigning=assigning_of(
            min(slots, LARGEST_CLUSTER), min(slots, LARGEST_CLUSTER) + min(most, 2 * LARGEST_CLUSTER)
        ),
        comparing=Comparing(offsets=np.empty(3), slopes=np.empty((3, 3)), spread=np.empty(6)),
        trial=trial_of(),
        memory=memory_of(slots, moments),
        past=Past(state=np.empty(7), slopes=np.empty((7, 7)), noise=np.empty((7, 7))),
        joint=joint_of(pairs, slots, most) if joint else joint_of(0, 0, 0),
        edges=Edges(
            numbers=np.empty(edges, np.int64), detections=np.empty(edges, np.int64), distances=np.empty(edges),
            many=np.zeros(1, np.int64),
        ),
        biases=biases_of(slots if biases else 0, biases),
    )  # fmt: skip
    return desk, _bench_of(slots, most, sensors)


def assigning_of(rows: int, wide: int) -> Assigning:
    """Scratch for clusters of at most this many tracks, and of tracks and detections together."""
    return Assigning(
        cost=np.empty((rows, wide)), row_price=np.empty(rows), column_price=np.empty(wide), reach=np.empty(wide),
        came_from=np.empty(wide, np.int64), taken_by=np.empty(wide, np.int64), given=np.empty(rows, np.int64),
        done=np.empty(wide, np.int64), tracks_here=np.empty(rows, np.int64), detections_here=np.empty(wide, np.int64),
    )  # fmt: skip


def trial_of() -> Trial:
    """Scratch of one update."""
    return Trial(
        state=np.empty((2, 7)), covariance=np.empty((7, 7)), gain=np.empty(7), seen=np.empty((15, 4)),
        middle=np.empty(4), cross=np.empty((7, 4)), spread=np.empty((4, 4)),
    )  # fmt: skip


def memory_of(slots: int, moments: int) -> Memory:
    """Room for this many moments of each slot, of which nothing is known yet."""
    shape = (slots, moments)
    return Memory(
        times=np.zeros(shape), owners=np.zeros(shape, np.int64), phases=np.zeros(shape, np.int64),
        states=np.zeros((*shape, 7)), covariances=np.zeros((*shape, 7, 7)),
    )  # fmt: skip


def joint_of(pairs: int, slots: int, most: int) -> Joint:
    """Room for joint probabilities of so many pairs, tracks and detections."""
    return Joint(
        log_odds=np.empty(pairs), share=np.empty(pairs), missed=np.empty(slots), claimed=np.empty(most)
    )  # fmt: skip


def biases_of(slots: int, count: int) -> Biases:
    """So many biases, of which nothing is known yet, not even a prior."""
    return Biases(
        value=np.zeros(count), doubt=np.zeros((count, count)), told=np.zeros((count, count)),
        told_mean=np.zeros(count), lean=np.zeros((slots, 7, count)), known=np.zeros((count, count)),
    )  # fmt: skip


def _bench_of(slots: int, most: int, sensors: int) -> Bench:
    return Bench(
        state=np.zeros((slots, 7)), covariance=np.zeros((slots, 7, 7)), seen_by=np.empty(slots, np.int64),
        held=np.empty(slots, np.int64), order=np.empty(most, np.int64), spare=np.empty(most, np.int64),
        rates=np.zeros((3, 7)), work=np.zeros((7, 7)), factor=np.zeros((7, 7)), looks=np.zeros(sensors, np.int64),
    )  # fmt: skip
