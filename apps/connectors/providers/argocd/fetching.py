"""One poll of an Argo CD server: every application as it is now, against what was told before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from apps.connectors.providers.argocd.alerts import read_alerts
from apps.connectors.providers.argocd.changes import auto_sync_change, read_changes
from apps.connectors.providers.argocd.cursor import Memory, Told, lost, remember_open
from apps.connectors.providers.argocd.deployments import Deployments, read_deployments
from apps.connectors.providers.argocd.normalize import App, Reading, read_apps, revision_of
from apps.connectors.records import DeploymentRecord, Kind, Listing, Record, Rejected
from apps.connectors.values import object_or_empty, stable_id

MOST_RECORDS = 1_000  # deployments of one fetch; the rest follows in the next


@dataclass(slots=True, kw_only=True)
class Poll:
    """Collects what one answer tells. `now` is the server's clock."""

    reading: Reading
    now: datetime
    backfill: timedelta
    with_sync_alerts: bool
    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    has_more: bool = False
    deployments: int = 0

    def read(self, items: Sequence[Any], memory: Memory) -> Memory:
        """Read the complete list of applications; returns what to remember."""
        apps, self.rejected = read_apps(items, self.reading)
        is_complete = not self.rejected
        known = dict(memory.apps)
        for app in apps:
            self.records += read_alerts(app, now=self.now, with_sync=self.with_sync_alerts)
            if self.deployments >= MOST_RECORDS:
                self.has_more = True
            else:
                known[app.uid] = self._read_app(app, known.get(app.uid))
        if is_complete:
            known = self._without_deleted(known, {app.uid for app in apps})
            alerts = frozenset(record.external_id for record in self.records if record.kind is Kind.ALERT)  # type: ignore[attr-defined]
            self.listings.append(Listing(kind=Kind.ALERT, external_ids=alerts))
        return replace(memory, apps=known)

    def _read_app(self, app: App, told: Told | None) -> Told:
        digest = _digest(app)
        if told is None or told.digest != digest:
            told = self._tell(app, told, digest)
        if told.is_automatic == app.is_synced_by_itself:
            return told
        told = replace(told, is_automatic=app.is_synced_by_itself, switches=told.switches + 1)
        self.records.append(auto_sync_change(app, count=told.switches, at=self.now))
        return told

    def _tell(self, app: App, told: Told | None, digest: str) -> Told:
        found = read_deployments(app)
        after = told.number if told and told.number <= found.last_number else -1
        since = self.now - self.backfill if told is None else None
        fresh = [record for number, record in found.history.items() if number > after]
        if since is not None:
            fresh = [record for record in fresh if record.updated_at >= since or record is fresh[-1]]
        self._add([*fresh, *(record for record in found.newest if record not in fresh)])
        self.rejected += [item for number, item in found.rejected.items() if number > after]
        changes = read_changes(app, found, after=after)
        self.records += [change for change in changes if since is None or change.at >= since]
        if told and told.open and told.open.get("id") not in _identities(found):
            self._end(told)
        return Told(
            number=found.last_number,
            digest=digest,
            is_automatic=told.is_automatic if told else app.is_synced_by_itself,
            switches=told.switches if told else 0,
            open=remember_open(found.operation),
        )

    def _add(self, records: Sequence[DeploymentRecord]) -> None:
        self.records += records
        self.deployments += len(records)

    def _end(self, told: Told) -> None:
        if (record := lost(told.open, now=self.now)) is not None:
            self._add([record])

    def _without_deleted(self, known: dict[str, Told], present: set[str]) -> dict[str, Told]:
        for uid in sorted(set(known) - present):
            if known[uid].open:
                self._end(known[uid])
        return {uid: told for uid, told in known.items() if uid in present}


def _identities(found: Deployments) -> set[str]:
    return {record.external_id for record in (*found.history.values(), *found.newest)}


def _digest(app: App) -> str:
    """Changes when a deployment is new or one that may still change did; short, as the cursor holds one for each."""
    state = object_or_empty(app.status.get("operationState"))
    operation, result = object_or_empty(state.get("operation")), object_or_empty(state.get("syncResult"))
    revision = revision_of(result) or revision_of(object_or_empty(operation.get("sync")))
    parts = [state.get(name) for name in ("phase", "startedAt", "finishedAt")]
    number = app.history[-1]["id"] if app.history else -1
    return stable_id(str(number), app.images, revision, *map(str, parts))[:12]
