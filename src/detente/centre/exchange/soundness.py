"""Whether the numbers in a partner's message can be what they claim to be; nothing here trusts the signature's owner.

The bounds keep later arithmetic finite and filters alive. They do not judge whether a statement is likely: that is the
picture's work, with its own data beside it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.centre.exchange import _kernels_soundness as kernels
from detente.centre.exchange.rules import Rules

Columns = Mapping[str, NDArray[Any]]

FAULTS = {
    kernels.DATA_CLASS: "a data class that no message carries",
    kernels.A_PHASE: "a phase that is none",
    kernels.FLAG: "a flag that is neither 0 nor 1, or not that of its class",
    kernels.NUMBER: "a track number below 1",
    kernels.TIME: "a time out of bounds, or released before the moment it speaks of",
    kernels.IN_FORCE: "said while the agreement was not in force",
    kernels.CLAUSE: "a clause that is not this giver's, this receiver's or of this class",
    kernels.PART: "a part that this class of message does not carry",
    kernels.LAUNCH: "a launch point that is nowhere",
    kernels.IMPACT: "an impact point that is nowhere",
    kernels.STATE: "a state out of bounds",
    kernels.VARIANCE: "a variance out of bounds",
    kernels.CORRELATION: "a correlation above 1",
    kernels.POSITIVE: "a covariance that is not positive",
    kernels.PEDIGREE: "a pedigree that names sensors that are not the giver's",
    kernels.UNSEALED: "a message that was released after the envelope was sealed",
    kernels.SENSOR: "a status that is not one sensor's",
    kernels.SECTOR: "a sector that no radar can watch",
}


ASKED = (
    "data", "clause", "released_s", "valid_s", "number", "phase", "coarsened", "sensors", "launch_valid",
    "launch_lat_rad", "launch_lon_rad", "launch_s", "launch_sigma_m", "impact_valid", "impact_lat_rad",
    "impact_lon_rad", "impact_s", "impact_sigma_s", "impact_covariance_m2", "state", "covariance",
)  # fmt: skip
"""The columns, in the kernel's order."""


def fault(
    columns: Columns, rules: Rules, giver: int, receiver: int, *, sensors_of_giver: int, sealed_s: float
) -> str:  # fmt: skip
    """What is wrong with the columns of an envelope's messages; empty where nothing is."""
    code = kernels.first_fault(
        rules.start_s, rules.end_s, sealed_s, giver, receiver, np.uint64(sensors_of_giver), rules.giver, rules.receiver,
        rules.data, *[columns[name] for name in ASKED], np.empty(21),
    )  # fmt: skip
    if code == kernels.NOT_A_NUMBER:
        name = next(name for name, values in columns.items() if not np.all(np.isfinite(values)))
        return f"{name} is not a number"
    return FAULTS.get(code, "")
