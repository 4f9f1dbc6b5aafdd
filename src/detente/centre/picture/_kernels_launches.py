"""Whether a launch that a partner tells of is one that own satellites ought to have seen, and own tracks know not."""

import math

from detente.centre.picture._kernels_evidence import TrustSettings, Watch
from detente.centre.picture._kernels_layout import LAUNCH_LAT, LAUNCH_LON, LAUNCH_S, LAUNCH_SIGMA, LAUNCH_VALID
from detente.centre.picture._kernels_watch import DETECTION, REVISIT_S
from detente.flight._kernels_orbit import orbit_position
from detente.geodesy._kernels import geodetic_to_ecef, great_circle_m, line_of_sight_clear
from detente.jit import kernel

SEEN_HEIGHT_M = 30_000.0  # of a burning missile, well above the clouds
TURN = 2.0 * math.pi


@kernel
def in_box(box, lat, lon):
    """True in a satellite's watched box: south, north, west, east; it may cross the antimeridian."""
    if not box[0] <= lat <= box[1]:
        return False
    return (lon - box[2]) % TURN <= (box[3] - box[2]) % TURN or box[3] - box[2] >= TURN


@kernel
def missed_launch(own_satellites, watch: Watch, drawn, orbits, said, settings: TrustSettings):
    """What it is worth, in natural logarithms, that no own satellite saw this launch: looks at a burning missile."""
    lat, lon = said[LAUNCH_LAT], said[LAUNCH_LON]
    x, y, z = geodetic_to_ecef(lat, lon, SEEN_HEIGHT_M)
    worth = 0.0
    for i in range(own_satellites.size):
        if own_satellites[i] == 0 or not in_box(watch.boxes[i], lat, lon):
            continue
        o = orbits[i]
        sx, sy, sz = orbit_position(o[0], o[1], o[2], o[3], o[4], o[5], said[LAUNCH_S])
        if line_of_sight_clear(sx, sy, sz, x, y, z, watch.grazing_m[i]):
            chance = min(drawn[i, DETECTION], settings.chance_most)
            worth -= math.log(1.0 - chance) * settings.burning_s / drawn[i, REVISIT_S]
    return worth


@kernel
def note_begun(number, born_s, start_ecef_m, begun, noted, r):
    """Remember where and when own tracks began, the latest: ``begun`` (R, K, 4), ``noted`` (R,) the last one."""
    latest = noted[r]
    for s in range(number.size):
        if number[s] > noted[r]:
            place = number[s] % begun.shape[1]
            begun[r, place, 0], begun[r, place, 1] = start_ecef_m[s, 0], start_ecef_m[s, 1]
            begun[r, place, 2], begun[r, place, 3] = start_ecef_m[s, 2], born_s[s]
            latest = max(latest, number[s])
    noted[r] = latest


@kernel
def own_launch_near(said, begun, own, settings: TrustSettings):
    """True where an own track, even one that was never confirmed or has ended, may have begun with this launch."""
    x, y, z = geodetic_to_ecef(said[LAUNCH_LAT], said[LAUNCH_LON], SEEN_HEIGHT_M)
    for k in range(begun.shape[0]):
        if abs(begun[k, 3] - said[LAUNCH_S]) <= settings.launch_near_s:
            gap = math.sqrt((begun[k, 0] - x) ** 2 + (begun[k, 1] - y) ** 2 + (begun[k, 2] - z) ** 2)
            if gap <= settings.launch_near_m + 3.0 * said[LAUNCH_SIGMA]:
                return True
    for s in range(own.shape[1]):
        if own[LAUNCH_VALID, s] != 0.0 and abs(own[LAUNCH_S, s] - said[LAUNCH_S]) <= settings.launch_near_s:
            gap = great_circle_m(own[LAUNCH_LAT, s], own[LAUNCH_LON, s], said[LAUNCH_LAT], said[LAUNCH_LON])
            if gap <= settings.launch_near_m + 3.0 * (said[LAUNCH_SIGMA] + own[LAUNCH_SIGMA, s]):
                return True
    return False
