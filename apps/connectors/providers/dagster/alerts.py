"""What is broken in Dagster itself: code locations that do not load and daemons that do not live. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.connectors.providers.dagster.failures import error_text
from apps.connectors.records import AlertRecord, AlertState, Kind, Listing, Rejected
from apps.connectors.values import (
    from_seconds,
    list_or_empty,
    object_or_empty,
    optional_text,
    read_items,
    required_text,
)

SEVERITY = "ticket"
_EFFECTS = {
    "SCHEDULER": "schedules start no runs",
    "SENSOR": "sensors start no runs",
    "QUEUED_RUN_COORDINATOR": "queued runs are not launched",
    "BACKFILL": "backfills stand still",
    "ASSET": "assets are not materialized automatically",
    "FRESHNESS_DAEMON": "freshness of assets is not judged",
}


def read_alerts(
    locations: Sequence[Any], daemons: Sequence[Any], *, ui: str, now: datetime
) -> tuple[list[AlertRecord], list[Rejected], tuple[Listing, ...]]:
    """Alerts, rejected ones, and the complete listing by which absence means resolved.

    A location that is being loaded says nothing yet: it stays listed, so that its alert, if it has one, stays open.
    """
    broken = [entry for entry in locations if not _is_fine(object_or_empty(entry))]
    failing = [entry for entry in broken if object_or_empty(entry).get("locationOrLoadError") is not None]
    sick = [daemon for daemon in daemons if not _is_healthy(object_or_empty(daemon))]
    of_locations, bad = read_items(failing, lambda entry: _of_location(entry, ui, now), kind=Kind.ALERT, id_key="name")
    of_daemons, worse = read_items(
        sick, lambda daemon: _of_daemon(daemon, ui, now), kind=Kind.ALERT, id_key="daemonType"
    )
    names = [("location", optional_text(object_or_empty(entry), "name")) for entry in broken]
    names += [("daemon", optional_text(object_or_empty(daemon), "daemonType")) for daemon in sick]
    rejected = bad + worse
    if not all(name for _, name in names):
        return of_locations + of_daemons, rejected, ()
    present = frozenset(f"{kind}:{name}" for kind, name in names)
    return of_locations + of_daemons, rejected, (Listing(kind=Kind.ALERT, external_ids=present),)


def _is_fine(entry: Mapping[str, Any]) -> bool:
    return object_or_empty(entry.get("locationOrLoadError")).get("__typename") == "RepositoryLocation"


def _is_healthy(daemon: Mapping[str, Any]) -> bool:
    return daemon.get("healthy") is True or daemon.get("required") is False


def _of_location(entry: Mapping[str, Any], ui: str, now: datetime) -> AlertRecord:
    name = required_text(entry, "name")
    stamp = entry.get("updatedTimestamp")
    return AlertRecord(
        external_id=f"location:{name}",
        raw=entry,
        name=f"Code location {name} does not load",
        state=AlertState.FIRING,
        severity=SEVERITY,
        started_at=now if stamp is None else from_seconds(stamp),
        summary=error_text(object_or_empty(entry.get("locationOrLoadError"))),
        labels={"code_location": name},
        url=f"{ui}/deployment/locations",
    )


def _of_daemon(daemon: Mapping[str, Any], ui: str, now: datetime) -> AlertRecord:
    kind = required_text(daemon, "daemonType")
    beat = daemon.get("lastHeartbeatTime")
    errors = [error_text(object_or_empty(error)) for error in list_or_empty(daemon.get("lastHeartbeatErrors"))]
    effect = _EFFECTS.get(kind, "its work is not done")
    because = next(filter(None, errors), "") or ("it has not been heard of" if beat is None else "it has gone quiet")
    return AlertRecord(
        external_id=f"daemon:{kind}",
        raw=daemon,
        name=f"Dagster daemon {kind} is not healthy",
        state=AlertState.FIRING,
        severity=SEVERITY,
        started_at=now if beat is None else from_seconds(beat),
        summary=f"While it is down, {effect}: {because}",
        labels={"daemon": kind},
        url=f"{ui}/deployment/daemons",
    )
