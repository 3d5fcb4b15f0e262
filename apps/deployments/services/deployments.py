"""Deployments: stored once, in any order of arrival, with what ran there before and what runs there now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import F
from django.utils.text import slugify

from apps.catalog import queries as catalog
from apps.connectors.records import DeploymentRecord, Kind
from apps.core import bulk
from apps.core.bulk import Row, Upsert
from apps.core.fitting import fit, refuse_long, refuse_naive
from apps.deployments.models import Deployment, Revision, RevisionKind
from apps.deployments.services.events import events_of
from apps.deployments.services.freezes import note_freezes
from apps.deployments.services.holds import note_holds
from apps.deployments.services.places import Place, refresh_places
from apps.deployments.status import DeploymentState
from apps.sources.accepting import accept, labels_json, newest
from apps.sources.mapping import COMPONENT_LABEL, ENVIRONMENT_LABEL, Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

LOCK = "deployments"  # one writer a source
TOPICS = 200  # more deployments than this ring only the list

_DEPLOYMENTS = Upsert(
    table="deployments_deployment",
    key={"source_id": "bigint", "external_id": "text"},
    columns={
        "revision_id": "bigint",
        "component_name": "text",
        "environment_name": "text",
        "component_id": "bigint",
        "feature_id": "bigint",
        "environment_id": "bigint",
        "state": "text",
        "raw_state": "text",
        "started_at": "timestamptz",
        "finished_at": "timestamptz",
        "deployed_by": "text",
        "description": "text",
        "is_told_rollback": "boolean",
        "url": "text",
        "labels": "jsonb",
    },
    quiet={"upstream_at": "timestamptz"},
    fresh={"first_seen_at": "%(now)s", "is_rollback": "news.is_told_rollback"},
    guard="excluded.upstream_at >= kept.upstream_at",
    returning=[
        "external_id",
        "component_name",
        "environment_name",
        "component_id",
        "feature_id",
        "environment_id",
        "revision_id",
        "state",
        "started_at",
        "finished_at",
        "deployed_by",
        "description",
        "url",
    ],
)


def upsert_deployments(*, source: Source, records: Iterable[DeploymentRecord], mapper: Mapper, at: datetime) -> Stored:
    """Store news about deployments, refresh what runs in their places, and tell changes of state as events."""
    stored = Stored()
    rows = accept(
        kind=Kind.DEPLOYMENT, records=records, row_of=lambda record: _row(source, record, mapper), stored=stored
    )
    if not rows:
        return stored
    bulk.lock(space=LOCK, number=source.pk)
    rows = newest(rows, key=lambda row: row["external_id"], by="upstream_at")
    _add_revisions(rows, at)
    written = [row for row in _DEPLOYMENTS.run(rows, now=at) if row["is_changed"]]
    if written:
        kinds = {row["revision_id"]: row["kind"] for row in rows}
        _tell(stored, source, written, kinds, at)
    return stored


def _tell(stored: Stored, source: Source, written: Sequence[Row], kinds: dict[int, str], at: datetime) -> None:
    refresh_places(source_id=source.pk, since=_touched(written, kinds))
    _describe(written)
    stored.changed = len(written)
    stored.changed_ids = {(Kind.DEPLOYMENT, row["external_id"]) for row in written}
    stored.events = events_of(deployments=written, source=source)
    stored.events += note_holds(source=source, written=written, kinds=kinds, at=at)
    stored.events += note_freezes(source=source, written=written)
    stored.feature_ids = {row[name] for row in written for name in ("feature_id", "old_feature_id") if row[name]}
    components = {row["component_id"] for row in written if row["component_id"]}
    stored.feature_ids |= catalog.blast_radius(components) if components else set()
    stored.set_ids = set(stored.feature_ids)
    stored.topics = {"deployments", "changes", *(f"deployment-{row['id']}" for row in written[:TOPICS])}


def _describe(written: Sequence[Row]) -> None:
    """Add what the history of the place says, and names for people."""
    found = Deployment.objects.order_by().filter(pk__in=[row["id"] for row in written])
    names = found.values(
        "pk",
        "is_rollback",
        "previous_revision_id",
        reference=F("revision__reference"),
        previous=F("previous_revision__reference"),
        environment_label=F("environment__name"),
    )
    known = {row["pk"]: row for row in names}
    for row in written:
        row |= known[row["id"]]
        row["where"] = row["environment_label"] or row["environment_name"]


def _touched(written: Sequence[Row], kinds: dict[int, str]) -> dict[Place, datetime]:
    """Every place of these deployments -> the earliest start from which its history must be read anew."""
    since: dict[Place, datetime] = {}
    for row in written:
        for prefix in ("", "old_"):
            if row[f"{prefix}revision_id"] is None:
                continue
            kind = kinds.get(row[f"{prefix}revision_id"]) or _kind_of(row[f"{prefix}revision_id"])
            place = (row[f"{prefix}component_name"], row[f"{prefix}environment_name"], kind)
            started_at = row[f"{prefix}started_at"]
            since[place] = min(since.get(place, started_at), started_at)
    return since


def _kind_of(revision_id: int) -> str:
    return Revision.objects.values_list("kind", flat=True).get(pk=revision_id)


def _add_revisions(rows: Sequence[Row], at: datetime) -> None:
    """Give every row the key of its revision, made if this is the first sight of it."""
    wanted = sorted({_identity(row) for row in rows})
    known = _revisions(wanted)
    if missing := [identity for identity in wanted if identity not in known]:
        made = [
            Revision(component_name=component, kind=kind, reference=reference, first_seen_at=at)
            for component, kind, reference in missing
        ]
        Revision.objects.bulk_create(made, ignore_conflicts=True)  # another source may tell of the same one now
        known |= _revisions(missing)
    for row in rows:
        row["revision_id"] = known[_identity(row)]


def _identity(row: Row) -> tuple[str, str, str]:
    return row["component_name"], row["kind"], row["reference"]


def _revisions(wanted: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
    components = {component for component, _, _ in wanted}
    references = {reference for _, _, reference in wanted}
    found = Revision.objects.filter(component_name__in=components, reference__in=references)
    return {(c, k, r): pk for c, k, r, pk in found.values_list("component_name", "kind", "reference", "pk")}


def known_as(component: str, environment: str, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of a deployment with its own names as slugs beside them: what it is called is mostly what it is."""
    return {COMPONENT_LABEL: slugify(component), ENVIRONMENT_LABEL: slugify(environment), **labels}


