"""A notification of Alertmanager as alerts: for sources that are told, and never ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.connectors.values import as_labels, first_line, object_or_empty, optional_text, safe_url, stable_id


def alert_items(message: Mapping[str, Any]) -> list[Any]:
    """The alerts of a notification as items of the API, each in its own state whatever the group's is.

    An alert that is no object stays as it is, to be refused alone.
    """
    alerts = message.get("alerts")
    return [_item(alert) for alert in alerts] if isinstance(alerts, list) else []


def _item(alert: Any) -> Any:
    if not isinstance(alert, Mapping):
        return alert
    labels, notes = as_labels(alert.get("labels")), object_or_empty(alert.get("annotations"))
    item = {
        "external_id": optional_text(alert, "fingerprint") or stable_id("alert", labels=labels),
        "name": labels.get("alertname") or "alert",
        "state": alert.get("status"),
        "severity": labels.get("severity", ""),
        "started_at": alert.get("startsAt"),
        "summary": first_line(notes.get("summary")) or first_line(notes.get("description")),
        "url": safe_url(alert.get("generatorURL")),
        "labels": labels,
    }
    return {name: value for name, value in item.items() if value not in ("", {}, None)}
