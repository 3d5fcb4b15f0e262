"""How the tests of the API ask: with a token, as a machine does."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import User
from apps.accounts.scopes import SCOPES
from apps.sources.models import Source
from tests.factories import make_source


def push_source(**fields: Any) -> Source:
    """A source that reports by itself, under the short name `ci`."""
    return make_source(**{"slug": "ci", "name": "CI", "connector": "push", "is_polled": False} | fields)


def make_token(user: User, *scopes: str, **values: Any) -> str:
    """The text of a new token; without scopes it may do everything."""
    defaults: dict[str, Any] = {"name": "ci", "days": 30, "at": timezone.now()}
    return services.create_token(user=user, scopes=scopes or tuple(SCOPES), **defaults | values)[1]


def send(path: str, body: Any = None, *, token: str = "", client: Client | None = None, **headers: str) -> HttpResponse:
    """POST to /api/v1/…; `body` is JSON, or bytes sent as they are."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    if token:
        headers = {"Authorization": f"Bearer {token}"} | headers
    return (client or Client()).post(f"/api/v1/{path}", data=data, content_type="application/json", headers=headers)


def error_of(response: HttpResponse) -> dict[str, str]:
    """The one shape of a refusal."""
    answer = json.loads(response.content)
    assert set(answer) == {"error"}
    assert {"code", "message"} <= set(answer["error"]) <= {"code", "message", "field"}
    assert answer["error"]["message"].endswith(".")
    return answer["error"]
