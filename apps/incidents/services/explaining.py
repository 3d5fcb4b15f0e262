"""What changed before an alert: told after the alarm, never before it, within a budget of time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Q

from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.incidents.models import Explanation
from apps.incidents.queries.gathering import moment
from apps.incidents.queries.suspects import suspects_of_alert
from apps.incidents.suspects.facts import KIND_WORDS, Suspect
from apps.monitors.models import Alert
from apps.monitors.status import AlertState

FRESH: Final = timedelta(hours=1)  # an older alert is not news any more
TOLD: Final = 3
BUDGET: Final = 10.0  # seconds of one turn
ONE_QUERY: Final = "3s"  # whoever is slower gets no answer
AGAIN: Final = timedelta(minutes=1)
PATIENCE: Final = timedelta(minutes=3)  # for a convincing answer: the numbers come minutes after the trouble
TOO_SLOW: Final = "What changed before could not be worked out in time."

logger = logging.getLogger(__name__)


def explain_alerts(*, at: datetime) -> int:
    """Look at the alerts that fire and are not explained yet, the newest first; returns how many were told.

    One without a convincing answer is looked at again each minute, and told after three. Two workers at once do the
    work twice and tell it once.
    """
    is_news = Q(explanation=None, state=AlertState.FIRING, resolved_at=None, opened_at__gte=at - FRESH)
    rows = Alert.objects.filter(is_news | Q(explanation__is_told=False, explanation__at__lte=at - AGAIN))
    rows = rows.filter(Q(feature__isnull=False) | Q(component__isnull=False)).select_related("source")
    end, told = monotonic() + BUDGET, 0
    for alert in rows.order_by("-opened_at", "-pk")[:50]:
        if monotonic() > end:
            break
        told += explain(alert=alert, at=at)
    return told


def explain(*, alert: Alert, at: datetime) -> bool:
    """Keep what had changed before it, and tell it when it convinces or patience ends; whether this call told it."""
    sentence, found, is_final = _ranked(alert, at)
    values = {"at": at, "sentence": sentence, "suspects": [_told(one) for one in found]}
    with transaction.atomic():
        Explanation.objects.get_or_create(alert=alert, defaults=values | {"first_at": at})
        row = Explanation.objects.select_for_update().get(alert=alert)
        if row.is_told:
            return False
        for name, value in values.items():
            setattr(row, name, value)
        row.is_told = is_final or at - row.first_at >= PATIENCE
        row.save()
        if row.is_told:
            record_events(events=[_event(alert, row)])
        ring(topics={alert.topic})
    return row.is_told


def _ranked(alert: Alert, at: datetime) -> tuple[str, Sequence[Suspect], bool]:
    """The sentence, three suspects at most, and whether looking again would be in vain."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [ONE_QUERY])
            answer = suspects_of_alert(alert=alert, at=at)
    except OperationalError:
        logger.warning("the suspects of alert %s took too long", alert.pk)
        return TOO_SLOW, (), False
    if answer is None:
        return "Nobody has said which feature it touches, so nothing can be suspected.", (), True
    return answer.ranking.sentence, answer.ranking.suspects[:TOLD], answer.ranking.is_convincing


def _told(one: Suspect) -> dict[str, Any]:
    candidate = one.candidate
    return {
        "title": candidate.title,
        "kind": KIND_WORDS[candidate.kind],
        "chance": round(one.score, 2),
        "at": moment(candidate.at).isoformat(),
        "url": candidate.url,
        "actor": candidate.actor,
    }


def _event(alert: Alert, row: Explanation) -> NewEvent:
    lines = [f"{one['chance']:.0%} {one['title']}" for one in row.suspects]
    suspects = [one | {"url": _absolute(one["url"])} for one in row.suspects]
    return NewEvent(
        kind="monitors:alert:explained",
        at=row.at,
        title=f"{alert.name[:100]}: {row.sentence}",
        tone=Tone.INFO,
        detail="\n".join(lines),
        actor="OpsPortal",
        is_demo=alert.source.is_demo,
        feature_id=alert.feature_id,
        component_id=alert.component_id,
        environment_id=alert.environment_id,
        source_id=alert.source_id,
        subject_kind="alert",
        subject_id=alert.pk,
        dedupe_key=f"alert:{alert.pk}:explained",
        data={"severity": alert.severity, "sentence": row.sentence, "suspects": suspects},
    )


def _absolute(url: str) -> str:
    return f"{settings.PUBLIC_URL}{url}" if url.startswith("/") else url
