"""How far a label has come: which instances serve where it points, which something else, and since when all do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min

from apps.core.ui.formats import duration
from apps.prompts.models import LabelMove, LabelRollout, PromptLabel, PromptUse

HEARD_WITHIN = timedelta(minutes=5)  # an instance that tells nothing for longer serves no more
MOST_SHOWN = 200  # instances of one prompt on its page


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One process of one caller, as it last told. `number` None is its fallback."""

    caller: str
    instance: str
    number: int | None
    serving_since: datetime
    last_heard_at: datetime
    served: int
    fallbacks: int
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Propagation:
    """One label of one prompt. `expected` are the numbers that count as arrived: two while a rollout runs."""

    prompt_id: int
    label_id: int
    label: str
    number: int
    moved_at: datetime
    has_moved: bool  # False for a label that was only ever found there
    expected: frozenset[int]
    percent: int | None = None  # of a rollout
    all_instances: tuple[Instance, ...] = field(default=())

    @property
    def instances(self) -> int:
        """How many tell."""
        return len(self.all_instances)

    @property
    def callers(self) -> int:
        """How many services they belong to."""
        return len({one.caller for one in self.all_instances})

    @property
    def arrived(self) -> int:
        """How many serve what the label says."""
        return sum(one.is_current for one in self.all_instances)

    @property
    def on_fallback(self) -> int:
        """How many serve their own text."""
        return sum(one.number is None for one in self.all_instances)

    @property
    def shown(self) -> tuple[Instance, ...]:
        """The first of them, those that have not arrived before the others."""
        return tuple(
            sorted(self.all_instances, key=lambda one: (one.is_current, one.caller, one.instance))[:MOST_SHOWN]
        )

    @property
    def share(self) -> int:
        """Percent that arrived, rounded down, so that 100 means all."""
        return 100 * self.arrived // self.instances if self.instances else 0

    @property
    def converged_at(self) -> datetime | None:
        """Since when all of them serve it; None while one does not, or nobody tells."""
        if not self.instances or self.arrived < self.instances:
            return None
        return max(self.moved_at, *(one.serving_since for one in self.all_instances))

    @property
    def took_seconds(self) -> float | None:
        """From the move of the label until all had arrived."""
        return (self.converged_at - self.moved_at).total_seconds() if self.converged_at else None

    @property
    def took_text(self) -> str:
        """The same in words, "" while it has not come to that."""
        return "" if self.took_seconds is None else duration(self.took_seconds)


def propagations(*, prompt_ids: Collection[int], at: datetime) -> list[Propagation]:
    """Every label of these prompts with the instances that were heard lately; four queries."""
    labels = list(
        PromptLabel.objects.filter(prompt__in=prompt_ids).select_related("version").order_by("prompt", "name")
    )
    rollouts = {row.label_id: row for row in LabelRollout.objects.filter(label__in=labels).select_related("version")}
    moved = LabelMove.objects.order_by().filter(prompt__in=prompt_ids, from_version__isnull=False)
    moves = set(moved.values_list("prompt_id", "name").distinct())
    uses: dict[tuple[int, str], list[PromptUse]] = defaultdict(list)
    heard = PromptUse.objects.filter(prompt__in=prompt_ids, last_heard_at__gte=at - HEARD_WITHIN)
    for use in heard.select_related("version").defer("version__template", "version__messages"):
        uses[use.prompt_id, use.label].append(use)
    return [_propagation(label, rollouts.get(label.pk), uses[label.prompt_id, label.name], moves) for label in labels]


def _propagation(
    label: PromptLabel, rollout: LabelRollout | None, uses: Sequence[PromptUse], moves: Collection[tuple[int, str]]
) -> Propagation:
    runs = rollout is not None and rollout.percent > 0 and rollout.base_id == label.version_id
    expected = {label.version.number} | ({rollout.version.number} if rollout is not None and runs else set())
    return Propagation(
        prompt_id=label.prompt_id,
        label_id=label.pk,
        label=label.name,
        number=label.version.number,
        moved_at=label.moved_at,
        has_moved=(label.prompt_id, label.name) in moves,
        expected=frozenset(expected),
        percent=rollout.percent if rollout is not None and runs else None,
        all_instances=tuple(_instance(use, expected) for use in uses),
    )


def _instance(use: PromptUse, expected: Collection[int]) -> Instance:
    number = use.version.number if use.version else None
    return Instance(
        caller=use.caller,
        instance=use.instance,
        number=number,
        serving_since=use.serving_since,
        last_heard_at=use.last_heard_at,
        served=use.served,
        fallbacks=use.fallbacks,
        is_current=number in expected,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionServed:
    """One version as callers told of it. Counts are of the instances that serve it now, whatever they served before."""

    number: int
    instances: int
    first_at: datetime
    last_at: datetime


def versions_served(*, prompt_id: int, limit: int = 20) -> list[VersionServed]:
    """When each version was first and last served, the newest first; of what is remembered of each instance."""
    rows = PromptUse.objects.filter(prompt=prompt_id, version__isnull=False).order_by().values("version__number")
    found = rows.annotate(
        instances=Count("pk"), first_at=Min("serving_since"), last_at=Max("last_heard_at")
    ).order_by("-version__number")  # fmt: skip
    return [
        VersionServed(
            number=row["version__number"], instances=row["instances"], first_at=row["first_at"], last_at=row["last_at"]
        )
        for row in found[:limit]
    ]
