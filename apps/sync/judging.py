"""Judging the features that news has touched, right after it was stored."""

from __future__ import annotations

import logging

from django.db import close_old_connections

from apps.health import services as health
from apps.sources import queries as sources

logger = logging.getLogger(__name__)


def judge_features(*, feature_ids: set[int], set_ids: set[int] | None = None) -> None:
    """Judge the features anew, and first what those of `set_ids` are made of.

    A failure is logged and healed by the periodic sweep, never by telling again.
    """
    if not feature_ids:
        return
    try:
        at = sources.database_time()
        health.refresh_consistency(feature_ids=set_ids or set(), at=at)
        health.refresh_health(feature_ids=feature_ids, at=at)
    except Exception:
        logger.exception("the health of %d features was not refreshed", len(feature_ids))
        close_old_connections()
