"""What a room returns cannot be changed."""

from numpy.typing import NDArray


def freeze(*arrays: NDArray) -> None:
    """Makes arrays read-only, as what a room returns is."""
    for array in arrays:
        array.setflags(write=False)
