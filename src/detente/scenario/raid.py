"""The raid: what is launched, when, from where and at what. The centre's and the gateway's code cannot import this."""

from typing import Annotated, Literal

from pydantic import Field

from detente.scenario.words import Name, Position, Strict


class Aim(Strict):
    """Where aim points are drawn: over a side's territory by area or by people, or at named points."""

    side: Name
    by: Literal["area", "people", "troops"] = "area"
    at: tuple[Position, ...] = ()  # fixed points instead of a draw; taken in turn


class Launch(Strict):
    """Some launches of one missile type from one or several places (taken in turn)."""

    missile: Name
    places: Annotated[tuple[Name, ...], Field(min_length=1)]
    count: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    aim: Aim
    loft: Literal["minimum-energy", "lofted", "depressed"] = "minimum-energy"


class Wave(Strict):
    """Launches that belong together in time: uniformly over ``spread_s`` from ``at_s``."""

    name: Name
    at_s: Annotated[float, Field(strict=True, ge=0)]
    spread_s: Annotated[float, Field(strict=True, ge=0)] = 0.0
    launches: Annotated[tuple[Launch, ...], Field(min_length=1)]


class Raid(Strict):
    """All waves of a scenario."""

    name: Name = "raid"
    notes: str = ""
    waves: Annotated[tuple[Wave, ...], Field(min_length=1)]
