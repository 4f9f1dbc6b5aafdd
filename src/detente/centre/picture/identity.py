"""A track's name among all: the side that gave it, the epoch of its centre, and the centre's own number.

A centre that starts anew numbers from 1 again, in a new epoch. The two are carried as one whole number, which a float
still holds exactly; nobody shares a pool of numbers. That two names mean one object is each receiver's own belief, held
in its picture (``twin``), tick by tick, and taken back as soon as the states no longer bear it out.
"""

import numpy as np
from numpy.typing import NDArray

from detente.records.errors import PeerError
from detente.records.stages import Messages

NUMBERS = 2**32  # local numbers in an epoch
EPOCHS = 2**20


def global_numbers(epoch: int, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Local numbers 1 to 2³² - 1 of an epoch 0 to 2²⁰ - 1 as numbers unlike those of any other epoch.

    Those of epoch 0 are the local numbers. Raises :class:`PeerError` where a giver's epoch or number is not one.
    """
    if not 0 <= epoch < EPOCHS:
        raise PeerError(f"epoch {epoch} is not 0 to {EPOCHS - 1}")
    if numbers.size and not (numbers.min() >= 1 and numbers.max() < NUMBERS):
        raise PeerError(f"track numbers {numbers.min()} to {numbers.max()} are not 1 to {NUMBERS - 1}")
    return epoch * NUMBERS + numbers


def local_numbers(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Epoch and local number of each global number."""
    return np.divmod(numbers, NUMBERS)


def in_epoch(messages: Messages, epoch: int) -> Messages:
    """Messages of one giver with their tracks' global numbers: what ``receive`` is to be given after a restart."""
    columns = {name: getattr(messages, name) for name, _ in messages.columns()}
    return Messages(**{**columns, "number": global_numbers(epoch, messages.number)})
