"""A table that crosses rooms: frozen columns, each declared once with dtype, shape, unit, frame and meaning."""

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray


@dataclass(frozen=True)
class Column:
    """What one column holds. ``shape`` is the shape of one row's value; () is a scalar."""

    dtype: str
    about: str
    unit: str = ""
    frame: str = ""
    shape: tuple[int, ...] = ()


def column(dtype: str, about: str, *, unit: str = "", frame: str = "", shape: tuple[int, ...] = ()) -> Any:
    """Declare a column of a :class:`Table`."""
    return field(metadata={"column": Column(dtype, about, unit, frame, shape)})


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Base of all stage tables: equally long, C-contiguous, read-only columns.

    A subclass declares its columns with :func:`column`; checks, the Arrow schema and the reference page follow.
    """

    stage: ClassVar[str] = ""

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        cls.__repr__ = Table.__repr__  # else each would write out its columns

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} rows: {', '.join(name for name, _ in self.columns())})"

    def __post_init__(self) -> None:
        held = self.__dict__
        length = None
        for name, dtype, shape in _shapes_of(type(self)):
            array = held[name]
            if type(array) is not np.ndarray or array.dtype is not dtype or not array.flags.c_contiguous:
                array = np.ascontiguousarray(array, dtype=dtype)
            if array.flags.writeable:
                array = array.view()
                array.flags.writeable = False
            assert array.shape[1:] == shape, f"{self.stage}.{name}: rows of shape {array.shape[1:]}, not {shape}"
            length = array.shape[0] if length is None else length
            assert array.shape[0] == length, f"{self.stage}.{name}: {array.shape[0]} rows, not {length}"
            held[name] = array

    @classmethod
    def columns(cls) -> tuple[tuple[str, Column], ...]:
        """Name and declaration of every column, in order."""
        return _columns_of(cls)

    @classmethod
    def of_sound(cls, **columns: NDArray[Any]) -> Self:
        """A table of read-only columns known to have their dtypes, shapes and one length: nothing is checked again."""
        assert columns.keys() == _names_of(cls), "all columns and no others"
        table = object.__new__(cls)
        table.__dict__.update(columns)
        return table

    @classmethod
    def _of(cls, columns: dict[str, NDArray[Any]]) -> Self:
        """A table of columns that came out of a table, and so need no second check."""
        for array in columns.values():
            array.flags.writeable = False
        table = object.__new__(cls)
        table.__dict__.update(columns)
        return table

    def __len__(self) -> int:
        return len(getattr(self, self.columns()[0][0]))

    @classmethod
    def empty(cls) -> Self:
        """A table of no rows."""
        return _empty_of(cls)

    def take(self, rows: NDArray[Any]) -> Self:
        """The rows at these indices or where this mask is true, in order."""
        if rows.dtype == np.bool_:
            rows = np.flatnonzero(rows)
            if len(rows) == len(self):
                return self
        held = self.__dict__
        return self._of({name: held[name].take(rows, axis=0) for name, _, _ in _shapes_of(type(self))})

    def rows(self, first: int, last: int) -> Self:
        """The rows from ``first`` to just before ``last``, without a copy."""
        return self._of({name: getattr(self, name)[first:last] for name, _ in self.columns()})

    @classmethod
    def concatenate(cls, parts: "list[Self]") -> Self:
        """One table from several, one after the other."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.empty()
        if len(parts) == 1:
            return parts[0]
        return cls._of({name: np.concatenate([getattr(part, name) for part in parts]) for name, _ in cls.columns()})

    @classmethod
    def arrow_schema(cls) -> pa.Schema:
        """The Arrow schema, with unit, frame and meaning in each field's metadata."""
        return pa.schema(
            [
                pa.field(
                    name,
                    _arrow_type(np.dtype(spec.dtype), spec.shape),
                    nullable=False,
                    metadata={"unit": spec.unit, "frame": spec.frame, "about": spec.about},
                )
                for name, spec in cls.columns()
            ],
            metadata={"stage": cls.stage},
        )

    def to_arrow(self) -> pa.Table:
        """This table as an Arrow table."""
        schema = self.arrow_schema()
        arrays = [_arrow_array(getattr(self, name), schema.field(name).type) for name, _ in self.columns()]
        return pa.Table.from_arrays(arrays, schema=schema)

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Self:
        """The same rows back from an Arrow table; a missing column is an error, a further one is ignored."""
        values = {}
        for name, spec in cls.columns():
            flat = table.column(name).combine_chunks()
            if isinstance(flat, pa.ChunkedArray):
                flat = flat.chunk(0) if flat.num_chunks else pa.array([], flat.type)
            for _ in spec.shape:
                flat = flat.flatten()
            values[name] = flat.to_numpy(zero_copy_only=False).astype(spec.dtype).reshape(-1, *spec.shape)
        return cls(**values)

    def to_pandas(self) -> Any:
        """This table as a pandas data frame."""
        return self.to_arrow().to_pandas()


@cache
def _columns_of(kind: type[Table]) -> tuple[tuple[str, Column], ...]:
    return tuple((item.name, item.metadata["column"]) for item in fields(kind) if "column" in item.metadata)


@cache
def _shapes_of(kind: type[Table]) -> tuple[tuple[str, np.dtype[Any], tuple[int, ...]], ...]:
    """Name, dtype and shape of a row's value, of every column, in order."""
    return tuple((name, np.dtype(spec.dtype), spec.shape) for name, spec in kind.columns())


@cache
def _names_of(kind: type[Table]) -> frozenset[str]:
    return frozenset(name for name, _ in kind.columns())


@cache
def _empty_of(kind: Any) -> Any:
    return kind(**{name: np.empty((0, *spec.shape), spec.dtype) for name, spec in kind.columns()})


def _arrow_type(dtype: DTypeLike, shape: tuple[int, ...]) -> pa.DataType:
    kind = pa.string() if np.dtype(dtype).kind == "U" else pa.from_numpy_dtype(dtype)
    for size in reversed(shape):
        kind = pa.list_(kind, size)
    return kind


def _arrow_array(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values.astype(object) if values.dtype.kind == "U" else values, kind)
    flat = pa.array(values.reshape(-1))
    for size in reversed(values.shape[1:]):
        flat = pa.FixedSizeListArray.from_arrays(flat, size)
    return flat
