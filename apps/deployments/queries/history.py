"""Reads of deployments: the history, and what runs where now."""

from __future__ import annotations

from typing import Final

from django.db.models import Q, QuerySet

from apps.deployments.models import Deployment, Running
from apps.deployments.status import DeploymentState

PLACE_LOOK_BACK: Final = 50  # deployments of a place in which earlier revisions are looked for


def deployments() -> QuerySet[Deployment]:
    """The history with what a list shows beside each deployment."""
    related = ("revision", "previous_revision", "feature", "environment", "source", "frozen_by")
    return Deployment.objects.select_related(*related).defer("labels", "description")


def deployments_with_text(rows: QuerySet[Deployment], text: str) -> QuerySet[Deployment]:
    """Deployments of a component or a revision with this text in its name."""
    return rows.filter(Q(component_name__icontains=text) | Q(revision__reference__icontains=text))


def history_of_place(*, deployment: Deployment, limit: int = 12) -> list[Deployment]:
    """The newest deployments of the same component and kind into the same environment."""
    rows = deployments().filter(
        source_id=deployment.source_id,
        component_name=deployment.component_name,
        environment_name=deployment.environment_name,
        revision__kind=deployment.revision.kind,
    )
    return list(rows.order_by("-started_at", "-id")[:limit])


def is_live(*, deployment: Deployment) -> bool:
    """Whether this is what runs in its place now."""
    return Running.objects.filter(deployment=deployment).exists()


def running(*, feature_id: int | None = None) -> QuerySet[Running]:
    """What runs where now, of one feature or of all."""
    related = ("deployment__revision", "deployment__feature", "deployment__environment", "source")
    rows = Running.objects.select_related(*related).defer("deployment__labels", "deployment__description")
    return rows if feature_id is None else rows.filter(deployment__feature_id=feature_id)


def live_of_feature(*, feature_id: int, limit: int = 12) -> list[Running]:
    """What runs now for one feature, the newest first."""
    return list(running(feature_id=feature_id).order_by("-since", "-id")[:limit])


def earlier_in_place(*, running: Running, limit: int = 5) -> list[Deployment]:
    """What went live in this place before what runs there now: its newest deployments, one a revision, newest first."""
    live = running.deployment
    rows = history_of_place(deployment=live, limit=PLACE_LOOK_BACK)
    found: dict[int, Deployment] = {}
    for row in rows:
        if row.state == DeploymentState.SUCCEEDED and row.started_at <= live.started_at:
            found.setdefault(row.revision_id, row)
    found.pop(live.revision_id, None)
    return list(found.values())[:limit]


def environment_names() -> list[tuple[str, str]]:
    """The environments that something runs in, for a filter."""
    names = Running.objects.order_by("environment_name").values_list("environment_name", flat=True).distinct()
    return [(name, name) for name in names if name]
