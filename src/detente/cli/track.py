"""``detente track``: the tracker on the user's own detections."""

import os
from pathlib import Path
from typing import Annotated

import typer

from detente.cli.options import Json, Out, Quiet, emit, named_for, owned_failures

MOST_TRACKS = 20_000


def track(
    detections: Annotated[Path, typer.Argument(metavar="DETECTIONS", help="a Parquet or CSV file of detections")],
    sensors: Annotated[Path, typer.Option("--sensors", metavar="SENSORS.yaml", help="who measured, and how well")],
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="constant-gravity|ballistic", help="default: by the sensors' frame"),
    ] = None,
    filter_name: Annotated[str, typer.Option("--filter", metavar="ekf|ukf", help="extended or sigma-point")] = "ekf",
    most_tracks: Annotated[
        int, typer.Option("--most-tracks", min=1, help="room for this many at once; what finds none is counted")
    ] = MOST_TRACKS,
    out: Out = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Follow every object in a file of detections (its columns: docs/detections.md)."""
    with owned_failures():
        from detente.cli import show
        from detente.gateway.following import TRACKS_FILE
        from detente.gateway.following import track as follow

        folder = out or _results_folder(detections, sensors, model, filter_name, most_tracks)
        with show.progress("track", quiet=quiet, what_counts="detections") as tick:
            done = follow(
                detections, sensors, model=model, filter=filter_name, out=folder, most_tracks=most_tracks, progress=tick
            )
        document = {**done.document, "written": str(folder / TRACKS_FILE)}
        if as_json:
            emit(document)
        else:
            _show(document)


def _results_folder(detections: Path, sensors: Path, model: str | None, filter_name: str, most_tracks: int) -> Path:
    """Where tracks go unless ``--out`` says: named for the file, and for what sets it and the question apart."""
    where, network = os.path.relpath(detections.parent), os.path.relpath(sensors)
    said_and_usual = (
        (where, "."), (detections.suffix[1:], "parquet"),
        (network, os.path.normpath(os.path.join(where, "sensors.yaml"))),
        (filter_name, "ekf"), (f"most-{most_tracks}", f"most-{MOST_TRACKS}"),
    )  # fmt: skip
    return Path("out") / named_for(detections.stem, *(said for said, usual in said_and_usual if said != usual), model)


def _show(document: dict) -> None:
    """A few lines a person reads."""
    tracks, read, shed = document["tracks"], document["detections"], document["shed"]
    typer.echo(f"{read['used']:,} detections, {document['model']}, {document['filter']}")
    typer.echo(f"{tracks['confirmed']:,} confirmed tracks of {tracks['begun']:,} begun, {document['rows']:,} states")
    told = {
        "exact repeats left out": read["exact_repeats"],
        "rows out of order, put in order": read["out_of_order"],
        "unusable detections": shed["unusable"],
        "detections without room for a track of their own": shed["without_slot"],
        "candidate pairs without room": shed["pairs"],
        "detections too late to be used": shed["too_late"],
        "tracks ended for an unsound covariance": shed["unsound"],
        "clusters assigned in a hurry, not at least cost": shed["hurried"],
        "tracks merged into another of the same object": document["merged"],
        "clusters settled by joint probabilities": document["clusters"]["shared"],
        "clusters too large for that, assigned at least cost": document["clusters"]["too_large_to_share"],
        "detections on a gate's edge, where rounding decides (listed with --json)": document["gate_edges"]["count"],
    }
    for words, count in told.items():
        if count:
            typer.echo(f"{count:,} {words}")
    for name, offsets in (document["biases"] or {}).items():
        for what, found in offsets.items():
            doubt = "" if found["observed"] else ", not observed"
            typer.echo(f"{name}, bias of {what}: {found['mean']:.4g} ± {found['sigma']:.2g}{doubt}")
    if read["columns_ignored"]:
        typer.echo(f"columns not used: {', '.join(read['columns_ignored'])}")
    for caution in document["cautions"]:
        typer.echo(f"caution: {caution}", err=True)
    typer.echo(f"wrote {document['written']}")
