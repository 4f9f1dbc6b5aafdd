"""What a model refused, said so that the writer of the file can mend it."""

import difflib
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from detente.records.errors import InputError, InputErrors
from detente.scenario.located import Located, Path
from detente.scenario.words import Box, Position, Quantity, RefusedError

FOUND_CHARACTERS_MAX = 80

_UNITS = (
    ("_km_s", "kilometres a second"), ("_km", "kilometres"), ("_m_s", "metres a second"), ("_m2", "square metres"),
    ("_kg_m2", "kilograms a square metre"), ("_m", "metres"), ("_deg", "degrees"), ("_mrad", "milliradians"),
    ("_urad", "microradians"), ("_kg", "kilograms"), ("_db", "decibels"), ("_w_sr", "watts a steradian"),
    ("_s", "seconds"),
)  # fmt: skip

_FORMS = {
    Quantity: "a quantity: {value: …, low: …, high: …, source: \"…\", confidence: high|medium|low}",
    Position: "a position: {lat_deg: …, lon_deg: …, altitude_m: …}",
    Box: "a box: {south_deg: …, north_deg: …, west_deg: …, east_deg: …}",
}  # fmt: skip


def raise_all(problems: Sequence[InputError]) -> None:
    """Raise what there is to complain of: nothing, one error, or all of them together."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise InputErrors(tuple(problems))


def did_you_mean(found: str, known: Iterable[str], count: int = 1) -> str:
    """``did you mean 'x'?``, or nothing where nothing is near."""
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(str(found).lower(), names, count, 0.6)
    return f"did you mean {' or '.join(repr(names[name]) for name in close)}?" if close else ""


def shown(value: Any) -> str:
    """A value as it stands in the file, shortened."""
    if isinstance(value, dict) and "value" in value:
        return ", ".join(f"{key} {value[key]}" for key in ("value", "low", "high") if key in value)
    if isinstance(value, dict):
        return (
            f"a mapping with {', '.join(map(repr, list(value)[:4]))}{' …' if len(value) > 4 else ''}" if value else "{}"
        )
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "an empty list"
    if value is None:
        return "nothing (null)"
    said = {True: "true", False: "false"}.get(value, repr(value)) if isinstance(value, bool) else repr(value)
    return said if len(said) <= FOUND_CHARACTERS_MAX else said[: FOUND_CHARACTERS_MAX - 1] + "…"


def complaints(error: ValidationError, located: Located, model: type[BaseModel], prefix: Path = ()) -> list[InputError]:
    """Every complaint of a model, with its place in the file. ``prefix``: where in the file the model's data stands."""
    found = error.errors(include_url=False)
    return [_complaint(details, located, model, prefix) for details in found if not _is_echo(details)]


def _is_echo(details: ErrorDetails) -> bool:
    """True where a list is called too short only because an item of it was refused already."""
    shortest = details.get("ctx", {}).get("min_length")
    given = details["input"]
    return details["type"] == "too_short" and isinstance(given, list) and len(given) >= (shortest or 0)


def _complaint(details: ErrorDetails, located: Located, model: type[BaseModel], prefix: Path) -> InputError:
    steps, kind = _steps(details["loc"]), details["type"]
    key = str(steps[-1]) if steps else ""
    path = (*prefix, *steps)
    holder = model_at(model, steps[:-1])
    if kind == "extra_forbidden":
        known = keys_of(holder) if holder else []
        near = did_you_mean(key, known)
        return located.problem(
            path, f"unknown key {key!r}", f"one of {', '.join(known)}" if known else "no further keys",
            near or "delete it, or see docs/scenario-files.md for the keys there are", key=True,
        )  # fmt: skip
    if kind == "missing":
        return located.problem(
            path[:-1], f"no {key!r}", f"{key}: {_form(holder, key)}", f"add {key!r} here", key=False
        )  # fmt: skip
    refusal = details.get("ctx", {}).get("error")
    if isinstance(refusal, RefusedError):
        found = refusal.found or shown(_part(details["input"], refusal.part))
        return located.problem((*path, *refusal.part), found, refusal.expected, refusal.remedy, parts=True)
    return located.problem(path, shown(details["input"]), *_expected(details, holder, key))


def _part(value: Any, steps: Path) -> Any:
    """What stands in a value at a path; the nearest thing that would hold it where nothing is written there."""
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
    return value


