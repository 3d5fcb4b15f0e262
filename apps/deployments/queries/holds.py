"""Reads of holds."""

from __future__ import annotations

from collections.abc import Iterable

from apps.deployments.models import Deployment, Hold

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
