"""``detente ccsds``: a run's tracks and detections as CCSDS navigation messages, and such messages read back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli.options import Json, emit, owned_failures, write_file
from detente.records.errors import InputError

ccsds = typer.Typer(
    name="ccsds", help="CCSDS navigation messages (OEM, OCM, TDM) for those whose tools speak them, out and in.",
    no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@ccsds.command()
def write(
    run: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="a run's folder")],
    kind: Annotated[str, typer.Option("--kind", help="oem, ocm or tdm")] = "oem",
    side: Annotated[str, typer.Option("--side", help="whose picture, or whose sensors")] = "NATO",
    line: Annotated[str | None, typer.Option("--line", metavar="NAME", help="ocm: one line of the picture")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="default: stdout")] = None,
) -> None:
    """One side's picture as an OEM (all lines) or an OCM (one), or its sensors' detections as a TDM."""
    with owned_failures():
        text = _written(run, kind, side, line)
        if out is None:
            typer.echo(text, nl=False)
            return
        write_file(out, text.encode())
        typer.echo(f"wrote {out}")


def _written(run: Path, kind: str, side: str, line: str | None) -> str:
    import numpy as np

    from detente.gateway.ccsds.ephemeris import of_tracks, write_ocm, write_oem
    from detente.gateway.ccsds.tracking import write_tdm
    from detente.geodesy.timescale import parse_moment
    from detente.records.stages import Detections, TrackHistory
    from detente.studies.decisions import read_setting, read_stage

    setting, created = read_setting(run), datetime.now(UTC)
    epoch, sides = parse_moment(setting["epoch"]), setting["sides"]
    if side not in sides:
        raise InputError(f"--side {side!r}", f"one of {', '.join(sides)}", "name a side of the run")
    if kind == "tdm":
        mine = [i for i, sensor in enumerate(setting["sensors"]) if sensor["side"] == side]
        detections = read_stage(run, Detections)
        names = [sensor["name"] for sensor in setting["sensors"]]
        return write_tdm(detections.take(np.isin(detections.sensor, mine)), names, side, epoch, created)
    if kind not in ("oem", "ocm"):
        raise InputError(f"--kind {kind!r}", "oem, ocm or tdm", "choose one")
    lines = of_tracks(read_stage(run, TrackHistory), sides.index(side), sides)
    if kind == "oem":
        return write_oem(lines, side, epoch, created)
    chosen = next((one for one in lines if one.name == line), None)
    if chosen is None:
        names = ", ".join(one.name for one in lines[:20])
        raise InputError(f"--line {line!r}", f"a line of the picture: {names}, …", "name one")
    return write_ocm(chosen, side, epoch, created)


@ccsds.command()
def read(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="an OEM or OCM in keyword-value notation")],
    since: Annotated[
        str, typer.Option("--epoch", metavar="TIME", help="from which seconds are counted")
    ] = "2000-01-01T00:00:00Z",
    as_json: Json = False,
) -> None:
    """Read an OEM or OCM in Earth-fixed axes: objects, states and covariances, in SI units."""
    with owned_failures():
        from detente.gateway.ccsds.ephemeris import read_ocm, read_oem
        from detente.gateway.ccsds.kvn import read_text
        from detente.geodesy.timescale import parse_moment

        text, epoch = read_text(file), parse_moment(since)
        oem = text.lstrip().startswith("CCSDS_OEM")
        objects = read_oem(text, epoch, str(file)) if oem else [read_ocm(text, epoch, str(file))]
        found: list[dict[str, Any]] = [
            {
                "name": one.name, "time_s": one.time_s.tolist(), "state": one.state.tolist(),
                "covariance": one.covariance.tolist(),
            }
            for one in objects
        ]  # fmt: skip
        if as_json:
            emit(found)
            return
        for one in objects:
            typer.echo(f"{one.name}: {len(one.time_s)} states, {one.time_s[0]:.3f} to {one.time_s[-1]:.3f} s")
