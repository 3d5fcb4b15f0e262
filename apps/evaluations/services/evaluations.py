"""Executions of suites: stored once, older news never overwrites newer, unchanged news writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.utils.text import slugify

from apps.catalog import queries as catalog
from apps.connectors.records import EvaluationRecord, Kind
from apps.core import bulk
from apps.core.bulk import Row, Upsert
from apps.core.fitting import fit, fit_json, refuse_long, refuse_naive
from apps.evaluations.models import EvaluationSuite
from apps.evaluations.services import scores
from apps.evaluations.services.events import events_of
from apps.evaluations.status import state_of
from apps.sources.accepting import accept, labels_json, newest
from apps.sources.mapping import COMPONENT_LABEL, Mapper, Place
from apps.sources.models import Source
from apps.sources.storing import Stored

LOCK = "evaluations"  # one writer a source
TOPICS = 200  # more runs than this ring only the list

_RUNS = Upsert(
    table="evaluations_evaluationrun",
    key={"source_id": "bigint", "external_id": "text"},
    columns={
        "suite_id": "bigint",
        "component_id": "bigint",
        "feature_id": "bigint",
        "environment_id": "bigint",
        "subject": "text",
        "version": "text",
        "revision": "text",
        "judge": "text",
        "state": "text",
        "raw_state": "text",
        "at": "timestamptz",
        "started_at": "timestamptz",
        "finished_at": "timestamptz",
        "passed": "integer",
        "failed": "integer",
        "summary": "jsonb",
        "scores_digest": "text",
        "url": "text",
        "labels": "jsonb",
    },
    quiet={"upstream_at": "timestamptz"},
    fresh={"first_seen_at": "%(now)s"},
    also_set={"at": "COALESCE(excluded.started_at, excluded.finished_at, kept.at)"},
    guard="excluded.upstream_at >= kept.upstream_at",
    returning=[
        *("external_id", "suite_id", "component_id", "feature_id", "environment_id", "subject", "version"),
        *("state", "passed", "failed", "finished_at", "upstream_at", "url"),
    ],
)
_SUITES = Upsert(
    table="evaluations_evaluationsuite",
    key={"source_id": "bigint", "name": "text"},
    columns={"component_id": "bigint", "feature_id": "bigint"},
    fresh={"first_seen_at": "%(now)s"},
)


def upsert_evaluations(*, source: Source, records: Iterable[EvaluationRecord], mapper: Mapper, at: datetime) -> Stored:
    """Store news about evaluation runs with their scores, and tell those that ended as events."""
    stored = Stored()
    rows = accept(
        kind=Kind.EVALUATION, records=records, row_of=lambda record: _row(source, record, mapper, at), stored=stored
    )
    if not rows:
        return stored
    bulk.lock(space=LOCK, number=source.pk)
    rows = newest(rows, key=lambda row: row["external_id"], by="upstream_at")
    _add_suites(source, rows, mapper, at)
    written = [row for row in _RUNS.run(rows, now=at) if row["is_changed"]]
    if written:
        told = {row["external_id"]: row for row in rows}
        scores.replace_scores({row["id"]: told[row["external_id"]]["scores"] for row in written})
        _tell(stored, source, written, told)
    return stored


def _tell(stored: Stored, source: Source, written: Sequence[Row], told: dict[str, Row]) -> None:
    for row in written:
        row["suite_name"] = told[row["external_id"]]["suite_name"]
        row["ended_at"] = row["finished_at"] or row["upstream_at"]
    components = {row["component_id"] for row in written if row["component_id"]}
    stored.changed = len(written)
    stored.changed_ids = {(Kind.EVALUATION, row["external_id"]) for row in written}
    stored.events = events_of(runs=written, source=source)
    stored.feature_ids = {row[name] for row in written for name in ("feature_id", "old_feature_id") if row[name]}
    stored.feature_ids |= catalog.blast_radius(components) if components else set()
    stored.topics = {"evaluations", *(f"evaluation-{row['id']}" for row in written[:TOPICS])}


def _add_suites(source: Source, rows: Sequence[Row], mapper: Mapper, at: datetime) -> None:
    """Give every row the key of its suite, made if this is the first sight of it."""
    names = sorted({row["suite_name"] for row in rows})
    places = {name: _suite_place(name, mapper) for name in names}
    fresh = [
        {"source_id": source.pk, "name": name, "component_id": place.component_id, "feature_id": place.feature_id}
        for name, place in places.items()
    ]
    _SUITES.run(fresh, now=at)
    found = EvaluationSuite.objects.order_by().filter(source=source, name__in=names)
    known = dict(found.values_list("name", "pk"))
    for row in rows:
        row["suite_id"] = known[row["suite_name"]]


def _suite_place(name: str, mapper: Mapper) -> Place:
    return mapper.resolve(kind=Kind.EVALUATION, name=name, labels=known_as(name, {}))


def known_as(suite: str, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of an evaluation with its suite's name as a component's slug."""
    return {COMPONENT_LABEL: slugify(suite), **labels}


def _row(source: Source, record: EvaluationRecord, mapper: Mapper, at: datetime) -> Row:
    place = mapper.resolve(
        kind=Kind.EVALUATION,
        name=record.suite,
        labels=known_as(record.suite, record.labels),
        raw=record.raw,
        is_noted=False,
    )
    rows = scores.score_rows(record.scores)
    summary = scores.summarize(rows)
    started_at = refuse_naive("started_at", record.started_at)
    finished_at = refuse_naive("finished_at", record.finished_at)
    return {
        "source_id": source.pk,
        "external_id": refuse_long("The id", record.external_id, 512),
        "suite_name": refuse_long("The suite", record.suite, 300),
        "component_id": place.component_id,
        "feature_id": place.feature_id,
        "environment_id": place.environment_id,
        "subject": fit(record.subject, 300),
        "version": fit(record.version, 120),
        "revision": fit(record.revision, 200),
        "judge": fit(record.judge, 200),
        "state": state_of(record.state).value,
        "raw_state": fit(record.raw_state, 80),
        "at": started_at or finished_at or at,
        "started_at": started_at,
        "finished_at": finished_at,
        "passed": int(sum(part["passed"] for part in summary.values())),
        "failed": int(sum(part["failed"] for part in summary.values())),
        "summary": fit_json(summary),
        "scores_digest": scores.digest(rows) if rows else "",
        "scores": rows,
        "url": fit(record.url, 1000),
        "labels": labels_json(record.labels),
        "upstream_at": refuse_naive("updated_at", record.updated_at),
    }
