"""Cases in files: CSV and JSON Lines, read with an error a line, and written so that they can be read again. Pure."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MOST_CASES: Final = 10_000
LONGEST_TEXT: Final = 20_000  # characters of one input or expectation
MOST_ERRORS: Final = 50  # more are only counted
OWN_COLUMNS: Final = ("key", "expected", "weight", "tags", "origin")
_WORDS: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDraft:
    """One case as people give it, checked; `key` names it within its suite."""

    key: str
    inputs: Mapping[str, str]
    expected: Any = None
    weight: float = 1.0
    tags: tuple[str, ...] = ()
    origin: str = ""

    @property
    def content(self) -> tuple[Any, ...]:
        """What makes it another case when it changes."""
        return dict(self.inputs), self.expected, self.weight, tuple(self.tags)


@dataclass(frozen=True, slots=True)
class LineError:
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"Line {self.line:,}: {self.sentence}"


@dataclass(slots=True)
class Reading:
    """What a file held: nothing of it is used unless `errors` is empty."""

    cases: list[CaseDraft] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # where each case begins
    errors: list[LineError] = field(default_factory=list)
    more_errors: int = 0

    def refuse(self, line: int, sentence: str) -> None:
        """Note what is wrong with a line."""
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(LineError(line, sentence))
        else:
            self.more_errors += 1


def make_case(
    *,
    inputs: Mapping[str, Any],
    expected: Any = None,
    key: str = "",
    weight: float = 1.0,
    tags: Sequence[str] = (),
    origin: str = "",
) -> CaseDraft:
    """A checked case; without a key it gets one out of its inputs. ValueError with a sentence for a bad one."""
    if not isinstance(inputs, Mapping) or not inputs:
        raise ValueError("A case needs at least one input.")
    texts = {
        str(name).strip(): value if isinstance(value, str) else json.dumps(value) for name, value in inputs.items()
    }
    if any(len(text) > LONGEST_TEXT for text in texts.values()) or len(json.dumps(expected)) > LONGEST_TEXT:
        raise ValueError(f"A text is longer than {LONGEST_TEXT:,} characters.")
    if any("\x00" in text for text in (*texts, *texts.values(), json.dumps(expected, ensure_ascii=False))):
        raise ValueError("A text holds a NUL character.")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 1_000:
        raise ValueError("The weight must be a number above 0, at most 1,000.")
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) and 0 < len(tag) <= 60 for tag in tags):
        raise ValueError("Tags must be texts of at most 60 characters.")
    if not isinstance(key, str) or len(key) > 120:
        raise ValueError("The key must be a text of at most 120 characters.")
    return CaseDraft(
        key=key.strip() or key_of(texts),
        inputs=texts,
        expected=expected,
        weight=float(weight),
        tags=tuple(dict.fromkeys(tag.strip().lower() for tag in tags)),
        origin=origin[:300],
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def key_of(inputs: Mapping[str, str]) -> str:
    """A name for a case that has none: its first words, and a fingerprint of all of it."""
    digest = hashlib.sha256(json.dumps(dict(inputs), sort_keys=True).encode()).hexdigest()[:6]
    words = _WORDS.sub("-", next(iter(inputs.values()), "").lower()).strip("-")[:40].strip("-")
    return f"{words}-{digest}" if words else digest


def read_cases(text: str, *, is_jsonl: bool, origin: str = "") -> Reading:
    """The cases of a file, or an error for each line that holds none."""
    found = Reading()
    seen: dict[str, int] = {}
    for line, fields in _jsonl(text, found) if is_jsonl else _csv(text, found):
        if len(found.cases) >= MOST_CASES:
            found.refuse(line, f"A suite has at most {MOST_CASES:,} cases.")
            break
        try:
            case = make_case(**{"origin": origin, **fields})
        except ValueError as error:
            found.refuse(line, str(error))
            continue
        if case.key in seen:
            found.refuse(line, f"The key {case.key} stands in line {seen[case.key]:,} already.")
            continue
        seen[case.key] = line
        found.cases.append(case)
        found.lines.append(line)
    if not found.cases and not found.errors:
        found.refuse(1, "The file holds no cases.")
    return found


def _jsonl(text: str, found: Reading) -> Iterator[tuple[int, dict[str, Any]]]:
    known = {"inputs", *OWN_COLUMNS}
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            found.refuse(number, "This is not JSON.")
            continue
        if not isinstance(data, dict) or not isinstance(data.get("inputs"), dict):
            found.refuse(number, "Each line is an object with “inputs”, an object of texts.")
        elif unknown := sorted(data.keys() - known):
            found.refuse(number, f"{unknown[0]} is unknown; a case has {', '.join(sorted(known))}.")
        else:
            yield number, data


def _csv(text: str, found: Reading) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    begin = 1
    header: list[str] = []
    try:
        for row in rows:
            line, begin = begin, rows.line_num + 1
            if not header:
                header = [name.strip() for name in row]
                if problem := _bad_header(header):
                    found.refuse(line, problem)
                    return
            elif len(row) != len(header) and any(cell.strip() for cell in row):
                found.refuse(line, f"It has {len(row)} cells; the first line names {len(header)} columns.")
            elif any(cell.strip() for cell in row):
                yield from _cells(line, dict(zip(header, row, strict=True)), found)
    except csv.Error as error:
        found.refuse(begin, f"This is not readable as CSV: {error}.")


def _bad_header(header: Sequence[str]) -> str:
    if len(set(header)) != len(header) or "" in header:
        return "Every column needs a name of its own."
    if not set(header) - set(OWN_COLUMNS):
        return f"Name at least one input as a column, such as “question”, beside {', '.join(OWN_COLUMNS)}."
    return ""


def _cells(line: int, row: Mapping[str, str], found: Reading) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        weight = float(row.get("weight") or 1)
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight):
        found.refuse(line, f"The weight “{row['weight']}” is not a number.")
        return
    fields: dict[str, Any] = {
        "inputs": {name: cell for name, cell in row.items() if name not in OWN_COLUMNS},
        "expected": _expectation(row.get("expected", "")),
        "weight": weight,
        "tags": [tag for tag in re.split(r"[;,\s]+", row.get("tags", "")) if tag],
        "key": row.get("key", ""),
    }
    yield line, fields | ({"origin": row["origin"]} if row.get("origin") else {})


def _expectation(cell: str) -> Any:
    """A text; an object or a list where the cell is JSON of one; None for an empty cell."""
    if cell.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            return cell
    return cell or None


def write_jsonl(cases: Iterable[CaseDraft]) -> Iterator[str]:
    """A line a case."""
    for case in cases:
        data = {
            "key": case.key,
            "inputs": dict(case.inputs),
            "expected": case.expected,
            "weight": case.weight,
            "tags": list(case.tags),
            "origin": case.origin,
        }
        yield json.dumps(data, ensure_ascii=False) + "\n"


def write_csv(cases: Sequence[CaseDraft]) -> Iterator[str]:
    """The header, then a row a case; a column for every input of any of them."""
    names = list(dict.fromkeys(name for case in cases for name in case.inputs))
    yield _row(["key", *names, "expected", "weight", "tags", "origin"])
    for case in cases:
        expected = case.expected if isinstance(case.expected, str | None) else json.dumps(case.expected)
        cells = [case.inputs.get(name, "") for name in names]
        yield _row([case.key, *cells, expected or "", f"{case.weight:g}", ";".join(case.tags), case.origin])


def _row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
