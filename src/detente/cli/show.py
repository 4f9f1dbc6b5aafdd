"""What the terminal shows: tables a person reads, and progress with the time still to go."""

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from detente.records.errors import InputError
from detente.scenario.catalogue import Catalogue
from detente.studies.metrics import ALL, METRICS
from detente.studies.results import Run, Study

out = Console(emoji=False, markup=False, highlight=False)  # what users name and write is shown as it is
err = Console(stderr=True, emoji=False, markup=False, highlight=False)
Tick = Callable[[int, int], None]


@contextmanager
def progress(what: str, *, quiet: bool, what_counts: str = "replicates") -> Iterator[Tick]:
    """A bar on stderr with the time still to go; nothing with ``--quiet``, or where no terminal can redraw it."""
    if quiet or not err.is_terminal:
        yield lambda done, total: None
        return
    bars = Progress(
        TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn(f"{what_counts},"), TimeElapsedColumn(),
        TextColumn("gone,"), TimeRemainingColumn(), TextColumn("to go"), console=err, transient=True,
    )  # fmt: skip
    with bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def waiting(what: str, *, quiet: bool) -> Iterator[None]:
    """A spinner on stderr for work without countable parts."""
    if quiet:
        yield
        return
    with err.status(what):
        yield


def number(value: float | None) -> str:
    """A number a person reads: three significant digits, thousands grouped, a dash for what does not exist."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 999.5:
        return f"{value:,.0f}"
    if size < 0.00095:
        return f"{value:.2g}"
    digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.0995 else 3
    return f"{value:.{digits}f}"


def study(result: Study, page: Path) -> None:
    """The study table, sides one after another, and where the report is."""
    document = result.document
    for side in result.columns:
        title = f"{result.scenario.file.title}: {'all sides' if side == ALL else side}"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("metric", no_wrap=True)
        for architecture in result.architectures:
            table.add_column(architecture, justify="right", no_wrap=True)
        for metric in METRICS:
            cells = [_cell(document, name, side, metric.name) for name in result.architectures]
            table.add_row(metric.name, *cells)
        print_wide(table)
    out.print(
        f"One replicate, seed {result.seed}: it tells no difference from chance and gives no interval."
        if result.replicates == 1
        else f"Means over {result.replicates} replicates, seed {result.seed}. * differs from alone: the 95 % interval "
        "of the paired difference leaves out 0. Intervals, and what the assumptions span, are in the report."
    )
    out.print(f"Report: {page}", soft_wrap=True)


def _cell(document: dict[str, Any], architecture: str, side: str, metric: str) -> str:
    cell = document["architectures"][architecture][side][metric]
    if cell is None:
        return "– "
    difference = document["differences"][architecture][side][metric]
    several = document["replicates"] > 1  # one world tells no difference from chance
    differs = several and difference is not None and not difference["low"] <= 0.0 <= difference["high"]
    return f"{number(cell['mean'])}{'*' if differs else ' '}"


def print_wide(table: Table) -> None:
    """A table at its own width, so that a narrow terminal or a file cuts no cell, without the blanks that fill its last
    column: a row that fits the terminal is one line there, however wide another is.
    """
    needed = out.measure(table, options=out.options.update(max_width=400)).maximum
    wide = Console(width=max(out.width, needed), emoji=False, markup=False, highlight=False)
    with wide.capture() as captured:
        wide.print(table)
    for line in captured.get().splitlines():
        typer.echo(re.sub(r" +(\x1b\[0m)?$", r"\1", line))


def run(result: Run) -> None:
    """The metrics of one world, a column a side, and where its tables are."""
    title = f"{result.scenario.file.title}: {result.architecture}, replicate {result.replicate}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("metric", no_wrap=True)
    for side in result.metrics:
        table.add_column(side, justify="right")
    for metric in METRICS:
        table.add_row(metric.name, *(number(result.metrics[side][metric.name]) for side in result.metrics))
    print_wide(table)
    for stage, rows in result.tables.items():
        out.print(f"  {result.folder}/{result.paths[stage]}: {len(rows):,} rows", soft_wrap=True)


def flight(title: str, document: dict[str, Any]) -> None:
    """What one flight came to, a line a number."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for words, value, remark in flight_rows(document):
        table.add_row(words, value, remark)
    print_wide(table)


