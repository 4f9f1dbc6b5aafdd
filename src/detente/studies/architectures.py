"""The six ways to cooperate that a study compares, each a row of plain choices."""

from dataclasses import dataclass

from detente.records.errors import InputError
from detente.scenario.asked import ARCHITECTURES


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What the sides share and who decides."""

    name: str
    meaning: str
    exchange: bool = False  # messages cross under the architecture's agreement
    pooled: bool = False  # one picture from everybody's detections
    decides_for_all: bool = False  # a side may engage what threatens any side
    one_plan: bool = False  # one plan over all sites
    sectors: bool = False  # intercept points only inside the deciding side's sector
    consent: bool = False  # every engagement needs the other side's yes
    waives_reserve: bool = False  # no stock is kept from shots that a partner's data alone cued


_ALL = (
    Architecture(name="alone", meaning="two systems, no exchange"),
    Architecture(
        name="warning", meaning="launch and impact warnings only, as the JDEC memorandum of 2000", exchange=True
    ),
    Architecture(
        name="cooperating",
        meaning="two independent systems; tracks exchanged under an agreement; each engages for its own territory",
        exchange=True,
    ),
    Architecture(
        name="two-key",
        meaning="as cooperating, but an engagement needs both sides' consent; no stock is kept back for own sensors",
        exchange=True,
        consent=True,
        waives_reserve=True,
    ),
    Architecture(
        name="sectoral",
        meaning="exclusive sectors: inside its sector a side alone engages, also what is bound for the partner",
        exchange=True,
        decides_for_all=True,
        sectors=True,
    ),
    Architecture(
        name="joint",
        meaning="one pooled picture and one engagement plan; no stock is kept back for own sensors",
        pooled=True,
        decides_for_all=True,
        one_plan=True,
        waives_reserve=True,
    ),
)
BY_NAME = {architecture.name: architecture for architecture in _ALL}
assert tuple(BY_NAME) == ARCHITECTURES


def chosen(names: tuple[str, ...], *, option: str = "--architectures") -> tuple[Architecture, ...]:
    """The named architectures, in the canonical order. An unknown name is an :class:`InputError` about ``option``."""
    unknown = [name for name in names if name not in BY_NAME] if names else [""]
    if unknown:
        raise InputError(
            found=f"unknown architecture {unknown[0]!r}",
            expected=f"one of {', '.join(ARCHITECTURES)}",
            remedy=f"correct {option}, or leave it out",
            path=option,
        )
    return tuple(architecture for architecture in _ALL if architecture.name in names)
