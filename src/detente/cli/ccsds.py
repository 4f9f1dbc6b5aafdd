"""``detente ccsds``: a run's tracks and detections as CCSDS navigation messages, and such messages read back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli.options import Json, Listing, emit, owned_failures, side_meant, write_file
from detente.records.errors import InputError

ccsds = typer.Typer(
    name="ccsds", cls=Listing,
    help="CCSDS navigation messages (OEM, OCM, TDM) for those whose tools speak them, out and in.",
    no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@ccsds.command()
def write(
    run: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="a run's folder")],
    kind: Annotated[str, typer.Option("--kind", help="oem, ocm or tdm")] = "oem",
    side: Annotated[
        str | None, typer.Option("--side", help="whose picture, or whose sensors; needed unless the run has one side")
    ] = None,
    line: Annotated[str | None, typer.Option("--line", metavar="NAME", help="ocm: one line of the picture")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="default: stdout")] = None,
) -> None:
    """One side's picture as an OEM (all lines) or an OCM (one), or its sensors' detections as a TDM."""
    with owned_failures():
        if line is not None and kind in ("oem", "tdm"):
            raise InputError(
                f"--line {line!r} with --kind {kind}, which holds all there is", "--kind ocm, which holds one line",
                "write --kind ocm, or leave --line out",
            )  # fmt: skip
        text = _written(run, kind, side, line)
        if out is None:
            typer.echo(text, nl=False)
            return
        typer.echo(write_file(out, text.encode()))


def _written(run: Path, kind: str, said: str | None, line: str | None) -> str:
    import numpy as np

    from detente.gateway.ccsds.ephemeris import of_tracks, write_ocm, write_oem
    from detente.gateway.ccsds.tracking import write_tdm
    from detente.geodesy.timescale import parse_moment
    from detente.records.stages import Detections, TrackHistory
    from detente.studies.decisions import read_setting, read_stage

    setting, created = read_setting(run), datetime.now(UTC)
    epoch, sides = parse_moment(setting["epoch"]), setting["sides"]
    side = side_meant(said, sides)
    if kind == "tdm":
        mine = [i for i, sensor in enumerate(setting["sensors"]) if sensor["side"] == side]
        detections = read_stage(run, Detections)
        detections = detections.take(np.isin(detections.sensor, mine))
        if not len(detections):
            raise _nothing(run, f"nothing that {side}'s sensors saw")
        return write_tdm(detections, [sensor["name"] for sensor in setting["sensors"]], side, epoch, created)
    if kind not in ("oem", "ocm"):
        raise InputError(f"--kind {kind!r}", "oem, ocm or tdm", "choose one")
    lines = of_tracks(read_stage(run, TrackHistory), sides.index(side), sides)
    if not lines:
        raise _nothing(run, f"no line in {side}'s picture")
    if kind == "oem":
        return write_oem(lines, side, epoch, created)
    chosen = next((one for one in lines if one.name == line), None)
    if chosen is None:
        names = ", ".join(one.name for one in lines[:20])
        found = "no --line" if line is None else f"--line {line!r}"
        raise InputError(found, f"a line of the picture: {names}, …", "name one")
    return write_ocm(chosen, side, epoch, created)


def _nothing(run: Path, found: str) -> InputError:
    """A message of the standard holds something, or is none."""
    return InputError(found, "something to write", "choose another --side or --kind, or another run", file=str(run))


@ccsds.command()
def read(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="an OEM, OCM or TDM in keyword-value notation")],
    since: Annotated[
        str, typer.Option("--epoch", metavar="TIME", help="from which seconds are counted")
    ] = "2000-01-01T00:00:00Z",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="tdm: detections for `detente track`; Parquet, or CSV if named so"),
    ] = None,
    two_way: Annotated[
        str | None,
        typer.Option("--two-way", metavar="distance|round-trip", help="tdm: what a range is where PATH is 1,2,1"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Read an OEM or OCM in Earth-fixed axes (objects, states and covariances), or a TDM (detections), in SI units."""
    with owned_failures():
        from detente.gateway.ccsds.kvn import kind_of, read_text
        from detente.geodesy.timescale import parse_moment

        text, epoch = read_text(file), parse_moment(since)
        kind = kind_of(text, str(file), ("OEM", "OCM", "TDM"))
        if kind == "TDM":
            _read_tdm(text, epoch, file, out, two_way, as_json=as_json)
            if not as_json:
                _say_zero(epoch)
            return
        if out is not None or two_way is not None:
            option = "--out" if out is not None else "--two-way"
            raise InputError(
                f"an {kind} with {option}, which is about the detections of a TDM", "a TDM",
                f"leave {option} out; --json prints all that an {kind} says", file=str(file),
            )  # fmt: skip
        _read_orbits(text, kind, epoch, file, as_json=as_json)
        if not as_json:
            _say_zero(epoch)


