"""From Alertmanager's alerts to records: pure, and a bad alert is rejected alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from apps.connectors.records import AlertRecord, AlertState, Kind, Listing, Rejected
from apps.connectors.values import (
    UnreadableError,
    as_labels,
    as_object,
    first_line,
    from_iso,
    list_or_empty,
    object_or_empty,
    optional_text,
    read_items,
    required_text,
    safe_url,
)

SETTLING = timedelta(minutes=5)  # alerts live in memory: after a start the senders need a while to tell them all again
_HUSHED = {"silencedBy": "silenced", "inhibitedBy": "inhibited", "mutedBy": "muted"}
_KNOWN_STATES = ("active", "suppressed")


def read_alerts(items: Sequence[Any], *, base: str) -> tuple[list[AlertRecord], list[Rejected]]:
    """The alerts; each one that is listed has not ended, whatever its `endsAt` says: that is a moving expiry."""

    def read(item: Mapping[str, Any]) -> AlertRecord:
        return _alert(item, base=base)

    return read_items(items, read, kind=Kind.ALERT, id_key="fingerprint")


def complete_listing(items: Sequence[Any]) -> tuple[Listing, ...]:
    """By absence from it an alert has resolved; there is none when an alert showed no identity.

    An alert with an identity but an unreadable rest still counts as present.
    """
    identities = [optional_text(object_or_empty(item), "fingerprint").strip() for item in items]
    return (Listing(kind=Kind.ALERT, external_ids=frozenset(identities)),) if all(identities) else ()


def knows_all_alerts(status: Mapping[str, Any], *, now: datetime) -> bool:
    """Whether the server is up for long enough, and its cluster settled, to call an absent alert resolved."""
    if object_or_empty(status.get("cluster")).get("status") == "settling":
        return False
    try:
        return now - from_iso(status.get("uptime")) >= SETTLING
    except UnreadableError:
        return True  # systems that only speak the same language do not say


def _alert(item: Mapping[str, Any], *, base: str) -> AlertRecord:
    labels = as_labels(as_object(item.get("labels")))
    notes = object_or_empty(item.get("annotations"))
    name = labels.get("alertname", "alert")
    return AlertRecord(
        external_id=required_text(item, "fingerprint"),
        raw=item,
        name=name,
        state=AlertState.FIRING,
        severity=labels.get("severity", ""),
        started_at=from_iso(item.get("startsAt")),
        summary=first_line(notes.get("summary")) or first_line(notes.get("description")),
        labels=as_labels({**labels, **_own_labels(item, notes)}),
        url=safe_url(item.get("generatorURL")) or _page_of(labels, base=base),
    )


def _own_labels(item: Mapping[str, Any], notes: Mapping[str, Any]) -> dict[str, str]:
    """What Alertmanager knows about the alert beside its labels: who hears of it, and what keeps it quiet."""
    status = object_or_empty(item.get("status"))
    found = {label: ",".join(_texts(status.get(key))) for key, label in _HUSHED.items()}
    state = optional_text(status, "state")
    if state == "suppressed" and not any(found.values()):
        found["silenced"] = "yes"
    if state not in _KNOWN_STATES:
        found["state"] = state
    receivers = [optional_text(object_or_empty(entry), "name") for entry in list_or_empty(item.get("receivers"))]
    found |= {"receiver": ",".join(filter(None, receivers)), "runbook_url": safe_url(notes.get("runbook_url"))}
    return {name: value for name, value in found.items() if value}


def _page_of(labels: Mapping[str, str], *, base: str) -> str:
    """Alertmanager's own page of the alert."""
    matchers = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return safe_url(f"{base}/#/alerts?silenced=true&inhibited=true&filter={quote('{' + matchers + '}')}")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _texts(value: Any) -> list[str]:
    return [text for text in list_or_empty(value) if isinstance(text, str)]
