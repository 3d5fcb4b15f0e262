"""Figures are drawn once for all who ask, and again as soon as a sample, a promise or a mark of theirs changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.urls import reverse

from apps.catalog.models import Feature, Promise
from apps.core import asked, bulk, kept
from apps.metrics.models import Sample
from apps.sources.models import Source
from tests.factories import make_feature
from tests.metrics.factories import every, make_series

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CLOSED = "?from=2026-11-24T06:00:00Z&to=2026-11-24T08:00:00Z&compare=off"


@pytest.fixture
def feature() -> Feature:
    """A feature whose cost was measured every minute for three hours."""
    feature = make_feature(name="Search")
    make_series(feature=feature, measure="cost_rate", samples=every(60, [1.0] * 180, until=NOW))
    return feature


@pytest.fixture
def read(signed_in, outsider, feature) -> Callable[..., bytes]:
    """`read()` answers the figures as they are at `at`."""
    client, url = signed_in(outsider), reverse("metrics:feature-figures", args=[feature.slug])

    def reading(query: str = CLOSED, at: datetime = NOW) -> bytes:
        with time_machine.travel(at, tick=False):
            answer = client.get(url + query)
        assert answer["Content-Type"] == "application/json"
        return answer.content

    return reading


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was drawn and not taken from what is kept."""
    found: list[str] = []
    cut = kept.cut
    monkeypatch.setattr(kept, "cut", lambda markup: found.append(markup) or cut(markup))
    return found


def test_another_reader_gets_what_was_drawn(read, client, approver, drawn: list[str]) -> None:
    first = read()
    client.force_login(approver)  # a commit that changes no answer
    assert read() == first
    assert len(drawn) == 1


def test_another_zone_is_another_drawing(read, client) -> None:
    first = read()
    client.cookies["zone"] = "Asia/Tokyo"
    assert read() != first


@pytest.mark.parametrize(
    "change",
    [
        lambda: Sample.objects.filter(at__lt=NOW - timedelta(hours=2)).update(value=3.0),
        lambda: Promise.objects.create(feature=Feature.objects.get(), measure="cost_rate", limit=2.0),
    ],
)
def test_what_changes_is_seen_at_once(read, change: Callable[[], object]) -> None:
    first = read()
    change()
    assert read() != first


def test_a_stretch_that_ends_now_is_drawn_after_every_commit(read, drawn: list[str]) -> None:
    read("?range=1h")
    Source.objects.create(slug="other", name="Other", connector="prefect")
    read("?range=1h")
    assert len(drawn) == 2


def test_what_is_asked_past_the_wrappers_cannot_be_asked_again() -> None:
    listener = asked.Listener()
    with connection.execute_wrapper(listener), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert listener.asked is not None
        assert listener.asked.holds()
        bulk.fetch(b"SELECT 1 AS one", {})
    assert listener.asked is None


@pytest.mark.parametrize("sql", ["SELECT random()", "SELECT clock_timestamp()"])
def test_another_answer_does_not_hold(sql: str) -> None:
    listener = asked.Listener()
    with connection.execute_wrapper(listener), connection.cursor() as cursor:
        cursor.execute(sql)
    assert listener.asked is not None
    assert not listener.asked.holds()


def test_what_writes_is_never_asked_again(feature) -> None:
    listener = asked.Listener()
    with connection.execute_wrapper(listener):
        Feature.objects.update(name="Find")
    assert listener.asked is None
