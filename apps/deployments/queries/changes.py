"""Changes and trouble out of the ledger, for the DORA measures; the cost follows the period, never history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Min, Q, QuerySet
from django.utils.dateparse import parse_datetime

from apps.deployments.asking import Question
from apps.deployments.dora import Change, Trouble
from apps.deployments.models import Deployment, RevisionKind
from apps.deployments.status import CauseKind, ChangeKind
from apps.events.models import Event

MOST: Final = 10_000  # changes, and as many troubles, in one answer
DEPLOYED, ROLLED_BACK = "deployments:deployment:succeeded", "deployments:deployment:rolled-back"
LABEL_MOVED, REPORTED = "prompts:label:moved", "source:change:reported"
ALERT_OPENED, ALERT_RESOLVED = "monitors:alert:opened", "monitors:alert:resolved"
FELL: Final = ("health:feature:degraded", "health:feature:down")
ROSE: Final = ("health:feature:recovered", "health:feature:heard")
CONFIGURED: Final = ("config", "configuration", "flag", "index", "model", "schedule")  # words of reported changes


def change_events(*, question: Question, start: datetime, end: datetime) -> list[Event]:
    """What went live in the span, newest first; one more than `MOST` when there is more."""
    of_config = Q(kind=REPORTED, data__what__in=CONFIGURED)
    kinds = Q(kind__in=(DEPLOYED, ROLLED_BACK, LABEL_MOVED)) | of_config
    rows = Event.objects.filter(kinds, is_change=True, at__gte=start, at__lte=end)
    rows = _of(rows, question).select_related("feature__team", "environment")
    return list(rows.order_by("-at", "-id")[: MOST + 1])


def changes_of(events: Sequence[Event]) -> list[Change]:
    """The same as values; what a deployment changed and when it began is looked up in three queries."""
    deployments = _deployments(event.subject_id for event in events if event.subject_kind == "deployment")
    return [
        _deployed(event, deployments.get(event.subject_id or 0, {}))
        if event.subject_kind == "deployment"
        else _told(event)
        for event in events
    ]


def troubles_of(*, question: Question, start: datetime, end: datetime) -> tuple[list[Trouble], dict[str, Event]]:
    """Alerts and falls in health that began in the span, with their events by key; rollbacks are among the changes."""
    kinds = (ALERT_OPENED, ALERT_RESOLVED, *FELL, *ROSE)
    rows = Event.objects.filter(kind__in=kinds, feature__isnull=False, at__gte=start)
    events = list(_of(rows, question).order_by("-at", "-id")[:MOST])[::-1]
    found: dict[str, Trouble] = {}
    opened: dict[tuple[str, int | None], str] = {}
    named = {key_of(event): event for event in events}
    for event in events:
        subject = (event.subject_kind, event.subject_id)
        if event.kind in (ALERT_RESOLVED, *ROSE):
            if key := opened.pop(subject, None):
                found[key] = _ended(found[key], event.at)
        elif subject not in opened:
            kind = CauseKind.ALERT if event.kind == ALERT_OPENED else CauseKind.HEALTH
            opened[subject] = key = key_of(event)
            found[key] = Trouble(key, kind, event.feature_id, event.at)
    return [one for one in found.values() if one.began_at <= end], named


def rollbacks_of(changes: Iterable[Change]) -> list[Trouble]:
    """Each rollback as the trouble that it ended: at once."""
    return [
        Trouble(f"event-{one.id}", CauseKind.ROLLBACK, one.feature_id, one.at, one.at, one.place)
        for one in changes
        if one.is_rollback
    ]


def key_of(event: Event) -> str:
    """What a link calls trouble that the ledger tells."""
    return f"event-{event.pk}"


def _of(rows: QuerySet[Event], question: Question) -> QuerySet[Event]:
    if not question.is_everywhere:
        rows = rows.filter(Q(environment__is_production=True) | Q(environment=None))
    if question.feature:
        rows = rows.filter(feature__slug=question.feature)
    return rows.filter(feature__team__slug=question.team) if question.team else rows


def _ended(trouble: Trouble, at: datetime) -> Trouble:
    return Trouble(trouble.key, trouble.kind, trouble.feature_id, trouble.began_at, max(at, trouble.began_at))


def _deployments(ids: Iterable[int | None]) -> dict[int, dict[str, Any]]:
    rows = Deployment.objects.order_by().filter(pk__in={pk for pk in ids if pk})
    names = ("source_id", "component_name", "environment_name", "revision_id", "revision__kind", "started_at", "labels")
    found = {row["pk"]: row for row in rows.values("pk", *names)}
    revisions = {row["revision_id"] for row in found.values()}
    first = Deployment.objects.order_by().filter(revision_id__in=revisions).values("revision_id")
    known = dict(first.annotate(at=Min("started_at")).values_list("revision_id", "at"))
    for row in found.values():
        row["first_at"] = known.get(row["revision_id"])
    return found


def _deployed(event: Event, row: dict[str, Any]) -> Change:
    is_code = row.get("revision__kind", RevisionKind.CODE) == RevisionKind.CODE
    place = tuple(row.get(name) for name in ("source_id", "component_name", "environment_name", "revision__kind"))
    begun_at, begun_by = _beginning(row)
    return Change(
        id=event.pk,
        at=event.at,
        kind=ChangeKind.CODE if is_code else ChangeKind.CONFIG,
        feature_id=event.feature_id,
        place=place if row else ("gone", event.subject_id),
        is_rollback=event.kind == ROLLED_BACK,
        begun_at=begun_at,
        begun_by=begun_by,
    )


def _beginning(row: dict[str, Any]) -> tuple[datetime | None, str]:
    """The commit where the source tells it, else the first deployment of the revision anywhere before this one."""
    if committed := _time(row.get("labels", {}).get("committed_at")):
        return committed, "its commit"
    first = row.get("first_at")
    return (first, "its first deployment anywhere") if first and first < row["started_at"] else (None, "")


def _told(event: Event) -> Change:
    is_prompt = event.kind == LABEL_MOVED
    begun_at = _time(event.data.get("created_at")) if is_prompt else None
    return Change(
        id=event.pk,
        at=event.at,
        kind=ChangeKind.PROMPT if is_prompt else ChangeKind.CONFIG,
        feature_id=event.feature_id,
        place=(event.subject_kind, event.subject_id, event.data.get("component", "")),
        is_rollback=bool(event.data.get("is_rollback")),
        begun_at=begun_at,
        begun_by="its version" if begun_at else "",
    )


def _time(text: Any) -> datetime | None:
    """An aware time out of text that a source told, None for anything else."""
    try:
        found = parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
