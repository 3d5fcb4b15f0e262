"""Announcements: what people tell about a feature, and taking it back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.catalog.models import Feature
from apps.events.services import NewEvent, record_events
from apps.health.models import Announcement


def announce(*, feature: Feature, text: str, ends_at: datetime, actor: User, at: datetime) -> Announcement:
    """What everybody who opens the feature's page reads until `ends_at`."""
    with transaction.atomic():
        said = Announcement.objects.create(
            feature=feature, text=text, starts_at=at, ends_at=ends_at, created_by=str(actor)[:150]
        )
        record_events(events=[_event(said, "health:announcement:published", f"{feature.name}: {text}", actor, at)])
    return said


def withdraw_announcement(*, announcement: Announcement, actor: User, at: datetime) -> bool:
    """End it before its time; False if it was over already."""
    with transaction.atomic():
        running = Announcement.objects.filter(pk=announcement.pk, withdrawn_at=None, ends_at__gt=at)
        if not running.update(withdrawn_at=at, withdrawn_by=str(actor)[:150]):
            return False
        title = f"{announcement.feature.name}: an announcement was taken back"
        record_events(events=[_event(announcement, "health:announcement:withdrawn", title, actor, at)])
    return True


def _event(said: Announcement, kind: str, title: str, actor: User, at: datetime) -> NewEvent:
    return NewEvent(
        kind=kind,
        at=at,
        title=title,
        detail=said.text,
        actor=str(actor),
        feature_id=said.feature_id,
        is_demo=said.feature.is_demo,
        subject_kind="announcement",
        subject_id=said.pk,
        data={"ends_at": said.ends_at.isoformat()},
    )
