"""The pipelines a feature needs: its own, and those that feed what it depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from django.db.models import F, Min, Q
from django.db.models.functions import Coalesce

from apps.health.facts import PipelineFact
from apps.health.queries.reach import HOLDING, Part
from apps.health.queries.sources import SourceFacts
from apps.pipelines.models import Pipeline, Punctuality, Run
from apps.pipelines.status import PunctualityState, RunState, Trigger

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
        for feature_id, part in _touched(row, parts).items():
            if feature_id in wanted:
                found[feature_id].append(_fact(row, part, since.get(row.pk), sources))
    return found


def trouble_of(row: Pipeline) -> str:
    """ "failed", "is late" or "missed a run" where its newest data did not come, "" where nothing speaks against it."""
    if row.is_paused:
        return ""
    if _has_failed(row):
        return "failed"
    late = _late(row)
    return "" if late is None else "is late" if late.state == PunctualityState.LATE else "missed a run"


def _late(row: Pipeline) -> Punctuality | None:
    """Its punctuality, if a run did not come in time and people did not mute it."""
    judged: Punctuality | None = getattr(row, "punctuality", None)
    own = getattr(row, "expectation", None)
    return judged if judged and judged.state in LATE and not (own and own.is_muted) else None


def _touched(row: Pipeline, parts: Mapping[int, list[Part]]) -> dict[int, Part]:
    """feature -> the part of it that the pipeline is; one that is only mapped to the feature makes no data.

    What only an evaluation needs makes no answer worse: the missing evaluation is told by itself.
    """
    touched = {part.feature_id: part for part in parts.get(row.component_id or 0, ()) if part.is_serving}
    if row.feature_id:
        own = touched.get(row.feature_id)
        touched[row.feature_id] = Part(row.feature_id, row.component_id or 0, "", 0, is_data=bool(own and own.is_data))
    return touched


def _has_failed(row: Pipeline) -> bool | None:
    """Whether its last finished run failed; a rerun that still runs does not count yet.

    Of a pipeline that makes data only those runs count that were to bring newer data: no old partition, no backfill.
    """
    is_told = row.data_as_of or row.data_failed_as_of
    if is_told and row.component and row.component.kind in HOLDING:
        return row.has_old_data
    if row.last_failed_at is None and row.last_succeeded_at is None:
        return True if row.last_state in FAILED else False if row.last_state == RunState.SUCCEEDED else None
    if row.last_failed_at is None or row.last_succeeded_at is None:
        return row.last_succeeded_at is None
    return row.last_failed_at > row.last_succeeded_at


def _failing_since(rows: Collection[Pipeline]) -> dict[int, datetime]:
    """pipeline -> its first failure after it last passed, or after its data were last made."""
    runs = Run.objects.filter(pipeline__in=rows, state__in=FAILED, gone_at__isnull=True)
    runs = runs.exclude(trigger=Trigger.BACKFILL, pipeline__data_failed_as_of__isnull=False)
    runs = runs.filter(at__gt=Coalesce(F("pipeline__data_as_of"), F("pipeline__last_succeeded_at"), _EVER))
    first = runs.order_by().values_list("pipeline_id").annotate(since=Min(Coalesce("finished_at", "at")))
    known = {row.pk: row.last_failed_at or row.last_run_at for row in rows}
    return {pk: at for pk, at in {**known, **dict(first)}.items() if at}


def _fact(row: Pipeline, part: Part, since: datetime | None, sources: SourceFacts) -> PipelineFact:
    late = _late(row)
    return PipelineFact(
        id=row.pk,
        name=row.name,
        has_failed=_has_failed(row),
        component=row.component.name if row.component else "",
        is_direct=part.distance == 0,
        is_paused=row.is_paused,
        failed_since=since,
        last_run_at=row.last_run_at,
        late="" if late is None else "late" if late.state == PunctualityState.LATE else "missed",
        late_since=late.since if late else None,
        late_because=late.sentence if late else "",
        feeds_data=part.is_data,
        data_as_of=row.data_as_of,
        source=sources.of(row.source),
    )
