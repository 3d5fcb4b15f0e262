"""The cursor for arrays, and arrays of numbers as PostgreSQL's binary protocol wants them."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray
from psycopg.adapt import Dumper
from psycopg.pq import Format

from apps.core import asked
from apps.core.arrays import pack_arrays

TIMESTAMPS, BIGINTS, FLOATS = 1184, 20, 701  # what PostgreSQL calls the types of the elements
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts microseconds from here
_MICROSECOND: Final = timedelta(microseconds=1)
_SAMPLE: Final = np.dtype(  # a row of COPY … (FORMAT BINARY): three fields of eight bytes
    [("fields", ">i2"), ("a", ">i4"), ("series", ">i8"), ("b", ">i4"), ("at", ">i8"), ("c", ">i4"), ("value", ">f8")]
)
_COPY_HEAD: Final = 19
_COPY_TAIL: Final = 2


class Ready(bytes):
    """A parameter that is in binary form already; its place in the statement is cast to its type."""


class _ReadyDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return obj


def server_cursor() -> psycopg.Cursor[Any]:
    """A cursor of Django's own connection that binds on the server, in binary: several times faster for arrays."""
    connection.ensure_connection()
    asked.lose_sight()
    cursor = psycopg.Cursor(connection.connection)
    pack_arrays(cursor)
    cursor.adapters.register_dumper(Ready, _ReadyDumper)
    return cursor


def microseconds(at: datetime) -> int:
    """A time as PostgreSQL keeps it."""
    return (at - _EPOCH) // _MICROSECOND


def time_of(number: int) -> datetime:
    """The same backwards."""
    return _EPOCH + number * _MICROSECOND


def array(numbers: NDArray[Any], kind: int) -> Ready:
    """A whole array as one parameter, without an object an element; `kind`: BIGINTS, FLOATS or TIMESTAMPS."""
    rows = np.empty(len(numbers), [("length", ">i4"), ("number", ">f8" if kind == FLOATS else ">i8")])
    rows["length"], rows["number"] = 8, numbers
    return Ready(struct.pack(">5i", 1, 0, kind, len(numbers), 1) + rows.tobytes())


def copied_samples(answer: bytes) -> NDArray[Any]:
    """What COPY of (series_id, at, value) answered, as an array with the fields `series`, `at` and `value`."""
    return np.frombuffer(answer, _SAMPLE, offset=_COPY_HEAD, count=(len(answer) - _COPY_HEAD - _COPY_TAIL) // 38)
