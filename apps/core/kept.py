"""Markup that is the same for every reader, drawn once and kept in this process under everything that it shows.

Nothing has to be forgotten when something changes: what changed has another key, and the old one falls out when it was
not asked for long enough. The key of a row holds every value that was loaded for it; for whole parts of pages see
parts.py. What moves while no value changes are ages ("3 min ago"); they are filled in at each use, from the instant
that stands in the `<time>` itself.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model
from django.template import Context
from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from apps.core.ui import formats

MOST_ROWS: Final = 2000  # of about 4 KB with their keys
_AGE: Final = re.compile(r'(<time datetime="([^"]+)"[^>]* data-ago>)[^<]*(?=</time>)')

Kept = TypeVar("Kept")
Pieces = tuple[str | datetime, ...]  # an instant stands where its age belongs


class Shelf(Generic[Kept]):
    """What was made, the least recently used first."""

    def __init__(self, most: int) -> None:
        self._most, self._kept, self._lock = most, dict[Hashable, Kept](), Lock()

    def get(self, key: Hashable) -> Kept | None:
        """What is kept under `key`."""
        with self._lock:
            found = self._kept.pop(key, None)
            if found is not None:
                self._kept[key] = found
            return found

    def put(self, key: Hashable, made: Kept) -> Kept:
        """Keep it; the one that was not asked for longest goes when there are too many."""
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = made
            if len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
        return made


_rows = Shelf[Pieces](MOST_ROWS)


def rows_markup(template_name: str, rows: Iterable[Model]) -> SafeString:
    """The rows as the template draws each from `row` alone: it knows no request and no reader but the time zone."""
    drawing = _Drawing(template_name)
    return _safe("".join(drawing.markup(facts(row), {"row": row}) for row in rows))


def markup_of(template_name: str, values: Mapping[str, Hashable]) -> SafeString:
    """What a template draws of these values alone, which are its key."""
    typed = tuple((name, type(value), value) for name, value in values.items())  # text marked as safe is another value
    return _safe(_Drawing(template_name).markup(typed, values))


class _Drawing:
    """One template at one moment in one zone."""

    def __init__(self, template_name: str) -> None:
        found: Any = get_template(template_name)
        self._template = found.template  # another one as soon as a file was edited
        self._zone = timezone.get_current_timezone()
        self._now = datetime.now(self._zone)
        self._same = (self._template, self._zone, self._now.date())  # "10:24" is written differently tomorrow

    def markup(self, shown: Hashable, values: Mapping[str, Any]) -> str:
        """What the template makes of `values`, kept under what it shows of them."""
        key = (self._same, shown)
        pieces = _rows.get(key)
        if pieces is None:
            pieces = _rows.put(key, cut(self._template.render(Context(dict(values)))))
        return filled(pieces, self._now)


def facts(row: Model, of: Model | None = None) -> tuple[Any, ...]:
    """Every value that was loaded for a row and for what belongs to it; TypeError later for JSON: defer or cast it.

    of: the row that led here; a one-to-one relation leads back.
    """
    own = row.__dict__
    values = (value for name, value in own.items() if name != "_state")
    related = {name: one for name, one in own["_state"].fields_cache.items() if one is not of}
    return (type(row), *own, *values, *related, *(one and facts(one, row) for one in related.values()))


def cut(markup: str) -> Pieces:
    """Markup taken apart at its ages."""
    pieces: list[str | datetime] = []
    end = 0
    for found in _AGE.finditer(markup):
        pieces += (markup[end : found.end(1)], datetime.fromisoformat(found[2]))
        end = found.end()
    return (*pieces, markup[end:])


def filled(pieces: Pieces, now: datetime) -> str:
    """The markup with its ages as they are `now`, in the zone of `now`."""
    return "".join(formats.ago(piece, now) if isinstance(piece, datetime) else piece for piece in pieces)


def markup_now(pieces: Pieces) -> SafeString:
    """The same as they are now, in the reader's zone."""
    return _safe(filled(pieces, timezone.localtime()))


def _safe(markup: str) -> SafeString:
    return mark_safe(markup)  # noqa: S308 - out of a template, which escaped what it was given
