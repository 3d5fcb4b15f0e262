"""The pages of numbers."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.catalog.models import Promise
from apps.events.services import NewEvent, record_events
from apps.metrics.measures import MEASURES
from apps.metrics.models import Sample
from apps.metrics.services import ensure_partitions
from tests.factories import make_feature, make_source
from tests.metrics.factories import every, make_series

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(signed_in, outsider):
    return signed_in(outsider)


@pytest.fixture
def wait(db):
    """Two hours of waits of a feature that promises 3 s, with one spike and one change."""
    feature = make_feature(name="Search Answers", slug="search-answers")
    now = timezone.now()
    Promise.objects.create(feature=feature, measure="latency_p95", comparison="at_most", limit=3.0)
    values = [2.0] * 60 + [9.0] + [2.0] * 59
    series = make_series(feature=feature, source=make_source(name="Prometheus"), samples=every(60, values, until=now))
    change = NewEvent(
        kind="deployments:deployment:succeeded", at=now - timedelta(minutes=30), title="search-api 2.40",
        is_change=True, feature_id=feature.pk,
    )  # fmt: skip
    record_events(events=[change])
    return series


def test_the_list_names_measures_in_plain_words_with_value_and_age(reader, wait) -> None:
    page = reader.get(reverse("metrics:series-list")).content.decode()
    assert "Wait of the slowest 5%" in page
    assert "Search Answers" in page
    assert 'class="spark"' in page
    assert "2<small>&#8239;s</small>" in page


def test_the_list_takes_the_same_queries_for_any_number_of_series(reader, wait, django_assert_num_queries) -> None:
    for n in range(30):
        make_series(samples=every(60, [1.0] * 3, until=timezone.now()), feature=make_feature(), name=f"s{n}")
    reader.get(reverse("metrics:series-list"))
    with django_assert_num_queries(4):
        assert reader.get(reverse("metrics:series-list")).status_code == 200


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("q=series", True), ("q=nothing", False), ("measure=latency_p95", True), ("measure=cost_rate", False),
        ("family=latency", True), ("family=cost", False), ("feature=search-answers", True), ("primary=1", True),
    ],
)  # fmt: skip
def test_the_list_can_be_narrowed(reader, wait, query, is_found) -> None:
    page = reader.get(f"{reverse('metrics:series-list')}?{query}").content.decode()
    assert (wait.get_absolute_url() in page) is is_found


def test_the_list_can_be_taken_away(reader, wait) -> None:
    answer = reader.get(reverse("metrics:series-list") + "?format=csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert rows[0]["Newest value"] == "2.0"
    assert rows[0]["Measure"] == "Wait of the slowest 5%"


def test_a_series_shows_its_chart_with_spike_promise_change_and_table(reader, wait) -> None:
    page = reader.get(wait.get_absolute_url() + "?range=24h").content.decode()
    assert page.count("<h1>") == 1
    assert "between 2 s and 9 s, 2 s at the end" in page
    assert "Our promise: 3 s" in page
    assert "search-api 2.40" in page
    assert "Show the numbers as a table" in page
    assert "Of every 100 people, 95 waited less than this." in page
    assert "plotly" not in page


def test_a_series_page_takes_a_fixed_number_of_queries(reader, wait, django_assert_num_queries) -> None:
    reader.get(wait.get_absolute_url())
    with django_assert_num_queries(6):
        reader.get(wait.get_absolute_url())


def test_exploring_loads_the_figure_on_its_own(reader, wait) -> None:
    page = reader.get(wait.get_absolute_url() + "?explore=1&range=1h").content.decode()
    assert f'data-figure="/metrics/{wait.pk}/figure.json?explore=1&amp;range=1h"' in page
    figure = reader.get(reverse("metrics:series-figure", args=[wait.pk]) + "?range=1h").json()
    assert {trace["type"] for trace in figure["data"]} == {"scatter"}


def test_what_is_drawn_can_be_taken_away(reader, wait) -> None:
    answer = reader.get(wait.get_absolute_url() + "?format=json&range=7d")
    found = answer.json()
    assert (found["unit"], found["feature"], found["source"]) == ("s", "search-answers", wait.source.slug)
    assert sum(point["samples"] for point in found["points"]) == 120
    assert max(point["high"] for point in found["points"]) == 9.0
    text = reader.get(wait.get_absolute_url() + "?format=csv").content.decode("utf-8-sig")
    assert text.startswith("from (UTC),mean (s),lowest (s),highest (s),samples")


@pytest.mark.parametrize(
    "query", ["?range=nonsense", "?from=x&to=y", "?from=2026-01-02T00:00&to=2026-01-01T00:00", "?compare=off"]
)
def test_an_odd_address_still_gets_a_page(reader, wait, query) -> None:
    assert reader.get(wait.get_absolute_url() + query).status_code == 200


def test_a_zoomed_stretch_is_read_in_the_zone_of_the_reader(reader, wait) -> None:
    now = timezone.now()
    start, end = (at.strftime("%Y-%m-%d %H:%M:%S.1234") for at in (now - timedelta(minutes=10), now))
    found = reader.get(wait.get_absolute_url(), {"from": start, "to": end, "format": "json"}).json()
    assert sum(point["samples"] for point in found["points"]) == 10


def test_the_card_of_a_feature_shows_last_week_and_the_promise(reader, wait) -> None:
    earlier = every(60, [1.0] * 100, until=timezone.now() - timedelta(days=7))
    ensure_partitions(days={at.date() for at, _ in earlier})
    Sample.objects.bulk_create(Sample(series=wait, at=at, value=value) for at, value in earlier)
    card = reader.get(reverse("metrics:feature-chart", args=[wait.feature_id, "latency_p95"]) + "?range=24h")
    text = card.content.decode()
    assert "Same time last week" in text
    assert "Our promise: 3 s" in text
    assert "<html" not in text


def test_the_card_of_an_unmeasured_feature_says_what_to_do(reader) -> None:
    feature = make_feature()
    text = reader.get(reverse("metrics:feature-chart", args=[feature.pk, "cost_rate"])).content.decode()
    assert "Not measured yet" in text
    assert "the glossary lists the measures" in text


def test_the_glossary_explains_every_measure(reader) -> None:
    page = reader.get(reverse("metrics:glossary")).content.decode()
    assert page.count("When it is bad:") == len(MEASURES)
    assert 'id="latency_p95"' in page


@pytest.mark.parametrize("name", ["series-list", "glossary"])
def test_strangers_are_asked_to_sign_in(client, name) -> None:
    assert client.get(reverse(f"metrics:{name}")).status_code == 302


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_pages_only_show(reader, wait, method) -> None:
    assert getattr(reader, method)(wait.get_absolute_url()).status_code == 405
