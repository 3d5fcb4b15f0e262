"""Rollouts that are under way, with what guards them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db.models import F, QuerySet

from apps.prompts.models import ChangeRequest, LabelRollout, RolloutWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedRollout:
    """A rollout as its page shows it. `healthy_minutes` are of the current step; `obstacle` "" when it may grow."""

    rollout: LabelRollout
    watch: RolloutWatch
    healthy_minutes: int
    obstacle: str


def rollouts_of(*, prompt_id: int, at: datetime) -> list[GuardedRollout]:
    """What runs or was stopped under the labels of a prompt; two queries."""
    rows = _rollouts().filter(label__prompt=prompt_id).order_by("label__name")
    return [
        GuardedRollout(
            rollout=row,
            watch=watch,
            healthy_minutes=int(watch.healthy_at(at) // 60),
            obstacle=watch.obstacle_at(at),
        )
        for row in rows
        for watch in [_watch(row)]
    ]


def rollout_of(*, change: ChangeRequest) -> LabelRollout | None:
    """The rollout of what a request proposes."""
    rows = _rollouts().filter(label__prompt=change.prompt_id, label__name=change.label)
    return rows.filter(version=change.current.version_id).first()


def _watch(row: LabelRollout) -> RolloutWatch:
    watch: RolloutWatch = cast(Any, row).watch  # joined, and there for every row
    return watch


def _rollouts() -> QuerySet[LabelRollout]:
    rows = LabelRollout.objects.filter(base=F("label__version"), watch__isnull=False)
    heavy = [f"{side}__{name}" for side in ("base", "version") for name in ("template", "messages")]
    rows = rows.select_related("label__prompt", "base", "version", "watch").defer(*heavy)
    return rows.prefetch_related("watch__guards")