def flight_rows(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Words, number with unit, remark."""
    start, impact = (
        f"{point['lat_deg']:.3f}, {point['lon_deg']:.3f}" for point in (document["from"], document["impact"])
    )
    earth = "turning Earth" if document["rotation"] else "Earth standing still"
    rows = [
        ("from", start, f"azimuth {document['azimuth_deg']:.2f}°, {earth}, {'air' if document['drag'] else 'no air'}"),
        ("range", f"{document['range_km']:,.1f} km", f"impact at {impact}"),
        ("apogee", f"{document['apogee_km']:,.1f} km", ""),
        ("flight time", f"{document['flight_time_s']:,.1f} s", f"{document['flight_time_s'] / 60.0:.1f} min"),
        (
            "burn-out", f"{document['burnout_speed_m_s']:,.0f} m/s",
            f"{document['burnout_angle_deg']:.1f}° above the horizon, {document['burnout_altitude_km']:,.1f} km high",
        ),
    ]  # fmt: skip
    if document["mode"] == "missile":
        rows.append(("burning time", f"{document['burnout_time_s']:.1f} s", ""))
        rows.append(("final pitch", f"{document['final_pitch_deg']:.2f}°", document["loft"]))
        if document["aim"] is not None:
            rows.append(("computed miss", f"{document['aim']['miss_m']:.1f} m", "numerical, not an accuracy"))
    if document["mode"] == "observed":
        rows += _inverted(document)
    rows.append(("numerical error", f"{document['estimated_error_m']:.1f} m", "estimated, at impact"))
    return rows


UNKNOWN = {
    "acceleration_m_s2": "boost time", "chord_share": "length of the boost", "chord_lift": "shape of the boost",
    "loss_share": "what a flatter boost wins", "ballistic_coefficient_kg_m2": "drag of what reenters",
    "time_error": "error of the time", "bearing_rad": "azimuth",
}  # fmt: skip


def _inverted(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What an observed test says of its missile, with intervals."""
    spans = {**document["interval"], "standard_range_km": document["standard_range_km"]}
    words = {
        "boost_s": ("boost", "s"), "burnout_speed_m_s": ("burn-out speed", "m/s"),
        "burnout_angle_deg": ("burn-out angle", "°"), "burnout_altitude_km": ("burn-out height", "km"),
        "flight_time_s": ("flight time", "s"), "standard_range_km": ("standard range", "km"),
    }  # fmt: skip
    rows = [("", "", ""), ("over all draws", "mean", "95 of 100 draws")]
    for name, (said, unit) in words.items():
        span = spans[name]
        rows.append((said, f"{number(span['mean'])} {unit}", f"{number(span['low'])} – {number(span['high'])} {unit}"))
    shares = sorted(document["explains"].items(), key=lambda item: -item[1])
    rows.append(("", "spread by", ", ".join(f"{UNKNOWN[name]} {100 * share:.0f} %" for name, share in shares[:3])))
    impulse = document["impulsive"]
    rows.append(
        (
            "closed form", f"{number(impulse['standard_range_km'])} km",
            f"standard range if {impulse['burnout_speed_m_s']:,.0f} m/s were had at once on the ground",
        )
    )  # fmt: skip
    return [*rows, ("", "", "")]


def problem(error: InputError) -> dict[str, Any]:
    """An input error as a JSON object."""
    return {name: getattr(error, name) for name in ("file", "line", "column", "path", "found", "expected", "remedy")}


def cautions(told: Iterable[str]) -> None:
    """What is allowed but worth knowing, a line each on stderr."""
    for caution in told:
        err.print(f"caution: {caution}", soft_wrap=True)


def checked(found: list[dict[str, Any]]) -> None:
    """A line for each file: sound, or what is wrong with it."""
    for entry in found:
        if not entry["problems"]:
            out.print(f"{entry['file']}: sound ({entry['kind']})", soft_wrap=True)
        cautions(entry["cautions"])
        for fields in entry["problems"]:
            err.print(f"error: {InputError(**fields)}", soft_wrap=True)


def scenarios(listed: list[dict[str, str]], agreements: list[dict[str, str]]) -> None:
    """Bundled scenarios by name, then the agreements that they and others may work under."""
    for entry in listed:
        out.print(f"[bold]{entry['name']}[/]  {entry['title']}", soft_wrap=True, markup=True)
        indented(entry["about"], 4)
    out.print("[bold]agreements[/]", markup=True)
    for entry in agreements:
        out.print(f"  [cyan]{entry['name']}[/]  {entry['title']}", soft_wrap=True, markup=True)
    out.print("`detente scenarios NAME` prints the file of one, to start your own from.", soft_wrap=True)


def find_entries(known: Catalogue, kind: str | None, name: str | None) -> dict[str, dict[str, Any]]:
    """The catalogue, or one kind, or one entry: {kind: {name: entry}}."""
    kinds = {field: getattr(known, field) for field in type(known).model_fields}
    names = [field.replace("_", "-") for field in kinds]
    if kind is not None:
        asked = kind.replace("-", "_")
        asked = next((field for field in kinds if asked in (field, field.removesuffix("s"))), None)
        if asked is None:
            holder = next((field for field in kinds if kind in kinds[field]), None)
            raise _unknown("kind", kind, names, "" if holder is None else f"{holder.replace('_', '-')} {kind}")
        kinds = {asked: kinds[asked]}
    if name is not None:
        kinds = {field: {name: entries[name]} for field, entries in kinds.items() if name in entries}
        if not kinds:
            raise _unknown(
                "name", name, [entry for entries in find_entries(known, kind, None).values() for entry in entries]
            )
    return {field: {key: entry.model_dump(mode="json") for key, entry in rows.items()} for field, rows in kinds.items()}


def _unknown(what: str, found: str, known: list[str], meant: str = "") -> InputError:
    from difflib import get_close_matches

    close = get_close_matches(found, known, 1)
    if meant:
        remedy = f"ask for `detente catalogue {meant}`"
    else:
        remedy = f"did you mean {close[0]!r}?" if close else "see `detente catalogue`"
    return InputError(
        found=f"unknown catalogue {what} {found!r}",
        expected=f"one of {', '.join(known)}",
        remedy=remedy,
        path=what.upper(),
    )


def catalogue(found: dict[str, dict[str, Any]], kind: str | None, name: str | None) -> None:
    """A list of names, or one entry with every number, its range and its source."""
    for field, entries in found.items():
        if name is None:
            out.print(f"[bold]{field.replace('_', '-')}[/]", markup=True)
        for key, entry in entries.items():
            out.print(f"  [cyan]{key}[/]  {entry['title']}", soft_wrap=True, markup=True)
            if name is not None:
                _entry(entry)


def _entry(entry: dict[str, Any]) -> None:
    """What is said in words, then a line a number with its range, and who says so under it."""
    plain = {field: value for field, value in entry.items() if not _is_quantity(value)}
    for field, value in plain.items():
        if field not in ("kind", "name", "title") and value not in (None, "", [], {}):
            indented(f"{field}: {_plain(value)}", 4)
    numbers = {field: value for field, value in entry.items() if _is_quantity(value)}
    width = max((len(field) for field in numbers), default=0)
    for field, quantity in numbers.items():
        low, high = number(quantity["low"]), number(quantity["high"])
        spread = f"{low} – {high}" if low != high else "not drawn"
        row = f"{field:<{width}}  {number(quantity['value']):>7}   {spread:<16} {quantity['confidence']}"
        out.print(f"    {row}", soft_wrap=True)
        indented(quantity["source"], 8, style="dim")


def _is_quantity(value: Any) -> bool:
    return isinstance(value, dict) and "source" in value


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{field} {_plain(part)}" for field, part in value.items() if part is not None)
    if isinstance(value, list):
        return "; ".join(_plain(part) for part in value)
    return str(value)


def indented(text: str, by: int, style: str = "") -> None:
    """A paragraph ``by`` columns in, later lines two more; on one line where it goes to a file or a pipe."""
    margin = " " * by
    if out.is_terminal:
        text = textwrap.fill(text, min(out.width, 110), initial_indent=margin, subsequent_indent=margin + "  ")
    else:
        text = margin + text
    out.print(Text(text, style=style), soft_wrap=True)
