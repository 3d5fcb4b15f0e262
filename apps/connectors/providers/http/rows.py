"""CSV: every row becomes an object of column name and text; a row of another length is rejected alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
MOST_ROWS = 100_000


@dataclass(slots=True)
class Rows:
    """`bad` are (reason, row) of those that do not fit the header."""

    rows: list[dict[str, str]] = field(default_factory=list)
    bad: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def read_rows(text: str, config: Mapping[str, Any]) -> Rows:
    """The rows of a CSV; raises SourceError when it is none."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[config["delimiter"]], strict=True)
    columns: list[str] = []
    found = Rows()
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _columns(cells, has_header=config["has_header"])
                if config["has_header"]:
                    continue
            if reader.line_num > MOST_ROWS:
                raise SourceError(ErrorClass.TOO_LARGE, f"The CSV has more than {MOST_ROWS:,} lines; ask for less.")
            _take(cells, columns, reader.line_num, found)
    except csv.Error as error:
        message = f"Line {reader.line_num} is no CSV ({error}); check the delimiter and the quotes."
        raise SourceError(ErrorClass.MALFORMED, message) from None
    if config["has_header"] and not columns:
        raise SourceError(ErrorClass.SCHEMA, "The answer is empty, without even a row of column names.")
    return found


def _columns(cells: list[str], *, has_header: bool) -> list[str]:
    if not has_header:
        return [f"c{number}" for number in range(1, len(cells) + 1)]
    names = [cell.strip() for cell in cells]
    for name in names:
        if not name or names.count(name) > 1:
            said = f"two columns are called “{name[:40]}”" if name else "a column has no name"
            raise SourceError(ErrorClass.SCHEMA, f"The first row cannot name the columns: {said}.")
    return names


def _take(cells: list[str], columns: list[str], line: int, found: Rows) -> None:
    if len(cells) != len(columns):
        reason = f"line {line} has {len(cells)} columns, the first row has {len(columns)}"
        found.bad.append((reason, {"line": line, "cells": cells}))
    else:
        found.rows.append(dict(zip(columns, cells, strict=True)))
