"""When somebody last asked for a page in a session; kept in the cache, so that a page view costs no write."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.core.cache import cache

from apps.core.kept import Shelf

logger = logging.getLogger(__name__)

IDLE_LIMIT = timedelta(hours=8)
KEPT_FOR = timedelta(hours=25)  # longer than any session lives
NOTED_FOR = timedelta(seconds=30)  # after which this process asks the cache again; nothing beside the limit
_noted = Shelf[tuple[datetime, bool]](1000)  # session key -> (when it was not idle, whether a person asked)


def was_idle(*, session_key: str, at: datetime, is_person: bool) -> bool:
    """Whether the last page was asked for too long ago; a person's request counts from now on.

    Without a cache nobody is signed out: sessions end after a day in any case.
    """
    noted = _noted.get(session_key)
    if noted and timedelta() <= at - noted[0] < NOTED_FOR and (noted[1] or not is_person):
        return False
    key = f"seen:{session_key}"
    try:
        seen = cache.get(key)
        is_over = isinstance(seen, float) and at.timestamp() - seen > IDLE_LIMIT.total_seconds()
        if seen is None or (is_person and not is_over):
            cache.set(key, at.timestamp(), timeout=KEPT_FOR.total_seconds())
    except Exception:
        logger.warning("the cache does not answer, so idle sessions are not ended", exc_info=True)
        return False
    if not is_over:
        _noted.put(session_key, (at, is_person))
    return is_over
