"""The Earth's size, shape, pull and spin, and standard gravity. Each number stands beside its source.

WGS 84: NGA.STND.0036_1.0.0_WGS84, "Department of Defense World Geodetic System 1984", 2014, table 3.1.
"""

import math

A_M = 6_378_137.0
"""Semi-major axis, m (defining). WGS 84, table 3.1."""

F = 1.0 / 298.257223563
"""Flattening (defining). WGS 84, table 3.1."""

B_M = A_M * (1.0 - F)
"""Semi-minor axis, m (from A_M and F)."""

E2 = F * (2.0 - F)
"""First eccentricity squared (from F)."""

EP2 = E2 / (1.0 - E2)
"""Second eccentricity squared (from F)."""

MU_M3_S2 = 3.986004418e14
"""Gravitational constant times the Earth's mass, air included, m³/s² (defining). WGS 84, table 3.1."""

OMEGA_RAD_S = 7.292115e-5
"""Rotation rate, rad/s (defining). WGS 84, table 3.1. Uniform here: no precession, nutation, UT1 or polar motion."""

J2 = 1.0826298213129e-3
"""Dynamic form factor of the WGS 84 level ellipsoid: follows from A_M, F, MU_M3_S2 and OMEGA_RAD_S by
H. Moritz, "Geodetic Reference System 1980", Bulletin Géodésique 54 (1980), section 2. A test derives it again."""

G0_M_S2 = 9.80665
"""Standard gravity, m/s². 3rd CGPM (1901), declared exact."""

MEAN_RADIUS_M = 6_371_008.8
"""Mean radius (2a + b)/3 to 0.1 m: the sphere on which great-circle distances are taken. Moritz 1980, R₁."""

DEG = math.pi / 180.0
"""One degree in radians."""
