"""Reads of holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models import Exists, OuterRef

from apps.deployments.models import Deployment, Hold, Running

PLACE: Final = ("component_name", "environment_name", "kind")

RELATED_TO_HOLDS = (
    "deployment__revision",
    "deployment__environment",
    "deployment__feature",
    "away_from",
    "broken_by__revision",
    "source",
)


def open_holds(*, source_ids: Iterable[int] | None = None, limit: int = 500) -> list[Hold]:
    """The holds nobody has lifted, broken ones first, then the newest."""
    rows = Hold.objects.filter(lifted_at=None).select_related(*RELATED_TO_HOLDS)
    if source_ids is not None:
        rows = rows.filter(source_id__in=set(source_ids))
    return sorted(rows.order_by("-held_at", "-id")[:limit], key=lambda hold: hold.broken_at is None)


def holds_of_places(*, deployment_ids: Iterable[int]) -> list[Hold]:
    """The open holds of the places in which these deployments run now, broken ones first."""
    wanted = Running.objects.filter(
        deployment__in=set(deployment_ids), **{name: OuterRef(name) for name in (*PLACE, "source_id")}
    )
    rows = Hold.objects.filter(Exists(wanted), lifted_at=None).select_related(*RELATED_TO_HOLDS)
    return sorted(rows.order_by("-held_at", "-id"), key=lambda hold: hold.broken_at is None)


def hold_of(*, deployment: Deployment) -> Hold | None:
    """The open hold of the place a deployment went to."""
    return (
        Hold.objects.filter(
            source_id=deployment.source_id,
            component_name=deployment.component_name,
            environment_name=deployment.environment_name,
            kind=deployment.revision.kind,
            lifted_at=None,
        )
        .select_related(*RELATED_TO_HOLDS)
        .first()
    )
