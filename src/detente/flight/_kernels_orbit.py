"""Where a satellite is: a two-body orbit over the rotating Earth."""

import math

from detente.jit import kernel

MU_M3_S2 = 3.986004418e14  # WGS84
EARTH_RATE_RAD_S = 7.292115e-5  # WGS84


@kernel
def orbit_position(semi_major_m, eccentricity, inclination, perigee, node_longitude, mean_anomaly, time_s):
    """ECEF position (m) at ``time_s`` after the epoch at which node longitude and mean anomaly are given."""
    mean_motion = math.sqrt(MU_M3_S2 / semi_major_m) / semi_major_m
    mean = mean_anomaly + mean_motion * time_s
    eccentric = mean + eccentricity * math.sin(mean)
    for _ in range(12):
        eccentric -= (eccentric - eccentricity * math.sin(eccentric) - mean) / (
            1.0 - eccentricity * math.cos(eccentric)
        )
    along = semi_major_m * (math.cos(eccentric) - eccentricity)
    across = semi_major_m * math.sqrt(1.0 - eccentricity * eccentricity) * math.sin(eccentric)
    cos_p, sin_p = math.cos(perigee), math.sin(perigee)
    u, v = cos_p * along - sin_p * across, sin_p * along + cos_p * across
    node = node_longitude - EARTH_RATE_RAD_S * time_s
    cos_n, sin_n, cos_i, sin_i = math.cos(node), math.sin(node), math.cos(inclination), math.sin(inclination)
    return cos_n * u - sin_n * cos_i * v, sin_n * u + cos_n * cos_i * v, sin_i * v
