"""Markup that is the same for every reader, drawn once and kept in this process under everything that it shows.

Nothing has to be forgotten when something changes: what changed has another key, and the old one falls out when it was
not asked for long enough. The key of a row holds every value that was loaded for it. The key of a whole part of a page
names the data in the database instead: its snapshot, which is another one as soon as anything at all was committed.
What moves while no value changes are ages ("3 min ago"); they are filled in at each use, from the instant that stands
in the `<time>` itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from threading import Lock
from time import time
from typing import Any, Final

from django.db import connection
from django.db.models import Model
from django.template import Context
from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from apps.core.ui import formats

MOST_ROWS: Final = 2000  # of about 4 KB with their keys
MOST_PARTS: Final = 50  # of up to 120 KB
SECONDS: Final = 10  # a part shows spans that end now; however quiet the database is, they move this often
_AGE: Final = re.compile(r'(<time datetime="([^"]+)"[^>]* data-ago>)[^<]*(?=</time>)')

Pieces = list[str | datetime]  # an instant stands where its age belongs
Data = tuple[str, ...] | None


class Shelf:
    """What was drawn, the least recently used first."""

    def __init__(self, most: int) -> None:
        self._most, self._kept, self._lock = most, dict[Hashable, Pieces](), Lock()

    def get(self, key: Hashable, draw: Callable[[], str]) -> Pieces:
        """The pieces kept under `key`, drawn now if there are none."""
        with self._lock:
            pieces = self._kept.pop(key, None)
        if pieces is None:
            pieces = cut(draw())
        with self._lock:
            self._kept[key] = pieces
            if len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
        return pieces


_rows, _parts = Shelf(MOST_ROWS), Shelf(MOST_PARTS)


def data_now() -> Data:
    """What names all that is committed at this moment; ask before anything of it is read.

    None within a transaction, for nobody's snapshot tells of what that transaction wrote itself.
    """
    if connection.in_atomic_block:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), pg_current_snapshot()::text")
        return tuple(cursor.fetchone())


def part_markup(key: tuple[str, ...], draw: Callable[[], str], *, data: Data) -> SafeString:
    """A part of a page as `draw` makes it, or as it was made while nothing was committed since.

    key: what `draw` depends on beside the data and the zone; it must not depend on the reader.
    """
    if data is None:
        return _safe(draw())
    zone = timezone.get_current_timezone()
    pieces = _parts.get((key, zone, int(time() // SECONDS), data), draw)
    return _safe(filled(pieces, datetime.now(zone)))


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
        pieces = _rows.get((self._same, shown), lambda: self._template.render(Context(dict(values))))
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
    pieces: Pieces = []
    end = 0
    for found in _AGE.finditer(markup):
        pieces += (markup[end : found.end(1)], datetime.fromisoformat(found[2]))
        end = found.end()
    return [*pieces, markup[end:]]


def filled(pieces: Pieces, now: datetime) -> str:
    """The markup with its ages as they are `now`, in the zone of `now`."""
    return "".join(formats.ago(piece, now) if isinstance(piece, datetime) else piece for piece in pieces)


def _safe(markup: str) -> SafeString:
    return mark_safe(markup)  # noqa: S308 - out of a template, which escaped what it was given
