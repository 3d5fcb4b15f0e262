"""How far the reading of a source's past has come, in the connector's own words."""

from __future__ import annotations

import logging

from apps.connectors.base import Backfill
from apps.connectors.registry import CONNECTORS
from apps.sources.models import Source

logger = logging.getLogger(__name__)


def backfill_of(source: Source) -> Backfill | None:
    """What the connector reads out of the cursor while there is more to read; None when it cannot say."""
    kind = CONNECTORS.get(source.connector)
    if kind is None or not source.state.has_backlog:
        return None
    try:
        return kind.progress(source.state.cursor)
    except Exception:  # a cursor of another version; the page goes on without it
        logger.warning("the cursor of %s does not say how far it has come", source.slug, exc_info=True)
        return None
