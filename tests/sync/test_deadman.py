"""Silence is an alert of its own: judged by the web process, told once, over when something is polled again."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.urls import reverse

from apps.events.models import Event
from apps.monitors.models import Alert
from apps.sources import queries
from apps.sources.models import Heartbeat, Source, SourceState
from apps.sources.watching import ensure_portal_source
from apps.sync.deadman import watch as watching
from apps.sync.deadman.reading import read_signs
from apps.sync.deadman.rule import Life, Limits, Signs, judge
from apps.sync.deadman.watch import Watch, watched
from tests.factories import make_source

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("worker", "shortest", "answer", "life"),
    [
        (1, 30, 20, Life.ALIVE),
        (1, 30, 89, Life.ALIVE),
        (1, 30, 91, Life.NO_ANSWER),
        (1, 5, 59, Life.ALIVE),  # the floor
        (1, 5, 61, Life.NO_ANSWER),
        (61, 3600, 5, Life.NO_WORKER),
        (15, 3600, 5, Life.ALIVE),
        (15, 5, 61, Life.NO_WORKER),  # no answers, for no worker is there to ask
        (61, None, None, Life.NO_WORKER),
        (1, None, None, Life.ALIVE),
        (None, 30, 20, Life.NO_WORKER),
    ],
)
def test_the_rule_knows_three_intervals_and_at_least_a_minute(worker, shortest, answer, life):
    signs = Signs(
        at=NOW,
        worker_at=None if worker is None else ago(worker),
        shortest=shortest,
        answer_at=None if answer is None else ago(answer),
    )
    verdict = judge(signs=signs, limits=Limits())
    assert verdict.life is life
    assert verdict.sentence


@pytest.mark.parametrize(("watched_for", "life"), [(30, Life.STARTING), (61, Life.NO_WORKER)])
def test_silence_from_before_the_portal_was_started_is_not_held_against_it(watched_for, life):
    signs = Signs(at=NOW, worker_at=ago(40_000))
    verdict = judge(signs=signs, limits=Limits(), watched_since=ago(watched_for))
    assert verdict.life is life
    assert verdict.is_silent is (life is Life.NO_WORKER)


@pytest.fixture
def portal_itself(db):
    """The source that watches the portal, polled just now, and a worker at work."""
    source = ensure_portal_source(base_url="http://127.0.0.1:8000")
    hear(source)
    return source


def hear(source, seconds_ago=0.0):
    at = queries.database_time() - timedelta(seconds=seconds_ago)
    Heartbeat.objects.update_or_create(worker="here:1", defaults={"at": at})
    Source.objects.filter(pk=source.pk).update(created_at=at)
    SourceState.objects.filter(source=source).update(last_answer_at=at)


def looked(watch, times=2):
    """A watch that began long ago and looked so often."""
    watch.since = queries.database_time() - timedelta(hours=1)
    for _ in range(times):
        watch.look()
    return watch


def test_signs_are_of_the_sources_that_are_asked_now(portal_itself):
    at = queries.database_time()
    for fields in ({"is_enabled": False}, {"is_polled": False, "connector": "push"}):
        make_source(interval_seconds=5, **fields)
    quiet = make_source(interval_seconds=5)
    SourceState.objects.filter(source=quiet).update(not_before=at + timedelta(hours=1), last_answer_at=at)
    hear(portal_itself, 500)
    signs = read_signs()
    assert signs.shortest == portal_itself.interval_seconds
    assert timedelta(seconds=499) < signs.at - signs.answer_at < timedelta(seconds=520)


def test_while_sources_are_polled_nothing_is_said(portal_itself):
    assert looked(Watch()).verdict.life is Life.ALIVE
    assert not Alert.objects.exists()


def test_silence_opens_one_alert_of_the_portal_itself(portal_itself):
    hear(portal_itself, 300)
    looked(Watch(), 3)
    looked(Watch(), 3)
    alert = Alert.objects.get()
    assert (alert.source, alert.state, alert.severity) == (portal_itself, "firing", "page")
    assert alert.feature.slug == "opsportal"
    assert alert.component.slug == "opsportal-worker"
    assert "worker and beat" in alert.summary
    event = Event.objects.get(kind="monitors:alert:opened")
    assert event.title.startswith("NothingIsPolled is firing: No worker gives a sign of life.")


def test_silence_seen_once_is_not_told_yet(portal_itself):
    hear(portal_itself, 300)
    looked(Watch(), 1)
    assert not Alert.objects.exists()


def test_the_alert_resolves_by_itself_when_something_is_polled_again(portal_itself):
    hear(portal_itself, 300)
    watch = looked(Watch())
    hear(portal_itself)
    watch.look()
    alert = Alert.objects.get()
    assert alert.state == "resolved"
    assert Event.objects.filter(kind="monitors:alert:resolved", subject_id=alert.pk).exists()


def test_a_portal_that_was_just_started_neither_opens_nor_resolves(portal_itself):
    hear(portal_itself, 300)
    looked(Watch())
    fresh = Watch()
    fresh.look()
    fresh.look()
    assert fresh.verdict.life is Life.STARTING
    assert Alert.objects.get().state == "firing"


def test_a_worker_that_reaches_nothing_is_silence_too(portal_itself):
    hear(portal_itself, 300)
    Heartbeat.objects.update(at=queries.database_time())
    assert looked(Watch()).verdict.life is Life.NO_ANSWER
    assert "no poll of any source succeeds" in Alert.objects.get().summary


def test_a_backfill_counts_as_being_polled(portal_itself):
    hear(portal_itself, 300)
    Heartbeat.objects.update(at=queries.database_time())
    behind = make_source()
    SourceState.objects.filter(source=behind).update(has_backlog=True, last_answer_at=queries.database_time())
    assert looked(Watch()).verdict.life is Life.ALIVE


def test_without_the_portals_own_source_only_the_banner_tells(db):
    watch = looked(Watch())
    assert watch.verdict.life is Life.NO_WORKER
    assert not Alert.objects.exists()


def test_only_one_process_writes(portal_itself):
    import psycopg
    from django.db import connection

    hear(portal_itself, 300)
    known = {"dbname", "user", "password", "host", "port"}
    params = {key: value for key, value in connection.get_connection_params().items() if key in known}
    with psycopg.connect(**params) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('dead-man switch', 0))")
        watch = looked(Watch())
        assert not Alert.objects.exists()
        other.rollback()
        watch.look()
    assert Alert.objects.count() == 1


def test_the_answer_for_machines_needs_nobody_signed_in(portal_itself, client):
    good = client.get(reverse("sync:polling"))
    assert (good.status_code, good.json()["status"]) == (200, "alive")
    hear(portal_itself, 300)
    bad = client.get("/healthz/polling")
    assert (bad.status_code, bad.json()["status"]) == (503, "no-worker")
    assert bad.json()["last_sign_at"]


def test_the_answer_for_machines_is_a_refusal_while_the_database_is_away(client, monkeypatch):
    def away(_self):
        raise OperationalError("the connection to 10.1.2.3 failed")

    monkeypatch.setattr(Watch, "judge", away)
    answer = client.get(reverse("sync:polling"))
    assert answer.status_code == 503
    assert "10.1.2.3" not in answer.content.decode()


def test_every_page_shows_the_silence_and_asks_nothing_for_it(
    portal_itself, outsider, signed_in, monkeypatch, django_assert_num_queries
):
    client, page = signed_in(outsider), reverse("core:components")
    quiet = client.get(page)
    assert "Nothing is polled" not in quiet.content.decode()
    hear(portal_itself, 300)
    monkeypatch.setattr(watching.watch, "verdict", looked(Watch()).verdict)
    with django_assert_num_queries(1):  # the person
        shown = client.get(page).content.decode()
    assert "Nothing is polled since" in shown
    assert 'hx-get="/polling/silence/"' in shown


def test_the_banner_renews_itself(portal_itself, outsider, signed_in):
    client = signed_in(outsider)
    assert client.get(reverse("sync:silence")).content.strip() == b""
    hear(portal_itself, 300)
    assert "Nothing is polled since" in client.get(reverse("sync:silence")).content.decode()


def test_nobody_signed_in_sees_no_banner(portal_itself, client, monkeypatch):
    hear(portal_itself, 300)
    monkeypatch.setattr(watching.watch, "verdict", looked(Watch()).verdict)
    assert "Nothing is polled" not in client.get(reverse("accounts:sign-in")).content.decode()


def test_the_watch_lives_as_long_as_the_server(monkeypatch):
    deeds = []
    monkeypatch.setattr(watching.watch, "start", lambda: deeds.append("start"))
    monkeypatch.setattr(watching.watch, "stop", lambda: deeds.append("stop"))
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive():
        return next(messages)

    async def send(message):
        deeds.append(message["type"])

    async def pages(scope, receive, send):
        deeds.append(scope["type"])

    asyncio.run(watched(pages)({"type": "lifespan"}, receive, send))
    asyncio.run(watched(pages)({"type": "http"}, receive, send))
    assert deeds == ["start", "lifespan.startup.complete", "stop", "lifespan.shutdown.complete", "http"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_does_not_end_the_watch(monkeypatch):
    looks, is_back = [], threading.Event()

    def look(_self):
        looks.append(1)
        if len(looks) == 1:
            raise OperationalError("away")
        is_back.set()

    monkeypatch.setattr(watching, "PERIOD_SECONDS", 0.01)
    monkeypatch.setattr(Watch, "look", look)
    watch = Watch()
    watch.start()
    assert is_back.wait(10)
    watch.stop()
