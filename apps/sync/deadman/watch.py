"""The watch of one web process: a thread that judges every few seconds, and the ASGI wrapper that runs it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from apps.sync.deadman.alerting import settle
from apps.sync.deadman.reading import limits, read_signs
from apps.sync.deadman.rule import Life, Verdict, judge

PERIOD_SECONDS = 5.0

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)


class Watch:
    """Judges from its first look on; `verdict` is what this process knows, None before the first look."""

    def __init__(self) -> None:
        self.verdict: Verdict | None = None
        self.since: datetime | None = None
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look now and every few seconds, until `stop`."""
        self._is_over.clear()
        self._thread = threading.Thread(target=self._run, name="dead-man", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; waits a moment for a look that is under way."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def judge(self) -> Verdict:
        """The verdict at this moment."""
        signs = read_signs()
        return judge(signs=signs, limits=limits(), watched_since=self.since)

    def look(self) -> None:
        """Judge once; silence is told when it is seen a second time, for a source may just have been resumed."""
        signs = read_signs()
        self.since = self.since or signs.at
        verdict = judge(signs=signs, limits=limits(), watched_since=self.since)
        was_silent, self.verdict = self.verdict is not None and self.verdict.is_silent, verdict
        if verdict.life is Life.ALIVE or (verdict.is_silent and was_silent):
            settle(verdict=verdict, at=signs.at)

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception as error:  # the database may be away; it is asked again
                logger.warning("the dead-man switch cannot look: %s", type(error).__name__)
            finally:
                connection.close()  # a page needs the ones that the pool has
            if self._is_over.wait(PERIOD_SECONDS):
                return


watch = Watch()


def watched(application: Application) -> Application:
    """`application` with the watch running from the server's start to its end."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        while (await receive())["type"] == "lifespan.startup":
            watch.start()
            await send({"type": "lifespan.startup.complete"})
        await asyncio.to_thread(watch.stop)
        await send({"type": "lifespan.shutdown.complete"})

    return serve
