"""How the store of samples is doing, on the page of the sources."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.metrics import queries, services
from apps.metrics.models import Series
from tests.metrics.factories import every, make_series

pytestmark = pytest.mark.django_db


def test_partitions_and_summaries_are_told(django_assert_num_queries) -> None:
    at = timezone.now()
    make_series(samples=every(60, [1.0] * 300, until=at))
    services.keep_house(at=at)
    with django_assert_num_queries(2):
        found = queries.storage(at=at)
    assert found.is_ready
    assert not found.is_behind
    assert found.days >= 5
    assert (found.series, found.strays) == (1, 0)


def test_what_is_packed_is_told_in_plain_words(signed_in, outsider) -> None:
    at = timezone.now()
    make_series(samples=every(60, [1.5] * 1500, until=at))
    make_series(samples=every(60, [1.5] * 3000, until=at - timedelta(days=20)))
    services.pack_days(at=at)
    found = queries.storage(at=at)
    assert found.packed.samples == pytest.approx(3000, rel=0.01)
    assert found.packed.last_day == (at - timedelta(days=20)).date()
    page = signed_in(outsider).get(reverse("metrics:storage")).content.decode()
    assert "Older than 8 days" in page
    assert "samples packed without loss" in page


def test_a_missing_today_and_summaries_that_are_behind_are_seen() -> None:
    at = timezone.now().replace(hour=0) + timedelta(days=900)
    make_series(samples=[(at + timedelta(days=4, hours=12), 1.0)])
    Series.objects.update(rolled_until=at - timedelta(hours=9))
    found = queries.storage(at=at + timedelta(days=5, hours=6))
    assert found.is_behind
    assert not found.is_ready


def test_the_page_of_the_sources_fetches_the_card(signed_in, outsider) -> None:
    reader = signed_in(outsider)
    assert reverse("metrics:storage") in reader.get(reverse("sources:source-list")).content.decode()
    assert "Where the numbers lie" in reader.get(reverse("metrics:storage")).content.decode()


def test_an_observed_series_tells_what_most_people_met(signed_in, outsider) -> None:
    now = timezone.now()
    series = make_series(measure="latency", samples=every(60, [float(n) for n in range(1, 101)], until=now))
    page = signed_in(outsider).get(series.get_absolute_url() + "?range=24h").content.decode()
    assert "95% of them" in page
