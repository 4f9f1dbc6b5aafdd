"""A centre's memory as bytes and back, for the store: named records and arrays only, never code.

The form is a mark, the length of a JSON outline, the outline, and the arrays one after the other. It is written and
read by the same side; a store that was damaged is found by its own checks before this is asked.
"""

import json
import struct
import sys
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import numpy as np

from detente.centre.exchange.offsets import Secret
from detente.centre.exchange.rules import Rules
from detente.records.table import Table

HEAD = struct.Struct("<8sI")
MARK = b"DTNPCK01"
PLAIN = frozenset((type(None), bool, int, float, str))
ROOMS = ("detente.centre.", "detente.records.")
"""Whose records may be packed and made again. Rules and the secret of the offsets are not packed: whoever unpacks has
them from the agreement and from the key's own file."""


def pack(value: Any) -> bytes:
    """Bytes that :func:`unpack` turns back into an equal value, to the last bit."""
    arrays: list[bytes] = []
    outline = json.dumps(_outline(value, arrays), separators=(",", ":")).encode()
    return b"".join([HEAD.pack(MARK, len(outline)), outline, *arrays])


def unpack(data: bytes, rules: Rules, secret: Secret) -> Any:
    """The packed value, with ``rules`` and ``secret`` wherever such stood."""
    mark, size = HEAD.unpack_from(data)
    assert mark == MARK, "bytes that pack wrote"
    reader = _Reader(data, HEAD.size + size, rules, secret)
    value = reader.value(json.loads(data[HEAD.size : HEAD.size + size]))
    assert reader.place == len(data), "every byte is part of the value"
    return value


def _outline(value: Any, arrays: list[bytes]) -> Any:
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is np.ndarray:
        arrays.append(value.tobytes())
        return {"array": value.dtype.str, "shape": value.shape}
    if kind is tuple or kind is list:
        return {"tuple": [_outline(item, arrays) for item in value]}
    sort = _sort(kind)
    if sort == "record":
        name, parts = _form(kind)
        held = value.__dict__
        return {"record": name, "fields": [_outline(held[part], arrays) for part in parts]}
    if sort == "table":
        name, parts = _form(kind)
        held = value.__dict__
        arrays += [held[part].tobytes() for part in parts]
        return {"table": name, "rows": len(value)}
    if sort == "tuple":  # a named one
        return {"tuple": [_outline(item, arrays) for item in value]}
    if sort in ("rules", "secret"):
        return {sort: 1}
    assert isinstance(value, np.generic), f"a plain value, not {kind}"
    return value.item()


@cache
def _sort(kind: type) -> str:
    """What instances of a class are in an outline; empty for plain values of numpy's."""
    for sort, base in (("table", Table), ("rules", Rules), ("secret", Secret), ("tuple", tuple)):
        if issubclass(kind, base):
            return sort
    return "record" if is_dataclass(kind) else ""


class _Reader:
    def __init__(self, data: bytes, place: int, rules: Rules, secret: Secret) -> None:
        self.data, self.place, self.rules, self.secret = data, place, rules, secret

    def value(self, outline: Any) -> Any:
        if not isinstance(outline, dict):
            return outline
        if "rules" in outline:
            return self.rules
        if "secret" in outline:
            return self.secret
        if "array" in outline:
            return self._array(np.dtype(outline["array"]), tuple(outline["shape"]))
        if "table" in outline:
            kind = _kind(outline["table"])
            shapes = [(name, np.dtype(spec.dtype), (outline["rows"], *spec.shape)) for name, spec in kind.columns()]
            return kind(**{name: self._array(dtype, shape) for name, dtype, shape in shapes})
        if "tuple" in outline:
            return tuple(self.value(item) for item in outline["tuple"])
        kind = _kind(outline["record"])
        values = [self.value(item) for item in outline["fields"]]
        return kind(**dict(zip(_form(kind)[1], values, strict=True)))

    def _array(self, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(self.data, dtype, count, self.place).reshape(shape).copy()
        self.place += array.nbytes
        return array


@cache
def _form(kind: Any) -> tuple[str, tuple[str, ...]]:
    """What a record class is called in an outline, and its fields in order."""
    name = f"{kind.__module__}:{kind.__qualname__}"
    assert name.startswith(ROOMS), f"{name} may be packed"
    return name, tuple(item.name for item in fields(kind))


@cache
def _kind(name: str) -> Any:
    """The record class of a name: of a room that a centre has loaded anyway, because it uses it."""
    module, _, title = name.partition(":")
    assert module.startswith(ROOMS), f"{name} may be packed"
    assert module in sys.modules, f"{module} is part of a centre"
    kind = getattr(sys.modules[module], title)
    assert is_dataclass(kind), f"{name} is a record"
    return kind
