"""How good are these tracks? `detente score`: a face of ``scoring``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli.options import Json, emit, owned_failures
from detente.records.errors import InputError


def score(
    tracks: Annotated[
        Path, typer.Argument(metavar="TRACKS", help="Parquet or CSV (docs/scoring.md), or a run's folder")
    ],
    truth: Annotated[
        Path | None, typer.Argument(metavar="[TRUTH]", help="Parquet or CSV, or a run's folder")
    ] = None,
    cutoff_m: Annotated[float, typer.Option("--cutoff-m", help="GOSPA's c: further apart is no match")] = 5000.0,
    order: Annotated[float, typer.Option("--order", help="GOSPA's and OSPA's p")] = 2.0,
    every_s: Annotated[
        float | None, typer.Option("--every-s", help="score on an even grid; default: the moments of the tracks")
    ] = None,
    settle_s: Annotated[
        float, typer.Option("--settle-s", help="errors leave out what is this soon after an object appears")
    ] = 0.0,
    side: Annotated[str | None, typer.Option("--side", help="of a run: this side's picture only")] = None,
    replicate: Annotated[int | None, typer.Option("--replicate", help="where the tables hold several")] = None,
    sensors: Annotated[
        Path | None, typer.Option("--sensors", metavar="SENSORS.yaml", help="tell errors over their Cramér–Rao bound")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="constant-gravity|ballistic", help="default: by the frame")
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """How good are these tracks? GOSPA, OSPA, SIAP, errors and their honesty, against truth."""
    with owned_failures():
        from detente.scoring.files import score as score_files

        bounds = None
        if sensors is None and model is not None:
            raise InputError(
                f"a model ({model}) without sensors", "--sensors SENSORS.yaml with it",
                "name the sensors, or leave --model out", path="--model",
            )  # fmt: skip
        if sensors is not None:
            from detente.gateway.bounding import bound_by

            bounds = bound_by(sensors, model=model)
        found = score_files(
            tracks,
            truth,
            cutoff_m=cutoff_m,
            order=order,
            every_s=every_s,
            settle_s=settle_s,
            side=side,
            replicate=replicate,
            bounds=bounds,
        )
        if as_json:
            emit(found.document)
            return
        for name, one in found.items():
            _show(name, one.document)


def _show(name: str, document: dict[str, Any]) -> None:
    """A table a person reads: each measure, its value, and what would be perfect."""
    from rich import box
    from rich.table import Table

    from detente.cli.show import number, print_wide

    table = Table(title=name or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("measure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("perfect", justify="right", no_wrap=True)
    for title, value, perfect in _lines(document):
        table.add_row(title, f"{value:,}" if isinstance(value, int) else number(value), perfect)
    print_wide(table)
    if document["tracks"] and document["objects"] and not document["siap"]["completeness"]:
        near = f"{document['rules']['cutoff_m']:,.0f} m"
        typer.echo(f"caution: no track ever came within {near} of an object: is all in metres, in one frame?", err=True)


def _lines(document: dict[str, Any]) -> list[tuple[str, float | int | None, str]]:
    gospa, siap = document["gospa"], document["siap"]
    lines = [
        ("moments scored", document["moments"], ""),
        ("objects", document["objects"], ""),
        ("tracks", document["tracks"], ""),
        ("GOSPA, m", gospa["mean_m"], "0"),
        ("  of the pairs alone, m", gospa["localisation_m"], "0"),
        ("  objects missed a moment", gospa["missed"], "0"),
        ("  false tracks a moment", gospa["false"], "0"),
        ("OSPA, m", document["ospa"]["mean_m"], "0"),
        ("SIAP completeness", siap["completeness"], "1"),
        ("SIAP ambiguity", siap["ambiguity"], "1"),
        ("SIAP spuriousness", siap["spuriousness"], "0"),
        ("SIAP position error, m", siap["position_error_m"], "0"),
        ("identity changes", siap["identity_changes"], "0"),
        ("longest segment, share of life", siap["longest_segment_fraction"], "1"),
    ]
    phases = document["errors_by_phase"]
    for phase, errors in {"": document["errors"], **(phases if len(phases) > 1 else {})}.items():
        lines += _error_lines(f"{phase}: " if phase else "", errors)
    bound = document["bound"]
    for head, told in () if bound is None else (("", bound), ("unbroken tracks: ", bound["unbroken"])):
        lines.append((f"{head}position RMSE / bound", told["position_ratio"], "1"))
        lines.append((f"{head}velocity RMSE / bound", told["velocity_ratio"], "1"))
    return lines


def _error_lines(head: str, errors: dict[str, Any]) -> list[tuple[str, float | int | None, str]]:
    lines: list[tuple[str, float | int | None, str]] = [
        (f"{head}position RMSE, m", errors["position_rmse_m"], "0"),
        (f"{head}velocity RMSE, m/s", errors["velocity_rmse_m_s"], "0"),
    ]
    nees = errors["nees"]
    if nees is not None and nees["not_positive_definite"]:
        lines.append((f"{head}covariances that are none (not positive definite)", nees["not_positive_definite"], "0"))
    if nees is None or "mean" not in nees:
        return lines
    low, high = nees["band_95_of_one"]
    return [
        *lines,
        (f"{head}NEES, mean", nees["mean"], str(nees["ideal"])),
        (f"{head}NEES, share in {low:.2f} – {high:.2f}", nees["inside_band_fraction"], "0.95"),
    ]
