"""The pipelines a feature needs: its own, and those that feed what it depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from django.db.models import F, Min, Q
from django.db.models.functions import Coalesce

from apps.health.facts import PipelineFact
from apps.health.queries.reach import Part
from apps.health.queries.sources import SourceFacts
from apps.pipelines.models import Pipeline, Punctuality, Run
from apps.pipelines.status import PunctualityState, RunState

LATE = (PunctualityState.LATE, PunctualityState.MISSED)
FAILED = (RunState.FAILED, RunState.CRASHED)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def facts(
    *, feature_ids: Collection[int], parts: Mapping[int, list[Part]], sources: SourceFacts
) -> dict[int, list[PipelineFact]]:
    """feature -> the pipelines it needs, of production or of no named environment."""
    rows = list(
        Pipeline.objects.filter(Q(feature_id__in=feature_ids) | Q(component_id__in=parts), gone_at__isnull=True)
        .filter(Q(environment__isnull=True) | Q(environment__is_production=True))
        .select_related("source__state", "component", "punctuality", "expectation")
        .order_by("pk")
    )
    since = _failing_since([row for row in rows if _has_failed(row)])
    wanted = set(feature_ids)
    found: dict[int, list[PipelineFact]] = defaultdict(list)
    for row in rows:
        for feature_id, distance in _touched(row, parts).items():
            if feature_id in wanted:
                found[feature_id].append(_fact(row, distance, since.get(row.pk), sources))
    return found


def _late(row: Pipeline) -> Punctuality | None:
    """Its punctuality, if a run did not come in time and people did not mute it."""
    judged: Punctuality | None = getattr(row, "punctuality", None)
    own = getattr(row, "expectation", None)
    return judged if judged and judged.state in LATE and not (own and own.is_muted) else None


def _touched(row: Pipeline, parts: Mapping[int, list[Part]]) -> dict[int, int]:
    """feature -> how far away it is."""
    touched = {part.feature_id: part.distance for part in parts.get(row.component_id or 0, ())}
    if row.feature_id:
        touched[row.feature_id] = 0
    return touched


def _has_failed(row: Pipeline) -> bool | None:
    """Whether its last finished run failed; a rerun that still runs does not count yet."""
    if row.last_failed_at is None and row.last_succeeded_at is None:
        return True if row.last_state in FAILED else False if row.last_state == RunState.SUCCEEDED else None
    if row.last_failed_at is None or row.last_succeeded_at is None:
        return row.last_succeeded_at is None
    return row.last_failed_at > row.last_succeeded_at


def _failing_since(rows: Collection[Pipeline]) -> dict[int, datetime]:
    """pipeline -> its first failure after it last passed."""
    runs = Run.objects.filter(pipeline__in=rows, state__in=FAILED, gone_at__isnull=True)
    runs = runs.filter(at__gt=Coalesce(F("pipeline__last_succeeded_at"), _EVER))
    first = runs.order_by().values_list("pipeline_id").annotate(since=Min(Coalesce("finished_at", "at")))
    known = {row.pk: row.last_failed_at or row.last_run_at for row in rows}
    return {pk: at for pk, at in {**known, **dict(first)}.items() if at}


def _fact(row: Pipeline, distance: int, since: datetime | None, sources: SourceFacts) -> PipelineFact:
    late = _late(row)
    return PipelineFact(
        id=row.pk,
        name=row.name,
        has_failed=_has_failed(row),
        component=row.component.name if row.component else "",
        is_direct=distance == 0,
        is_paused=row.is_paused,
        failed_since=since,
        last_run_at=row.last_run_at,
        late="" if late is None else "late" if late.state == PunctualityState.LATE else "missed",
        late_since=late.since if late else None,
        late_because=late.sentence if late else "",
        source=sources.of(row.source),
    )
