"""GOSPA and OSPA: one number for how far a set of tracks is from a set of objects."""

from typing import NamedTuple

import numpy as np

from detente.scoring.matching import Floats, Pairs, best_pairs, near_pairs


class SetDistances(NamedTuple):
    """At one moment. Distances in metres, already brought back from their p-th power."""

    gospa_m: float
    ospa_m: float
    localisation_m: float  # of GOSPA: the pairs' part alone
    missed: int  # objects without a track
    false: int  # tracks without an object


def set_distances(pairs: Pairs, truths: int, tracks: int, cutoff_m: float, order: float) -> SetDistances:
    """From the best pairing of ``truths`` objects and ``tracks`` tracks.

    GOSPA (α = 2): A. S. Rahmathullah, Á. F. García-Fernández, L. Svensson, "Generalized optimal sub-pattern assignment
    metric", FUSION 2017, eq. 1 and prop. 1. OSPA: D. Schuhmacher, B.-T. Vo, B.-N. Vo, IEEE TSP 56 (2008), eq. 3.
    """
    count, most = len(pairs.truth), max(truths, tracks)
    near = float(np.sum(pairs.distance_m**order))
    missed, false = truths - count, tracks - count
    gospa = (near + cutoff_m**order / 2 * (missed + false)) ** (1 / order)
    ospa = ((near + cutoff_m**order * (most - count)) / most) ** (1 / order) if most else 0.0
    return SetDistances(gospa, ospa, near ** (1 / order), missed, false)


def gospa_and_ospa(truth_m: Floats, tracks_m: Floats, cutoff_m: float = 5000.0, order: float = 2.0) -> SetDistances:
    """Of objects at positions (n, 3) and tracks at positions (m, 3), in metres."""
    pairs = best_pairs(near_pairs(truth_m, tracks_m, cutoff_m), cutoff_m, order)
    return set_distances(pairs, len(truth_m), len(tracks_m), cutoff_m, order)
