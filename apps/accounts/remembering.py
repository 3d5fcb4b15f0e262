"""Who is signed in, remembered in this process from one request of a session to the next.

One statement asks PostgreSQL before anything else which versions of the person's and of the session's row are current,
and names all that is committed. As long as both are the versions that were remembered, neither is read again: whoever
signs out, changes a password or gets another role has another version at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import auth
from django.db import connection
from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.core.kept import Shelf
from apps.core.parts import AsOf

MOST: Final = 1000  # sessions
SECONDS: Final = 60  # a session that ran out is remembered for so long at most
_NOW = """
SELECT ARRAY[current_database()::text, pg_current_snapshot()::text],
       (SELECT xmin::text || ctid::text FROM django_session WHERE session_key = %s),
       (SELECT xmin::text || ctid::text FROM accounts_user WHERE id = %s)
"""


@dataclass(frozen=True, slots=True)
class Versions:
    """The names of the rows of a session and of its person; an empty one belongs to no row."""

    session: str
    person: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a session said, and whose it is."""

    versions: Versions
    session: dict[str, Any]
    user: User
    until: float


_sessions = Shelf[Remembered](MOST)


class RememberingMiddleware:
    """Gives requests that only read the session and the person as they were, if they are so still."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        if key and request.method == "GET" and not connection.in_atomic_block:  # nobody's versions tell of our own
            _identify(request, key)
        return self.get_response(request)


def _identify(request: Any, key: str) -> None:
    """Set the person and the session of a request, and `as_of`."""
    known = _sessions.get(key)
    data, versions = _now(key, known.user.pk if known else None)
    if known and known.versions == versions and time.monotonic() < known.until:
        request.session._session_cache = dict(known.session)
        request.session.accessed = True  # so that the answer varies with the cookie
        request._cached_user = copy(known.user)
    else:
        request._cached_user = _read(request, key, versions if known else Versions("", ""))
    person = request._cached_user
    is_known = known is not None and person.pk == known.user.pk and versions.person
    request.as_of = AsOf(data, (person.pk, versions.person) if is_known else None)


def _read(request: Any, key: str, versions: Versions) -> Any:
    """The person as Django finds them; versions that were asked before are theirs until the next."""
    user = auth.get_user(request)
    if isinstance(user, User) and not request.session.modified:
        session = dict(request.session.items())
        _sessions.put(key, Remembered(versions, session, copy(user), time.monotonic() + SECONDS))
    return user


def _now(key: str, pk: int | None) -> tuple[tuple[str, ...], Versions]:
    with connection.cursor() as cursor:
        cursor.execute(_NOW, [key, pk])
        data, session, person = cursor.fetchone()
    return tuple(data), Versions(session or "", person or "")
