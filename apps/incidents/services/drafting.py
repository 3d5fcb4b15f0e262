"""Drafts out of the ledger: an alert that pages, a feature that goes down. The same news finds the same draft."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from apps.catalog.models import Feature
from apps.events.models import Event
from apps.incidents.models import Incident, IncidentKind, TimelineEntry
from apps.incidents.services.incidents import Clocks, Declaration, declare
from apps.incidents.status import OVER_STATES, EntryKind, Severity

KINDS = (  # of events that may be an incident
    "monitors:alert:opened",
    "health:feature:down",
    "pipelines:punctuality:missed",
    "deployments:deployment:rolled-back",
)
PAGES = frozenset({"page", "critical", "sev1", "sev2", "emergency"})
SAME = timedelta(hours=2)  # news of one feature within it belong together
FRESH = timedelta(hours=1)  # older news is history


def draft_from_events(*, events: Iterable[Event], at: datetime) -> int:
    """Drafts for what a person should look at; returns how many. News of a feature that has one joins it."""
    return sum(_draft(event, at) for event in events if _is_worth_it(event, at))


def _is_worth_it(event: Event, at: datetime) -> bool:
    if event.kind not in KINDS or event.feature_id is None or event.at < at - FRESH:
        return False
    if event.kind == "monitors:alert:opened":
        return str(event.data.get("severity", "")).lower() in PAGES
    return event.kind == "health:feature:down" or bool(event.data.get("is_critical"))


def _draft(event: Event, at: datetime) -> bool:
    """Whether a new draft was made."""
    assert event.feature_id is not None
    with transaction.atomic():
        known = Incident.objects.select_for_update().filter(features=event.feature_id).exclude(state__in=OVER_STATES)
        found = (
            known.filter(impact_started_at__gte=event.at - SAME).order_by("-pk").first()
            or known.order_by("-pk").first()
        )
        if found is not None:
            _join(found, event, at)
            return False
    feature = Feature.objects.get(pk=event.feature_id)
    draft = Declaration(
        title=event.title,
        features=[feature],
        kind=IncidentKind.OUTAGE if event.kind == "health:feature:down" else IncidentKind.DEGRADATION,
        severity=Severity.SEV2 if feature.tier == 1 else Severity.SEV3,
        summary=event.detail,
        clocks=Clocks(detected_at=event.at),
        is_demo=event.is_demo,
    )
    try:
        with transaction.atomic():
            incident = declare(draft=draft, actor=None, at=at, draft_key=f"feature-{feature.pk}", by="OpsPortal")
            _join(incident, event, at)
    except IntegrityError:  # another worker drafted the same at this moment
        return False
    return True


def _join(incident: Incident, event: Event, at: datetime) -> None:
    """The event on the timeline of an incident, once."""
    if incident.entries.filter(event_id=event.pk).exists():
        return
    TimelineEntry.objects.create(
        incident=incident, at=event.at, kind=EntryKind.SYMPTOM, text=event.title, author="OpsPortal", event_id=event.pk,
        written_at=at,
    )  # fmt: skip
