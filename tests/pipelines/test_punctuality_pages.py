"""Pages of punctuality: the column and its filter, the card, the form with its preview, ghosts in the grid."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from apps.accounts.models import AuditEntry
from apps.pipelines import services
from apps.pipelines.models import Expectation, Punctuality
from apps.sources.models import SourceState
from tests.pipelines.factories import make_pipeline, make_run

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def nightly(source):
    """Watched for two weeks; it ran at 02:00 UTC every night but the last two."""
    SourceState.objects.update_or_create(source=source, defaults={"last_success_at": NOW})
    pipeline = make_pipeline(source=source, name="Nightly index", schedule="0 2 * * *")
    for day in range(3, 15):
        at = NOW.replace(hour=2) - timedelta(days=day - 1)
        make_run(pipeline, at=at, trigger="schedule")
    Punctuality.objects.create(
        pipeline=pipeline, expected="0 2 * * * (UTC)", expected_from=NOW - timedelta(days=15), judge_at=NOW
    )
    services.judge_due(at=NOW)
    return pipeline


@pytest.fixture
def engineer(signed_in, author):
    return signed_in(author)


@pytest.fixture
def reader(signed_in, outsider):
    return signed_in(outsider)


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def _url(pipeline, name="expectation-change"):
    return reverse(f"pipelines:{name}", args=[pipeline.pk])


def _form(**fields):
    return {
        "kind": "cron",
        "cron": "0 7 * * *",
        "time_zone": "UTC",
        "grace_minutes": "15",
        "longest": "learned",
    } | fields


def test_the_list_shows_the_judgement_and_exports_it(reader, nightly):
    html = text(reader.get(reverse("pipelines:pipeline-list")))
    assert "Missed" in html
    assert "No run since Sun 02:00; the one due Mon 02:00 never came." in html
    export = reader.get(reverse("pipelines:pipeline-list") + "?format=csv")
    body = b"".join(export.streaming_content).decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(body)))
    assert row["Punctuality"] == "Missed"
    assert row["Punctuality in words"].startswith("No run since Sun 02:00")
    assert row["Next due"] == "2026-11-25T02:00:00Z"


@pytest.mark.parametrize(
    ("query", "expected"),
    [("?punctuality=missed", {"Nightly index"}), ("?punctuality=late", set()), ("?uncovered=1", {"Ad hoc"})],
)
def test_the_list_is_filtered_by_punctuality(reader, nightly, query, expected):
    make_pipeline(source=nightly.source, name="Ad hoc")
    export = reader.get(reverse("pipelines:pipeline-list") + query + "&format=csv")
    body = b"".join(export.streaming_content).decode("utf-8-sig")
    assert {row["Pipeline"] for row in csv.DictReader(io.StringIO(body))} == expected


def test_the_card_says_what_is_expected_and_when_it_is_due_next(reader, nightly):
    html = text(reader.get(nightly.get_absolute_url()))
    assert "0 2 * * * (UTC)" in html
    assert "12 on time, 2 missed." in html or "12 on time, 1 missed" in html
    assert html.count("never came") >= 2
    assert "25 Nov" in html


def test_ghosts_stand_where_runs_should_have_come(reader, nightly):
    html = text(reader.get(nightly.get_absolute_url()))
    assert html.count("runbar--ghost") == 2
    due = int(NOW.replace(hour=2).timestamp())
    html = text(reader.get(f"{nightly.get_absolute_url()}?slot={due}"))
    assert "the run expected" in html
    assert "to come, usually 5 min" in html
    assert "b--next" in html


def test_a_page_of_a_judged_pipeline_costs_the_same_with_more_runs(reader, nightly, django_assert_num_queries):
    reader.get(nightly.get_absolute_url())
    with django_assert_num_queries(9):
        reader.get(nightly.get_absolute_url())
    for day in range(3, 14):
        make_run(nightly, at=NOW - timedelta(days=day), trigger="manual")
    with django_assert_num_queries(9):
        reader.get(nightly.get_absolute_url())


def test_an_uncovered_pipeline_says_so_and_proposes_what_its_history_shows(signed_in, author, outsider, source):
    pipeline = make_pipeline(source=source)
    for day in range(12):
        make_run(pipeline, at=NOW.replace(hour=4) - timedelta(days=day), trigger="schedule")
    html = text(signed_in(outsider).get(pipeline.get_absolute_url()))
    assert "nobody would notice" in html
    assert "0 4 * * * (UTC)" in html
    assert "Accept it" not in html
    engineer = signed_in(author)
    assert "Accept it" in text(engineer.get(pipeline.get_absolute_url()))
    assert engineer.post(_url(pipeline, "expectation-accept")).status_code == 302
    own = Expectation.objects.get()
    assert (own.kind, own.cron, own.zone) == ("cron", "0 4 * * *", "UTC")


def test_a_preview_shows_the_last_days_and_saves_nothing(engineer, nightly):
    response = engineer.post(_url(nightly), _form(preview="1"), headers={"HX-Request": "true"})
    html = text(response)
    assert "never came" in html
    assert "0 7 * * * (UTC)" in html
    assert not Expectation.objects.exists()


def test_saving_is_audited_and_judged_at_the_next_sweep(engineer, nightly, author):
    assert engineer.post(_url(nightly), _form(grace_minutes="5")).status_code == 302
    own = Expectation.objects.get()
    assert (own.cron, own.grace_seconds, own.created_by) == ("0 7 * * *", 300, author)
    entry = AuditEntry.objects.get(action="expectation:set")
    assert entry.after["cron"] == "0 7 * * *"
    assert Punctuality.objects.get().judge_at == NOW
    assert text(engineer.get(_url(nightly)))
    assert engineer.post(_url(nightly, "expectation-remove")).status_code == 302
    assert not Expectation.objects.exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cron": "61 * * * *"}, "is no cron expression"),
        ({"kind": "interval"}, "An interval is 10 seconds or longer."),
        ({"kind": "calendar"}, "Choose a time of day."),
        ({"kind": "calendar", "at_time": "06:00", "day_rule": "weekdays"}, "Choose at least one weekday."),
        ({"kind": "ready_by", "at_time": "06:00", "day_rule": "business", "country": "xx"}, "no country"),
        ({"kind": "after"}, "Choose the pipeline before it"),
        ({"time_zone": "Mars/Olympus"}, "Write a time zone like Europe/Berlin."),
    ],
)
def test_what_cannot_be_expected_is_refused_in_words(engineer, nightly, fields, said):
    assert said in text(engineer.post(_url(nightly), _form(**fields)))
    assert not Expectation.objects.exists()


def test_ready_by_on_business_days_is_kept(engineer, nightly):
    fields = {
        "kind": "ready_by",
        "at_time": "13:00",
        "day_rule": "business",
        "country": "de",
        "time_zone": "Europe/Berlin",
    }
    assert engineer.post(_url(nightly), _form(**fields)).status_code == 302
    services.judge_due(at=NOW)
    assert Punctuality.objects.get().expected == "ready every business day (DE) at 13:00 (Europe/Berlin)"


@pytest.mark.parametrize("name", ["expectation-change", "expectation-accept", "expectation-remove"])
def test_only_those_who_may_change_it(reader, nightly, name):
    assert reader.post(_url(nightly, name), _form()).status_code == 403


@pytest.mark.parametrize("name", ["expectation-accept", "expectation-remove"])
def test_a_deed_takes_a_post(engineer, nightly, name):
    assert engineer.get(_url(nightly, name)).status_code == 405


def test_the_card_stands_alone(reader, nightly):
    assert 'id="punctuality"' in text(reader.get(_url(nightly, "punctuality")))
