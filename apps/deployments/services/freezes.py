"""Freezes: planned and lifted by people; a deployment that begins inside one is marked and told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.catalog import queries as catalog
from apps.catalog.models import Environment, Feature
from apps.core.bulk import Row
from apps.core.ui.formats import short_revision
from apps.deployments import queries
from apps.deployments.freezing import freezes_at
from apps.deployments.models import Deployment, Freeze
from apps.deployments.status import DeploymentState
from apps.events.services import NewEvent, record_events, ring
from apps.events.status import Tone
from apps.sources.models import Source

_NOT_BEGUN = (None, DeploymentState.QUEUED, DeploymentState.CANCELLED)


class FreezeError(Exception):
    """Why it cannot be done, in a sentence for people."""


def plan_freeze(
    *, actor: User, at: datetime, features: Sequence[Feature], environments: Sequence[Environment], **fields: Any
) -> Freeze:
    """A new freeze; `fields` are those of the model that say when and why."""
    with transaction.atomic():
        freeze = Freeze.objects.create(created_by=actor, planned_by=str(actor), created_at=at, **fields)
        freeze.features.set(features)
        freeze.environments.set(environments)
        record_audit(actor=actor, action="freeze:plan", subject=freeze, after=_facts(freeze), reason=freeze.reason)
        _tell(freeze, "deployments:freeze:planned", f"The freeze “{freeze.name}” was planned", str(actor), at)
    return freeze


def lift_freeze(*, freeze_id: int, actor: User, reason: str, at: datetime) -> Freeze:
    """End a freeze, or take back one that has not begun; raises FreezeError when there is nothing left to lift."""
    with transaction.atomic():
        freeze = Freeze.objects.select_for_update().get(pk=freeze_id)
        if freeze.lifted_at:
            raise FreezeError(f"{freeze.lifted_by} has lifted this freeze already.")
        if freeze.ends_at and freeze.ends_at <= at:
            raise FreezeError("This freeze is over; there is nothing to lift.")
        freeze.lifted_at, freeze.lifted_by, freeze.lift_reason = at, str(actor), reason
        freeze.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
        record_audit(actor=actor, action="freeze:lift", subject=freeze, before=_facts(freeze), reason=reason)
        _tell(freeze, "deployments:freeze:lifted", f"The freeze “{freeze.name}” was lifted", str(actor), at, reason)
    return freeze


def note_freezes(*, source: Source, written: Sequence[Row]) -> list[NewEvent]:
    """Mark the deployments among `written` that began inside a freeze which was planned before, and tell them."""
    begun = [row for row in written if row["state"] not in _NOT_BEGUN and row["old_state"] in _NOT_BEGUN]
    known = queries.freezes_since(at=min(row["started_at"] for row in begun)) if begun else []
    if not known:
        return []
    found = [(row, freeze) for row in begun if (freeze := _freeze_of(row, known))]
    for freeze in {freeze.pk: freeze for _, freeze in found}.values():
        ids = [row["id"] for row, broken in found if broken.pk == freeze.pk]
        Deployment.objects.filter(pk__in=ids).update(frozen_by=freeze)
    return [_broken(row, freeze, source) for row, freeze in found]


def _freeze_of(row: Row, known: Sequence[Freeze]) -> Freeze | None:
    """The first freeze it breaks; a shared component breaks those of every feature that needs it."""
    planned = {freeze.pk: freeze for freeze in known if freeze.created_at <= row["started_at"]}
    windows = [freeze.window for freeze in planned.values()]
    features: set[int | None] = {row["feature_id"]}
    if row["feature_id"] is None and row["component_id"] and any(window.features for window in windows):
        features |= catalog.blast_radius({row["component_id"]})
    for feature in sorted(features, key=lambda pk: pk or 0):
        for window in freezes_at(windows, feature, row["environment_id"], row["started_at"]):
            return planned[window.id]
    return None


def _broken(row: Row, freeze: Freeze, source: Source) -> NewEvent:
    what = f"{row['component_name'][:80]} {short_revision(row['reference'])[:60]}"
    return NewEvent(
        kind="deployments:freeze:broken",
        at=row["started_at"],
        title=f"{what} was deployed to {row['where'][:60]} inside the freeze “{freeze.name[:60]}”",
        tone=Tone.WARN,
        detail=freeze.reason,
        actor=row["deployed_by"],
        is_demo=source.is_demo,
        feature_id=row["feature_id"],
        component_id=row["component_id"],
        environment_id=row["environment_id"],
        source_id=source.pk,
        subject_kind="deployment",
        subject_id=row["id"],
        dedupe_key=f"freeze-broken:{row['id']}",
        url=row["url"],
    )


def _tell(freeze: Freeze, kind: str, title: str, actor: str, at: datetime, detail: str = "") -> None:
    event = NewEvent(
        kind=kind,
        at=at,
        title=title,
        detail=detail or freeze.reason,
        actor=actor,
        is_change=True,
        subject_kind="freeze",
        subject_id=freeze.pk,
        topics=("freezes",),
    )
    record_events(events=[event])
    ring(topics={"freezes"})


def _facts(freeze: Freeze) -> dict[str, Any]:
    return {
        "name": freeze.name,
        "starts_at": freeze.starts_at.isoformat(),
        "ends_at": freeze.ends_at.isoformat() if freeze.ends_at else None,
        "is_weekly": freeze.is_weekly,
        "features": sorted(feature.slug for feature in freeze.features.all()),
        "environments": sorted(environment.slug for environment in freeze.environments.all()),
    }
