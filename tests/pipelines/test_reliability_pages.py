from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.connectors.records import AlertRecord, AlertState
from apps.monitors import services as monitors
from apps.pipelines import queries, services
from apps.pipelines.models import Pipeline
from apps.pipelines.services.reliability import mark_days
from apps.sources.mapping import Mapper
from tests.factories import make_component, make_feature, make_source, make_team
from tests.pipelines.factories import make_pipeline, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(signed_in, outsider):
    return signed_in(outsider)


def count(*runs) -> None:
    mark_days(runs=[{"pipeline_id": run.pipeline_id, "at": run.at} for run in runs])
    services.roll_up(at=timezone.now())


def hours_ago(hours: float):
    return timezone.now() - timedelta(hours=hours)


@pytest.fixture
def two(db):
    team = make_team(name="Search", slug="search-team")
    flaky = make_pipeline(name="Flaky one", feature=make_feature(name="Answers", slug="answers", team=team))
    steady = make_pipeline(name="Steady one")
    runs = [make_run(flaky, at=hours_ago(9), state="failed"), make_run(flaky, at=hours_ago(7))]
    runs += [make_run(steady, at=hours_ago(400), state="failed"), make_run(steady, at=hours_ago(390))]
    count(*runs, make_run(steady, at=hours_ago(3)))
    return flaky, steady


def test_the_flakiest_comes_first(reader, two):
    html = reader.get(reverse("pipelines:reliability-list")).content.decode()
    assert html.index("Flaky one") < html.index("Steady one")
    assert "1 of 2" in html


def test_the_period_is_in_the_address(reader, two):
    rows = json.loads(reader.get(reverse("pipelines:reliability-list") + "?period=7&format=json").getvalue())["items"]
    assert {row["name"]: row["success_rate"] for row in rows} == {"Flaky one": 0.5, "Steady one": 1.0}
    assert round(rows[0]["green_median"]) == 7200


def test_the_list_is_filtered_by_team_and_what_is_still_red(reader, two):
    html = reader.get(reverse("pipelines:reliability-list") + "?team=search-team").content.decode()
    assert "Flaky one" in html
    assert "Steady one" not in html
    html = reader.get(reverse("pipelines:reliability-list") + "?red=1").content.decode()
    assert "No pipeline fits these filters" in html


def test_the_page_of_a_pipeline_shows_its_figures_and_durations(reader, two):
    html = reader.get(two[0].get_absolute_url()).content.decode()
    assert "How long runs take" in html
    assert "median of 1" in html
    card = reader.get(reverse("pipelines:reliability", args=[two[0].pk]) + "?period=7").content.decode()
    assert "last 7 days" in card


def test_pages_cost_the_same_for_one_pipeline_and_for_many(reader, two, django_assert_max_num_queries):
    url = reverse("pipelines:reliability-list")
    for _ in range(2):
        with django_assert_max_num_queries(7):
            reader.get(url)
        count(*(make_run(make_pipeline(feature=make_feature()), at=hours_ago(n)) for n in range(12)))


def test_a_pipeline_nobody_watches_is_counted_until_an_alert_does(reader, two):
    assert queries.uncovered_count() == 2
    html = reader.get(reverse("pipelines:reliability-list")).content.decode()
    assert "2 pipelines are not covered" in html
    component = make_component(slug="nightly", kind="pipeline")
    Pipeline.objects.filter(pk=two[0].pk).update(component=component)
    source = make_source(connector="alertmanager")
    record = AlertRecord(
        external_id="a1",
        name="NightlyFailed",
        state=AlertState.FIRING,
        severity="page",
        started_at=hours_ago(1),
        labels={"component": "nightly"},
    )
    monitors.upsert_alerts(source=source, records=[record], mapper=Mapper(source), at=timezone.now())
    assert list(queries.uncovered(Pipeline.objects.all())) == [two[1]]


def test_addresses_refuse_what_they_do_not_know(reader, two):
    assert reader.post(reverse("pipelines:reliability-list")).status_code == 405
    assert reader.get(reverse("pipelines:reliability-list") + "?period=9000").status_code == 200
    assert reader.get(reverse("pipelines:reliability", args=[999999])).status_code == 404
