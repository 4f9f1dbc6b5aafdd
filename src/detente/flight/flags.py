"""Why a row has, or has not, a result. Every batch of this room carries one flag per row."""

from enum import IntEnum

from detente.flight import _kernels_motion as motion


class Flag(IntEnum):
    """What became of one row."""

    OK = motion.OK
    NEVER_LANDS = motion.NEVER_LANDS
    """In orbit, or a path longer than the room given."""
    ESCAPES = motion.ESCAPES
    """Faster than the Earth can hold."""
    STEP_LIMIT = motion.STEP_LIMIT
    """The integrator used up its steps: the row is not to be trusted."""
    BAD_INPUT = motion.BAD_INPUT
    """A number that is not finite, or out of its range."""
    UNREACHABLE = motion.UNREACHABLE
    """The aim lies beyond the missile's reach, or too close; ``shortfall_m`` says by how much."""
    NO_CONVERGENCE = motion.NO_CONVERGENCE
    """The aim seems within reach, but no launch was found that hits it within the tolerance."""
    GROUND_IN_BOOST = motion.GROUND_IN_BOOST
    """The missile came down while its motors were still burning."""
