"""The portal as a server that real clients send to: its address, a source that listens, and a token for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.cache import cache

from apps.accounts import services
from apps.accounts.models import User
from apps.accounts.scopes import SCOPES
from apps.connectors.telemetry import windows
from apps.sources.models import Source
from apps.sources.queries import database_time
from tests.factories import make_component, make_environment, make_feature, make_source

MINUTE = 5.0  # seconds; the windows of measures, so that no test waits for a real minute


@dataclass(frozen=True)
class Listening:
    """Where to send, and with what; `api` ends in /api/v1."""

    api: str
    token: str
    source: Source

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def listening(transactional_db: None, live_server, monkeypatch: pytest.MonkeyPatch) -> Listening:
    """A portal with a component `answers` of a feature in production, and a source `reports` that listens."""
    cache.clear()
    monkeypatch.setattr(windows, "WINDOW", MINUTE)
    make_component(slug="answers", feature=make_feature(slug="search-answers"))
    make_environment(slug="production", is_production=True)
    source = make_source(slug="reports", name="Reports", connector="push", is_polled=False)
    user = User.objects.create_user("ada", password="correct horse battery", role="engineer")
    _, token = services.create_token(user=user, name="live", scopes=tuple(SCOPES), days=1, at=database_time())
    return Listening(f"{live_server.url}/api/v1", token, source)


def until(condition: Callable[[], object], *, seconds: float = 60, what: str = "it came true") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(0.2)