def _say_zero(epoch: datetime) -> None:
    from detente.geodesy.timescale import format_moment

    typer.echo(f"seconds are counted from {format_moment(epoch)} (--epoch)")


def _read_orbits(text: str, kind: str, epoch: datetime, file: Path, *, as_json: bool) -> None:
    from detente.gateway.ccsds.ephemeris import read_ocm, read_oem

    objects = read_oem(text, epoch, str(file)) if kind == "OEM" else [read_ocm(text, epoch, str(file))]
    found: list[dict[str, Any]] = [
        {
            "name": one.name, "time_s": one.time_s.tolist(), "state": one.state.tolist(),
            "covariance": one.covariance.tolist(), "covariances_left_out": one.apart,
        }
        for one in objects
    ]  # fmt: skip
    if as_json:
        emit(found)
        return
    for one in objects:
        apart = f"; {one.apart} covariances of other moments left out" if one.apart else ""
        typer.echo(f"{one.name}: {len(one.time_s)} states, {one.time_s[0]:.3f} to {one.time_s[-1]:.3f} s{apart}")


def _refuse_for_detections(out: Path) -> None:
    """Raise InputError where detections cannot be put: on what is there already, or under a name of another form."""
    if out.suffix.lower() not in (".parquet", ".csv"):
        raise InputError("a file of another form", "NAME.parquet or NAME.csv", "name it so", file=str(out))
    if out.exists():
        from detente.gateway.writing import there_already

        raise there_already(out)


def _read_tdm(text: str, epoch: datetime, file: Path, out: Path | None, two_way: str | None, *, as_json: bool) -> None:
    from detente.gateway.ccsds.tracking import TWO_WAY, read_tdm
    from detente.gateway.detection_files import write_detections

    if two_way is not None and two_way not in TWO_WAY:
        raise InputError(f"--two-way {two_way!r}", " or ".join(TWO_WAY), "choose one")
    if out is not None:
        _refuse_for_detections(out)
    found = read_tdm(text, epoch, str(file), two_way=two_way)
    if out is not None:
        write_detections(out, found.detections)
    rows, times = found.detections.to_pylist(), found.detections["time_s"].to_pylist()
    sensors = {
        name: {
            "detections": sum(row["sensor"] == name for row in rows),
            "ranged": any(row["sensor"] == name and row["range_m"] is not None for row in rows), "angles": axes,
        }
        for name, axes in found.angles.items()
    }  # fmt: skip
    if as_json:
        emit(
            {
                "sensors": sensors, "skipped": found.skipped, "written": None if out is None else str(out),
                "detections": rows if out is None else len(rows),
            }
        )  # fmt: skip
        return
    for name, said in sensors.items():
        kind = "radar" if said["ranged"] else "infrared"
        typer.echo(
            f"{name}: {said['detections']} detections; in a file of sensors kind: {kind}, angles: {said['angles']}"
        )
    for keyword, count in found.skipped.items():
        typer.echo(f"{count} lines of {keyword} left out")
    typer.echo(f"{len(rows)} detections, {times[0]:.3f} to {times[-1]:.3f} s")
    if out is not None:
        typer.echo(f"wrote {out}")
