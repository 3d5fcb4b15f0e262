"""Long arrays for PostgreSQL: numbers and times packed in one go, where the driver packs each by itself."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any, Final

import psycopg
from psycopg.abc import Buffer
from psycopg.postgres import types
from psycopg.types.array import ListBinaryDumper

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def _as_they_are(items: Iterable[Any]) -> Iterable[Any]:
    return items


def _as_microseconds(items: Iterable[datetime]) -> Iterable[int]:
    return [(at - _EPOCH) // _MICROSECOND for at in items]


# By the type that the driver chose: bytes of an element, its code for `struct`, and what is packed of it.
_PACKED: Final[dict[int, tuple[int, str, Callable[[Iterable[Any]], Iterable[Any]]]]] = {
    types["int2"].oid: (2, "h", _as_they_are),
    types["int4"].oid: (4, "i", _as_they_are),
    types["int8"].oid: (8, "q", _as_they_are),
    types["float8"].oid: (8, "d", _as_they_are),
    types["timestamptz"].oid: (8, "q", _as_microseconds),
}


class LongListDumper(ListBinaryDumper):
    """The driver's own dumper of lists, with the same bytes for less."""

    def _dump_list(self, L: list[Any], dim: int, dims: list[int], data: list[Buffer]) -> int:  # noqa: N803
        packed = _PACKED.get(self.sub_dumper.oid) if self.sub_dumper is not None else None
        if packed is None or len(dims) > 1 or None in L:
            return super()._dump_list(L, dim, dims, data)
        size, code, prepare = packed
        data.append(struct.pack("!" + f"i{code}" * len(L), *chain.from_iterable(zip(repeat(size), prepare(L)))))
        return 0


def pack_arrays(cursor: psycopg.Cursor[Any]) -> None:
    """Let this cursor pack its arrays so."""
    cursor.adapters.register_dumper(list, LongListDumper)
