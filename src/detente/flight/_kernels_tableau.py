"""The Runge-Kutta method of this room, for everything in the air, as a table.

The 5(4) pair of J. R. Dormand and P. J. Prince, "A family of embedded Runge-Kutta formulae", J. Comp. Appl. Math. 6
(1980).
"""

import numpy as np

FIVE_STAGES = 7  # the last is the first of the next step
FIVE_NODES = np.array([0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1])
FIVE = np.array(
    [
        (0, 0, 0, 0, 0, 0),
        (1 / 5, 0, 0, 0, 0, 0),
        (3 / 40, 9 / 40, 0, 0, 0, 0),
        (44 / 45, -56 / 15, 32 / 9, 0, 0, 0),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0),
        (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ]
)
FIVE_ERROR = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
