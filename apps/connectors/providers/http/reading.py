"""From what an expression found to the value of a field: pure, and every refusal says what was found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from apps.connectors.records import Score
from apps.connectors.values import (
    MAX_NAME,
    MAX_TEXT,
    UnreadableError,
    as_labels,
    finite,
    first_line,
    from_iso,
    from_millis,
    from_seconds,
    safe_url,
)

MOST_ENTRIES = 10_000  # of one list
MOST_WHOLE = 2**31 - 1
_LONG = frozenset({"description", "detail", "template", "commit_message", "summary", "before", "after"})
_YES, _NO = frozenset({"true", "yes", "1", "on", "y"}), frozenset({"false", "no", "0", "off", "n"})


def found(value: Any) -> str:
    """The value as a message quotes it: short, one line."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    text = " ".join(text.split())
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


def is_nothing(value: Any) -> bool:
    """Whether an expression found nothing: JSON's null, or the empty text of a CSV cell."""
    return value is None or (isinstance(value, str) and not value.strip())


def text_for(name: str) -> Callable[[Any], str]:
    """The reader of texts for a field: links, errors, identities and prose are cut differently."""
    if name == "external_id" or name.endswith("_external_id"):
        return identity
    if name == "url":
        return safe_url
    if name == "error":
        return lambda value: first_line(plain(value))
    return lambda value: plain(value)[: MAX_TEXT if name in _LONG else MAX_NAME]


def plain(value: Any) -> str:
    """A text; numbers and booleans as JSON writes them."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value) if isinstance(value, float) and value.is_integer() else value)
    raise UnreadableError(f"{found(value)} is no text")


def identity(value: Any) -> str:
    """An id, never cut: two long ones must not become one."""
    text = plain(value)
    if len(text) > MAX_NAME:
        raise UnreadableError(f"an id of more than {MAX_NAME} characters cannot be kept")
    return text


def word(value: Any, vocabulary: type[StrEnum], words: Mapping[str, str]) -> StrEnum:
    """Our word for the source's own: by the mapping, else if it is one of ours, else `unknown` if there is one."""
    theirs = own_word(value)
    known = {name.casefold(): ours for name, ours in words.items()}
    ours = words.get(theirs) or known.get(theirs.casefold()) or theirs.casefold()
    if ours in set(vocabulary):
        return vocabulary(ours)
    if "unknown" in set(vocabulary):
        return vocabulary("unknown")
    raise UnreadableError(f"{found(theirs)} is not among the words that are mapped")


def own_word(value: Any) -> str:
    """A state in the source's own word; JSON's null is the word “null”."""
    return ("null" if value is None else plain(value))[:MAX_NAME]


def whole(value: Any) -> int:
    """A whole number, also from its text."""
    read = finite(value)
    if read is None or read != int(read) or abs(read) > MOST_WHOLE:
        raise UnreadableError(f"{found(value)} is no whole number")
    return int(read)


def number(value: Any) -> float:
    """A finite number, also from its text; true and false count as 1 and 0."""
    read = float(value) if isinstance(value, bool) else finite(value)
    if read is None:
        raise UnreadableError(f"{found(value)} is no number")
    return read


def yes_or_no(value: Any) -> bool:
    """True or false, also from yes, no, on, off, 1, 0."""
    text = plain(value).casefold()
    if text not in _YES | _NO:
        raise UnreadableError(f"{found(value)} is neither yes nor no")
    return text in _YES


def money(value: Any) -> Decimal:
    """A decimal number without the errors of binary fractions."""
    try:
        read = Decimal(plain(value))
    except InvalidOperation:
        raise UnreadableError(f"{found(value)} is no number") from None
    if not read.is_finite() or abs(read) >= Decimal(10) ** 12:
        raise UnreadableError(f"{found(value)} is no amount")
    return read


def labels(value: Any) -> dict[str, str]:
    """An object's texts and numbers."""
    return as_labels(obj(value))


def obj(value: Any) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise UnreadableError(f"{found(value)} is no object")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts; a single text is a list of one."""
    return tuple(identity(entry) for entry in (_entries(value) if isinstance(value, list) else [value]))


def messages(value: Any) -> tuple[Mapping[str, str], ...]:
    """A chat prompt's messages: objects of `role` and `content`."""
    return tuple(
        {"role": plain(obj(entry).get("role")), "content": plain(obj(entry).get("content"))[:MAX_TEXT]}
        for entry in _entries(value)
    )


def scores(value: Any) -> tuple[Score, ...]:
    """An evaluation's scores: objects of `scorer` and `value`, and what else a score has; or name -> number."""
    if isinstance(value, Mapping):
        return tuple(Score(scorer=str(name)[:MAX_NAME], value=number(entry)) for name, entry in value.items())
    return tuple(_score(obj(entry)) for entry in _entries(value))


def _score(entry: Mapping[str, Any]) -> Score:
    passed = entry.get("passed")
    return Score(
        scorer=plain(entry.get("scorer"))[:MAX_NAME],
        value=number(entry.get("value")),
        case=plain(entry.get("case") or "")[:MAX_NAME],
        passed=None if is_nothing(passed) else yes_or_no(passed),
        count=whole(entry.get("count", 1)),
        comment=plain(entry.get("comment") or "")[:MAX_TEXT],
    )


def samples(value: Any, time: Callable[[Any], datetime]) -> tuple[tuple[datetime, float], ...]:
    """A series' samples, oldest first: pairs of time and value, or objects of `at` and `value`."""
    pairs = (_pair(entry) for entry in _entries(value))
    return tuple(sorted((time(at), number(sample)) for at, sample in pairs))


def _pair(entry: Any) -> tuple[Any, Any]:
    if isinstance(entry, Mapping):
        return entry.get("at"), entry.get("value")
    if isinstance(entry, list) and len(entry) == 2:
        return entry[0], entry[1]
    raise UnreadableError(f"{found(entry)} is neither [time, value] nor an object of `at` and `value`")


def _entries(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UnreadableError(f"{found(value)} is no list")
    if len(value) > MOST_ENTRIES:
        raise UnreadableError(f"a list of more than {MOST_ENTRIES:,} entries cannot be kept")
    return value


def time_reader(style: str, zone: ZoneInfo | None) -> Callable[[Any], datetime]:
    """The reader of times written as ISO 8601, epoch seconds or millis, or by a pattern like %d.%m.%Y %H:%M.

    A time without an offset is read in `zone`; without one it is refused, because guessing hours is worse.
    """
    if style in ("seconds", "millis"):
        return from_seconds if style == "seconds" else from_millis
    return lambda value: _local(value, "" if style == "iso" else style, zone)


def _local(value: Any, pattern: str, zone: ZoneInfo | None) -> datetime:
    if not isinstance(value, str):
        raise UnreadableError(f"{found(value)} is no text of a time; say `times: seconds` or `times: millis`?")
    text = value.strip()
    try:
        at = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)  # noqa: DTZ007 - zone below
    except (ValueError, OverflowError, re.error):
        raise UnreadableError(f"{found(value)} is not a time as declared") from None
    if at.tzinfo is None:
        if zone is None:
            raise UnreadableError(f"the time {found(value)} has no offset; add `zone: Europe/Berlin` or the like")
        at = at.replace(tzinfo=zone)
    try:
        return from_iso(at.isoformat())
    except (ValueError, OverflowError):
        raise UnreadableError(f"the time {found(value)} is out of range") from None
