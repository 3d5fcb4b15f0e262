"""A rule that comes late puts history where it belongs, without asking any source again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from apps.accounts.models import AuditEntry
from apps.connectors.records import (
    AlertRecord,
    AlertState,
    Batch,
    DeploymentRecord,
    DeploymentState,
    EvaluationRecord,
    PipelineRecord,
    PromptRecord,
    Record,
    RunRecord,
    RunState,
    SeriesRecord,
)
from apps.deployments.models import Deployment
from apps.evaluations.models import EvaluationRun
from apps.metrics.models import Series
from apps.monitors.models import Alert
from apps.pipelines.models import Pipeline, Run
from apps.prompts.models import Prompt
from apps.sources.identity import queries, services
from apps.sources.identity.naming import note_names
from apps.sources.identity.services import RuleDraft
from apps.sources.models import ExternalName, MappingRule, RawRecord, Remapping
from apps.sources.queries import database_time
from apps.sync.remapping import carry_out_remappings
from apps.sync.store import store_batch
from tests.factories import make_component, make_feature, make_source

pytestmark = pytest.mark.django_db
AT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def everything() -> tuple[Record, ...]:
    """One thing of every kind, none of which the catalog knows."""
    return (
        PipelineRecord(external_id="dag-1", name="nightly_index", raw={"owners": ["ann"]}),
        RunRecord(
            external_id="run-1",
            pipeline_external_id="dag-1",
            name="run 1",
            state=RunState.SUCCEEDED,
            raw_state="success",
            updated_at=AT,
            started_at=AT,
        ),
        DeploymentRecord(
            external_id="d-1",
            component="nightly-svc",
            environment="prod",
            revision="1",
            state=DeploymentState.SUCCEEDED,
            raw_state="ok",
            started_at=AT,
            updated_at=AT,
        ),
        PromptRecord(external_id="p-1", name="nightly-prompt"),
        SeriesRecord(external_id="s-1", name="nightly_seconds", measure="latency_p95", unit="s", samples=((AT, 1.0),)),
        AlertRecord(external_id="a-1", name="NightlySlow", state=AlertState.FIRING, severity="page", started_at=AT),
        EvaluationRecord(
            external_id="e-1", suite="nightly-golden", state=RunState.SUCCEEDED, raw_state="done", updated_at=AT
        ),
    )


@pytest.fixture
def source():
    found = make_source()
    stored = store_batch(source=found, batch=Batch(records=everything()), at=database_time())
    assert not stored.rejected
    note_names(batches=stored.names, at=database_time())
    RawRecord.objects.create(
        source=found, kind="pipeline", external_id="dag-1", payload={"owners": ["ann"]}, seen_at=database_time()
    )
    return found


def homes() -> dict[str, int | None]:
    models = (Pipeline, Deployment, Prompt, Series, Alert, EvaluationRun)
    return {model.__name__: model.objects.get().feature_id for model in models}


def test_every_kind_of_thing_waits_in_the_queue(source):
    waiting = set(queries.unmatched().values_list("kind", "name"))
    assert waiting == {
        ("pipeline", "nightly_index"),
        ("deployment", "nightly-svc"),
        ("prompt", "nightly-prompt"),
        ("series", "nightly_seconds"),
        ("alert", "NightlySlow"),
        ("evaluation", "nightly-golden"),
    }
    assert queries.unmatched_count() == 6
    assert set(homes().values()) == {None}


def test_one_click_maps_a_dag_and_its_history_joins_the_feature(source, signed_in, author):
    feature = make_feature(slug="search", name="Search Answers")
    component = make_component(slug="search-index", name="Search index", kind="pipeline", feature=feature)
    client = signed_in(author)
    name = ExternalName.objects.get(kind="pipeline")
    page = client.get(reverse("sources:name-list")).content.decode()
    assert "nightly_index" in page
    assert f'value="component:{component.pk}"' in page, "the index component is suggested for the index pipeline"

    client.post(reverse("sources:name-map", args=[name.pk]), {"target": f"component:{component.pk}"})
    carry_out_remappings(at=database_time())

    pipeline = Pipeline.objects.get()
    assert (pipeline.component, pipeline.feature) == (component, feature)
    assert Run.objects.get().pipeline.feature == feature
    runs = client.get(reverse("pipelines:run-list") + "?feature=search").content.decode()
    assert "run 1" in runs
    assert reverse("sources:name-map", args=[name.pk]) not in client.get(reverse("sources:name-list")).content.decode()
    assert AuditEntry.objects.filter(action="mapping:add", actor=author).count() == 1


def test_a_rule_for_anything_moves_every_kind(source):
    feature = make_feature()
    services.create_rule(draft=RuleDraft(pattern="*ightly*", feature=feature), actor=None)
    assert carry_out_remappings(at=database_time()) >= 6
    assert set(homes().values()) == {feature.pk}
    assert Series.objects.get().is_primary, "it speaks for the feature now"
    assert queries.unmatched_count() == 0
    job = Remapping.objects.get()
    assert (job.done, job.total) == (1, 1)
    assert job.finished_at is not None


def test_a_rule_that_is_removed_gives_everything_back(source):
    rule = services.create_rule(draft=RuleDraft(pattern="*", feature=make_feature()), actor=None)
    carry_out_remappings(at=database_time())
    services.remove_rule(rule=rule, actor=None)
    carry_out_remappings(at=database_time())
    assert set(homes().values()) == {None}
    assert queries.unmatched_count() == 6


def test_the_records_that_were_kept_are_looked_into(source):
    feature = make_feature()
    draft = RuleDraft(pattern="*", kind="pipeline", payload={"owners[0]": "ann"}, feature=feature)
    services.create_rule(draft=draft, actor=None)
    carry_out_remappings(at=database_time())
    assert Pipeline.objects.get().feature == feature
    assert Prompt.objects.get().feature is None


def test_nothing_moves_when_nothing_was_asked_for_or_nothing_changes(source):
    assert carry_out_remappings(at=database_time()) == 0
    services.request_remapping(reason="again", actor=None)
    assert carry_out_remappings(at=database_time()) == 0
    assert Remapping.objects.get().finished_at is not None


def test_asking_twice_before_it_begins_is_one_pass(source):
    services.request_remapping(reason="one", actor=None)
    services.request_remapping(reason="two", actor=None)
    assert Remapping.objects.count() == 1


def test_rules_keep_their_order_when_one_moves(source):
    first, second, third = (
        services.create_rule(draft=RuleDraft(pattern=f"{n}*", feature=make_feature()), actor=None) for n in range(3)
    )
    assert services.move_rule(rule=third, is_up=True, actor=None)
    assert not services.move_rule(rule=first, is_up=True, actor=None)
    assert list(MappingRule.objects.values_list("pk", flat=True)) == [first.pk, third.pk, second.pk]
