"""Published numbers that more than one test is held to, each with its source."""

# Case 1. Minimum-energy flight, spherical Earth of 6,371 km, not rotating; the closed form of Wheelon (1959), worked by
# hand to the figures printed here.
MINIMUM_ENERGY = [  # range km, speed km/s, elevation deg, apogee km, time s
    (300, 1.696, 44.33, 74, 251),
    (500, 2.173, 43.88, 123, 327),
    (1_000, 3.016, 42.75, 240, 474),
    (2_000, 4.113, 40.50, 459, 702),
    (3_000, 4.865, 38.26, 655, 895),
    (5_500, 6.075, 32.63, 1_041, 1_316),
    (10_000, 7.198, 22.52, 1_319, 1_931),
]
