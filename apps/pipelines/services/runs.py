"""Executions: one statement a batch, older news never overwrites newer, unchanged news writes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from apps.catalog import queries as catalog
from apps.connectors.records import Kind, RunRecord
from apps.core import bulk
from apps.core.bulk import Row, Upsert
from apps.core.fitting import fit, fit_json, refuse_large, refuse_long, refuse_naive
from apps.pipelines.services.due import mark_due
from apps.pipelines.services.last_runs import move_last_runs
from apps.pipelines.services.pipelines import LOCK, TOPICS, pipeline_topics, pipelines_by_external_id
from apps.pipelines.services.reliability import counted_runs, mark_days
from apps.pipelines.services.run_events import events_of
from apps.pipelines.status import RunState
from apps.sources.accepting import accept, labels_json, newest
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

LARGEST_INTEGER = 2**31 - 1
LARGEST_BIG = 2**63 - 1
LARGEST_COST = 10**10 - 1

_RUNS = Upsert(
    table="pipelines_run",
    key={"source_id": "bigint", "external_id": "text"},
    columns={
        "pipeline_id": "bigint",
        "name": "text",
        "state": "text",
        "raw_state": "text",
        "at": "timestamptz",
        "scheduled_for": "timestamptz",
        "started_at": "timestamptz",
        "finished_at": "timestamptz",
        "trigger": "text",
        "triggered_by": "text",
        "parameters": "jsonb",
        "revision": "text",
        "partition_key": "text",
        "error": "text",
        "attempts": "integer",
        "rows_in": "bigint",
        "rows_out": "bigint",
        "cost": "numeric",
        "url": "text",
        "labels": "jsonb",
    },
    quiet={"upstream_at": "timestamptz"},
    fresh={"first_seen_at": "%(now)s", "absences": "0"},
    also_set={
        "at": "COALESCE(excluded.started_at, excluded.scheduled_for, kept.at)",
        "gone_at": "NULL",
        "absences": "0",
    },
    also_when="kept.gone_at IS NOT NULL OR kept.absences > 0",
    guard="excluded.upstream_at >= kept.upstream_at",
    returning=[
        "external_id",
        "pipeline_id",
        "name",
        "state",
        "at",
        "scheduled_for",
        "started_at",
        "finished_at",
        "trigger",
        "partition_key",
        "upstream_at",
        "attempts",
        "error",
        "triggered_by",
        "url",
    ],
)


def upsert_runs(*, source: Source, records: Iterable[RunRecord], mapper: Mapper, at: datetime) -> Stored:
    """Store news about runs, move their pipelines' `last_*`, and tell the real changes of state as events."""
    stored = Stored()
    rows = accept(kind=Kind.RUN, records=records, row_of=lambda record: _row(source, record, at), stored=stored)
    if not rows:
        return stored
    bulk.lock(space=LOCK, number=source.pk)
    rows = newest(rows, key=lambda row: row["external_id"], by="upstream_at")
    names = {row["pipeline_external_id"] for row in rows}
    pipelines = pipelines_by_external_id(source=source, names=names, mapper=mapper, at=at)
    for row in rows:
        row["pipeline_id"] = pipelines[row["pipeline_external_id"]]["id"]
    written = [row for row in _RUNS.run(rows, now=at) if row["is_changed"] or row["old_id"] is None]
    if written:
        by_id = {pipeline["id"]: pipeline for pipeline in pipelines.values()}
        move_last_runs(runs=written, at=at)
        mark_due(pipeline_ids={row["pipeline_id"] for row in written}, at=at)
        mark_days(runs=counted_runs(written))
        _tell(stored, source, written, by_id, at)
    return stored


def _tell(stored: Stored, source: Source, written: list[Row], pipelines: dict[int, Row], at: datetime) -> None:
    touched = [pipelines[row["pipeline_id"]] for row in written]
    components = {pipeline["component_id"] for pipeline in touched if pipeline["component_id"]}
    stored.changed = len(written)
    stored.changed_ids = {(Kind.RUN, row["external_id"]) for row in written}
    stored.events = events_of(runs=written, pipelines=pipelines, source=source, at=at)
    stored.feature_ids = {pipeline["feature_id"] for pipeline in touched if pipeline["feature_id"]}
    stored.feature_ids |= catalog.blast_radius(components) if components else set()
    stored.topics = pipeline_topics(sorted({pipeline["id"] for pipeline in touched}))
    stored.topics |= {f"run-{row['id']}" for row in written[:TOPICS] if not row["is_new"]}


def _row(source: Source, record: RunRecord, at: datetime) -> Row:
    started_at = refuse_naive("started_at", record.started_at)
    scheduled_for = refuse_naive("scheduled_for", record.scheduled_for)
    if record.cost is not None and not (record.cost.is_finite() and abs(record.cost) <= LARGEST_COST):
        raise ValueError(f"The cost {record.cost} cannot be stored.")
    return {
        "source_id": source.pk,
        "external_id": refuse_long("The id", record.external_id, 512),
        "pipeline_external_id": refuse_long("The id of the pipeline", record.pipeline_external_id, 512),
        "name": fit(record.name or record.external_id, 512),
        "state": RunState(record.state).value,
        "raw_state": fit(record.raw_state, 80),
        "at": started_at or scheduled_for or at,
        "scheduled_for": scheduled_for,
        "started_at": started_at,
        "finished_at": refuse_naive("finished_at", record.finished_at),
        "trigger": str(record.trigger),
        "triggered_by": fit(record.triggered_by, 200),
        "parameters": fit_json(record.parameters),
        "revision": fit(record.revision, 200),
        "partition_key": fit(record.partition_key, 200),
        "error": fit(record.error),
        "attempts": refuse_large("The number of attempts", max(0, record.attempts), LARGEST_INTEGER),
        "rows_in": refuse_large("The number of rows read", record.rows_in, LARGEST_BIG),
        "rows_out": refuse_large("The number of rows written", record.rows_out, LARGEST_BIG),
        "cost": record.cost,
        "url": fit(record.url, 1000),
        "labels": labels_json(record.labels),
        "upstream_at": refuse_naive("updated_at", record.updated_at),
    }
