"""When the data that a feature answers from were too old in the past, by the runs that refreshed them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from apps.catalog.models import Component
from apps.health.datasets import too_old
from apps.health.queries.data import fed_by, limits_of
from apps.health.queries.reach import reach
from apps.health.replay import OldData
from apps.pipelines.marks import data_mark
from apps.pipelines.models import Run
from apps.pipelines.status import RunState

_BEFORE: Final = timedelta(days=8)  # of the runs before: data that are older than this are told from then on only
_TOLD = ("pipeline__component_id", "trigger", "partition_key", "started_at", "scheduled_for", "finished_at")


def old_data_of(*, feature_id: int, start: datetime, end: datetime) -> list[OldData]:
    """The stretches from `start` to `end`, as today's catalog would have judged them; three queries."""
    parts = reach(feature_ids=[feature_id])
    ids = [pk for pk, reaching in parts.items() if any(part.is_data for part in reaching)]
    components = list(Component.objects.filter(pk__in=ids, freshness__fail_after_hours__isnull=False))
    came = _arrivals(components, start - _BEFORE, end)
    return [
        OldData(one.name, max(begin, start), finish)
        for one in components
        for begin, finish in too_old(limits_of(one), came.get(one.pk, ()), end=end)
        if finish > start
    ]


def _arrivals(
    components: Collection[Component], start: datetime, end: datetime
) -> dict[int, list[tuple[datetime, datetime]]]:
    """component -> (when a run of what feeds it succeeded, how new its data are)."""
    fed = fed_by(components)
    runs = Run.objects.filter(pipeline__component__in=fed, state=RunState.SUCCEEDED, at__gte=start, at__lte=end)
    found: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for component_id, trigger, key, started_at, scheduled_for, finished_at in (
        runs.order_by().values_list(*_TOLD).iterator(chunk_size=5000)
    ):
        mark = data_mark(
            trigger=trigger,
            partition_key=key,
            started_at=started_at,
            scheduled_for=scheduled_for,
            finished_at=finished_at,
        )
        arrived = finished_at or started_at
        if mark is not None and arrived is not None and component_id is not None:
            for pk in fed[component_id]:
                found[pk].append((arrived, min(mark, arrived)))
    return found
