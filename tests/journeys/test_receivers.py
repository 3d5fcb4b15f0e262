"""Webhooks at a real web process: what was answered with 202 is there, also after it was killed in the middle."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from apps.core.embedded import paths
from tests.journeys.running import PASSWORD, environment, until
from tests.journeys.stored import Tables
from tests.journeys.system import System

SECRET, POSTS, SENDERS = "bell-rope-7", 400, 4
PREPARE = f"""
import django
django.setup()
from apps.sources.models import Source, SourceState
from apps.sources.secrets import encrypt_secrets
source = Source.objects.create(slug="gh", name="gh", connector="github", is_enabled=True)
source.secrets = encrypt_secrets(source.pk, {{"webhook_secret": "{SECRET}"}})
source.save()
SourceState.objects.create(source=source)
"""


@pytest.fixture
def github(system: System, tables: Tables) -> Iterator[int]:
    """A source that GitHub rings at; gone at the end, for the system is shared."""
    env = environment(system.home, OPSPORTAL_ADMIN_PASSWORD=PASSWORD, DJANGO_SETTINGS_MODULE="opsportal.settings")
    subprocess.run([sys.executable, "-c", PREPARE], cwd=paths.CHECKOUT, env=env, check=True)
    pk = tables.one("SELECT id FROM sources_source WHERE slug = 'gh'")
    yield pk
    for table in ("sources_webhookdelivery", "sources_sourcestate"):
        tables.do(f"DELETE FROM {table} WHERE source_id = %(pk)s", pk=pk)
    tables.do("DELETE FROM sources_source WHERE id = %(pk)s", pk=pk)


def post(system: System, delivery: str, body: bytes, *, is_chunked: bool = False) -> int:
    """The status of one delivery; 0 when the server broke off."""
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": "release", "X-GitHub-Delivery": delivery}
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=30)
    pieces = [body[place : place + 65_536] for place in range(0, len(body), 65_536)]
    try:
        told = iter(pieces) if is_chunked else body
        connection.request("POST", "/api/v1/hooks/gh", told, headers, encode_chunked=is_chunked)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def test_a_body_of_unknown_length_is_read_and_capped(system: System, github: int) -> None:
    assert post(system, "chunked", b"x" * 200_000, is_chunked=True) == 202
    assert post(system, "large", b"x" * (2**20 + 1), is_chunked=True) in (413, 0)


def test_what_was_acknowledged_survives_a_kill(system: System, tables: Tables, github: int) -> None:
    acknowledged: list[str] = []

    def send(sender: int) -> None:
        for number in range(POSTS // SENDERS):
            if post(system, f"{sender}-{number}", b"{}") == 202:
                acknowledged.append(f"{sender}-{number}")  # noqa: PERF401 - counted by another thread meanwhile

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
    for thread in threads:
        thread.start()
    until(lambda: len(acknowledged) > 20, seconds=60, what="some are acknowledged", step=0.02)
    web = next(child for child in reversed(system.children) if child.name == "web")
    assert web.process is not None
    web.process.kill()
    web.process.wait(10)
    for thread in threads:
        thread.join()
    system.start_web()
    stored = {row["delivery_id"] for row in tables.rows("SELECT delivery_id FROM sources_webhookdelivery")}
    assert 20 < len(acknowledged) < POSTS
    assert set(acknowledged) <= stored
    assert post(system, acknowledged[0], b"{}") == 202
    assert tables.one("SELECT count(*) FROM sources_webhookdelivery WHERE source_id = %(pk)s", pk=github) == len(stored)
