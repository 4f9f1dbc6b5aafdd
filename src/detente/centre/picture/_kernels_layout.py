"""How this room's kernels see its records: columns of plain arrays, and two named bundles.

They live in a kernel file because compiled code depends on their order.
"""

from typing import Any, NamedTuple

from detente.flight.reentry import BALLISTIC_COEFFICIENT_KG_M2, BALLISTIC_LOG_SIGMA
from detente.jit import kernel

# Columns come first, so that each is a plain (R, slots) array to whoever reads it whole.
#
# Columns of a line of estimates: a float array (THREAT + sides, R, slots).
LAUNCH_VALID, LAUNCH_LAT, LAUNCH_LON, LAUNCH_S, LAUNCH_SIGMA = range(5)
NUMBER = 5
IMPACT_VALID, IMPACT_LAT, IMPACT_LON, IMPACT_S, IMPACT_SIGMA_S, IMPACT_EE, IMPACT_EN, IMPACT_NN = range(6, 14)
ESTIMATED_S = 14
ROUNDS = 15
FORETOLD = 16  # how often it was predicted from a state that no longer burns
OPEN_S, OPEN_VARIANCE = 17, 18  # when it was last seen burning, and the variance of its speed then
# What a body that coasts keeps: its energy when it was seen, that one's variance, and when it was seen.
ENERGY, ENERGY_VARIANCE, ENERGY_S = 19, 20, 21
DOUBTED = 22  # 1 while it is said to coast, and that is not borne out
CLASS = 23
CLASSES = 4  # short, medium, intermediate range, intercontinental
THREAT = CLASS + CLASSES

# Columns of what is known of a partner's line: a float array (HELD_WIDTH, R, Q).
STATUS, GIVER, PARTNER_NUMBER, HAS_STATE, VALID_S, RECEIVED_S, PHASE, COARSENED, LAUNCH_SAID, IMPACT_SAID = range(10)
LICENSED = 10  # 1 where the state came as a tracklet: successive ones may be told apart
HELD_WIDTH = 11

# Columns of a message: a float array (n, SAID_WIDTH). Launch and impact stand as in a line of estimates.
SAID_GIVER, SAID_RECEIVER, SAID_DATA, SAID_RELEASED_S, SAID_VALID_S, SAID_NUMBER, SAID_PHASE, SAID_COARSENED = range(8)
SAID_LAUNCH = 8  # 5 columns
SAID_IMPACT = 13  # 8 columns
SAID_STATE = 21  # 6 columns
SAID_COVARIANCE = 27  # 21 columns
SAID_WIDTH = 48

# Columns of a line of the picture, besides its state: an integer array (LINE_WIDTH, R, S+Q).
LINE_STATUS, LINE_ORIGIN, LINE_GIVER, LINE_NUMBER, LINE_TWIN, LINE_HAS_STATE, LINE_PHASE, LINE_RULE = range(8)
LINE_WIDTH = 8


class Ground(NamedTuple):
    """The arrays of a ``TerritoryIndex``, as ``territory_mask`` takes them."""

    raster: Any
    row_offsets: Any
    edges: Any
    edge_side: Any


class Past(NamedTuple):
    """What the picture of the tick before was made of, (R, ...), to tell increments from; unread if ``known`` is 0."""

    known: int
    time_s: float
    mean: Any
    covariance: Any
    own_mean: Any
    own_covariance: Any
    own_updated_s: Any
    held: Any
    partner_mean: Any
    partner_covariance: Any


