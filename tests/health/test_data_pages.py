"""Pages of data: the list, one component, what goes stale with it, the feature whose answers may be old."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.catalog.models import Dependency
from apps.health import services
from apps.health.models import FeatureHealth
from tests.factories import make_component
from tests.health.factories import make_heard_source, make_promised_feature
from tests.pipelines.factories import make_pipeline

pytestmark = pytest.mark.django_db
WINDOW = {"warn_after_hours": 6.0, "fail_after_hours": 24.0, "due_by": "", "time_zone": "UTC"}


@pytest.fixture
def reader(signed_in, outsider):
    return signed_in(outsider)


@pytest.fixture
def behind(db):
    """An index whose pipeline failed ten minutes ago; its data are 14 hours old."""
    now = timezone.now()
    source = make_heard_source(at=now)
    feature, _ = make_promised_feature(name="Search Answers", slug="search-answers", source=source, at=now)
    index = make_component(name="Help index", slug="help-index", kind="index", freshness=WINDOW)
    nightly = make_component(name="Nightly", slug="nightly", kind="pipeline")
    Dependency.objects.create(consumer=make_component(feature=feature), provider=index)
    Dependency.objects.create(consumer=index, provider=nightly)
    ago = now - timedelta(minutes=10)
    pipeline = make_pipeline(
        name="Nightly index", source=source, component=nightly, data_as_of=now - timedelta(hours=14),
        data_failed_as_of=ago, data_failed_at=ago, last_failed_at=ago, last_run_at=ago, last_state="failed",
    )  # fmt: skip
    services.refresh_data(fed_by=set(), at=now)
    services.refresh_health(feature_ids={feature.pk}, at=now)
    return feature, index, pipeline


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_says_how_new_data_are_and_exports_it(reader, behind) -> None:
    url = reverse("health:data-list")
    html = text(reader.get(url))
    assert "Not refreshed for more than 6 h, because the pipeline “Nightly index” failed." in html
    assert "warn after 6 h, fail after 24 h" in html
    body = b"".join(reader.get(f"{url}?format=csv").streaming_content).decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(body)))
    assert (row["Data"], row["Freshness"], row["May be"]) == ("Help index", "Aging", "warn after 6 h, fail after 24 h")


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("status=warn", True),
        ("status=fresh", False),
        ("kind=index", True),
        ("feature=search-answers", True),
        ("q=zzz", False),
    ],
)
def test_the_list_is_filtered_by_its_address(reader, behind, query, is_there) -> None:
    assert ("Help index" in text(reader.get(f"{reverse('health:data-list')}?{query}"))) == is_there


def test_an_empty_list_says_what_to_do(reader) -> None:
    html = text(reader.get(reverse("health:data-list")))
    assert "No component says how old its data may be" in html
    assert "Go to components" in html


def test_a_component_shows_what_feeds_it_and_what_goes_stale_with_it(reader, behind) -> None:
    url = reverse("health:data-detail", args=["help-index"])
    html = text(reader.get(url))
    assert "How new Help index is" in html
    assert "It may be behind: the pipeline" in html
    assert "Search Answers" in html
    assert "Help index is older than it should be" in html
    part = text(reader.get(url, headers={"HX-Request": "true", "HX-Target": "data"}))
    assert part.lstrip().startswith('<div class="stack" id="data"')


def test_a_component_without_limits_says_so(reader, behind) -> None:
    assert "Nobody has said how old its data may be" in text(
        reader.get(reverse("health:data-detail", args=["nightly"]))
    )


def test_the_page_of_a_pipeline_embeds_what_goes_stale_with_it(reader, behind) -> None:
    _feature, _index, pipeline = behind
    url = reverse("health:data-of-pipeline", args=[pipeline.pk])
    assert url in text(reader.get(pipeline.get_absolute_url()))
    html = text(reader.get(url))
    assert "What goes stale with it" in html
    assert "Search Answers" in html
    assert "Its answers may be from" in html


def test_a_pipeline_that_feeds_nothing_says_so(reader) -> None:
    html = text(reader.get(reverse("health:data-of-pipeline", args=[make_pipeline().pk])))
    assert "No feature answers from it" in html


def test_a_feature_says_how_old_its_answers_may_be_and_why(reader, behind) -> None:
    feature, _index, _pipeline = behind
    html = text(reader.get(feature.get_absolute_url()))
    assert "because the pipeline “Nightly index” failed" in html
    assert "Answers may be from" in html
    assert "answers may be from" in text(reader.get(reverse("portal:overview")))
    short = text(reader.get(reverse("health:data-of-feature", args=[feature.pk])))
    assert "Help index" in short
    assert "Aging" in short


def test_a_feature_that_is_current_says_nothing_of_it(reader, behind) -> None:
    feature, _index, _pipeline = behind
    FeatureHealth.objects.update(data_because="")
    assert "Answers may be from" not in text(reader.get(feature.get_absolute_url()))
    assert "answers may be from" not in text(reader.get(reverse("portal:overview")))


def test_the_catalog_shows_how_new_the_data_of_a_component_are(signed_in, author, behind) -> None:
    engineer = signed_in(author)
    assert reverse("health:data-short", args=["help-index"]) in text(
        engineer.get(reverse("catalog:component-change", args=["help-index"]))
    )
    assert "Aging" in text(engineer.get(reverse("health:data-short", args=["help-index"])))


def test_machines_are_told_how_old_answers_may_be(reader, behind) -> None:
    found = reader.get(reverse("health:reasons", args=["search-answers"]) + "?format=json").json()
    assert found["data"]["because"] == "the pipeline “Nightly index” failed"
    assert found["data"]["as_of"]


@pytest.mark.parametrize("name", ["data-list", "data-detail"])
def test_pages_of_data_are_only_read(reader, behind, name) -> None:
    args = ["help-index"] if name == "data-detail" else []
    assert reader.post(reverse(f"health:{name}", args=args)).status_code == 405


def test_a_stranger_is_asked_to_sign_in(client, behind) -> None:
    assert client.get(reverse("health:data-list")).status_code == 302
