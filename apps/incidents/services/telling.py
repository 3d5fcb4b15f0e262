"""How an incident speaks in the ledger: one event a feature that it touches, so that each feature's page hears it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.accounts.models import AuditEntry, User
from apps.accounts.services import record_audit
from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.incidents.models import Incident


def tell(
    incident: Incident, kind: str, title: str, *, at: datetime, actor: str, tone: Tone = Tone.INFO, detail: str = "",
    data: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """One event about the incident, in the caller's transaction; of its first feature, with all of them in the data."""
    features = list(incident.features.order_by("tier", "name").values_list("pk", flat=True))
    event = NewEvent(
        kind=kind,
        at=at,
        title=title,
        tone=tone,
        detail=detail,
        actor=actor,
        is_demo=incident.is_demo,
        feature_id=features[0] if features else None,
        subject_kind="incident",
        subject_id=incident.pk,
        data={"severity": incident.severity, "state": incident.state, "features": features} | (data or {}),
        topics=("incidents", *(f"feature-{pk}" for pk in features[1:])),
    )
    record_events(events=[event])


def audit(
    incident: Incident, action: str, *, actor: User | None, origin: AuditEntry.Origin,
    before: dict[str, Any] | None = None, after: dict[str, Any] | None = None, reason: str = "",
) -> None:  # fmt: skip
    """One row of the audit log."""
    record_audit(actor=actor, action=action, subject=incident, before=before, after=after, reason=reason, origin=origin)


def refresh(incident: Incident) -> None:
    """Let open pages of the incident read it anew."""
    ring(topics={incident.topic, "incidents"})
