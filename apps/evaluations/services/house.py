"""The portal as a source of its own: what it evaluates itself is told by it like by any system that reports."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core import bulk
from apps.evaluations.house import DEMO_SLUG, SLUG
from apps.sources.models import Source, SourceState
from apps.sources.services import SourceDraft, create_source

NAME = "OpsPortal evaluations"
EVERY = 86_400  # seconds between two reports that count as expected: suites run once a day or less


def ensure_own_source(*, is_demo: bool = False) -> Source:
    """The source of our own suites and executions, made at the first use; those of the demo have one of their own."""
    slug, name = (DEMO_SLUG, f"{NAME} demo") if is_demo else (SLUG, NAME)
    found = Source.objects.filter(slug=slug).first()
    if found is not None:
        return found
    with transaction.atomic():
        bulk.lock(space="own-evaluations", number=0)
        draft = SourceDraft(name=name, connector="push", config={}, interval_seconds=EVERY, raw_kept_days=0)
        return Source.objects.filter(slug=slug).first() or _create(draft, is_demo=is_demo)


def note_heard(*, source_id: int, at: datetime) -> None:
    """The portal has spoken as a source: it has just evaluated something, or come into being."""
    SourceState.objects.filter(source_id=source_id).update(
        last_attempt_at=at, last_success_at=at, last_answer_at=at, last_change_at=at
    )


def _create(draft: SourceDraft, *, is_demo: bool) -> Source:
    source = create_source(draft=draft, actor=None, is_demo=is_demo)
    note_heard(source_id=source.pk, at=source.created_at)
    return source
