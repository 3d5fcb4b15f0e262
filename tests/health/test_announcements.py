"""People tell in plain words what others should know about a feature, until a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.catalog.models import Dependency
from apps.events.models import Event
from apps.health import queries, services
from apps.health.models import Announcement
from apps.monitors.models import Alert
from apps.sources.models import SourceState
from tests.factories import make_component, make_feature, make_source
from tests.metrics.factories import make_series

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def feature(db):
    return make_feature(name="Search Answers", slug="search-answers")


def soon(now, hours: int = 3) -> str:
    return timezone.localtime(now + hours * HOUR).strftime("%Y-%m-%dT%H:%M")


def test_what_is_announced_stands_on_the_page_until_its_time(signed_in, author, feature, now) -> None:
    client = signed_in(author)
    answer = client.post(
        reverse("health:announce", args=[feature.slug]), {"text": "We <i>know</i>", "ends_at": soon(now)}
    )
    assert answer.headers["Location"] == feature.get_absolute_url()
    said = Announcement.objects.get()
    event = Event.objects.get()
    assert (event.kind, event.feature_id, event.title) == (
        "health:announcement:published", feature.pk, "Search Answers: We <i>know</i>",
    )  # fmt: skip
    part = client.get(reverse("health:announced", args=[feature.slug])).content.decode()
    assert "We &lt;i&gt;know&lt;/i&gt;" in part
    assert reverse("health:announced", args=[feature.slug]) in client.get(feature.get_absolute_url()).content.decode()
    assert queries.announced(feature_id=feature.pk, at=now) == [said]
    assert queries.announced(feature_id=feature.pk, at=said.ends_at) == []
    assert queries.past_announcements(feature_id=feature.pk, at=said.ends_at) == [said]


def test_it_can_be_taken_back_once(signed_in, author, feature, now) -> None:
    said = services.announce(feature=feature, text="Known", ends_at=now + HOUR, actor=author, at=now)
    client, url = signed_in(author), reverse("health:announcement-withdraw", args=[said.pk])
    assert client.get(url).status_code == 405
    for _ in range(2):
        assert client.post(url).status_code == 302
    assert [one.kind for one in Event.objects.order_by("pk")] == [
        "health:announcement:published", "health:announcement:withdrawn",
    ]  # fmt: skip
    page = client.get(reverse("health:announcements", args=[feature.slug])).content.decode()
    assert "Nothing is announced" in page
    assert "taken back by Author" in page


def test_who_only_looks_may_read_but_not_write(signed_in, outsider, author, feature, now) -> None:
    said = services.announce(feature=feature, text="Known", ends_at=now + HOUR, actor=author, at=now)
    client, url = signed_in(outsider), reverse("health:announce", args=[feature.slug])
    assert client.get(url).status_code == 405
    assert client.post(url, {"text": "Mine", "ends_at": soon(now)}).status_code == 403
    assert client.post(reverse("health:announcement-withdraw", args=[said.pk])).status_code == 403
    page = client.get(reverse("health:announcements", args=[feature.slug])).content.decode()
    assert "Known" in page
    assert "Announce it" not in page
    assert Event.objects.count() == 1


def test_what_is_over_already_is_refused(signed_in, author, feature, now) -> None:
    client, url = signed_in(author), reverse("health:announce", args=[feature.slug])
    answer = client.post(url, {"text": "Too late", "ends_at": soon(now, -1)})
    assert answer.status_code == 422
    assert "This is over already." in answer.content.decode()
    assert not Announcement.objects.exists()


def test_providers_say_how_they_do_and_where_nobody_tells(signed_in, outsider, feature, now) -> None:
    told, trouble, silent = (make_component(name=name, kind="provider") for name in ("Told", "Trouble", "Silent"))
    service, source = make_component(feature=feature), make_source(name="Status page")
    for provider in (told, trouble, silent):
        Dependency.objects.create(consumer=service, provider=provider)
    SourceState.objects.filter(source=source).update(last_success_at=now)
    for provider in (told, trouble):
        make_series(source=source, component=provider, measure="", name=provider.name)
    Alert.objects.create(
        source=source,
        external_id="a",
        name="Outage",
        state="firing",
        component=trouble,
        opened_at=now,
        last_seen_at=now,
    )
    part = signed_in(outsider).get(reverse("health:providers-of-feature", args=[feature.pk])).content.decode()
    assert "“Status page” reports no trouble" in part
    assert "The alert “Outage” fires" in part
    assert "Nobody tells how it does" in part
