"""Changes that a source reports: once each in the ledger, at their own time, with the feature they belong to."""

from __future__ import annotations

from datetime import UTC, datetime

from apps.connectors.records import Batch, ChangeRecord
from apps.events import services as events
from apps.events.models import Event
from apps.sync.store import store_batch
from tests.factories import make_component, make_environment, make_feature, make_source

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)


def store(source, *records: ChangeRecord):
    stored = store_batch(source=source, batch=Batch(records=records), at=AT)
    events.record_events(events=stored.events)
    return stored


def test_a_change_goes_into_the_ledger_once_with_its_feature(db):
    feature, environment = make_feature(), make_environment(slug="production")
    component = make_component(feature=feature, slug="ranker")
    source = make_source()
    change = ChangeRecord(
        external_id="c1", what="flag", title="Reranker on", at=AT, component="ranker", environment="production",
        before="off", after="on", actor="ann",
    )  # fmt: skip
    assert store(source, change).feature_ids == {feature.pk}
    store(source, change)
    event = Event.objects.get()
    assert (event.kind, event.is_change, event.actor) == ("source:change:reported", True, "ann")
    assert (event.feature, event.component, event.environment) == (feature, component, environment)
    assert event.data == {"what": "flag", "before": "off", "after": "on", "component": "ranker"}


def test_an_unplaced_change_is_kept_all_the_same(db):
    store(make_source(), ChangeRecord(external_id="c1", what="config", title="Timeout raised", at=AT))
    assert Event.objects.get().feature is None
