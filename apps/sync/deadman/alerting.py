"""The alert of the dead-man switch: opened and resolved like any other, on the source that watches the portal."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import connection, transaction

from apps.catalog.services.portal import SLUG
from apps.connectors.records import AlertRecord, AlertState
from apps.events import services as events
from apps.monitors.models import Alert
from apps.monitors.services import upsert_alerts
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored
from apps.sources.watching import portal_source
from apps.sync.deadman.rule import Verdict
from apps.sync.judging import judge_features

TOPIC = "polling"  # rings when the silence begins or ends
FINGERPRINT = "dead-man"
NAME = "NothingIsPolled"
LABELS = {"feature": SLUG, "component": "opsportal-worker"}
LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('dead-man switch', 0))"

logger = logging.getLogger(__name__)


def settle(*, verdict: Verdict, at: datetime) -> bool:
    """Open or resolve the alert if the verdict says so; whether this process wrote. Only one web process does."""
    with transaction.atomic():
        if not _holds_lock():
            return False
        source = portal_source()
        if source is None:
            logger.warning("nothing watches the portal, so no alert is kept: run manage.py watch_self")
            return False
        is_open = Alert.objects.filter(source=source, external_id=FINGERPRINT, resolved_at=None).exists()
        if is_open is verdict.is_silent:
            return False
        stored = _write(source, verdict, at)
        events.record_events(events=stored.events)
        events.ring(topics=stored.topics | {TOPIC})
    judge_features(feature_ids=stored.feature_ids)
    return True


def _holds_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        row = cursor.fetchone()
    return row is not None and bool(row[0])


def _write(source: Source, verdict: Verdict, at: datetime) -> Stored:
    record = AlertRecord(
        external_id=FINGERPRINT,
        name=NAME,
        state=AlertState.FIRING if verdict.is_silent else AlertState.RESOLVED,
        severity="page",
        started_at=at,
        summary=verdict.sentence,
        labels=LABELS,
    )
    return upsert_alerts(source=source, records=[record], mapper=Mapper(source), at=at)
