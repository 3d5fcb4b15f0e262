"""Every kind of event, recorded by the code that records it in earnest: what docs/events.md shows comes from here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from apps.accounts.models import User
from apps.catalog.models import Feature
from apps.connectors.base import Scope
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.records import (
    AlertRecord,
    AlertState,
    Batch,
    ChangeRecord,
    DeploymentRecord,
    DeploymentState,
    EvaluationRecord,
    PipelineRecord,
    PromptLabelRecord,
    PromptRecord,
    PromptVersionRecord,
    RunRecord,
    RunState,
    Score,
)
from apps.events.models import Event
from apps.events.services import record_events
from apps.health.models import FeatureHealth
from apps.health.services import announcing, refreshing
from apps.metrics.services import set_budget
from apps.notifications import marking
from apps.notifications.models import Subscription, SubscriptionState
from apps.pipelines.models import Expectation, Pipeline
from apps.pipelines.services import judge_due
from apps.sources import rights
from apps.sources.models import Source, SourceState
from apps.sync import standing
from apps.sync.claims import Claim, Job
from apps.sync.fetch import Fetched
from apps.sync.store import store_batch
from tests.factories import make_component, make_environment, make_feature, make_source
from tests.notifications.recorded_data import record_old_data
from tests.notifications.recorded_delivery import record_delivery
from tests.notifications.recorded_evaluations import record_evaluations
from tests.notifications.recorded_incidents import record_incidents
from tests.notifications.recorded_monitors import record_monitors
from tests.notifications.recorded_prompts import record_prompts
from tests.notifications.recorded_requests import record_requests
from tests.notifications.recorded_sets import record_sets
from tests.notifications.recorded_syncing import record_syncing

AT = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def record_every_kind() -> list[Event]:
    """A feature with everything that can happen to it; returns the ledger, oldest first."""
    record_old_data(make_source(slug="help", name="Help pages"))
    feature = make_feature(slug="search-answers", name="Search Answers")
    make_component(slug="search-api", name="search-api", feature=feature)
    make_component(slug="search-index", name="search-index", feature=feature, kind="pipeline")
    make_environment(slug="production", name="Production", rank=2, is_production=True)
    source = make_source(slug="fernway", name="Fernway Platform")
    record_prompts(source)
    record_syncing(source)
    record_monitors(source, feature)
    record_evaluations(feature)
    for number, records in enumerate(
        (*_runs(), *_deployments(), *_prompts(), *_evaluations(), *_alerts(), *_changes())
    ):
        stored = store_batch(source=source, batch=Batch(records=records), at=AT + number * MINUTE)
        assert not stored.rejected, stored.rejected
        record_events(events=stored.events)
    record_incidents(feature)
    _polls(source)
    _health(feature)
    _announcement(feature)
    _subscription()
    _punctuality(source)
    record_sets(source)
    record_delivery(source)
    record_requests()
    _budget(feature)
    return list(Event.objects.select_related("feature", "component", "environment").order_by("pk"))


def _budget(feature: Feature) -> None:
    jana = User.objects.get(username="jana")
    set_budget(feature_id=feature.pk, amount=1900.0, unit="eur", actor=jana, at=AT + 60 * MINUTE)


def _runs() -> list[tuple[Any, ...]]:
    def run(number: int, state: RunState, minute: int, error: str = "") -> tuple[Any, ...]:
        started = AT + minute * MINUTE
        is_over = state is not RunState.RUNNING
        return (
            RunRecord(
                external_id=f"run-{number}",
                pipeline_external_id="search-index",
                name=f"quick-heron-{number}",
                state=state,
                raw_state=str(state).upper(),
                updated_at=started + (4 * MINUTE if is_over else timedelta()),
                started_at=started,
                finished_at=started + 4 * MINUTE if is_over else None,
                triggered_by="nightly schedule",
                error=error,
                url=f"https://prefect.example.com/runs/{number}",
            ),
        )

    return [
        (PipelineRecord(external_id="search-index", name="search-index", labels={"component": "search-index"}),),
        run(1, RunState.RUNNING, -60),
        run(1, RunState.SUCCEEDED, -60),
        run(2, RunState.FAILED, -50, "ConflictError: passage 17 was written twice"),
        run(3, RunState.CRASHED, -40, "the worker ran out of memory"),
        run(4, RunState.SUCCEEDED, -30),
        run(5, RunState.CANCELLED, -20),
    ]


def _deployments() -> list[tuple[Any, ...]]:
    def deployment(number: int, revision: str, state: DeploymentState, **more: Any) -> tuple[Any, ...]:
        started = AT + number * MINUTE
        is_over = state is not DeploymentState.RUNNING
        return (
            DeploymentRecord(
                external_id=f"deployment-{number}",
                component="search-api",
                environment="production",
                revision=revision,
                state=state,
                raw_state=str(state),
                started_at=started,
                updated_at=started + (MINUTE if is_over else timedelta()),
                finished_at=started + MINUTE if is_over else None,
                deployed_by="Jana Novak",
                **more,
            ),
        )

    return [
        deployment(1, "3.21.4", DeploymentState.SUCCEEDED),
        deployment(3, "3.22.0", DeploymentState.RUNNING),
        deployment(3, "3.22.0", DeploymentState.SUCCEEDED),
        deployment(5, "3.22.1", DeploymentState.FAILED, description="The new image never became ready."),
        deployment(7, "3.21.4", DeploymentState.SUCCEEDED, is_rollback=True),
    ]


def _prompts() -> list[tuple[Any, ...]]:
    name = "search-answers"

    def version(number: int) -> PromptVersionRecord:
        return PromptVersionRecord(
            external_id=f"{name}/{number}",
            prompt_external_id=name,
            number=number,
            created_at=AT + number * MINUTE,
            template=f"Answer {{{{ question }}}}, take {number}.",
            commit_message="Ask for the source of every sentence.",
            author="Jana Novak",
        )

    def label(number: int) -> PromptLabelRecord:
        where = {"external_id": f"{name}@production", "prompt_external_id": name, "name": "production"}
        return PromptLabelRecord(**where, number=number, moved_by="Jana Novak")

    prompt = PromptRecord(external_id=name, name=name, labels={"component": "search-api"})
    return [(prompt, version(1)), (version(2), label(1)), (label(2),)]


def _evaluations() -> list[tuple[Any, ...]]:
    def evaluation(number: int, state: RunState, *scores: Score) -> tuple[Any, ...]:
        ended = AT + number * MINUTE
        return (
            EvaluationRecord(
                external_id=f"evaluation-{number}",
                suite="search-golden",
                state=state,
                raw_state=str(state),
                updated_at=ended,
                started_at=ended - 3 * MINUTE,
                finished_at=ended,
                subject="search-answers",
                version="2",
                scores=scores,
                labels={"component": "search-api"},
            ),
        )

    passed = Score(scorer="groundedness", value=0.9, case="refund", passed=True)
    return [evaluation(1, RunState.SUCCEEDED, passed), evaluation(2, RunState.FAILED)]


def _alerts() -> list[tuple[Any, ...]]:
    def alert(state: AlertState) -> tuple[Any, ...]:
        return (
            AlertRecord(
                external_id="SlowAnswers",
                name="SlowAnswers",
                state=state,
                severity="page",
                started_at=AT,
                summary="The slowest 5% wait 4.1 s",
                labels={"component": "search-api", "environment": "production"},
            ),
        )

    return [alert(AlertState.FIRING), alert(AlertState.RESOLVED)]


def _changes() -> list[tuple[Any, ...]]:
    where = {"component": "search-api", "environment": "production"}
    change = {"what": "flag", "title": "Reranker switched on", "before": "off", "after": "on", "actor": "Jana Novak"}
    return [(ChangeRecord(external_id="flag-1", at=AT, **where, **change),)]


def _polls(source: Source) -> None:
    error = SourceError(ErrorClass.UPSTREAM, "platform.example.com has trouble of its own (502).")
    failed = standing.note_failure(state=source.state, source=source, error=error, at=AT, jitter=0.5)
    job = Job(claim=Claim(source.pk, uuid4()), source=source, cursor={}, poll_id=1, started_at=AT + 3 * MINUTE)
    fetched = Fetched(job=job, batch=Batch())
    recovered = standing.note_success(state=source.state, fetched=fetched, changed=0, at=AT + 3 * MINUTE)
    record_events(events=[*failed, *recovered])
    for minute, is_granted in ((3, False), (4, True)):
        scope = Scope(name="deployments:read", why="read what runs where", is_granted=is_granted)
        at = AT + minute * MINUTE
        record_events(events=rights.note_rights(state=source.state, source=source, scopes=[scope], at=at))


def _health(feature: Any) -> None:
    sentences = {
        "degraded": "People wait 4.1 s, more than the promised 3 s.",
        "down": "Nine of ten questions get no answer.",
        "healthy": "Answers are good and nobody waits longer than promised.",
        "stale": "Fernway Platform has been quiet for 12 min.",
        "unknown": "No source has ever said anything about it.",
        "paused": "Nobody watches it on purpose.",
    }
    story = ("degraded", "down", "healthy", "stale", "healthy", "unknown", "paused")
    before = None
    for number, status in enumerate(story):
        at = AT + number * MINUTE
        row = FeatureHealth(
            feature=feature, status=status, sentence=sentences[status], since=at, evaluated_at=at, version=number + 1
        )
        event = refreshing._event(refreshing._Next(feature, row, before))
        assert event is not None
        record_events(events=[event])
        before = row


def _announcement(feature: Any) -> None:
    actor = User(username="priya", full_name="Priya Raman")
    text = "Answers may be slow until noon. We know, and we are on it."
    said = announcing.announce(feature=feature, text=text, ends_at=AT + 60 * MINUTE, actor=actor, at=AT)
    announcing.withdraw_announcement(announcement=said, actor=actor, at=AT + 30 * MINUTE)


def _subscription() -> None:
    subscription = Subscription.objects.create(name="Incident bridge", url="https://hooks.example.com/opsportal")
    state = SubscriptionState.objects.create(subscription=subscription, failures=48)
    reason = "48 tries in a row failed for more than a day. hooks.example.com answered 502 Bad Gateway."
    marking.disable(state=state, reason=reason, at=AT)


def _punctuality(source: Source) -> None:
    """A run that does not come for a day, one that takes too long, and the next in time."""

    def tell(*records: Any, at: datetime) -> None:
        stored = store_batch(source=source, batch=Batch(records=records), at=at)
        assert not stored.rejected, stored.rejected
        SourceState.objects.filter(source=source).update(last_success_at=at)
        judge_due(at=at)

    def run(state: RunState, minutes: int, started: datetime) -> RunRecord:
        ended = started + minutes * MINUTE
        is_over = state is not RunState.RUNNING
        return RunRecord(
            external_id="night-1",
            pipeline_external_id="search-evaluation",
            name="calm-otter-1",
            state=state,
            raw_state=str(state).upper(),
            updated_at=ended,
            started_at=started,
            finished_at=ended if is_over else None,
        )

    labels = {"component": "search-index"}
    name = "search-evaluation"
    url = "https://prefect.example.com/deployments/9"
    nightly = PipelineRecord(external_id=name, name=name, schedule="0 10 * * *", labels=labels, url=url)
    store_batch(source=source, batch=Batch(records=(nightly,)), at=AT)
    Expectation.objects.create(
        pipeline=Pipeline.objects.get(name=name), is_longest_learned=False, longest_seconds=45 * 60
    )
    due = AT.replace(hour=10, minute=0)
    tomorrow = due + timedelta(days=1)
    tell(at=AT)
    tell(at=due + 16 * MINUTE)
    tell(at=tomorrow + 1 * MINUTE)
    tell(run(RunState.RUNNING, 0, tomorrow), at=tomorrow + 2 * MINUTE)
    tell(at=tomorrow + 46 * MINUTE)
    tell(run(RunState.SUCCEEDED, 52, tomorrow), at=tomorrow + 53 * MINUTE)
