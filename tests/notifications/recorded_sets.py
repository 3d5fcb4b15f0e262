"""Holds, freezes and sets, recorded by the code that records them in earnest: a feature on its way to production."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.accounts.models import User
from apps.catalog.models import Environment, Feature
from apps.connectors.records import Batch, DeploymentRecord, DeploymentState
from apps.deployments import queries
from apps.deployments import services as deployments
from apps.deployments.models import Running
from apps.events.services import record_events
from apps.health.services import refresh_consistency
from apps.sources.models import Source
from apps.sync.store import store_batch
from tests.factories import make_component, make_environment, make_feature

AT = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def record_sets(source: Source) -> None:
    """Everything that can happen to a set, to a held place and to a freeze; plain deployments are told elsewhere."""
    make_environment(slug="staging", name="Staging", rank=1)
    feature = make_feature(slug="help-center", name="Help Center")
    for slug, kind in (("help-api", "service"), ("help-index", "index"), ("help-embedder", "model")):
        make_component(slug=slug, name=slug, feature=feature, kind=kind)
    for number, step in enumerate(_compared()):
        _tell(source, feature, step, AT + number * MINUTE)
    _promoted_against_the_rules(source, feature)
    for number, step in enumerate(_searched_wrongly()):
        _tell(source, feature, step, AT + (30 + number) * MINUTE)


def _compared() -> Iterator[tuple[DeploymentRecord, ...]]:
    """Staging and Production run the same; then the source corrects itself about Staging, and tells of it again."""
    yield _deployment("help-api", "1.8.0", "staging", 0), _deployment("help-api", "1.8.0", "production", 0)
    yield (
        _deployment("help-api", "1.8.0", "elsewhere", 0, updated_at=AT + 2 * MINUTE, external_id="help-api-staging-0"),
    )
    yield (_deployment("help-api", "1.8.0", "staging", 2),)


def _promoted_against_the_rules(source: Source, feature: Feature) -> None:
    """Production is held and frozen; a revision comes from Staging all the same, and both are lifted afterwards."""
    jana = User.objects.create(username="jana", full_name="Jana Novak")
    running = Running.objects.get(component_name="help-api", environment_name="production")
    hold = deployments.hold_place(running=running, actor=jana, reason="The audit looks at it.", at=AT + 4 * MINUTE)
    freeze = deployments.plan_freeze(
        actor=jana,
        at=AT + 5 * MINUTE,
        features=[feature],
        environments=[Environment.objects.get(slug="production")],
        name="Audit",
        reason="Nothing moves while the audit looks.",
        starts_at=AT + 6 * MINUTE,
        ends_at=AT + 600 * MINUTE,
    )
    for minute, environment in ((7, "staging"), (9, "production")):
        _tell(source, feature, (_deployment("help-api", "1.9.0", environment, minute),), AT + (minute + 1) * MINUTE)
    over = "The audit is over."
    deployments.lift_hold(hold_id=hold.pk, actor=jana, reason=over, at=AT + 12 * MINUTE)
    _asked_back(jana)
    deployments.lift_freeze(freeze_id=freeze.pk, actor=jana, reason=over, at=AT + 13 * MINUTE)


def _asked_back(jana: User) -> None:
    """What came last should go again; then it may stay."""
    running = Running.objects.get(component_name="help-api", environment_name="production")
    (earlier,) = queries.earlier_in_place(running=running)
    why = "It answers slowly since then."
    hold = deployments.ask_rollback(running=running, to=earlier, actor=jana, reason=why, at=AT + 12 * MINUTE)
    deployments.lift_hold(hold_id=hold.pk, actor=jana, reason="The audit is over.", at=AT + 12 * MINUTE)


def _searched_wrongly() -> Iterator[tuple[DeploymentRecord, ...]]:
    """A new embedder without a new index, until the index is built again; then a revision that nobody tested."""
    index = {"kind": "index", "embedder": "small-2"}
    yield (
        _deployment("help-index", "build 7", "production", 20, labels=index),
        _deployment("help-embedder", "small-2", "production", 20, labels={"kind": "embedding_model"}),
    )
    yield (_deployment("help-embedder", "large-3", "production", 30, labels={"kind": "embedding_model"}),)
    yield (_deployment("help-index", "build 8", "production", 31, labels=index | {"embedder": "large-3"}),)
    yield (_deployment("help-api", "1.9.1", "production", 32),)


def _deployment(component: str, revision: str, environment: str, minute: int, **more: Any) -> DeploymentRecord:
    started = AT + minute * MINUTE
    facts = {
        "external_id": f"{component}-{environment}-{minute}",
        "state": DeploymentState.SUCCEEDED,
        "raw_state": "succeeded",
        "updated_at": started + MINUTE,
        "finished_at": started + MINUTE,
        "deployed_by": "Jana Novak",
    }
    return DeploymentRecord(
        component=component, revision=revision, environment=environment, started_at=started, **facts | more
    )


def _tell(source: Source, feature: Feature, records: tuple[DeploymentRecord, ...], at: datetime) -> None:
    stored = store_batch(source=source, batch=Batch(records=records), at=at)
    assert not stored.rejected, stored.rejected
    record_events(events=[event for event in stored.events if not event.kind.startswith("deployments:deployment:")])
    refresh_consistency(feature_ids={feature.pk}, at=at)
