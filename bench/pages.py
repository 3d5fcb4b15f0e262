"""Pages asked for in this process, through every middleware, by somebody who is signed in."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import RequestFactory


class Visitor:
    """Somebody who is signed in and reads pages."""

    def __init__(self, session_key: str) -> None:
        self._handler, self._looks = WSGIHandler(), itertools.count()
        self._cookie = f"{settings.SESSION_COOKIE_NAME}={session_key}"

    def get(self, path: str) -> bytes:
        """The body of a page that must answer 200."""
        told: list[str] = []

        def start(status: str, _headers: Any, _error: Any = None, /) -> Callable[[bytes], object]:
            told.append(status)
            return lambda _body: None

        environ = RequestFactory().get(path, HTTP_HOST="localhost", HTTP_COOKIE=self._cookie).environ
        response = self._handler(environ, start)
        body = b"".join(response)
        response.close()
        if not told[0].startswith("200"):
            raise RuntimeError(f"{path} answered {told[0]}")
        return body

    def get_anew(self, path: str) -> bytes:
        """The same when something was committed since it was asked for last, whatever that was."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        return self.get(path)

    def get_first(self, path: str) -> bytes:
        """The same under an address that nobody asked for yet, so that nothing of it but rows and frame is kept."""
        return self.get(f"{path}?view={next(self._looks)}")

    def getter(self, path: str) -> Callable[[], bytes]:
        """`get` of one address."""
        return lambda: self.get(path)

    def buffers(self, path: str) -> tuple[int, int]:
        """(8-KB pages of PostgreSQL's buffers that all statements of the page touch, how many statements there are)."""
        counted: list[int] = []

        def explain(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
            if sql.lstrip().upper().startswith(("SELECT", "WITH")):
                with context["connection"].connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
                    counted.append(_touched(cursor.fetchone()[0]))
            return execute(sql, params, many, context)

        self.get(path)  # caches and catalogs are warm
        with connection.execute_wrapper(explain):
            self.get_anew(path)
        return sum(counted), len(counted)


def sign_in(username: str) -> str:
    """The session key of a person who is made for it."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.cached_db import SessionStore

    from apps.accounts.models import User

    user = User.objects.create(username=username, password="!", role="viewer")
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return str(store.session_key)


def _touched(plan: Any) -> int:
    top = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