def _row(source: Source, record: DeploymentRecord, mapper: Mapper) -> Row:
    environment = fit(record.environment, 120)
    labels = known_as(record.component, environment, record.labels)
    place = mapper.resolve(kind=Kind.DEPLOYMENT, name=record.component, labels=labels, raw=record.raw)
    kind = str(record.labels.get("kind", ""))
    return {
        "source_id": source.pk,
        "external_id": refuse_long("The id", record.external_id, 512),
        "component_name": refuse_long("The component", record.component, 300),
        "kind": kind if kind in RevisionKind else RevisionKind.CODE.value,
        "reference": refuse_long("The revision", record.revision, 300),
        "environment_name": environment,
        "component_id": place.component_id,
        "feature_id": place.feature_id,
        "environment_id": place.environment_id,
        "state": DeploymentState(record.state).value,
        "raw_state": fit(record.raw_state, 80),
        "started_at": refuse_naive("started_at", record.started_at),
        "finished_at": refuse_naive("finished_at", record.finished_at),
        "deployed_by": fit(record.deployed_by, 200),
        "description": fit(record.description),
        "is_told_rollback": record.is_rollback,
        "url": fit(record.url, 1000),
        "labels": labels_json(record.labels),
        "upstream_at": refuse_naive("updated_at", record.updated_at),
    }
