"""The demo comes in as data like any other, and goes out without a trace of itself or a scratch on anything else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from apps.catalog.models import Component, Dependency, Environment, Feature, Promise, Team
from apps.connectors.records import (
    AlertRecord,
    AlertState,
    Batch,
    DeploymentRecord,
    DeploymentState,
    EvaluationRecord,
    PipelineRecord,
    PromptLabelRecord,
    PromptRecord,
    PromptVersionRecord,
    Record,
    RunRecord,
    RunState,
    Score,
    SeriesRecord,
    TaskRunRecord,
)
from apps.demo.rules import RULES
from apps.demo.sources import demo_sources
from apps.deployments.models import Deployment, Revision
from apps.evaluations.models import EvaluationRun, EvaluationSuite
from apps.events.models import Event
from apps.metrics.models import Series
from apps.monitors.models import Alert
from apps.pipelines.models import Pipeline, Run
from apps.prompts.models import Prompt
from apps.sources.models import ExternalName, MappingRule, Source, SourceState
from apps.sources.services import SourceDraft, create_source
from apps.sync.store import store_batch

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:8900"
SOURCES = len(demo_sources(URL)) + 1  # the portal itself, which evaluates
AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)


def load(url: str = URL) -> str:
    out = StringIO()
    call_command("load_demo", url=url, stdout=out)
    return out.getvalue()


def remove() -> str:
    out = StringIO()
    call_command("remove_demo", stdout=out)
    return out.getvalue()


def own_source() -> Source:
    draft = SourceDraft(name="Ours", connector="prefect", config={"url": "http://127.0.0.1:1/api"}, interval_seconds=30)
    return create_source(draft=draft, actor=None)


def fill(source: Source) -> None:
    """A little of everything that a source may bring, stored as a poll stores it."""
    records: list[Record] = [
        PipelineRecord(external_id="p", name="nightly"),
        RunRecord(
            external_id="r", pipeline_external_id="p", name="run", state=RunState.FAILED, raw_state="Failed",
            started_at=AT, finished_at=AT, updated_at=AT,
        ),
        TaskRunRecord(
            external_id="t", run_external_id="r", name="step", state=RunState.FAILED, raw_state="Failed", updated_at=AT
        ),
        DeploymentRecord(
            external_id="d", component="search-api", environment="production", revision=source.slug,
            state=DeploymentState.SUCCEEDED, raw_state="seen", started_at=AT, updated_at=AT,
        ),
        PromptRecord(external_id="search-answers", name="search-answers"),
        PromptVersionRecord(
            external_id="search-answers/1", prompt_external_id="search-answers", number=1, created_at=AT, template="Hi"
        ),
        PromptLabelRecord(
            external_id="search-answers@production", prompt_external_id="search-answers", name="production", number=1
        ),
        SeriesRecord(
            external_id="s", name="wait", measure="latency_p95", unit="s", labels={"feature": "search-answers"},
            samples=((AT, 2.0),),
        ),
        EvaluationRecord(
            external_id="e", suite="search-answers-evaluation", state=RunState.SUCCEEDED, raw_state="", updated_at=AT,
            scores=(Score(scorer="accuracy", value=0.9),),
        ),
        AlertRecord(external_id="a", name="AnswersSlow", state=AlertState.FIRING, severity="page", started_at=AT),
    ]  # fmt: skip
    with transaction.atomic():
        assert not store_batch(source=source, batch=Batch(records=tuple(records)), at=AT).rejected
    Event.objects.create(at=AT, kind="test", title="Something", source_id=source.pk, is_demo=source.is_demo)


def samples() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM metrics_sample")
        return int(cursor.fetchone()[0])


def test_loading_describes_the_company_and_sets_up_its_sources() -> None:
    said = load()
    assert "Sources created: Fernway Prometheus, Fernway Prefect, Fernway MLflow, Fernway Airflow," in said
    assert set(Feature.objects.values_list("is_demo", flat=True)) == {True}
    assert Feature.objects.count() == 8
    assert Promise.objects.filter(feature__slug="search-answers", measure="latency_p95", limit=3).exists()
    assert Source.objects.filter(is_demo=True).count() == SourceState.objects.count() == SOURCES
    assert Source.objects.get(connector="prometheus").config["url"] == f"{URL}/prometheus"
    assert MappingRule.objects.count() == len(RULES)
    assert not MappingRule.objects.filter(source=None).exists()


def test_loading_twice_changes_nothing() -> None:
    load()
    before = list(Source.objects.order_by("pk").values()), Component.objects.count(), Dependency.objects.count()
    said = load()
    assert "0 new, 0 different" in said
    assert "already there" in said
    assert (
        list(Source.objects.order_by("pk").values()),
        Component.objects.count(),
        Dependency.objects.count(),
    ) == before


def test_another_address_changes_the_sources() -> None:
    load()
    assert "Sources changed" in load("http://127.0.0.1:9911")
    assert Source.objects.count() == SOURCES
    assert Source.objects.get(connector="mlflow").config["url"] == "http://127.0.0.1:9911/mlflow"


def test_something_that_is_no_address_is_refused() -> None:
    with pytest.raises(CommandError, match="is not an address"):
        load("somewhere")
    assert not Source.objects.exists()


def test_removing_takes_everything_out_and_says_how_much() -> None:
    load()
    for source in Source.objects.all():
        fill(source)
    said = remove()
    for part in (
        "sources", "pipelines", "runs", "deployments", "prompts", "series", "samples", "evaluations",
    ):  # fmt: skip
        assert f"{SOURCES} {part}" in said
    assert re.search(r"\d+ events", said)
    assert "8 features" in said
    for model in (
        Source, Pipeline, Run, Deployment, Revision, Prompt, Series, Alert, Feature, Team, Component,
        EvaluationRun, EvaluationSuite, MappingRule, ExternalName,
    ):  # fmt: skip
        assert not model._default_manager.exists(), model
    assert not Environment.objects.filter(is_demo=True).exists()
    assert not Event.objects.filter(is_demo=True).exists()
    assert samples() == 0


def test_removing_leaves_what_is_not_demo() -> None:
    ours = own_source()
    fill(ours)
    team = Team.objects.create(slug="ours", name="Ours")
    feature = Feature.objects.create(slug="ours", name="Ours", team=team)
    load()
    for source in Source.objects.filter(is_demo=True):
        fill(source)
    kept = set(Event.objects.filter(is_demo=False).values_list("pk", flat=True))
    assert kept
    remove()
    assert set(Event.objects.values_list("pk", flat=True)) == kept
    assert list(Source.objects.all()) == [ours]
    assert list(Feature.objects.all()) == [feature]
    assert Run.objects.count() == Deployment.objects.count() == Prompt.objects.count() == samples() == 1


def test_the_ledger_is_closed_again_after_removing() -> None:
    load()
    fill(Source.objects.get(connector="prefect"))
    remove()
    Event.objects.create(at=AT, kind="test", title="Something", is_demo=True)
    with pytest.raises(Exception, match="append-only"):
        Event.objects.all().delete()


def test_removing_what_somebody_else_needs_removes_nothing() -> None:
    load()
    search = Team.objects.get(slug="search")
    Feature.objects.create(slug="ours", name="Ours", team=search)
    with pytest.raises(CommandError, match="still needed"):
        remove()
    assert Source.objects.filter(is_demo=True).count() == SOURCES
    assert Feature.objects.count() == 9


def test_removing_twice_says_that_there_is_nothing() -> None:
    assert remove() == "There is no demo to remove.\n"
