"""Healing history: after a change of the mapping rules, everything that is stored is put where it belongs now."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from apps.deployments import services as deployments
from apps.evaluations import services as evaluations
from apps.events import services as events
from apps.health import services as health
from apps.metrics import services as metrics
from apps.monitors import services as monitors
from apps.pipelines import services as pipelines
from apps.prompts import services as prompts
from apps.sources import queries as sources
from apps.sources.identity import placing
from apps.sources.mapping import Mapper, Names
from apps.sources.models import Remapping, Source
from apps.sources.storing import Stored

OWNERS = (pipelines, deployments, prompts, metrics, monitors, evaluations)
BUDGET = timedelta(seconds=25)  # of one task; the next one goes on where it stopped


def carry_out_remappings(*, at: datetime) -> int:
    """Carry out what was asked for, oldest first, a source at a time; returns how many rows moved."""
    changed = 0
    while sources.database_time() < at + BUDGET:
        moved = _next_step(at=sources.database_time())
        if moved is None:
            break
        changed += moved
    return changed


def _next_step(*, at: datetime) -> int | None:
    """One source of the oldest open remapping in one transaction; None when nothing is asked for or another works."""
    with transaction.atomic():
        job = Remapping.objects.select_for_update(skip_locked=True).filter(finished_at=None).order_by("pk").first()
        if job is None:
            return None
        if job.started_at is None:
            job.started_at, job.total = at, Source.objects.count()
        source = Source.objects.filter(pk__gt=job.next_source_id).order_by("pk").first()
        stored = Stored() if source is None else remap_source(source=source)
        job.changed += stored.changed
        if source is None:
            job.finished_at, job.done = at, job.total
        else:
            job.next_source_id, job.done = source.pk, job.done + 1
        job.save(update_fields=["started_at", "total", "changed", "finished_at", "next_source_id", "done"])
        events.ring(topics={"mapping", *stored.topics})
    if stored.feature_ids:
        health.refresh_consistency(feature_ids=stored.set_ids, at=at)
        health.refresh_health(feature_ids=stored.feature_ids, at=at)
    return stored.changed


def remap_source(*, source: Source, names: Names | None = None) -> Stored:
    """Put everything of one source where the rules say now, in the caller's transaction."""
    mapper, stored = Mapper(source, names or Names()), Stored()
    for owner in OWNERS:
        stored.add(owner.remap(source=source, mapper=mapper))
    placing.place_names(source=source, mapper=mapper)
    return stored
