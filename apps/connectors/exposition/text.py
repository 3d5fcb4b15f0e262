"""The text of a scrape, split into families before the parser sees it.

The parser reads character by character, and fails as a whole on one bad line. So only wanted families reach it that
are not plain, lines have a length limit, and a family that fails is read again line by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client import parser as classic
from prometheus_client.openmetrics import parser as openmetrics

from apps.connectors.exposition.plain import read_plain
from apps.connectors.records import Kind, Rejected

MAX_LINE = 8_192  # the parser's time grows with the square of a line's length
MAX_LINES = 10_000
MAX_REJECTED = 20  # of one family
SUFFIXES = ("_total", "_created", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_info")
_NAME = re.compile(r'\{?\s*"?([^\s"{},]+)')
_parse_classic: Callable[[str], Iterable[Metric]] = classic.text_string_to_metric_families
_parse_openmetrics: Callable[[str], Iterable[Metric]] = openmetrics.text_string_to_metric_families
_PARSE_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


@dataclass(slots=True)
class Family:
    """The lines of one metric family: its metadata and its samples, and the names that the samples really have."""

    name: str
    names: set[str] = field(default_factory=set)
    metadata: list[str] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)


def is_of_family(name: str, family: str) -> bool:
    """Whether a sample's name belongs to a family: `x_bucket` to `x`, `x_total` to `x`."""
    return name == family or (name.startswith(family) and name[len(family) :] in SUFFIXES)


def split(
    text: str, *, is_wanted: Callable[[str], bool], max_lines: int = MAX_LINES
) -> tuple[list[Family], list[Rejected]]:
    """The wanted families, and rejected lines. A family's name comes from its metadata, else from its sample."""
    families: list[Family] = []
    rejected: list[Rejected] = []
    kept = 0
    current, is_current_wanted = Family(""), is_wanted("")
    for line in _lines(text):
        is_metadata = line.startswith("#")
        name = _name_of(line.split(None, 3)[2] if is_metadata else line)
        if name != current.name and (is_metadata or not is_of_family(name, current.name)):
            current, is_current_wanted = Family(name), is_wanted(name)
            if is_current_wanted:
                families.append(current)
        if not is_current_wanted:
            continue
        kept += 1
        if kept > max_lines:
            reason = f"there are more than {max_lines} lines; name the metrics to read"
            rejected.append(Rejected(kind=Kind.SERIES, external_id=name[:512], reason=reason))
            break
        if len(line) > MAX_LINE:
            rejected.append(_rejected(name, line, f"a line is longer than {MAX_LINE} characters"))
        elif is_metadata:
            current.metadata.append(line)
        else:
            current.names.add(name)
            current.samples.append(line)
    return families, rejected


def parse(family: Family, *, is_openmetrics: bool) -> tuple[list[Metric], list[Rejected]]:
    """The family as the parser's metrics; where it fails, line by line, and the bad lines rejected."""
    if not is_openmetrics:
        plain = read_plain(family.name, metadata=family.metadata, lines=family.samples)
        if plain is not None:
            return plain, []
    try:
        return _parse([*family.metadata, *family.samples], is_openmetrics), []
    except _PARSE_ERRORS:
        pass
    metrics: list[Metric] = []
    rejected: list[Rejected] = []
    for line in family.samples:
        try:
            metrics += _parse([*family.metadata, line], is_openmetrics)
        except _PARSE_ERRORS:
            rejected.append(_rejected(family.name, line, "the line is not in the metrics format"))
    return metrics, rejected[:MAX_REJECTED]


def _parse(lines: Iterable[str], is_openmetrics: bool) -> list[Metric]:
    text = "\n".join(lines) + "\n"
    return list(_parse_openmetrics(text + "# EOF\n") if is_openmetrics else _parse_classic(text))


def _lines(text: str) -> Iterator[str]:
    """Lines that mean something: samples, and comments that are metadata."""
    for raw in text.split("\n"):
        line = raw.strip()
        if not line:
            continue
        if line == "# EOF":
            return
        if not line.startswith("#") or (line.startswith(("# TYPE ", "# HELP ", "# UNIT ")) and len(line.split()) > 2):
            yield line


def _name_of(text: str) -> str:
    found = _NAME.match(text)
    return found.group(1)[:512] if found else ""


def _rejected(name: str, line: str, reason: str) -> Rejected:
    return Rejected(kind=Kind.SERIES, external_id=name[:512], reason=reason, raw={"line": line[:512]})