class PictureSettings(NamedTuple):
    """How often a centre predicts, how it ages a partner's track, and when two lines are one object.

    SI and radians. None of these is a measured property of a real system; where no public source exists the comment
    says "assumption" and a range.
    """

    cadence_s: float = 10.0  # least time between predictions of one line. Source: assumption, 5 to 30
    cadence_share: float = 0.03  # and least share of the time left to the impact. Source: assumption, 0 to 0.1
    eager_rounds: int = 2  # a line's first predictions come as soon as there is news. Source: assumption, 1 to 5
    ballistic_coefficient_kg_m2: float = BALLISTIC_COEFFICIENT_KG_M2
    ballistic_log_sigma: float = BALLISTIC_LOG_SIGMA
    impact_floor_m: float = 100.0  # error of any prediction: gravity, air. Source: assumption, 100 to 2,000
    impact_floor_s: float = 0.5  # likewise, of the time. Source: assumption, 0.2 to 5
    impact_largest_sigma_m: float = 2_000_000.0  # a wider ellipse says nothing. Source: assumption, 1 to 4 Mm
    # Launch, from infrared: the first ray is met at the cloud tops, some time after the missile passed them. The
    # catalogue's missiles, flown by this project's flight room to their greatest range, are at 9 km after 32 to 46 s
    # and 1.7 to 4.1 km downrange, at 12 km after 37 to 53 s and 2.2 to 6.9 km downrange.
    climb_acceleration_m_s2: float = 10.7  # 2 × height / time² of those climbs: 8.5 to 17.6
    climb_slope: float = 0.33  # downrange per height: 0.19 to 0.58
    first_look_lag_s: float = 5.0  # half a satellite's revisit. Source: assumption, 0 to 10
    infrared_height_m: float = 30_000.0  # a first position below this was met at the cloud tops, not by a radar.
    # Source: assumption, 20 to 60 km; clouds end at the tropopause, 9 to 17 km
    # Of that launch point; in a salvo the first rays of two missiles may cross. Source: assumption, 5 to 30 km: with
    # 20 km 95 % circles hold 92 % of launches that NATO states in lisbon-2010, with 15 km 85 %.
    launch_infrared_sigma_m: float = 20_000.0
    # Launch, from a radar: the same flights' vacuum arcs, run back, come up out of the ground behind the launch, by 0.6
    # to 1.8 % of their range, and 44 to 138 s after it.
    launch_arc_share: float = 0.012
    launch_arc_share_sigma: float = 0.006
    launch_arc_lag_s: float = 45.0  # of the shortest
    launch_arc_lag_s_m: float = 11e-6  # more per metre of range
    launch_radar_sigma_m: float = 10_000.0  # besides: the first state may still boost. Source: assumption, 5 to 50 km
    # An impact while the motor burns.
    boost_turn_rad: float = 0.05  # it may still turn this much. Source: assumption, 0.02 to 0.2
    boost_age_sigma_s: float = 8.0  # of how long it has burnt: half a look, and the climb. Source: assumption, 4 to 15
    boost_time_share: float = 0.15  # of a flight's time: lofted or depressed. Source: assumption, 0.1 to 0.3
    # A radar's track that was lost early may have burnt on unseen, whatever its tracker believes.
    unseen_s: float = 25.0  # lost for so long. Source: assumption, 15 to 60: two or three revisits
    burning_age_s: float = (
        205.0  # last seen no older than this: the longest burn of the catalogue's missiles of less than
    )
    # intercontinental range
    # A partner's state ages until now.
    coast_noise_m2_s3: float = 1e-4  # spectral density of white acceleration. Source: assumption, 1e-6 to 1e-2
    boost_acceleration_m_s2: float = 40.0  # unknown, per axis. Source: assumption, 20 to 80
    reentry_acceleration_m_s2: float = 30.0  # unknown, per axis. Source: assumption, 10 to 100
    state_kept_s: float = 120.0  # a state not refreshed is dropped. Source: assumption, 60 to 300
    reentry_kept_s: float = 30.0  # one that reenters; air decides the rest. Source: assumption, 10 to 60
    launch_kept_s: float = 900.0  # a launch warning alone. Source: assumption, 300 to 2,400
    impact_kept_s: float = 30.0  # a line after its impact time. Source: assumption, 0 to 120
    future_allowed_s: float = 60.0  # a message may speak of this far ahead: clocks differ. Source: assumption, 1 to 600
    # One object or two.
    gate_state: float = 40.0  # squared distance over covariance, 6 numbers; chance 5e-7 for one object (χ²)
    gate_position: float = 30.0  # of 3 numbers, for coarsened tracks; chance 1e-6 (χ²)
    gate_warning: float = 16.0  # of place and time of impact or of launch; chance 1e-3 (χ², 3 numbers)
    gate_resumed: float = 30.0  # of a fused state from the own track it should refine; chance 4e-5 (χ², 6 numbers)
    paired_bonus: float = 9.0  # off the cost of last tick's pair, and onto its gate. Source: assumption, 0 to 20
    launch_time_sigma_s: float = 30.0  # of an estimated launch time. Source: assumption, 10 to 60
    # Warnings.
    confirmations: int = 2  # predictions in a row over the threshold before a warning. Source: assumption, 1 to 3
    update_shrunk: float = 2.0  # times the ellipse is shorter, or longer, than stated. Source: assumption, 1.5 to 4
    update_moved2: float = 9.2  # squared distance over the stated covariance, 2 numbers; chance 1 % (χ²)


@kernel
def clear_line(line):
    """Empty one line of estimates."""
    for k in range(line.size):
        line[k] = 0.0


@kernel
def clear_impact(line):
    """Forget one line's impact, and that it was ever predicted."""
    for k in range(IMPACT_VALID, line.size):
        line[k] = 0.0


@kernel
def copy_launch(line, out):
    """Copy one line's launch to another."""
    for k in range(NUMBER):
        out[k] = line[k]


@kernel
def copy_impact(line, out):
    """Copy one line's impact to another, with when and how often it was predicted, and whom it threatens."""
    for k in range(IMPACT_VALID, line.size):
        out[k] = line[k]
