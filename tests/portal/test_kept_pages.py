"""A page that is kept is shown only to the reader it was drawn for, as that reader and the moment are now."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.middleware.csrf import _does_token_match
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.core import kept
from apps.pipelines.models import Pipeline, Run
from apps.sources.models import Source
from tests.factories import make_feature, make_source
from tests.pipelines.factories import make_pipeline, make_run

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
OVERVIEW, PIPELINES = reverse("portal:overview"), reverse("pipelines:pipeline-list")
PAGES = [OVERVIEW, PIPELINES, reverse("pipelines:run-list"), reverse("portal:feature-list")]
TOKEN = re.compile(r'(?<=csrfmiddlewaretoken" value=")[^"]+|(?<="X-CSRFToken": ")[^"]+')
every_page = pytest.mark.parametrize("url", PAGES)


@pytest.fixture
def run() -> Run:
    """A run that failed ten minutes ago."""
    pipeline = make_pipeline(name="Nightly", feature=make_feature(name="Search"), source=make_source(name="Prefect"))
    return make_run(pipeline, state="failed", error="It broke.", at=NOW - timedelta(minutes=10))


@pytest.fixture
def read(signed_in, outsider, run) -> Callable[..., str]:
    """`read(url)` answers the page as it is at `at`, after it was asked for until all of it is kept."""
    client = signed_in(outsider)

    def reading(url: str, at: datetime = NOW, times: int = 4) -> str:
        with time_machine.travel(at, tick=False):
            pages = [client.get(url).content.decode() for _ in range(times)]
        return pages[-1]

    return reading


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was drawn and not taken from what is kept."""
    found: list[str] = []
    cut = kept.cut
    monkeypatch.setattr(kept, "cut", lambda markup: found.append(markup) or cut(markup))
    return found


def _commit() -> None:
    Source.objects.create(slug="other", name="Other", connector="prefect")
    Source.objects.filter(slug="other").delete()


@every_page
def test_an_unchanged_page_asks_one_question(read, url: str, drawn: list[str]) -> None:
    read(url)
    drawn.clear()
    with CaptureQueriesContext(connection) as queries:
        read(url, times=1)
    assert drawn == []
    assert ["pg_current_snapshot" in one["sql"] for one in queries] == [True]


def test_after_a_commit_that_changes_no_answer_the_list_is_not_drawn_again(read, drawn: list[str]) -> None:
    html = read(PIPELINES)
    drawn.clear()
    _commit()
    again = read(PIPELINES, times=1)
    assert drawn == []
    assert TOKEN.sub("", again) == TOKEN.sub("", html)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (lambda run: Pipeline.objects.update(name="Weekly"), "Weekly"),
        (lambda run: Run.objects.update(attempts=2, state="succeeded"), "1 passed on retry"),
        (lambda run: Source.objects.update(name="Dagster"), "Dagster"),
        (lambda run: make_feature(name="Another feature"), "Another feature"),  # in the filter
        (lambda run: make_run(run.pipeline, state="queued", at=NOW + timedelta(hours=3)), "in 3 h"),
    ],
)
def test_a_commit_that_changes_an_answer_is_seen_at_once(
    read, run, change: Callable[[Run], object], shown: str
) -> None:
    assert shown not in read(PIPELINES)
    _commit()
    assert shown not in read(PIPELINES)
    change(run)
    assert shown in read(PIPELINES, times=1)


@every_page
@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("theme", "dark", 'data-theme="dark"'),
        ("density", "compact", 'data-density="compact"'),
        ("time_zone", "Asia/Tokyo", 'data-zone="Asia/Tokyo"'),
        ("full_name", "Someone Else", "Someone Else"),
        ("role", "admin", "Audit log"),
        ("has_shortcuts", False, 'data-shortcuts="off"'),
    ],
)
def test_what_a_reader_changes_is_seen_at_once(read, url: str, field: str, value: object, shown: str) -> None:
    assert shown not in read(url)
    User.objects.update(**{field: value})
    assert shown in read(url, times=1)


@every_page
def test_a_reader_with_other_rights_sees_another_frame(read, client, url: str, admin) -> None:
    assert "Audit log" not in read(url)
    client.force_login(admin)
    assert "Audit log" in read(url)


@every_page
def test_the_clock_and_ages_are_those_of_the_minute(read, url: str) -> None:
    assert ">09:00</time>" in read(url)
    assert ">09:01</time>" in read(url, NOW + timedelta(minutes=1), times=1)
    assert "11 min ago" in read(PIPELINES, NOW + timedelta(minutes=1), times=1)


@every_page
def test_every_answer_carries_a_token_of_its_own_that_opens_forms(read, client, url: str) -> None:
    tokens = set()
    for _ in range(2):
        found = set(re.findall(r'csrfmiddlewaretoken" value="([^"]+)"|"X-CSRFToken": "([^"]+)"', read(url)))
        (token,) = {one or other for one, other in found}
        assert _does_token_match(token, client.cookies["csrftoken"].value)
        tokens.add(token)
    assert len(tokens) == 2


@every_page
def test_a_kept_page_is_no_way_in_after_signing_out(read, client, url: str) -> None:
    cookie = client.cookies["opsportal_session"].value
    read(url)
    client.post(reverse("accounts:sign-out"))
    client.cookies["opsportal_session"] = cookie
    assert client.get(url).status_code == 302


@pytest.mark.parametrize("change", [{"session_generation": 1}, {"is_active": False}, {"password": "!"}])
def test_whoever_is_shut_out_is_out_at_once(read, client, change: dict[str, object]) -> None:
    read(OVERVIEW)
    User.objects.update(**change)
    assert client.get(OVERVIEW).status_code == 302


def test_a_message_is_shown_once_and_kept_for_nobody(read, client) -> None:
    read(PIPELINES)
    with time_machine.travel(NOW, tick=False):
        client.post(reverse("accounts:profile"), {"full_name": "Ann", "theme": "dark", "density": "comfortable"})
    toasts = [read(PIPELINES, times=1).count('<div class="toast') for _ in range(3)]
    assert toasts[0] - 1 == toasts[1] == toasts[2]  # the other ones wait for the script


def test_the_answer_varies_with_the_cookie(read, client) -> None:
    read(PIPELINES)
    assert "Cookie" in client.get(PIPELINES)["Vary"]
