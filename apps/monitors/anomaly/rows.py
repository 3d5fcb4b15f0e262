"""Rows of a `timestamp,value` file, read one at a time and echoed as they stand."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Final

HEAD: Final = ("timestamp", "value")
_MISSING: Final = {"", "nan", "null", "none", "na", "n/a"}
_MILLISECONDS: Final = 1e11  # an epoch beyond this is not in seconds


class BadRowError(ValueError):
    """A row that cannot be read; the message names its line."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was written, its time in seconds since 1970 (UTC where no zone is written) and its number."""

    timestamp: str
    text: str
    at: float
    value: float | None


def read_rows(lines: Iterable[str]) -> Iterator[Row]:
    """Every row after the header, in the file's order; BadRowError with the line number for what cannot be read."""
    reader = csv.reader(lines)
    try:
        yield from _rows(reader)
    except csv.Error as error:
        raise BadRowError(f"line {reader.line_num}: this is not CSV ({error})") from None


def read_time(text: str) -> float:
    """Seconds since 1970 of an epoch (seconds or milliseconds) or an ISO time; ValueError."""
    try:
        epoch = float(text)
    except ValueError:
        when = datetime.fromisoformat(text.strip())
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    if not isfinite(epoch):
        raise ValueError(text)
    return epoch / 1000 if abs(epoch) >= _MILLISECONDS else epoch


def read_value(text: str) -> float | None:
    """The number, None where it is missing or not finite; ValueError for anything else."""
    if text.strip().lower() in _MISSING:
        return None
    value = float(text)
    return value if isfinite(value) else None


def _rows(reader: Iterator[list[str]]) -> Iterator[Row]:
    head = next(reader, None)
    if head is None:
        raise BadRowError("line 1: the file is empty; it needs the header timestamp,value")
    names = [name.strip().lstrip("\ufeff").lower() for name in head]
    if not set(HEAD) <= set(names):
        raise BadRowError(f"line 1: the header must hold timestamp and value, not {','.join(head)[:80]}")
    time_place, value_place = (names.index(name) for name in HEAD)
    for cells in reader:
        if cells:
            yield _row(cells, time_place, value_place, reader.line_num)  # type: ignore[attr-defined]


def _row(cells: list[str], time_place: int, value_place: int, line: int) -> Row:
    if len(cells) <= max(time_place, value_place):
        raise BadRowError(f"line {line}: {len(cells)} cells, but timestamp and value are needed")
    timestamp, text = cells[time_place], cells[value_place]
    try:
        at = read_time(timestamp)
    except (ValueError, OverflowError):
        raise BadRowError(f"line {line}: {timestamp[:40]!r} is no time; write ISO or seconds since 1970") from None
    try:
        return Row(timestamp, text, at, read_value(text))
    except ValueError:
        raise BadRowError(f"line {line}: {text[:40]!r} is no number") from None
