"""What people decide about expectations: each audited, each judged at once at the next sweep."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import differences, record_audit
from apps.events import services as events
from apps.pipelines.models import Expectation, Pipeline
from apps.pipelines.services.due import mark_due

FIELDS: Final = (
    *("kind", "cron", "every_seconds", "day_rule", "weekdays", "nth", "country", "at_time", "zone"),
    *("upstream_id", "within_seconds", "grace_seconds", "longest_seconds", "is_longest_learned", "is_muted"),
)


def set_expectation(*, pipeline: Pipeline, wanted: Expectation, actor: User | None, at: datetime) -> Expectation:
    """Keep `wanted` as the expectation of the pipeline, in place of the one before."""
    with transaction.atomic():
        before = Expectation.objects.select_for_update().filter(pipeline=pipeline).first()
        kept = before or Expectation(pipeline=pipeline, created_by=actor)
        was = _audited(kept) if before else {}
        for name in FIELDS:
            setattr(kept, name, getattr(wanted, name))
        kept.save()
        old, new = differences(was, _audited(kept))
        record_audit(actor=actor, action="expectation:set", subject=kept, before=old, after=new)
        _judge_soon(pipeline, at)
    return kept


def remove_expectation(*, pipeline: Pipeline, actor: User | None, at: datetime) -> bool:
    """Forget what people expect, so that the pipeline's own schedule holds again; whether there was anything."""
    with transaction.atomic():
        kept = Expectation.objects.select_for_update().filter(pipeline=pipeline).first()
        if kept is None:
            return False
        record_audit(actor=actor, action="expectation:remove", subject=kept, before=_audited(kept))
        kept.delete()
        _judge_soon(pipeline, at)
    return True


def _judge_soon(pipeline: Pipeline, at: datetime) -> None:
    mark_due(pipeline_ids=[pipeline.pk], at=at)
    events.ring(topics={pipeline.topic})


def _audited(kept: Expectation) -> dict[str, Any]:
    values = {name: getattr(kept, name) for name in FIELDS}
    return values | {"at_time": f"{kept.at_time:%H:%M}" if kept.at_time else None}
