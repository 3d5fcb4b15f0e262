"""What is wrong with Airflow itself, as alerts: files that it cannot read, and parts of it that do not answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.connectors.records import AlertRecord, AlertState, Kind, Rejected
from apps.connectors.values import (
    MAX_NAME,
    UnreadableError,
    object_or_empty,
    optional_iso,
    optional_text,
    read_items,
    required_text,
    schema_error,
    stable_id,
)

_PARTS = {  # severity, and what it means for people
    "metadatabase": ("page", "Airflow cannot reach its metadata database"),
    "scheduler": ("page", "Airflow's scheduler does not run: no run starts"),
    "triggerer": ("ticket", "Airflow's triggerer does not run: deferred tasks do not go on"),
    "dag_processor": ("ticket", "Airflow's DAG processor does not run: changed files are not read"),
}

_STATES = {"unhealthy": AlertState.FIRING, "healthy": AlertState.RESOLVED}


def read_import_errors(items: Sequence[Any], *, ui: str, as_of: datetime) -> tuple[list[AlertRecord], list[Rejected]]:
    """One alert a file that Airflow cannot read; its identity is the file, for the error of a file may change."""

    def read(item: Mapping[str, Any]) -> AlertRecord:
        file, bundle = required_text(item, "filename"), optional_text(item, "bundle_name")
        labels = {"file": file, "bundle": bundle}
        return AlertRecord(
            external_id=stable_id("import-error", bundle, file),
            raw=item,
            name=f"Airflow cannot read {file}",
            state=AlertState.FIRING,
            severity="ticket",
            started_at=optional_iso(item.get("timestamp")) or as_of,
            summary=_exception(item.get("stack_trace")),
            labels={name: value for name, value in labels.items() if value},
            url=ui,
        )

    return read_items(items, read, kind=Kind.ALERT, id_key="filename")


def read_health(health: Mapping[str, Any], *, ui: str, as_of: datetime) -> list[AlertRecord]:
    """One alert a part: firing when it is unhealthy, resolved when it is well, none when it is not installed.

    Raises SourceError when the answer names no part at all.
    """
    if not any(name in health for name in _PARTS):
        raise schema_error("The health")
    alerts = []
    for name, (severity, meaning) in _PARTS.items():
        part = object_or_empty(health.get(name))
        if (state := _STATES.get(optional_text(part, "status"))) is None:
            continue
        alerts.append(
            AlertRecord(
                external_id=f"health:{name}",
                raw=part,
                name=f"Airflow {name.replace('_', ' ')} is unhealthy",
                state=state,
                severity=severity,
                started_at=_last_heartbeat(part, name) or as_of,
                summary=meaning,
                labels={"part": name},
                url=ui,
            )
        )
    return alerts


def _last_heartbeat(part: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return optional_iso(part.get(f"latest_{name}_heartbeat"))
    except UnreadableError:
        return None


def _exception(trace: Any) -> str:
    """The last line of a traceback: `ModuleNotFoundError: No module named 'pandas'`."""
    lines = trace.splitlines() if isinstance(trace, str) else []
    return next((line.strip()[:MAX_NAME] for line in reversed(lines) if line.strip()), "")