def _steps(location: tuple[int | str, ...]) -> Path:
    """The path of an error without the marks pydantic puts in for unions and functions."""
    return tuple(step for step in location if isinstance(step, int) or not step.endswith((")", "]")))


def _form(holder: type[BaseModel] | None, key: str) -> str:
    """What stands at a key, in words."""
    inner = model_at(holder, (key,)) if holder else None
    if inner is not None:
        what = "a list of mappings, each with" if _is_list(holder, key) else "a mapping with"
        return _FORMS.get(inner, f"{what} {', '.join(keys_of(inner)[:8])}")
    unit = unit_of(key)
    return f"a number ({unit})" if unit else "a value"


def _is_list(holder: type[BaseModel] | None, key: str) -> bool:
    fields = holder.model_fields.items() if holder else ()
    field = next((field for name, field in fields if key in (name, field.alias)), None)
    return field is not None and typing.get_origin(field.annotation) in (list, tuple)


def unit_of(key: str) -> str:
    """The unit in a key's name, in words."""
    return next((words for ending, words in _UNITS if key.endswith(ending)), "")


def _expected(details: ErrorDetails, holder: type[BaseModel] | None, key: str) -> tuple[str, str]:
    """What was expected and what to do, by the kind of refusal."""
    kind, context = details["type"], details.get("ctx", {})
    number = f"a number ({unit_of(key)})" if unit_of(key) else "a number"
    if kind in ("float_type", "float_parsing", "finite_number", "int_type", "int_parsing", "int_from_float"):
        whole = "a whole number" if kind.startswith("int") else number
        return whole, "write the number alone; the unit is in the key's name" if unit_of(key) else "write a number"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        words = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
        limits = " and ".join(f"{words[name]} {limit:g}" for name, limit in context.items() if name in words)
        return f"{number}, {limits}", "give a value within the limits, in the unit of the key's name"
    if kind == "literal_error":
        choices = str(context.get("expected", ""))
        names = choices.replace("'", "").replace(" or ", ", ").split(", ")
        return f"one of {choices}", did_you_mean(str(details["input"]), names) or "choose one of them"
    if kind in ("model_type", "model_attributes_type", "dict_type", "list_type", "tuple_type"):
        return _form(holder, key), "write it in that form"
    if kind.startswith(("datetime", "timezone")):
        return "a UTC time such as 2010-12-01T06:00:00Z", "write the time in that form, with its zone"
    if kind.startswith("date_"):
        return "a date such as 2010-12-01", "write the date in that form"
    if kind == "string_pattern_mismatch":
        return _pattern(str(context.get("pattern", ""))), "write it in that form"
    if kind == "value_error":
        return str(context.get("error", details["msg"])), "mend what the expectation names"
    if kind in ("too_short", "too_long"):
        low, high = context.get("min_length"), context.get("max_length")
        limit = f"at least {low}" if low is not None else f"at most {high}"
        return f"a list of {limit}", "add what is missing" if low is not None else "leave some out"
    if kind == "string_too_short":
        return f"text of at least {context['min_length']} characters", "say more"
    if kind == "string_type":
        return "text", "write text, in quotes where it would be a number, a date or a truth value"
    said = details["msg"]
    return said[0].lower() + said[1:], "mend the value"


def _pattern(pattern: str) -> str:
    if pattern == "^[A-Z]{3}$":
        return "an ISO 3166-1 alpha-3 country code, such as FRA"
    return (
        "a name of up to 64 letters (a to z), digits, dots, dashes, underscores and spaces, "
        "beginning with a letter or digit"
    )


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys a model knows, as files write them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def model_at(model: type[BaseModel] | None, steps: Path) -> type[BaseModel] | None:
    """The model that stands at a path inside another, if one does."""
    current: Any = model
    for step in steps:
        models = _models_in(current)
        if isinstance(step, int) or not models:
            continue
        field = next((f for m in models for n, f in m.model_fields.items() if step in (n, f.alias)), None)
        if field is None:
            # A key of a free mapping, such as a name; what stands below is the mapping's value.
            continue
        current = field.annotation
    models = _models_in(current)
    return models[0] if models else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if (
        isinstance(annotation, type)
        and not isinstance(annotation, types.GenericAlias)
        and issubclass(annotation, BaseModel)
    ):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]
