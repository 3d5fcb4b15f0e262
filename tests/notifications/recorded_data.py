"""Old data, recorded by the code that records them in earnest: an index that is not refreshed for a day, then is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.catalog.models import Dependency
from apps.connectors.records import Batch, PipelineRecord, RunRecord, RunState, Trigger
from apps.health.services import refresh_data, refresh_health
from apps.sources.models import Source, SourceState
from apps.sync.store import store_batch
from tests.factories import make_component, make_feature

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def record_old_data(source: Source) -> None:
    """Everything that can happen to the age of data and of the answers that are made from them."""
    feature = make_feature(slug="help-bot", name="Help Bot")
    limits = {"warn_after_hours": 6.0, "fail_after_hours": 24.0, "due_by": "", "time_zone": "UTC"}
    index = make_component(slug="help-pages", name="Help pages", kind="index", freshness=limits)
    nightly = make_component(slug="read-help", name="Read help", kind="pipeline", external_names=["pipeline:read-help"])
    Dependency.objects.create(consumer=make_component(slug="bot-api", feature=feature), provider=index)
    Dependency.objects.create(consumer=index, provider=nightly)
    _ran(source, AT)
    for hours in (1, 7, 25):
        _judge(source, feature.pk, AT + hours * HOUR)
    _ran(source, AT + 26 * HOUR)
    _judge(source, feature.pk, AT + 27 * HOUR)


def _ran(source: Source, at: datetime) -> None:
    """A run that took a quarter of an hour."""
    end = at + HOUR / 4
    run = RunRecord(
        external_id=f"read-help-{at:%d%H}", pipeline_external_id="read-help", name="read-help",
        state=RunState.SUCCEEDED, raw_state="COMPLETED", trigger=Trigger.SCHEDULE,
        updated_at=end, started_at=at, finished_at=end,
    )  # fmt: skip
    pipeline = PipelineRecord(external_id="read-help", name="read-help")
    assert not store_batch(source=source, batch=Batch(records=(pipeline, run)), at=end).rejected


def _judge(source: Source, feature_id: int, at: datetime) -> None:
    SourceState.objects.filter(source=source).update(last_success_at=at)
    refresh_data(fed_by=set(), at=at)
    refresh_health(feature_ids={feature_id}, at=at)
