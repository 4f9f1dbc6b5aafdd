"""A track's name among all: the side that gave it, the epoch of its centre, and the centre's own number.

A centre that starts anew numbers from 1 again, in a new epoch: any whole number, such as the second in which its store
was made. The two are carried as one whole number, which a float still holds exactly; to that end an epoch counts by its
remainder, so that two epochs of one centre are told apart where less than 2²⁰ (twelve days of seconds) lies between
them. A picture forgets a line in minutes.

Nobody shares a pool of numbers. That two names mean one object is each receiver's own belief, held in its picture
(``twin``), tick by tick, and taken back as soon as the states no longer bear it out.
"""

import numpy as np
from numpy.typing import NDArray

from detente.records.errors import PeerError
from detente.records.stages import Messages
from detente.scenario.agreement import DataClass

NUMBERS = 2**32  # local numbers in an epoch
EPOCHS = 2**20


def global_numbers(epoch: int, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Local numbers 1 to 2³² - 1 of an epoch, in any shape, as numbers unlike those of any other epoch near it.

    Those of epoch 0 are the local numbers. Raises :class:`PeerError` where a giver's epoch or number is not one.
    """
    if epoch < 0:
        raise PeerError(f"epoch {epoch} is below 0")
    if numbers.size and not (numbers.min() >= 1 and numbers.max() < NUMBERS):
        raise PeerError(f"track numbers {numbers.min()} to {numbers.max()} are not 1 to {NUMBERS - 1}")
    return epoch % EPOCHS * NUMBERS + numbers


def local_numbers(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Epoch, by its remainder, and local number of each global number, both in its shape."""
    return np.divmod(numbers, NUMBERS)


def track_name(side: str, number: int) -> str:
    """A track's name for people: the side that gave it, its number there, the remainder of its epoch where not 0."""
    epoch, local = divmod(number, NUMBERS)
    return f"{side}-{local}@{epoch}" if epoch else f"{side}-{local}"


def in_epoch(messages: Messages, epoch: int) -> Messages:
    """Messages of one giver with their tracks' global numbers: what ``receive`` is to be given after a restart.

    A sensor keeps its number: both sides count sensors alike.
    """
    columns = {name: getattr(messages, name) for name, _ in messages.columns()}
    number = global_numbers(epoch, messages.number)
    of_sensor = messages.data == DataClass.SENSOR_STATUS
    if of_sensor.any():
        number = np.where(of_sensor, messages.number, number)
    number.flags.writeable = False
    return Messages.of_sound(**{**columns, "number": number})
