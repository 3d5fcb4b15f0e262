"""Alerts: one row an episode, resolved when the source says so or leaves it out of a complete listing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from psycopg import sql

from apps.catalog import queries as catalog
from apps.connectors.records import AlertRecord, Kind, Listing
from apps.core import bulk
from apps.core.bulk import Row, Upsert
from apps.core.fitting import fit, is_storable, refuse_long, refuse_naive
from apps.events.services import NewEvent
from apps.monitors.services.events import opened_events, resolved_events
from apps.monitors.status import AlertState
from apps.pipelines import services as pipelines
from apps.sources.accepting import accept, labels_json, newest
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

LOCK = "alerts"
TOPICS = 200  # more alerts than this ring only the list

_TOLD = (
    "external_id",
    "name",
    "state",
    "severity",
    "summary",
    "url",
    "feature_id",
    "component_id",
    "environment_id",
    "opened_at",
    "resolved_at",
)
_ALERTS = Upsert(
    table="monitors_alert",
    key={"source_id": "bigint", "external_id": "text"},
    key_where="resolved_at IS NULL",
    columns={
        "name": "text",
        "state": "text",
        "severity": "text",
        "summary": "text",
        "labels": "jsonb",
        "url": "text",
        "feature_id": "bigint",
        "component_id": "bigint",
        "environment_id": "bigint",
    },
    fixed={"opened_at": "timestamptz"},
    fresh={"last_seen_at": "%(now)s"},
    also_set={"last_seen_at": "%(now)s"},
    returning=_TOLD,
)
_RESOLVE = sql.SQL(
    """
    WITH ended AS (
        SELECT alert.id, alert.state FROM monitors_alert AS alert
        WHERE alert.source_id = %(source_id)s AND alert.resolved_at IS NULL AND NOT alert.is_own
          AND (alert.external_id = ANY(%(ids)b::text[])) = %(is_in)s
    )
    UPDATE monitors_alert AS alert
    SET state = 'resolved', resolved_at = GREATEST(%(now)s, alert.opened_at), last_seen_at = %(now)s
    FROM ended WHERE alert.id = ended.id
    RETURNING alert.id, ended.state AS old_state, {}
    """
).format(sql.SQL(", ").join(sql.Identifier("alert", name) for name in _TOLD))


def upsert_alerts(*, source: Source, records: Iterable[AlertRecord], mapper: Mapper, at: datetime) -> Stored:
    """Open, update and resolve alerts as told; a fingerprint that comes back after that is a new row."""
    stored = Stored()
    rows = accept(kind=Kind.ALERT, records=records, row_of=lambda record: _row(source, record, mapper), stored=stored)
    if not rows:
        return stored
    bulk.lock(space=LOCK, number=source.pk)
    rows = newest(rows, key=lambda row: row["external_id"])
    over = [row["external_id"] for row in rows if row["state"] == AlertState.RESOLVED]
    written = _ALERTS.run([row for row in rows if row["state"] != AlertState.RESOLVED], now=at)
    opened = {row["component_id"] for row in written if row["is_new"] and row["component_id"]}
    pipelines.note_alerts(component_ids=opened, at=at)
    _tell(stored, written, opened_events(alerts=written, source=source))
    if over:
        _resolve(stored, source, ids=over, is_in=True, at=at)
    return stored


def mark_absent(*, source: Source, listing: Listing, at: datetime) -> Stored:
    """Resolve every open alert that one complete listing lacks: sources tell an end only by silence."""
    stored = Stored()
    if listing.kind == Kind.ALERT:
        bulk.lock(space=LOCK, number=source.pk)
        _resolve(stored, source, ids=sorted(filter(is_storable, listing.external_ids)), is_in=False, at=at)
    return stored


def _resolve(stored: Stored, source: Source, *, ids: Sequence[str], is_in: bool, at: datetime) -> None:
    ended = bulk.fetch(_RESOLVE, {"source_id": source.pk, "ids": list(ids), "is_in": is_in, "now": at})
    _tell(stored, ended, resolved_events(alerts=ended, source=source))


def _tell(stored: Stored, written: Sequence[Row], events: Sequence[NewEvent]) -> None:
    if not written:
        return
    components = {row["component_id"] for row in written if row["component_id"]}
    stored.changed += len(written)
    stored.changed_ids |= {(Kind.ALERT, row["external_id"]) for row in written}
    stored.events += events
    stored.feature_ids |= {row["feature_id"] for row in written if row["feature_id"]}
    stored.feature_ids |= catalog.blast_radius(components) if components else set()
    stored.topics |= {"alerts", *(f"alert-{row['id']}" for row in written[:TOPICS])}


def _row(source: Source, record: AlertRecord, mapper: Mapper) -> Row:
    place = mapper.resolve(kind=Kind.ALERT, name=record.name, labels=record.labels, raw=record.raw)
    return {
        "source_id": source.pk,
        "external_id": refuse_long("The id", record.external_id, 512),
        "name": fit(record.name or record.external_id, 300),
        "state": AlertState(record.state).value,
        "severity": fit(record.severity, 40),
        "summary": fit(record.summary),
        "labels": labels_json(record.labels),
        "url": fit(record.url, 1000),
        "feature_id": place.feature_id,
        "component_id": place.component_id,
        "environment_id": place.environment_id,
        "opened_at": refuse_naive("started_at", record.started_at),
    }
