"""The portal as a source of its own: what it evaluates itself is told by it like by any system that reports."""

from __future__ import annotations

from django.db import transaction

from apps.core import bulk
from apps.evaluations.house import SLUG
from apps.sources.models import Source
from apps.sources.services import SourceDraft, create_source

NAME = "OpsPortal evaluations"
EVERY = 86_400  # seconds between two reports that count as expected: suites run once a day or less


def ensure_own_source() -> Source:
    """The source of our own suites and executions, made at the first use."""
    found = Source.objects.filter(slug=SLUG).first()
    if found is not None:
        return found
    with transaction.atomic():
        bulk.lock(space="own-evaluations", number=0)
        draft = SourceDraft(name=NAME, connector="push", config={}, interval_seconds=EVERY, raw_kept_days=0)
        return Source.objects.filter(slug=SLUG).first() or create_source(draft=draft, actor=None)
