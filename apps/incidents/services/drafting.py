"""Drafts out of the ledger: what may be an incident until a person says so. The same news finds the same draft."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.catalog import queries as catalog
from apps.catalog.models import Feature
from apps.events.models import Event
from apps.incidents.models import Incident, IncidentKind, TimelineEntry
from apps.incidents.services.incidents import Clocks, Declaration, declare
from apps.incidents.services.telling import refresh
from apps.incidents.status import OVER_STATES, EntryKind, IncidentState, Severity

ALERT: Final = "monitors:alert:opened"
DOWN: Final = "health:feature:down"
MISSED: Final = "pipelines:punctuality:missed"
ROLLED_BACK: Final = "deployments:deployment:rolled-back"
EXHAUSTED: Final = "monitors:slo:exhausted"
MAY_BE: Final = frozenset({ALERT, DOWN, MISSED, ROLLED_BACK, EXHAUSTED})  # kinds of events that may be an incident
OVER: Final = frozenset({"monitors:alert:resolved", "health:feature:recovered"})  # that may be its end
KINDS: Final = MAY_BE | OVER
PAGES: Final = frozenset({"page", "critical", "sev1", "sev2", "emergency"})
SAME: Final = timedelta(hours=2)  # news of one feature within it belong together
FRESH: Final = timedelta(hours=1)  # older news is history
_FELT: Final = {DOWN: IncidentKind.OUTAGE, MISSED: IncidentKind.DATA}


def draft_from_events(*, events: Iterable[Event], at: datetime) -> int:
    """Drafts for what a person should look at; returns how many. News of a feature that has one joins it."""
    drafted = 0
    for event in events:
        if event.kind in OVER:
            _note_end(event, at)
        elif _is_worth_it(event, at):
            drafted += _draft(event, at)
    return drafted


def _is_worth_it(event: Event, at: datetime) -> bool:
    """An alert that pages, a fall, a missed run of a critical part, a rollback in production, a spent error budget."""
    if event.at < at - FRESH:
        return False
    match event.kind:
        case "monitors:alert:opened":
            return str(event.data.get("severity", "")).lower() in PAGES
        case "pipelines:punctuality:missed":
            return event.component is not None and event.component.is_critical
        case "deployments:deployment:rolled-back":
            return event.environment is not None and event.environment.is_production
        case _:
            return event.kind in MAY_BE


def _draft(event: Event, at: datetime) -> bool:
    """Whether a new draft was made."""
    features = _features(event)
    if not features:
        return False
    with transaction.atomic():
        found = _known(event, [feature.pk for feature in features])
        if found is not None:
            _join(found, event, at)
            return False
    key = f"feature-{event.feature_id}" if event.feature_id else f"component-{event.component_id}"
    try:
        with transaction.atomic():
            draft = _declaration(event, features)
            incident = declare(draft=draft, actor=None, at=at, draft_key=key, by="OpsPortal")
            _join(incident, event, at)
    except IntegrityError:  # another worker drafted the same at this moment
        return False
    return True


def _features(event: Event) -> list[Feature]:
    """Whom it is about: the event's feature, or those that need a shared part, the most important first."""
    ids = [event.feature_id] if event.feature_id else []
    if not ids and event.component_id and event.kind in (MISSED, ROLLED_BACK):
        ids = list(catalog.blast_radius([event.component_id]))
    return list(Feature.objects.filter(pk__in=ids, is_retired=False).order_by("tier", "name"))


def _known(event: Event, features: Sequence[int]) -> Incident | None:
    """The incident that the news belongs to. A rollback also belongs to one that has just ended: it was its end."""
    rows = Incident.objects.filter(features__in=features).exclude(state=IncidentState.DISMISSED)
    going_on = ~Q(state__in=OVER_STATES)
    recent = rows.filter(going_on, impact_started_at__gte=event.at - SAME).order_by("-pk")
    ended = Q(state=IncidentState.RESOLVED, resolved_at__gte=event.at - SAME)
    others = rows.filter(going_on | ended if event.kind == ROLLED_BACK else going_on).order_by("-pk")
    found = recent.first() or others.first()
    return Incident.objects.select_for_update().get(pk=found.pk) if found else None


def _declaration(event: Event, features: Sequence[Feature]) -> Declaration:
    is_urgent = event.kind in (ALERT, DOWN) and features[0].tier == 1
    return Declaration(
        title=_title(event),
        features=features,
        kind=_FELT.get(event.kind, IncidentKind.DEGRADATION),
        severity=Severity.SEV2 if is_urgent else Severity.SEV3,
        summary=event.detail,
        clocks=Clocks(detected_at=event.at),
        is_demo=event.is_demo,
    )


def _note_end(event: Event, at: datetime) -> None:
    """That an alert of the incident ended, or its feature is healthy again: on the timeline of those still open."""
    rows = Incident.objects.exclude(state__in=OVER_STATES).filter(features=event.feature_id or 0)
    if event.subject_kind == "alert":
        told = Event.objects.filter(kind=ALERT, subject_kind="alert", subject_id=event.subject_id)
        rows = rows.filter(entries__event_id__in=list(told.values_list("pk", flat=True)[:20]))
    for pk in rows.values_list("pk", flat=True).distinct():
        with transaction.atomic():
            _join(Incident.objects.select_for_update().get(pk=pk), event, at)


def _title(event: Event) -> str:
    """What people notice: of an alert what it says, with its name where people wrote that in words."""
    name, told, summary = event.title.partition(" is firing: ")
    if not told or event.kind != ALERT:
        return event.title
    return f"{name}: {summary}" if " " in name else summary


def _join(incident: Incident, event: Event, at: datetime) -> None:
    """The event on the timeline of an incident, once."""
    if incident.entries.filter(event_id=event.pk).exists():
        return
    kind = EntryKind.ACTION if event.kind == ROLLED_BACK else EntryKind.RECOVERY if event.kind in OVER else None
    TimelineEntry.objects.create(
        incident=incident, at=event.at, kind=kind or EntryKind.SYMPTOM, text=event.title, author="OpsPortal",
        event_id=event.pk, is_pinned=kind is not None, written_at=at,
    )  # fmt: skip
    refresh(incident)
