"""A client that speaks to the API as an outside system does."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from tests.api.asking import make_token


def caller(user: Any) -> Any:
    """`call(method, path, body)` with a token that may everything; the answer as JSON, and it must be good."""
    headers = {"Authorization": f"Bearer {make_token(user)}"}
    client = Client()

    def call(method: str, path: str, body: Any = None) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        address = f"/api/v1/{path}"
        response = client.generic(method, address, data, content_type="application/json", headers=headers)
        assert response.status_code in (200, 201), (response.status_code, response.content[:1000])
        return response.json()

    return call


def a_change(incident: Any, *, at: Any, title: str, what: str = "flag") -> Event:
    """A reported change of the incident's feature."""
    feature = incident.features.get()
    event = NewEvent(
        kind="source:change:reported",
        at=at,
        title=title,
        is_change=True,
        feature_id=feature.pk,
        dedupe_key=f"change:1:{title}",
        data={"what": what, "before": "off", "after": "on"},
    )
    record_events(events=[event])
    return Event.objects.get(dedupe_key=f"change:1:{title}")
