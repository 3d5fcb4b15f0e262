"""The portal at a moment: whatever the ledger holds, the answer is that of a replay."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.events.models import Event
from apps.incidents import services
from apps.incidents.queries.asof import portal_at
from apps.metrics.models import Sample
from apps.notifications.tidying import tidy_deliveries
from apps.sources.tidying import tidy
from tests.factories import make_component, make_environment, make_feature
from tests.metrics.factories import every, make_series

pytestmark = pytest.mark.django_db
START = datetime(2026, 9, 1, tzinfo=UTC)
TIMES = 1000


@pytest.fixture
def ledger():
    """Two thousand events of all four families at random times, many at the same moment."""
    rng = random.Random(7)
    features = [make_feature() for _ in range(5)]
    places = [make_environment() for _ in range(3)]
    part = make_component()
    rows = []
    for number in range(2000):
        at = START + timedelta(minutes=rng.randrange(60 * 24 * 60))
        rows.append(_event(rng, number, at, rng.choice(features), rng.choice([*places, None]), part))
    Event.objects.bulk_create(rows)
    return list(Event.objects.order_by("at", "pk"))


def _event(rng, number, at, feature, place, part):
    match rng.choice(["deployment", "label", "alert", "health", "noise"]):
        case "deployment":
            kind = rng.choice(["succeeded", "succeeded", "rolled-back", "failed"])
            data = {"component": f"part-{rng.randrange(4)}", "revision": f"r{number}"}
            return Event(
                kind=f"deployments:deployment:{kind}", at=at, title="d", feature=feature, component=part,
                environment=place, source_id=rng.choice([1, 2]), subject_kind="deployment", subject_id=number,
                data=data,
            )  # fmt: skip
        case "label":
            to = None if rng.random() < 0.2 else number
            data = {"prompt_id": rng.randrange(3), "label": rng.choice(["production", "staging"]), "to": to}
            return Event(kind="prompts:label:moved", at=at, title="p prompt: moved", feature=feature, data=data)
        case "alert":
            kind = rng.choice(["opened", "resolved"])
            return Event(
                kind=f"monitors:alert:{kind}", at=at, title=f"a{number}", feature=feature, subject_kind="alert",
                subject_id=rng.randrange(60), data={"severity": "page"},
            )  # fmt: skip
        case "health":
            kind = rng.choice(["degraded", "down", "recovered", "heard", "stale"])
            return Event(kind=f"health:feature:{kind}", at=at, title="h", feature=feature)
        case _:
            return Event(kind="pipelines:run:failed", at=at, title="n", feature=feature)


def replay(events, at):
    """The same four answers, by walking through the ledger."""
    running, labels, opened, over, health = {}, {}, {}, set(), {}
    for event in events:
        if event.at > at:
            break
        _family, _, verb = event.kind.split(":")
        if event.kind.startswith("deployments:") and verb in ("succeeded", "rolled-back"):
            running[(event.source_id, event.data["component"], event.environment_id)] = event.pk
        elif event.kind.startswith("prompts:"):
            labels[(event.data["prompt_id"], event.data["label"])] = event.pk if event.data["to"] is not None else None
        elif verb == "opened":
            opened[event.pk] = event.subject_id
        elif verb == "resolved":
            over.add(event.subject_id)
        elif event.kind.startswith("health:"):
            health[event.feature_id] = event.pk
    return (
        set(running.values()),
        {pk for pk in labels.values() if pk},
        {pk for pk, alert in opened.items() if alert not in over},
        set(health.values()),
    )


def test_a_thousand_random_moments_equal_a_replay(ledger):
    rng = random.Random(8)
    for _ in range(TIMES):
        at = START + timedelta(minutes=rng.randrange(-60, 61 * 24 * 60), seconds=rng.randrange(60))
        portal = portal_at(at=at)
        found = tuple(
            {one.event_id for one in rows} for rows in (portal.running, portal.labels, portal.alerts, portal.health)
        )
        assert found == replay(ledger, at), at


@pytest.fixture
def after_retention(ledger):
    """An incident of that time, and everything thrown away that is thrown away by itself, a year later."""
    feature, at = Event.objects.exclude(feature=None).earliest("at").feature, START + timedelta(days=30)
    series = make_series(feature=feature, samples=every(60, [0.9] * 300 + [0.5] * 60, until=at))
    person = User.objects.create_user("later", role="commander")
    incident = services.declare(
        draft=services.Declaration(title="Fewer answers", features=[feature]), actor=person, at=at
    )
    before = portal_at(at=at)
    assert incident.snapshot.data["numbers"][0]["series"] == series.pk
    year = START + timedelta(days=400)
    Sample.objects.filter(at__lt=year).delete()  # as its day partitions are dropped
    tidy(at=year)
    tidy_deliveries(at=year)
    return incident, before


def test_after_retention_a_thousand_moments_still_equal_a_replay(after_retention):
    events, rng = list(Event.objects.order_by("at", "pk")), random.Random(9)
    for _ in range(TIMES):
        at = START + timedelta(minutes=rng.randrange(60 * 24 * 60))
        portal = portal_at(at=at)
        found = tuple(
            {one.event_id for one in rows} for rows in (portal.running, portal.labels, portal.alerts, portal.health)
        )
        assert found == replay(events, at), at


def test_what_was_frozen_at_the_declaration_outlives_the_samples(after_retention, signed_in, outsider):
    incident, before = after_retention
    incident.refresh_from_db()
    assert incident.snapshot.data | {"numbers": []} == before.as_json() | {"numbers": []}
    values = [value for _at, value in incident.snapshot.data["numbers"][0]["points"]]
    assert (values[0], values[-1]) == (0.9, 0.5)
    page = signed_in(outsider).get(reverse("incidents:as-of"), {"at": START.isoformat(), "incident": incident.pk})
    assert "The numbers before it was declared" in page.content.decode()


def test_a_feature_that_recovered_is_healthy(db):
    Event.objects.create(kind="health:feature:recovered", at=START, title="h", feature=make_feature())
    assert portal_at(at=START).health[0].version == "healthy"
    assert portal_at(at=START - timedelta(seconds=1)).health == []
