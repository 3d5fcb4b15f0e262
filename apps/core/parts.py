"""Parts of pages and whole pages, kept in this process while nothing that they show changed.

A part is named by what it depends on beside the data; the data are named by PostgreSQL's snapshot, which is another one
as soon as anything at all was committed. A page is kept under its parts, the version of its reader's own row and all
else that its frame shows. See docs/decisions/0010 and 0020.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from time import time
from typing import Any, Final

from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.core import kept
from apps.core.asked import Asked, Listener

MOST_PARTS: Final = 50  # of up to 120 KB
MOST_PAGES: Final = 100  # of up to 160 KB
SECONDS: Final = 10  # a part shows spans that end now; however quiet the database is, they move this often
LISTED_SECONDS: Final = 30  # the same for what shows no spans, and compares nothing with the clock to less than this
_OF_THE_READER: Final = frozenset(
    {"request", "user", "perms", "messages", "DEFAULT_MESSAGE_LEVELS", "portal", "csrf_token"}
)
_TOKEN: Final = f"token-{token_hex(16)}"  # stands where the CSRF token of the request belongs

Data = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class AsOf:
    """What was asked before anything else of a request: all that is committed, and the version of the reader's row."""

    data: Data
    reader: Hashable = None  # None where it is not known


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a page that is the same for every reader in one zone."""

    pieces: tuple[str | datetime, ...]
    data: Data = field(compare=False)
    asked: Asked | None = field(default=None, compare=False)

    @property
    def markup(self) -> SafeString:
        """The part with its ages as they are now."""
        return kept.markup_now(self.pieces)


_parts, _pages = kept.Shelf[Part](MOST_PARTS), kept.Shelf[tuple[str | datetime, ...]](MOST_PAGES)


def data_now() -> Data:
    """What names all that is committed at this moment; ask before anything of it is read.

    None within a transaction, for nobody's snapshot tells of what that transaction wrote itself.
    """
    if connection.in_atomic_block:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), pg_current_snapshot()::text")
        return tuple(cursor.fetchone())


def as_of(request: HttpRequest) -> AsOf:
    """What the middleware asked for a request that only reads, else what is so at this moment."""
    return getattr(request, "as_of", None) or AsOf(data_now())


def part(key: tuple[str, ...], draw: Callable[[], str], *, data: Data, asks_again: bool = False) -> Part:
    """A part of a page as `draw` makes it, or as it was made while nothing was committed since.

    key: what `draw` depends on beside the data and the zone; it must not depend on the reader.
    asks_again: after a commit see first whether the same questions still have the same answers. Only for what compares
        times with a clock that may be LISTED_SECONDS slow.
    """
    if data is None:
        return Part((draw(),), None)
    place = (key, timezone.get_current_timezone(), int(time() // (LISTED_SECONDS if asks_again else SECONDS)))
    found = _parts.get(place)
    if found and found.data != data:
        found = Part(found.pieces, data, found.asked) if found.asked and found.asked.holds() else None
    if found is None:
        listener = Listener()
        with connection.execute_wrapper(listener):
            markup = draw()
        found = Part(kept.cut(markup), data, listener.asked if asks_again else None)
    return _parts.put(place, found)


def page(request: HttpRequest, template: str, context: dict[str, Any], parts: dict[str, Part]) -> HttpResponse:
    """The whole page, which shows nothing but parts and texts of `context` in the frame of this reader.

    parts: name in the template -> part.
    """
    now = as_of(request)
    if now.data is None or now.reader is None or len(get_messages(request)):
        return HttpResponse(render_to_string(template, context | _drawn(parts), request))
    match = request.resolver_match
    place = (
        *(template, request.get_full_path(), match and match.view_name, get_script_prefix(), now.reader),
        *(timezone.get_current_timezone(), int(time() // 60), *context.items(), *parts.items(), *_facts(request)),
    )
    pieces = _pages.get(place)
    if pieces is None:
        html = render_to_string(template, {**context, **_drawn(parts), "csrf_token": _TOKEN}, request)
        pieces = _pages.put(place, kept.cut(html))
    return HttpResponse(kept.markup_now(pieces).replace(_TOKEN, get_token(request)))


def _drawn(parts: dict[str, Part]) -> dict[str, SafeString]:
    return {name: one.markup for name, one in parts.items()}


def _facts(request: HttpRequest) -> list[tuple[str, Hashable]]:
    """What the frame shows beside the reader's own: the values of every other context processor."""
    engine: Any = engines["django"]
    found = [item for processor in engine.engine.template_context_processors for item in processor(request).items()]
    return [item for item in found if item[0] not in _OF_THE_READER]
