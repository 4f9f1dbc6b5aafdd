"""A missile of old, and missiles that nobody built: drawn over the range of what stages look like."""

import numpy as np

from detente.flight.vehicle import Missile, Stage

# G. Forden, "GUI_Missile_Flyout", Science & Global Security 15 (2007): his drag table, and his Scud-B.
MACH, CD = (0.0, 0.85, 1.0, 1.2, 2.0, 4.5), (0.2, 0.2, 0.27, 0.27, 0.2, 0.2)
SCUD = Missile("scud", 1_000.0, (Stage(4_897.0, 1_198.0, 230.0, 75.0, 0.84),), MACH, CD)


def made_missile(seed: int) -> Missile:
    """For tests that must not know theirs.

    One to three stages: mass ratio, dry share, specific impulse, thrust over weight and girth drawn for each.
    """
    rng = np.random.default_rng(seed)
    count, payload = int(rng.choice([1, 1, 2, 3])), float(rng.uniform(300.0, 1_500.0))
    above, stages = payload, []
    for _ in range(count):
        dry = rng.uniform(0.08, 0.20)
        ratio = min(rng.uniform(2.5, 7.0) if count == 1 else rng.uniform(1.8, 3.6), 0.85 / dry)
        fuelled = above * (ratio - 1.0) / (1.0 - ratio * dry)
        isp, push = rng.uniform(225.0, 290.0), rng.uniform(1.35, 2.4)
        burn = isp * fuelled * (1.0 - dry) / ((above + fuelled) * push)
        stages.append(
            Stage(float(fuelled), float(fuelled * dry), float(isp), float(burn), float(rng.uniform(0.8, 2.3)))
        )
        above += fuelled
    return Missile(f"made {seed}", payload, tuple(reversed(stages)), MACH, CD, float(rng.uniform(1_500.0, 8_000.0)))
