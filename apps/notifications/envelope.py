"""An event as it leaves the portal: a CloudEvent 1.0, by the schema in `schema/event.json` and docs/events.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson
from django.conf import settings
from django.urls import reverse

from apps.events.models import Event
from apps.notifications.status import Format

VERSION = 1
TYPE_PREFIX = "opsportal."
TEST_KIND = "notifications:test:sent"
_STRUCTURED = "application/cloudevents+json; charset=utf-8"
_KEPT = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '%"')  # as they are in a header


@dataclass(frozen=True, slots=True)
class Message:
    """What goes over the wire, but for the signature."""

    body: bytes
    headers: Mapping[str, str]


def envelope_of(event: Event, *, source_name: str = "") -> dict[str, Any]:
    """The CloudEvent of one row of the ledger, whose feature, component and environment are loaded."""
    envelope = {
        "specversion": "1.0",
        "id": message_id(event.pk),
        "source": settings.PUBLIC_URL or "/opsportal",
        "type": TYPE_PREFIX + event.kind.replace(":", "."),
        "subject": f"{event.subject_kind}/{event.subject_id}" if event.subject_kind else None,
        "time": _time(event.at),
        "datacontenttype": "application/json",
        "dataschema": _schema_address(),
        "tone": event.tone,
        "feature": event.feature.slug if event.feature else None,
        "environment": event.environment.slug if event.environment else None,
        "data": _data(event, source_name),
    }
    return {name: value for name, value in envelope.items() if value is not None}


def message_of(envelope: Mapping[str, Any], *, format: str) -> Message:
    """The envelope in one of the two modes of HTTP."""
    if format == Format.STRUCTURED:
        return Message(orjson.dumps(envelope), {"Content-Type": _STRUCTURED})
    facts = {name: value for name, value in envelope.items() if name not in ("data", "datacontenttype")}
    headers = {f"ce-{name}": quote(str(value), safe=_KEPT) for name, value in facts.items()}
    return Message(orjson.dumps(envelope["data"]), {"Content-Type": envelope["datacontenttype"], **headers})


def message_id(event_id: int) -> str:
    """The id of an event outside: of the CloudEvent and of the webhook, the same however often it is sent."""
    return f"evt_{event_id}"


def make_test_event(*, subscription_id: int, name: str, at: datetime) -> Event:
    """An event that is in no ledger, for **Send a test event**."""
    return Event(
        pk=int(at.timestamp() * 1000),
        at=at,
        recorded_at=at,
        kind=TEST_KIND,
        title=f"A test for {name}",
        detail="Nothing happened. If you read this, the portal reaches you.",
        subject_kind="subscription",
        subject_id=subscription_id,
    )


def _data(event: Event, source_name: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "kind": event.kind,
        "title": event.title,
        "detail": event.detail,
        "tone": event.tone,
        "actor": event.actor,
        "is_change": event.is_change,
        "is_demo": event.is_demo,
        "happened_at": _time(event.at),
        "recorded_at": _time(event.recorded_at),
        "feature": _named(event.feature),
        "component": _named(event.component),
        "environment": _named(event.environment),
        "source": {"id": event.source_id, "name": source_name} if event.source_id else None,
        "subject": {"kind": event.subject_kind, "id": event.subject_id} if event.subject_kind else None,
        "upstream_url": event.url,
        "portal_url": f"{settings.PUBLIC_URL}{event.get_absolute_url()}" if event.kind != TEST_KIND else "",
        "details": event.data,
    }


def _schema_address() -> str | None:
    """Where `data` is described; the attribute must be absolute, so it is left out while nobody told our address."""
    return f"{settings.PUBLIC_URL}{reverse('notifications:schema')}#/$defs/data" if settings.PUBLIC_URL else None


def _named(row: Any) -> dict[str, str] | None:
    return {"slug": row.slug, "name": row.name} if row else None


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
