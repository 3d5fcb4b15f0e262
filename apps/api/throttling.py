"""How much one token may ask in a minute; counted in the cache, so that a request costs no write."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.core.cache import cache

from apps.accounts.models import ApiToken
from apps.api.errors import ApiError

WINDOW = 60  # seconds

logger = logging.getLogger(__name__)


def spend(*, token: ApiToken, at: datetime) -> None:
    """Count one request of the token; raises ApiError 429 with Retry-After when the minute's budget is used up.

    Without a cache everybody may ask: the database still decides what is stored.
    """
    limit, moment = settings.API_PER_MINUTE, int(at.timestamp())
    key = f"api:{token.pk}:{moment // WINDOW}"
    try:
        cache.add(key, 0, timeout=2 * WINDOW)
        used = cache.incr(key)
    except Exception:
        logger.warning("the cache does not answer, so API requests are not counted", exc_info=True)
        return
    if used > limit:
        wait = WINDOW - moment % WINDOW
        message = f"This token may ask {limit} times a minute; go on in {wait} s, and send more items at once."
        raise ApiError(429, "rate_limited", message, headers={"Retry-After": str(wait)})
