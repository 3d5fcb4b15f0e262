"""A row of a hot list is drawn once while nothing about it changes, and shows every change at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.template.loader import get_template
from django.urls import reverse

from apps.accounts.models import User
from apps.core import kept
from apps.core.listing import Listing
from apps.pipelines.models import Pipeline, Punctuality, Run
from apps.pipelines.views import lists
from apps.portal.views import features
from tests.factories import make_feature, make_source
from tests.pipelines.factories import make_pipeline, make_run

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PIPELINES, RUNS = reverse("pipelines:pipeline-list"), reverse("pipelines:run-list")


@pytest.fixture
def run() -> Run:
    """The only run of the only pipeline, ten minutes old."""
    source = make_source(name="Team Prefect")
    pipeline = make_pipeline(name="Nightly", feature=make_feature(name="Search"), source=source, schedule="hourly")
    due_at = NOW + timedelta(minutes=50)
    Punctuality.objects.create(pipeline=pipeline, state="on_time", sentence="It came in time.", next_due_at=due_at)
    return make_run(pipeline, name="brave-otter", at=NOW - timedelta(minutes=10))


@pytest.fixture
def read(signed_in, outsider) -> Callable[..., str]:
    """`read(url)` answers the body of the table as it is at `at`, once after it was drawn and kept."""
    client = signed_in(outsider)

    def reading(url: str, at: datetime = NOW) -> str:
        with time_machine.travel(at, tick=False):
            client.get(url)
            html = client.get(url).content.decode()
        return html[html.index("<tbody>") : html.index("</tbody>")]

    return reading


CHANGES = {
    "a renamed pipeline": lambda run: Pipeline.objects.update(name="Changed"),
    "a renamed feature": lambda run: type(run.pipeline.feature).objects.update(name="Changed"),
    "a moved feature page": lambda run: type(run.pipeline.feature).objects.update(slug="Changed"),
    "a renamed source": lambda run: type(run.source).objects.update(name="Changed"),
}
OF_PIPELINE = {
    "another schedule": (lambda run: Pipeline.objects.update(schedule="Changed"), "Changed"),
    "a pause": (lambda run: Pipeline.objects.update(is_paused=True), "paused"),
    "no feature": (lambda run: Pipeline.objects.update(feature=None), "not mapped"),
    "a new failure": (lambda run: make_run(run.pipeline, state="failed"), "1 failed"),
    "a retry": (lambda run: Run.objects.update(attempts=2), "1 passed on retry"),
    "another end": (lambda run: Run.objects.update(finished_at=NOW), "10 min</td>"),
    "a planned run": (lambda run: make_run(run.pipeline, state="queued", at=NOW + timedelta(hours=3)), "in 3 h"),
}
JUDGED = {
    "a late run": ({"state": "late", "sentence": "None has been seen."}, "None has been seen."),
    "other words": ({"state": "late", "sentence": "15 min have passed."}, "15 min have passed."),
    "a silent source": ({"state": "unknown", "sentence": "Its source is silent."}, "Its source is silent."),
    "the next one due": ({"next_due_at": NOW + timedelta(minutes=80)}, "10:20"),
    "nothing expected": ({"state": "", "reason": "It has no schedule."}, "It has no schedule."),
}
OF_PIPELINE |= {
    name: (lambda run, fields=fields: Punctuality.objects.update(**fields), shown)
    for name, (fields, shown) in JUDGED.items()
}
OF_RUN = {
    "its state": (lambda run: Run.objects.update(state="failed"), "Failed"),
    "its error": (lambda run: Run.objects.update(error="Changed"), "Changed"),
    "its name": (lambda run: Run.objects.update(name="Changed"), "Changed"),
    "its end": (lambda run: Run.objects.update(finished_at=NOW), "10 min</td>"),
    "its raw state": (lambda run: Run.objects.update(raw_state="Changed"), "Changed"),
    "its trigger": (lambda run: Run.objects.update(trigger="manual"), "By hand"),
    "its attempts": (lambda run: Run.objects.update(attempts=2), "Passed on retry"),
}


@pytest.mark.parametrize("url", [PIPELINES, RUNS])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_belongs_to_a_row_changes_it(read, run, url: str, change: Callable[[Run], object]) -> None:
    assert "Changed" not in read(url)
    change(run)
    assert "Changed" in read(url)


@pytest.mark.parametrize(("change", "shown"), OF_PIPELINE.values(), ids=OF_PIPELINE)
def test_a_pipeline_shows_every_change_at_once(read, run, change: Callable[[Run], object], shown: str) -> None:
    assert shown not in read(PIPELINES)
    change(run)
    assert shown in read(PIPELINES)


@pytest.mark.parametrize(("change", "shown"), OF_RUN.values(), ids=OF_RUN)
def test_a_run_shows_every_change_at_once(read, run, change: Callable[[Run], object], shown: str) -> None:
    assert shown not in read(RUNS)
    change(run)
    assert shown in read(RUNS)


@pytest.mark.parametrize("url", [PIPELINES, RUNS])
def test_ages_keep_counting(read, run, url: str) -> None:
    assert ">10 min ago</time>" in read(url)
    assert ">25 min ago</time>" in read(url, NOW + timedelta(minutes=15))


@pytest.mark.parametrize("url", [PIPELINES, RUNS])
def test_every_reader_sees_the_times_of_the_own_zone(read, run, url: str) -> None:
    assert "08:50:00 UTC" in read(url)
    User.objects.update(time_zone="Asia/Tokyo")
    assert "17:50:00 JST" in read(url)
    User.objects.update(time_zone="")
    assert "08:50:00 UTC" in read(url)


@pytest.mark.parametrize("url", [PIPELINES, RUNS])
def test_an_unchanged_row_is_drawn_once(read, run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read(url)
    drawn: list[str] = []
    monkeypatch.setattr(kept, "cut", drawn.append)
    read(url, NOW + timedelta(minutes=1))
    assert drawn == []


def test_another_look_at_it_draws_nothing_anew(read, run, monkeypatch: pytest.MonkeyPatch) -> None:
    read(PIPELINES)
    drawn: list[str] = []
    monkeypatch.setattr(kept, "cut", drawn.append)
    Punctuality.objects.update(judged_at=NOW, judge_at=NOW + timedelta(hours=1), learned_at=NOW)
    read(PIPELINES)
    assert drawn == []


def test_a_first_judgement_changes_the_row(read, run) -> None:
    Punctuality.objects.all().delete()
    assert "nothing expected" in read(PIPELINES)
    Punctuality.objects.create(pipeline=run.pipeline, state="late", sentence="None has been seen.")
    assert "None has been seen." in read(PIPELINES)


@pytest.mark.parametrize("listing", [lists.PIPELINES, lists.RUNS, features.FEATURES], ids=lambda one: one.name)
def test_a_shared_row_knows_no_reader_and_nothing_that_moves_by_itself(listing: Listing) -> None:
    assert listing.is_shared
    template = get_template(listing.row_template).template
    tags = " ".join(re.findall(r"{[{%](.*?)[%}]}", template.source))
    assert not re.search(r"\b(user|perms|request|portal|csrf_token|messages|freshness|now)\b", tags)


def test_what_was_not_asked_for_longest_is_dropped_first() -> None:
    shelf, drawn = kept.Shelf[str](2), []

    def ask(name: str) -> None:
        if shelf.get(name) is None:
            drawn.append(shelf.put(name, name))

    for name in "abacab":
        ask(name)
    assert drawn == ["a", "b", "c", "b"]
