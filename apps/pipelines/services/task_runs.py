"""Steps of runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from apps.connectors.records import Kind, TaskRunRecord
from apps.core import bulk
from apps.core.bulk import Row, Upsert, array_literal
from apps.core.fitting import fit, is_storable, refuse_large, refuse_long, refuse_naive
from apps.pipelines.models import Run
from apps.pipelines.services.pipelines import LOCK, TOPICS, pipeline_topics
from apps.pipelines.services.reliability import mark_days
from apps.pipelines.services.runs import LARGEST_INTEGER
from apps.pipelines.status import RunState
from apps.sources.accepting import accept, newest, refusal
from apps.sources.models import Source
from apps.sources.storing import Stored

_TASK_RUNS = Upsert(
    table="pipelines_taskrun",
    key={"run_id": "bigint", "external_id": "text"},
    columns={
        "name": "text",
        "state": "text",
        "raw_state": "text",
        "started_at": "timestamptz",
        "finished_at": "timestamptz",
        "attempts": "integer",
        "position": "integer",
        "upstream": "varchar(512)[]",
        "error": "text",
        "url": "text",
    },
    quiet={"upstream_at": "timestamptz"},
    guard="excluded.upstream_at >= kept.upstream_at",
    returning=["external_id", "run_id", "attempts"],
)


def upsert_task_runs(*, source: Source, records: Iterable[TaskRunRecord], at: datetime) -> Stored:  # noqa: ARG001 - every upsert is called alike
    """Store news about steps; a step of a run that nobody told of is refused, for it has no place to be shown."""
    stored = Stored()
    told = list(records)
    bulk.lock(space=LOCK, number=source.pk)
    runs = _runs(source, told)
    with_run = [record for record in told if record.run_external_id in runs]
    stored.rejected = [
        refusal(Kind.TASK_RUN, record, f"Its run {fit(record.run_external_id, 100)} is not known.")
        for record in told
        if record.run_external_id not in runs
    ]
    rows = accept(
        kind=Kind.TASK_RUN,
        records=with_run,
        row_of=lambda record: _row(runs[record.run_external_id][0], record),
        stored=stored,
    )
    rows = newest(rows, key=lambda row: (row["run_id"], row["external_id"]), by="upstream_at")
    written = [row for row in _TASK_RUNS.run(rows) if row["is_changed"]]
    touched = {row["run_id"] for row in written}
    retried = {row["run_id"] for row in written if max(row["attempts"], row["old_attempts"] or 0) > 1}
    if retried:
        mark_days(runs=Run.objects.filter(pk__in=retried).values("pipeline_id", "at"))
    stored.changed = len(written)
    stored.changed_ids = {(Kind.TASK_RUN, row["external_id"]) for row in written}
    stored.topics = {f"run-{pk}" for pk in sorted(touched)[:TOPICS]}
    stored.topics |= pipeline_topics(sorted({pipeline for run, pipeline in runs.values() if run in touched}))
    return stored


def _runs(source: Source, records: Sequence[TaskRunRecord]) -> dict[str, tuple[int, int]]:
    """External id of a run -> its key and its pipeline's."""
    names = {record.run_external_id for record in records if is_storable(record.run_external_id)}
    found = Run.objects.order_by().filter(source=source, external_id__in=names)
    return {name: (pk, pipeline) for name, pk, pipeline in found.values_list("external_id", "pk", "pipeline_id")}


def _row(run_id: int, record: TaskRunRecord) -> Row:
    return {
        "run_id": run_id,
        "external_id": refuse_long("The id", record.external_id, 512),
        "name": fit(record.name or record.external_id, 512),
        "state": RunState(record.state).value,
        "raw_state": fit(record.raw_state, 80),
        "started_at": refuse_naive("started_at", record.started_at),
        "finished_at": refuse_naive("finished_at", record.finished_at),
        "attempts": refuse_large("The number of attempts", max(0, record.attempts), LARGEST_INTEGER),
        "position": refuse_large("The position", max(0, record.position), LARGEST_INTEGER),
        "upstream": array_literal([fit(name, 512) for name in record.upstream]),
        "error": fit(record.error),
        "url": fit(record.url, 1000),
        "upstream_at": refuse_naive("updated_at", record.updated_at),
    }
