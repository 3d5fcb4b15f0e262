"""A person is told what changed in a feature since the last look, and nothing that was read already."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from apps.health import looking, queries, services
from apps.health.models import FeatureLook, HealthSpan
from apps.incidents.models import Incident
from apps.metrics.measures import measure
from tests.factories import make_environment, make_feature
from tests.metrics.factories import NOON, every, make_series

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def tell(feature, kind: str, title: str, at, **fields) -> None:
    """An event that was recorded when it happened."""
    record_events(events=[NewEvent(kind=kind, at=at, title=title, feature_id=feature.pk, **fields)])


def told(feature, since, at) -> dict[str, list[str]]:
    news = queries.news_of(feature=feature, since=since, at=at)
    return {group.title: [line.text for line in group.lines] for group in news.groups}


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def changed(db, now):
    """A feature that somebody looked at two hours ago; since then much happened."""
    feature = make_feature(name="Search Answers", slug="search-answers")
    test, live = make_environment(slug="test"), make_environment(slug="live", is_production=True)
    at = now - HOUR / 2
    tell(feature, "health:feature:degraded", "Search Answers is degraded: People wait 4 s", at)
    deployed = {"is_change": True, "environment_id": live.pk}
    tell(feature, "deployments:deployment:succeeded", "search-api 3.22 went live", at, **deployed)
    tell(feature, "deployments:deployment:succeeded", "only in test", at, is_change=True, environment_id=test.pk)
    tell(feature, "prompts:label:moved", "answer: production moved to v7", at, is_change=True)
    tell(feature, "pipelines:run:succeeded", "a run is no news", at)
    tell(make_feature(), "prompts:label:moved", "of another feature", at, is_change=True)
    return feature


def test_what_changed_stands_in_the_groups_people_know(changed, now) -> None:
    assert told(changed, now - 2 * HOUR, now) == {
        "Health": ["Search Answers is degraded: People wait 4 s"],
        "Deployments": ["search-api 3.22 went live"],
        "Prompts": ["answer: production moved to v7"],
    }


def test_what_was_told_before_the_look_is_no_news(changed, now) -> None:
    assert told(changed, timezone.now(), timezone.now()) == {}


def test_what_happened_before_the_look_but_was_heard_later_is_news(db, now) -> None:
    feature = make_feature()
    tell(feature, "prompts:label:moved", "heard late", now - 3 * HOUR / 2, is_change=True)
    assert told(feature, now - HOUR, now) == {"Prompts": ["heard late"]}


def test_history_that_is_read_afterwards_is_no_news(db, now) -> None:
    feature = make_feature()
    tell(feature, "prompts:label:moved", "of last month", now - timedelta(days=30), is_change=True)
    assert told(feature, now - HOUR, now) == {}


def test_an_incident_of_several_features_is_news_to_each(db, now) -> None:
    features = [make_feature(), make_feature()]
    at = now - HOUR / 2
    incident = Incident.objects.create(
        title="Slow answers", impact_started_at=at, detected_at=at, declared_at=at, declared_by="ada", updated_at=at
    )
    incident.features.set(features)
    assert [told(one, now - HOUR, now) for one in features] == [{"Incidents": ["Slow answers"]}] * 2


@pytest.mark.parametrize(("value", "word"), [(4.0, "worse"), (1.0, "better"), (2.05, "")])
def test_key_figures_say_better_or_worse_only_where_they_moved(db, value, word) -> None:
    feature = make_feature(slug="helper")
    samples = [*every(60, [2.0] * 50, until=NOON - 3 * HOUR), *every(60, [value] * 50, until=NOON)]
    make_series(feature=feature, measure="latency_p95", unit="s", samples=samples)
    found = told(feature, NOON - 3 * HOUR, NOON).get("Better or worse than before you looked", [])
    assert [line.rpartition(", ")[2] for line in found] == ([word] if word else [])


@pytest.mark.parametrize(
    ("slug", "value", "before", "is_told"),
    [
        ("answered_ratio", 0.985, 0.99, True),
        ("answered_ratio", 0.988, 0.99, False),
        ("answered_ratio", 0.90, 0.88, False),
        ("latency_p95", 2.3, 2.0, True),
        ("requests_rate", 9.0, 2.0, False),
    ],
)
def test_a_share_is_judged_by_what_it_lacks(slug, value, before, is_told) -> None:
    assert looking.is_telling(measure(slug), value, before) is is_told


def test_the_lead_compares_then_and_now(changed, now) -> None:
    services.refresh_health(feature_ids={changed.pk}, at=now)
    HealthSpan.objects.filter(feature=changed).update(started_at=now - HOUR / 4)
    HealthSpan.objects.create(
        feature=changed, status="healthy", sentence="", started_at=now - 3 * HOUR, ended_at=now - HOUR / 4
    )
    news = queries.news_of(feature=changed, since=now - HOUR, at=now)
    assert news.lead == "It was healthy then and has no data now."


def test_a_visit_keeps_its_news_and_the_next_one_begins_after_it(db, outsider, now) -> None:
    feature = make_feature()
    asked = {"user_id": outsider.pk, "feature_id": feature.pk}
    assert services.note_look(**asked, at=now)
    assert queries.since_of(**asked, at=now) is None
    assert not services.note_look(**asked, at=now + timedelta(minutes=2))
    assert services.note_look(**asked, at=now + timedelta(minutes=10))
    assert queries.since_of(**asked, at=now + timedelta(minutes=20)) is None
    assert queries.since_of(**asked, at=now + 2 * HOUR) == now + timedelta(minutes=10)
    assert services.note_look(**asked, at=now + 2 * HOUR)
    assert queries.since_of(**asked, at=now + 2 * HOUR + timedelta(minutes=5)) == now + timedelta(minutes=10)


def test_reading_the_page_writes_nothing_and_the_beacon_writes_one_row(signed_in, outsider, changed) -> None:
    client = signed_in(outsider)
    page = client.get(changed.get_absolute_url()).content.decode()
    assert reverse("health:look", args=[changed.slug]) in page
    assert "first look" in client.get(reverse("health:news", args=[changed.slug])).content.decode()
    assert not FeatureLook.objects.exists()
    assert client.get(reverse("health:look", args=[changed.slug])).status_code == 405
    assert client.post(reverse("health:look", args=[changed.slug])).status_code == 204
    assert FeatureLook.objects.get().user == outsider


def test_a_stranger_leaves_no_look(client, changed) -> None:
    assert client.post(reverse("health:look", args=[changed.slug])).status_code in (302, 401)
    assert not FeatureLook.objects.exists()


def test_the_button_says_that_all_was_read(signed_in, outsider, changed, now) -> None:
    FeatureLook.objects.create(user=outsider, feature=changed, looked_at=now - 2 * HOUR)
    client, url = signed_in(outsider), reverse("health:news", args=[changed.slug])
    assert "search-api 3.22 went live" in client.get(url).content.decode()
    answer = client.post(reverse("health:look", args=[changed.slug]), {"seen": "1"})
    assert answer.headers["Location"] == changed.get_absolute_url()
    page = client.get(url).content.decode()
    assert "Nothing changed since" in page
    assert "search-api" not in page
    assert Event.objects.count() == 6  # a look is nobody else's business


def test_an_open_page_keeps_the_time_it_began_with(signed_in, outsider, changed, now) -> None:
    FeatureLook.objects.create(user=outsider, feature=changed, looked_at=now)
    url = reverse("health:news", args=[changed.slug])
    kept = signed_in(outsider).get(url, {"since": (now - 2 * HOUR).isoformat()}, headers={"HX-Request": "true"})
    assert "search-api 3.22 went live" in kept.content.decode()
    for nonsense in ("yesterday", "2026-13-45", "2026-01-01T00:00:00"):
        assert "search-api" not in signed_in(outsider).get(url, {"since": nonsense}).content.decode()


def test_the_overview_is_told_how_much_is_new_in_each_feature(signed_in, outsider, approver, changed, now) -> None:
    FeatureLook.objects.create(user=outsider, feature=changed, looked_at=now - 2 * HOUR)
    FeatureLook.objects.create(user=outsider, feature=make_feature(), looked_at=now - 2 * HOUR)
    FeatureLook.objects.create(user=approver, feature=changed, looked_at=timezone.now())
    assert queries.news_marks(user_id=outsider.pk, at=now) == {changed.pk: 3}
    assert queries.news_marks(user_id=approver.pk, at=now) == {}
    marks = signed_in(outsider).get(reverse("health:news-marks")).content.decode()
    assert f'id="news-{changed.pk}" hx-swap-oob="true"' in marks
    assert "3 new" in marks


def test_the_news_cost_the_same_however_much_there_is(signed_in, outsider, changed, now, django_assert_num_queries):
    for place in range(60):
        tell(changed, "prompts:label:moved", f"move {place}", now - HOUR / 3, is_change=True)
    with django_assert_num_queries(7):
        news = queries.news_of(feature=changed, since=now - 2 * HOUR, at=now)
    assert {group.title: (len(group.lines), group.more > 0) for group in news.groups}["Prompts"] == (4, True)
