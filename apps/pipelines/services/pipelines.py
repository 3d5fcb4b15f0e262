"""Definitions of repeatable work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from apps.connectors.records import Kind, PipelineRecord
from apps.core import bulk
from apps.core.bulk import Row, Upsert
from apps.core.fitting import fit, refuse_long
from apps.pipelines.models import Pipeline
from apps.pipelines.services.due import mark_due, record_pauses
from apps.sources.accepting import accept, labels_json, newest
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

LOCK = "pipelines"  # one writer a source for pipelines, runs and task runs together
TOPICS = 200  # more rows than this ring only the lists

_PIPELINES = Upsert(
    table="pipelines_pipeline",
    key={"source_id": "bigint", "external_id": "text"},
    columns={
        "name": "text",
        "description": "text",
        "vendor_kind": "text",
        "schedule": "text",
        "is_paused": "boolean",
        "url": "text",
        "labels": "jsonb",
        "component_id": "bigint",
        "feature_id": "bigint",
        "environment_id": "bigint",
    },
    fresh={"first_seen_at": "%(now)s", "active_at": "%(now)s", "absences": "0", "last_state": "''"},
    also_set={"gone_at": "NULL", "absences": "0"},
    also_when="kept.gone_at IS NOT NULL OR kept.absences > 0",
    returning=["external_id", "feature_id", "is_paused"],
)


def upsert_pipelines(*, source: Source, records: Iterable[PipelineRecord], mapper: Mapper, at: datetime) -> Stored:
    """Store what the source says of its pipelines; one that was gone is back."""
    stored = Stored()
    rows = accept(
        kind=Kind.PIPELINE, records=records, row_of=lambda record: _row(source, record, mapper), stored=stored
    )
    if not rows:
        return stored
    bulk.lock(space=LOCK, number=source.pk)
    written = _PIPELINES.run(newest(rows, key=lambda row: row["external_id"]), now=at)
    record_pauses(pipelines=written, at=at)
    mark_due(pipeline_ids=[row["id"] for row in written], at=at)
    stored.changed = len(written)
    stored.changed_ids = {(Kind.PIPELINE, row["external_id"]) for row in written}
    stored.feature_ids = {row[name] for row in written for name in ("feature_id", "old_feature_id") if row[name]}
    stored.topics = pipeline_topics([row["id"] for row in written])
    return stored


def note_alerts(*, component_ids: Collection[int], at: datetime) -> None:
    """Alerts about these components were opened: somebody watches over their pipelines."""
    if component_ids:
        Pipeline.objects.filter(component_id__in=component_ids).update(alerted_at=at)


def pipelines_by_external_id(*, source: Source, names: Iterable[str], mapper: Mapper, at: datetime) -> dict[str, Row]:
    """What runs need to know of their pipelines; one that was never told of is made, under its id as its name."""
    wanted = set(names)
    known = _known(source, wanted)
    if missing := sorted(wanted - known.keys()):
        Pipeline.objects.bulk_create([_placeholder(source, name, mapper, at) for name in missing])
        known |= _known(source, missing)
    return known


def pipeline_topics(ids: Sequence[int]) -> set[str]:
    """What pages should refetch when these pipelines changed."""
    if not ids:
        return set()
    return {"runs", *(f"pipeline-{pk}" for pk in ids[:TOPICS])}


def _known(source: Source, names: Iterable[str]) -> dict[str, Row]:
    found = Pipeline.objects.order_by().filter(source=source, external_id__in=list(names))
    columns = ("id", "external_id", "name", "feature_id", "component_id", "environment_id")
    return {row["external_id"]: row for row in found.values(*columns, "last_succeeded_at", "last_failed_at")}


def _placeholder(source: Source, name: str, mapper: Mapper, at: datetime) -> Pipeline:
    place = mapper.resolve(kind=Kind.PIPELINE, name=name)
    return Pipeline(
        source=source,
        external_id=name,
        name=name,
        component_id=place.component_id,
        feature_id=place.feature_id,
        environment_id=place.environment_id,
        first_seen_at=at,
        active_at=at,
    )


def _row(source: Source, record: PipelineRecord, mapper: Mapper) -> Row:
    place = mapper.resolve(kind=Kind.PIPELINE, name=record.name, labels=record.labels, raw=record.raw)
    return {
        "source_id": source.pk,
        "external_id": refuse_long("The id", record.external_id, 512),
        "name": fit(record.name or record.external_id, 512),
        "description": fit(record.description),
        "vendor_kind": fit(record.vendor_kind, 40),
        "schedule": fit(record.schedule, 200),
        "is_paused": record.is_paused,
        "url": fit(record.url, 1000),
        "labels": labels_json(record.labels),
        "component_id": place.component_id,
        "feature_id": place.feature_id,
        "environment_id": place.environment_id,
    }
