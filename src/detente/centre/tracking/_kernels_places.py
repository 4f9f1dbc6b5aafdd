"""Where things stand in the plain arrays that the tracking kernels share.

A kernel takes arrays, not records, so a slot's whole numbers, its times, a sensor's description and the settings are
rows of numbers. These are the names of their columns; no other file may write a column as a digit.
"""

# A slot's whole numbers; BURNING_BY is one more than the sensor that saw it burn last, 0 where none did.
STATUS, NUMBER, PHASE, HITS, MISSES, SENSORS, SEEN, ROW, BURNING_BY, TAGS = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
# A slot's times and first place; AT is the moment its state speaks of inside a step, BURNING when it was last seen to
# burn. Then what its prior of lightness has come to be (`_kernels_lightness`).
BORN, UPDATED, START, FIRST_S, AT, BURNING, SITE_PRECISION, SITE_PULL, CLOCKS = 0, 1, 2, 5, 6, 7, 8, 9, 10

EMPTY, TENTATIVE, CONFIRMED = 0, 1, 2
BOOST, COAST, REENTRY = 1, 2, 3
NOTHING, RADAR, INFRARED = 0, 1, 2

# A sensor as it stands: position, the axes of its horizon, its field of view.
SITE, EAST, NORTH, UP = 0, 3, 6, 9
AHEAD_EAST, AHEAD_NORTH, COS_HALF_WIDTH, SINE_MIN, SINE_MAX, GRAZING, SITES = 12, 13, 14, 15, 16, 17, 18
# A sensor as a replicate drew it.
ORBIT, REVISIT, OFFSET, INSTRUMENTED, DETECTION, CLOUD, SURE_RANGE, ODDS, DRAWS = 0, 6, 7, 8, 9, 10, 11, 12, 13
# ODDS: the logarithm of how much likelier a track's own detection is than none of it and a false one in its place, for
# each unit of the likelihood's density: Pd / (1 - Pd Pg) / clutter density.

# A detection as a line of sight: where from, along, and the two directions across it; then range and variances.
FROM, ALONG, RIGHT, OVER = 0, 3, 6, 9
RANGE, VAR_RIGHT, VAR_OVER, VAR_RANGE = 12, 13, 14, 15
# And as the sensor put it: its two angles, the variance of the first, range rate, and the axes they are measured from.
AZIMUTH, ELEVATION, VAR_AZIMUTH, RATE, VAR_RATE, EASTWARD, NORTHWARD, UPWARD, LINES = 16, 17, 18, 19, 20, 21, 24, 27, 30
# A detection as reported; a sigma of the range rate of 0 says that none was measured.
TIME, DET_RANGE, DET_AZIMUTH, DET_ELEVATION, SIGMA_RANGE, SIGMA_AZIMUTH, SIGMA_ELEVATION = 0, 1, 2, 3, 4, 5, 6
DET_RATE, SIGMA_RATE, PLOTS = 7, 8, 9
DET_SENSOR, DET_KIND, PLOT_TAGS = 0, 1, 2

# What is counted: the next track's number, then what was shed or settled in a hurry.
NEXT, UNUSABLE, NO_SLOT, PAIRS_SHED, UNSOUND, HURRIED, SHARED, CROWDED, MERGED, COUNTS = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
# SHARED: clusters settled by joint probabilities; CROWDED: those with too many joint events for it; MERGED: twins.
SHED = (UNUSABLE, NO_SLOT, PAIRS_SHED, UNSOUND)

# How tracks move and are kept, and by which filter.
BALLISTIC, CONSTANT_GRAVITY = 1, 2
EXTENDED, SIGMA_POINT = 1, 2
NEAREST, JOINT, ONE_ORDER = 1, 2, 3

# The settings, in the order in which `Settings.packed` lists them.
GATE2 = 0
CONFIRM_HITS = 1
TENTATIVE_MISSES = 2
TENTATIVE_S = 3
CONFIRMED_MISSES = 4
COAST_LIMIT_S = 5
SIGMA_LIMIT_M = 6
COAST_NOISE = 7
UNDECIDED_NOISE = 8
BOOST_NOISE = 9
AIR_NOISE = 10
THRUST_NOISE = 11
BURNOUT_RATE = 12
THRUST_MEAN = 13
THRUST_SIGMA = 14
THRUST_FLOOR = 15
BOOST_CEILING_M = 16
UNSUPPORTED_BOOST_S = 17
NOMINAL_BETA = 18
LIGHTNESS_MEAN = 19
LIGHTNESS_NOISE = 20
RADAR_SPEED_SIGMA = 21
CLIMB_MEAN = 22
CLIMB_SIGMA = 23
LEVEL_SIGMA = 24
HEIGHT_SIGMA_M = 25
ALONG_SIGMA_MAX_M = 26
BURNOUT_DOUBT = 27
MERGE2 = 28
MERGE_M = 29
IGNITION_SIGMA = 30
EXHAUST_SPEED = 31
THRUST_STEP = 32
MODEL = 33
FILTER = 34
GRAVITY = 35
LOCAL_NOISE = 36
LIGHTNESS_VARIANCE = 37
ASSOCIATION = 38
MARGIN = 39
NUMBERS = 40
