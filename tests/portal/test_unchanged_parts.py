"""What nobody changed is not drawn again, for whoever asks; every commit is seen by the next reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.models import Feature
from apps.core import kept, parts
from apps.metrics.models import Series
from apps.pipelines.models import Run
from apps.sources.models import Source
from tests.factories import make_feature, make_source
from tests.metrics.factories import every, make_series
from tests.pipelines.factories import make_pipeline, make_run

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
OVERVIEW, PIPELINES, RUNS = (
    reverse(name) for name in ("portal:overview", "pipelines:pipeline-list", "pipelines:run-list")
)
FEATURES = reverse("portal:feature-list")
PAGES = [OVERVIEW, PIPELINES, RUNS, FEATURES]


@pytest.fixture
def world() -> None:
    """One feature with a number and a run that failed ten minutes ago."""
    feature = make_feature(name="Search")
    make_series(feature=feature, measure="cost_rate", samples=every(60, [1.0] * 30, until=NOW - timedelta(minutes=1)))
    pipeline = make_pipeline(name="Nightly", feature=feature, source=make_source(name="Prefect"))
    make_run(pipeline, state="failed", error="It broke.", at=NOW - timedelta(minutes=10))


@pytest.fixture
def read(signed_in, outsider, world) -> Callable[..., str]:
    """`read(url)` answers the page as it is at `at`, for the second time."""
    client = signed_in(outsider)

    def reading(url: str, at: datetime = NOW) -> str:
        with time_machine.travel(at, tick=False):
            client.get(url)
            return client.get(url).content.decode()

    return reading


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was drawn and not taken from what is kept."""
    found: list[str] = []
    cut = kept.cut
    monkeypatch.setattr(kept, "cut", lambda markup: found.append(markup) or cut(markup))
    return found


@pytest.mark.parametrize("url", PAGES)
def test_an_unchanged_page_is_not_drawn_again_for_another_reader(client, read, url, approver, drawn) -> None:
    html = read(url)
    assert drawn
    drawn.clear()
    client.force_login(approver)
    with connection.cursor() as cursor:  # signing in was a commit
        cursor.execute("SELECT 1")
    read(url)
    drawn.clear()
    again = read(url)
    assert drawn == []
    assert html != again
    assert "Approver" in again
    assert "Outsider" not in again


CHANGES = [
    (PIPELINES, lambda: Run.objects.update(state="succeeded"), "1 passed"),
    (RUNS, lambda: Run.objects.update(error="Another reason."), "Another reason."),
    (RUNS, lambda: Source.objects.create(slug="new", name="New one", connector="prefect"), "New one"),
    (FEATURES, lambda: Feature.objects.update(name="Find"), "Find"),
    (OVERVIEW, lambda: Feature.objects.update(name="Find"), "Find"),
    (OVERVIEW, lambda: Feature.objects.update(is_demo=True), "This page shows invented data"),
    (OVERVIEW, lambda: Run.objects.update(error="Another reason."), "Another reason."),
    (OVERVIEW, lambda: Series.objects.update(unit="usd", measure="latency_p95"), "Between"),
    (OVERVIEW, lambda: Run.objects.all().delete(), "No pipeline runs yet"),
]


@pytest.mark.parametrize(("url", "change", "shown"), CHANGES)
def test_every_commit_is_seen_at_once(read, url: str, change: Callable[[], object], shown: str) -> None:
    assert shown not in read(url)
    change()
    assert shown in read(url)


def test_a_transaction_sees_what_it_wrote_itself(read) -> None:
    with transaction.atomic():
        read(FEATURES)
        Feature.objects.update(name="Find")
        assert "Find" in read(FEATURES)
        transaction.set_rollback(True)
    assert "Find" not in read(FEATURES)


@pytest.mark.parametrize("url", [OVERVIEW, PIPELINES, RUNS])
def test_ages_keep_counting_and_the_zone_is_the_readers(read, url: str) -> None:
    assert ">10 min ago</time>" in read(url)
    assert ">10 min ago</time>" in read(url, NOW + timedelta(seconds=5))
    assert ">25 min ago</time>" in read(url, NOW + timedelta(minutes=15))
    User.objects.update(time_zone="Asia/Tokyo")
    assert "17:50:00 JST" in read(url)
    User.objects.update(time_zone="UTC")
    assert "17:50:00 JST" not in read(url)


def test_two_zones_are_kept_apart_while_nothing_changes(client, read) -> None:
    assert "08:50:00 UTC" in read(RUNS)
    client.cookies["zone"] = "Asia/Tokyo"
    assert "17:50:00 JST" in read(RUNS)
    del client.cookies["zone"]
    assert "08:50:00 UTC" in read(RUNS)


def test_spans_that_end_now_move_on_while_nothing_changes(read, drawn) -> None:
    read(OVERVIEW)
    drawn.clear()
    read(OVERVIEW, NOW + timedelta(seconds=parts.SECONDS))
    assert drawn


@pytest.mark.parametrize("query", ["?range=7d", "?figure=cost_rate"])
def test_what_the_address_asks_is_kept_apart(read, query: str) -> None:
    plain = read(OVERVIEW)
    other = read(OVERVIEW + query)
    assert f"{reverse('portal:overview-chart')}{query}" in other
    assert f"{reverse('portal:overview-chart')}{query}" not in plain


def test_filters_and_unknown_formats_are_kept_apart(read) -> None:
    assert "It broke." in read(RUNS)
    assert "No run fits these filters" in read(f"{RUNS}?state=succeeded")
    assert "Lists come as csv or json" in read(f"{RUNS}?format=xml")
    assert "Lists come as csv or json" not in read(RUNS)
