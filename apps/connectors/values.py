"""Reading a vendor's JSON values: tolerant of what is missing, strict about what is stored.

Every function raises UnreadableError with a reason for people when a value that must be there cannot be used;
`read_items` turns that into one rejected item and goes on with its neighbours.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from apps.connectors.body import parse_json
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.records import Kind, Rejected

MAX_NAME = 512
MAX_TEXT = 10_000
MAX_LABELS = 64
MAX_VALUE = 1e300  # above it a number stands for infinity, as MLflow's 1.797e308
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_COMPACT = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))  # `json.dumps` would make one every time

T = TypeVar("T")


class UnreadableError(ValueError):
    """One item cannot be read; the text says why."""


def read_items(
    items: Iterable[Any], read: Callable[[Mapping[str, Any]], T], *, kind: Kind, id_key: str
) -> tuple[list[T], list[Rejected]]:
    """Every item read, and every item that cannot be: a bad one never stops its neighbours."""
    records: list[T] = []
    rejected: list[Rejected] = []
    for item in items:
        try:
            records.append(read(as_object(item)))
        except (UnreadableError, ValueError, TypeError, OverflowError, KeyError, AttributeError) as error:
            rejected.append(reject(item, kind=kind, id_key=id_key, error=error))
    return records, rejected


def reject(item: Any, *, kind: Kind, id_key: str, error: Exception) -> Rejected:
    """The dead letter for one item, with whatever identity it shows."""
    raw = item if isinstance(item, Mapping) else {"value": item}
    found = raw.get(id_key, "")
    reason = str(error) if isinstance(error, UnreadableError) else f"unexpected shape ({type(error).__name__})"
    return Rejected(kind=kind, external_id=str(found)[:MAX_NAME] if found else "", reason=reason[:500], raw=raw)


def as_object(value: Any) -> Mapping[str, Any]:
    """A JSON object, or UnreadableError."""
    if not isinstance(value, Mapping):
        raise UnreadableError("it is not an object")
    return value


def object_or_empty(value: Any) -> Mapping[str, Any]:
    """A JSON object, or {} for anything else."""
    return value if isinstance(value, Mapping) else {}


def list_or_empty(value: Any) -> list[Any]:
    """A JSON list, or [] for anything else."""
    return value if isinstance(value, list) else []


def expect_object(value: Any, *, host_says: str) -> Mapping[str, Any]:
    """The whole answer as an object; raises SourceError (schema) naming what was asked."""
    if not isinstance(value, Mapping):
        raise schema_error(host_says)
    return value


def expect_list(value: Any, *, host_says: str) -> list[Any]:
    """The whole answer as a list; raises SourceError (schema) naming what was asked."""
    if not isinstance(value, list):
        raise schema_error(host_says)
    return value


def schema_error(what: str) -> SourceError:
    """The error for an answer that is JSON but not the documented shape; it is never read as “nothing there”."""
    return SourceError(
        ErrorClass.SCHEMA, f"{what} has another shape than documented; is this the right kind of server?"
    )


def required_text(item: Mapping[str, Any], key: str) -> str:
    """A non-empty text, cut to 512 characters; numbers become text, anything else is UnreadableError."""
    value = item.get(key)
    if isinstance(value, str | int) and not isinstance(value, bool) and (text := str(value).strip()):
        return text[:MAX_NAME]
    raise UnreadableError(f"{key} is missing")


def optional_text(item: Mapping[str, Any], key: str, *, limit: int = MAX_NAME) -> str:
    """A text, or "" for anything else."""
    value = item.get(key)
    return value[:limit] if isinstance(value, str) else ""


def first_line(value: Any) -> str:
    """The first line that says something, cut to 512 characters."""
    if not isinstance(value, str):
        return ""
    return next((line.strip()[:MAX_NAME] for line in value.splitlines() if line.strip()), "")


def as_labels(value: Any) -> dict[str, str]:
    """An object's text and number entries as labels; at most 64, each cut to 512 characters."""
    pairs = (
        (str(name)[:MAX_NAME], str(entry)[:MAX_NAME])
        for name, entry in object_or_empty(value).items()
        if isinstance(entry, str | int | float) and not isinstance(entry, bool)
    )
    return dict(sorted(pairs)[:MAX_LABELS])


def from_iso(value: Any) -> datetime:
    """An aware UTC time from ISO 8601 with an offset; nanoseconds are cut to microseconds."""
    if not isinstance(value, str) or not value:
        raise UnreadableError("a time is missing")
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise UnreadableError(f"“{value[:40]}” is not a time") from None
    if at.tzinfo is None:
        raise UnreadableError(f"the time “{value[:40]}” has no time zone")
    return _plausible(at)


def optional_iso(value: Any) -> datetime | None:
    """Like from_iso, but None when there is nothing."""
    return None if value is None or value == "" else from_iso(value)


def from_millis(value: Any) -> datetime:
    """An aware UTC time from epoch milliseconds."""
    return from_seconds(_number(value) / 1000)


def optional_millis(value: Any) -> datetime | None:
    """Like from_millis, but None when there is nothing; MLflow writes 0 for "not yet"."""
    return None if value is None or value in ("", 0) else from_millis(value)


def from_seconds(value: Any) -> datetime:
    """An aware UTC time from epoch seconds."""
    try:
        return _plausible(datetime.fromtimestamp(_number(value), UTC))
    except (OverflowError, OSError, ValueError) as error:
        raise error if isinstance(error, UnreadableError) else UnreadableError("a time is out of range") from None


def finite(value: Any) -> float | None:
    """A finite number from a JSON number or its text; None for NaN and infinity, however written."""
    try:
        number = _number(value)
    except UnreadableError:
        return None
    return number if math.isfinite(number) and abs(number) < MAX_VALUE else None


def embedded_json(text: str) -> Any:
    """The value of JSON that a vendor keeps inside a text, as strictly read as an answer; Unreadable otherwise."""
    try:
        return parse_json(text.encode("utf-8", errors="replace"))
    except SourceError:
        raise UnreadableError("the JSON inside it is not usable") from None


def stable_id(*parts: str, labels: Mapping[str, str] | None = None) -> str:
    """A short identity that depends only on the parts and the labels, not on the order of the labels."""
    text = _COMPACT.encode([list(parts), sorted((labels or {}).items())])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def latest(times: Iterable[datetime | None]) -> datetime | None:
    """The latest of the times that are there, or None."""
    return max((at for at in times if at is not None), default=None)


def safe_url(value: Any) -> str:
    """An http(s) URL that a page may link to, or "" for anything else (javascript:, data:, relative)."""
    text = value.strip() if isinstance(value, str) else ""
    return text[:2000] if text.startswith(("https://", "http://")) else ""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UnreadableError("a number is missing")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise UnreadableError("a number is not readable") from None


def _plausible(at: datetime) -> datetime:
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        raise UnreadableError("a time is out of range") from None
    if not EARLIEST <= at <= LATEST:
        raise UnreadableError("a time is out of range")
    return at


def utc_text(at: datetime) -> str:
    """A time as a sentence says it: "24 November 2026, 09:30 UTC"."""
    moment = at.astimezone(UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
