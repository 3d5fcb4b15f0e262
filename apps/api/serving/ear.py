"""One connection a web process that hears which prompts and tokens changed, from the first question on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import psycopg

from apps.api.serving.memory import Memory
from apps.portal import notices

log = logging.getLogger(__name__)

CHANNEL = "opsportal_prompts"  # what the triggers of apps/prompts and apps/accounts call out on
PATIENCE = 3.0  # seconds of silence after which the database is asked whether it is still there
ANSWERS_WITHIN = 3.0  # seconds, or it is away
NOTED_EVERY = 60.0  # seconds between two writes of which tokens were used
LONGEST_PAUSE = 1.0  # seconds between two tries to reach a database that is away


class Ear:
    """Tells `memory` what it hears; `note` writes down which tokens were used."""

    def __init__(self, memory: Memory, *, note: Callable[[set[int]], Awaitable[None]]) -> None:
        self._memory = memory
        self._note = note
        self._task: asyncio.Task[None] | None = None
        self._noting: asyncio.Task[None] | None = None
        self._noted_at = time.monotonic()

    def listen(self) -> None:
        """Begin to, if that has not begun."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        pause = 0.0
        while True:
            try:
                async with await notices.connect(CHANNEL) as connection:
                    pause = 0.0
                    self._memory.heard()
                    while True:
                        async with asyncio.timeout(PATIENCE + ANSWERS_WITHIN):
                            await notices.follow(connection, tell=self._tell, patience=PATIENCE)
                        self._begin_to_note()
            except (psycopg.Error, OSError) as error:  # TimeoutError is one of the latter
                log.warning("kept prompts wait for the database: %s", type(error).__name__)
            finally:
                self._memory.lost()
            await asyncio.sleep(pause)
            pause = min(2 * pause + 0.05, LONGEST_PAUSE)

    def _tell(self, topic: str) -> None:
        self._memory.drop(topic)

    def _begin_to_note(self) -> None:
        """Write down which tokens were used, if it is time, without hearing any worse meanwhile."""
        is_free = self._noting is None or self._noting.done()
        if is_free and self._memory.used and time.monotonic() - self._noted_at >= NOTED_EVERY:
            self._noted_at = time.monotonic()
            used, self._memory.used = self._memory.used, set()
            self._noting = asyncio.create_task(self._note_uses(used))

    async def _note_uses(self, used: set[int]) -> None:
        try:
            await self._note(used)
        except Exception as error:  # a note more or less; the next one comes in a minute
            log.warning("the use of tokens was not written down: %s", type(error).__name__)
