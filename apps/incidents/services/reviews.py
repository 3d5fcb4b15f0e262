"""The review: filled from the record at first, then people's words; a save that did not see the last one is refused."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import AuditEntry, User
from apps.incidents.models import Incident, Review
from apps.incidents.services.errors import ConflictError
from apps.incidents.services.telling import audit, refresh, tell
from apps.incidents.status import ReviewState

LONGEST = 200_000  # characters


def save_review(
    *, incident_id: int, text: str, version: int, actor: User, at: datetime,
    origin: AuditEntry.Origin = AuditEntry.Origin.PAGE,
) -> Review:  # fmt: skip
    """Keep the text if `version` is the one that stands (0 for the first); raises ConflictError otherwise."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        review = Review.objects.filter(incident=incident).first()
        stands = review.version if review else 0
        if version != stands:
            by = review.updated_by if review else ""
            raise ConflictError(f"{by or 'Somebody'} has saved this review meanwhile; put the two texts together.")
        if review is None:
            review = Review.objects.create(
                incident=incident, text=text, owner=actor, updated_at=at, updated_by=str(actor)
            )
            audit(incident, "incident:review", actor=actor, origin=origin, after={"version": 1})
            title = f"The review of incident {incident.pk} was begun"
            tell(incident, "incidents:review:begun", title, at=at, actor=str(actor))
            return review
        review.text, review.version, review.updated_at, review.updated_by = text, stands + 1, at, str(actor)
        review.save(update_fields=["text", "version", "updated_at", "updated_by"])
        refresh(incident)
    return review


def set_review(
    *, incident_id: int, state: str, owner: User | None, meeting_at: datetime | None, actor: User, at: datetime,
    origin: AuditEntry.Origin = AuditEntry.Origin.PAGE,
) -> Review:  # fmt: skip
    """How far it is, who writes it and when it is talked about."""
    with transaction.atomic():
        review = Review.objects.select_for_update(of=("self",)).select_related("incident").get(pk=incident_id)
        before = review.state
        review.state, review.owner, review.meeting_at = state, owner, meeting_at
        review.save(update_fields=["state", "owner", "meeting_at"])
        audit(review.incident, "incident:review-state", actor=actor, origin=origin, before={"state": before},
              after={"state": state, "owner": str(owner or "")})  # fmt: skip
        if state != before:
            word = ReviewState(state).label.lower()
            tell(review.incident, "incidents:review:moved", f"The review of incident {incident_id} is {word}", at=at,
                 actor=str(actor))  # fmt: skip
        refresh(review.incident)
    return review
