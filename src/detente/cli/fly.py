"""``detente fly``: what flies how far, how high, how long."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli.options import Json, Out, Quiet, emit, owned_failures
from detente.records.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from detente.studies.flyout import Flyout

PLOT_WIDTH = 72


Missile = Annotated[
    str | None, typer.Argument(metavar="[MISSILE|FILE]", help="a catalogue name or a missile's YAML file")
]
From = Annotated[str, typer.Option("--from", metavar="LAT,LON", help="launch point, degrees")]
Azimuth = Annotated[
    float | None, typer.Option("--azimuth", metavar="DEG", help="direction of launch, from north; default 40")
]
To = Annotated[str | None, typer.Option("--to", metavar="LAT,LON", help="where it shall come down")]
Loft = Annotated[
    str | None, typer.Option("--loft", metavar="WORD|DEG", help="minimum-energy, lofted, depressed, or a final pitch")
]
MaxRange = Annotated[bool, typer.Option("--max-range", help="at the pitch that goes farthest (the default)")]
NoRotation = Annotated[bool, typer.Option("--no-rotation", help="over an Earth that stands still")]
NoDrag = Annotated[bool, typer.Option("--no-drag", help="without air")]
Payload = Annotated[float | None, typer.Option("--payload-kg", metavar="KG", help="another payload")]
BurnoutSpeed = Annotated[
    float | None, typer.Option("--burnout-speed", metavar="M_S", help="fly on from burn-out, instead of a missile")
]
BurnoutAngle = Annotated[
    float | None, typer.Option("--burnout-angle", metavar="DEG", help="above the horizon at burn-out")
]
BurnoutAltitude = Annotated[
    float | None, typer.Option("--burnout-altitude-km", metavar="KM", help="height at burn-out; default 0")
]
BallisticCoefficient = Annotated[
    float | None,
    typer.Option("--ballistic-coefficient", metavar="KG_M2", help="of what flies on after burn-out; default 3000"),
]
ObservedRange = Annotated[
    float | None, typer.Option("--observed-range-km", metavar="KM", help="invert a test: its range over the ground")
]
ObservedApogee = Annotated[
    float | None, typer.Option("--observed-apogee-km", metavar="KM", help="and its greatest height")
]
ObservedTime = Annotated[
    float | None, typer.Option("--observed-time-s", metavar="S", help="and, if known, launch to impact")
]
ObservedTimeError = Annotated[
    float | None, typer.Option("--observed-time-error-s", metavar="S", help="known to so much; default 30")
]
Boost = Annotated[float | None, typer.Option("--boost-s", metavar="S", help="and, if known, how long it burned")]


def fly(
    missile: Missile = None,
    start: From = "35,51",
    azimuth: Azimuth = None,
    to: To = None,
    loft: Loft = None,
    max_range: MaxRange = False,
    no_rotation: NoRotation = False,
    no_drag: NoDrag = False,
    payload_kg: Payload = None,
    burnout_speed: BurnoutSpeed = None,
    burnout_angle: BurnoutAngle = None,
    burnout_altitude_km: BurnoutAltitude = None,
    ballistic_coefficient: BallisticCoefficient = None,
    observed_range_km: ObservedRange = None,
    observed_apogee_km: ObservedApogee = None,
    observed_time_s: ObservedTime = None,
    observed_time_error_s: ObservedTimeError = None,
    boost_s: Boost = None,
    as_json: Json = False,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """What flies how far, how high, how long? A missile, a burn-out state, or what an observed test tells.

    A missile rises straight up for 5 s (assumption, 3-15 s), then pitches over linearly until half its burn
    (assumption, 0.5-1) to one final pitch, the only free number, which goes as far as it can unless --loft or --to
    say otherwise.
    """
    with owned_failures():
        from detente.cli import show

        earth: dict[str, Any] = {"rotation": not no_rotation, "drag": not no_drag}
        common = {"start_deg": place(start, "--from"), "azimuth_deg": azimuth, **earth}
        powered = {
            "aim_deg": None if to is None else place(to, "--to"),
            "loft": None if loft is None else number_or_word(loft),
            "max_range": max_range or None, "payload_kg": payload_kg,
        }  # fmt: skip
        state = {"altitude_km": burnout_altitude_km, "ballistic_coefficient_kg_m2": ballistic_coefficient}
        observed = {"flight_time_s": observed_time_s, "flight_time_error_s": observed_time_error_s, "boost_s": boost_s}
        asked = {
            "a missile": {"MISSILE": missile},
            "a burn-out state": {"--burnout-speed": burnout_speed, "--burnout-angle": burnout_angle},
            "an observed test": {"--observed-range-km": observed_range_km, "--observed-apogee-km": observed_apogee_km},
        }
        further = {"a missile": powered, "a burn-out state": state, "an observed test": observed}
        kind = chosen(asked)
        refuse_others(kind, further)
        refuse_half(observed)
        with show.waiting("fly", quiet=quiet or as_json):
            result = opened(kind)(*asked[kind].values(), **common, **given(further[kind]))
        if out is not None:
            write(result, out)
        if as_json:
            emit(result.document)
        else:
            shown(result, out)


OPTIONS = {
    "aim_deg": "--to", "loft": "--loft", "max_range": "--max-range", "payload_kg": "--payload-kg",
    "altitude_km": "--burnout-altitude-km", "ballistic_coefficient_kg_m2": "--ballistic-coefficient",
    "flight_time_s": "--observed-time-s", "flight_time_error_s": "--observed-time-error-s", "boost_s": "--boost-s",
}  # fmt: skip
KINDS = (
    "a missile (detente fly forden-scud-b), --burnout-speed with --burnout-angle, "
    "or --observed-range-km with --observed-apogee-km"
)


def opened(kind: str) -> "Callable[..., Flyout]":
    """The function that flies this kind."""
    from detente.studies import bare_flight, missile_flight

    doors = {
        "a missile": missile_flight.fly,
        "a burn-out state": bare_flight.fly_burnout,
        "an observed test": bare_flight.fly_observed,
    }
    return doors[kind]


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Those options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def refuse_others(kind: str, further: dict[str, dict[str, Any]]) -> None:
    """Complain of an option that has no meaning for this kind."""
    for other, options in further.items():
        for name in given(options) if other != kind else ():
            raise InputError(
                f"an option that belongs to {other}, not to {kind}", "options of one kind of flight", "leave it out",
                path=OPTIONS[name],
            )  # fmt: skip


def refuse_half(observed: dict[str, Any]) -> None:
    """Complain of how well a time is known, where no time is given."""
    if observed["flight_time_error_s"] is not None and observed["flight_time_s"] is None:
        raise InputError(
            f"{OPTIONS['flight_time_error_s']} alone", f"both it and {OPTIONS['flight_time_s']}",
            f"add {OPTIONS['flight_time_s']}, or leave it out", path=OPTIONS["flight_time_error_s"],
        )  # fmt: skip


def chosen(asked: dict[str, dict[str, Any]]) -> str:
    """Which kind of flight is asked for; exactly one, and whole."""
    kinds = [kind for kind, options in asked.items() if given(options)]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "nothing to fly"
        raise InputError(found, KINDS, "give one of them; `detente catalogue missiles` lists names", path="MISSILE")
    options = asked[kinds[0]]
    for name, value in options.items():
        if value is None:
            raise InputError(f"{next(iter(given(options)))} alone", "both of the two", f"add {name}", path=name)
    return kinds[0]


def place(said: str, option: str) -> tuple[float, float]:
    """Latitude and longitude out of ``LAT,LON``."""
    try:
        latitude, longitude = (float(part) for part in said.split(","))
    except ValueError:
        raise InputError(repr(said), "LAT,LON in degrees", "write it as 35.7,51.4", path=option) from None
    return latitude, longitude


def number_or_word(said: str) -> float | str:
    """A number where it is one."""
    try:
        return float(said)
    except ValueError:
        return said


def write(result: "Flyout", folder: Path) -> None:
    """The document, the path as Parquet and CSV, and a figure: all of them or none."""
    from detente.report.flight import path_csv, profile_svg
    from detente.studies import folder as folders

    document = result.document
    said = {name: f"{document[name]:,.0f}" for name in ("range_km", "apogee_km", "flight_time_s")}
    caption = "range {range_km} km, apogee {apogee_km} km, {flight_time_s} s".format(**said)
    with folders.all_or_nothing(folder) as scratch:
        folders.write_json(document, scratch / "fly.json")
        folders.write_table(result.path, scratch / "path.parquet")
        (scratch / "path.csv").write_text(path_csv(result.path), encoding="utf-8")
        (scratch / "profile.svg").write_text(profile_svg(result.path, result.title, caption), encoding="utf-8")


def shown(result: "Flyout", folder: Path | None) -> None:
    """The numbers as a table, the profile, and where files were written."""
    from detente.cli import show
    from detente.cli.plot import profile

    show.flight(result.title, result.document)
    path = result.path
    width = min(PLOT_WIDTH, max(40, show.out.width))
    for line in profile(path.downrange_m / 1e3, path.altitude_m / 1e3, width=width):
        show.out.print(line, soft_wrap=True)
    if "source" in result.document:
        show.out.print()
        show.indented(f"source: {result.document['source']}", 2, style="dim")
    show.cautions(result.document["cautions"])
    if folder is not None:
        names = ("fly.json", "path.parquet", "path.csv", "profile.svg")
        show.out.print(f"\n  wrote {', '.join(f'{folder}/{name}' for name in names)}", soft_wrap=True)
