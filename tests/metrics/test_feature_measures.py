"""All numbers of a feature on one page, whole and in parts."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import plotly.graph_objects as go
import pytest
from django.urls import reverse
from django.utils import timezone

from apps.metrics.measures import FAMILY_LABELS
from apps.metrics.splits import SPLITS, others, split_of
from tests.factories import make_environment, make_feature
from tests.metrics.factories import every, make_series

pytestmark = pytest.mark.django_db
EIGHT = ("accuracy", "safety", "latency", "engagement", "cost", "retrieval", "cache", "fallback")


@pytest.fixture
def feature(db):
    """A feature with its wait: usual, slowest, and the slowest 5% by network."""
    found, now = make_feature(slug="search", name="Search Answers"), timezone.now()
    for measure, value in (("latency_p50", 1.0), ("latency_p95", 2.0), ("latency_p99", 4.0)):
        make_series(feature=found, measure=measure, samples=every(60, [value] * 120, until=now))
    for network, value in (("wifi", 1.5), ("mobile", 6.0)):
        make_series(
            feature=found, is_primary=False, labels={"network": network, "feature": "search"},
            samples=every(60, [value] * 120, until=now),
        )  # fmt: skip
    return found


@pytest.fixture
def read(signed_in, outsider):
    reader = signed_in(outsider)
    return lambda query="", slug="search": reader.get(reverse("metrics:feature-measures", args=[slug]) + query)


def test_all_eight_families_are_there_with_what_is_missing(feature, read) -> None:
    page = read().content.decode()
    assert all(FAMILY_LABELS[family] in page for family in EIGHT)
    assert page.count("chart__svg") == 3
    assert page.count(f'data-sync="feature-{feature.pk}"') == 3
    assert "measure: unsafe_ratio" in page
    assert re.search(r"the slowest 1% wait (<[^>]*>)*4(<[^>]*>)* times as long as usual", page)


def test_numbers_are_split_by_what_their_labels_say(feature, read) -> None:
    page = read("?by=network&range=1h").content.decode()
    assert page.index("mobile") < page.index("wifi")
    assert "6<small>&#8239;s</small>" in page
    assert "Nobody sends this number by network" in page
    assert "send the label <code>device_class</code>" in page


def test_environments_are_a_split_as_well(feature, read) -> None:
    now = timezone.now()
    for name in ("Staging", "Production"):
        make_series(
            feature=feature, is_primary=False, environment=make_environment(name=name),
            samples=every(60, [1.0] * 9, until=now),
        )  # fmt: skip
    page = read("?by=environment&range=1h").content.decode()
    assert "Staging" in page
    assert "Production" in page


@pytest.mark.parametrize("query", ["?by=nonsense", "?range=30d&compare=previous", "?compare=off", "?marks=none"])
def test_odd_and_other_addresses_get_a_page(feature, read, query) -> None:
    assert read(query).status_code == 200


def test_the_page_takes_the_same_queries_for_any_number_of_measures(feature, read, django_assert_num_queries) -> None:
    read("?by=network")
    for measure in ("cost_rate", "groundedness", "unsafe_ratio", "cache_hit_ratio"):
        make_series(feature=feature, measure=measure, samples=every(60, [1.0] * 9, until=timezone.now()))
    with django_assert_num_queries(9):
        read("?by=network")


def test_what_is_drawn_can_be_taken_away(feature, read) -> None:
    answer = read("?range=1h&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["measure"] for row in rows} == {"latency_p50", "latency_p95", "latency_p99"}
    assert "network" not in rows[0]


def test_every_chart_is_also_a_figure_that_plotly_accepts(feature, signed_in, outsider) -> None:
    path = reverse("metrics:feature-figures", args=["search"])
    found = signed_in(outsider).get(path + "?range=1h").json()
    assert set(found) == {"latency_p50", "latency_p95", "latency_p99"}
    for figure in found.values():
        accepted = go.Figure({"data": figure["data"], "layout": figure["layout"]})
        assert accepted.data[-1].type == "scatter"


def test_a_feature_without_numbers_says_what_to_connect(read) -> None:
    make_feature(slug="new")
    page = read(slug="new").content.decode()
    assert page.count("Nobody sends these numbers yet") >= len(EIGHT)


def test_nothing_is_found_for_a_feature_that_is_not_there(read) -> None:
    assert read(slug="gone").status_code == 404


def test_strangers_are_asked_to_sign_in(client) -> None:
    assert client.get(reverse("metrics:feature-measures", args=["search"])).status_code == 302


def test_the_previous_stretch_can_be_compared(feature, read) -> None:
    make_series(
        feature=feature, measure="cost_rate", samples=every(60, [1.0] * 60, until=timezone.now() - timedelta(hours=1))
    )
    assert "The 1 h before" in read("?range=1h&compare=previous").content.decode()


def test_the_series_with_the_fewest_other_labels_speaks_for_a_part() -> None:
    split = split_of("network")
    assert split is SPLITS["network"]
    assert others({"network": "wifi", "feature": "x"}, split) == 0
    assert others({"network": "wifi", "region": "eu"}, split) == 1
