"""What people see of sources, and who may press what."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.models import AuditEntry
from apps.sources import queries, rows
from apps.sources.models import DeadLetter, Poll, Source, SourceState
from apps.sources.status import SourceStatus
from tests.factories import make_source


def page(name, *args):
    return reverse(f"sources:{name}", args=args)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.fixture
def polled(source):
    """A source with one good and one failed poll and one letter."""
    now = queries.database_time()
    rest = {"source": source, "claim_id": "7b7c6d0e-6a5e-4f59-8f34-1d3a4f6a3a11"}
    Poll.objects.create(
        **rest,
        started_at=now - timedelta(minutes=2),
        finished_at=now - timedelta(minutes=1),
        outcome="succeeded",
        fetched=12,
    )
    Poll.objects.create(
        **rest, started_at=now, finished_at=now, outcome="failed", error_class="timeout", error="Too slow."
    )
    DeadLetter.objects.create(
        source=source,
        kind="run",
        external_id="run-<b>9",
        reason="no state",
        payload={"a": "<i>"},
        first_seen_at=now,
        last_seen_at=now,
    )
    SourceState.objects.filter(source=source).update(
        failures=1, failing_since=now, error_class="timeout", error="Too slow.", last_success_at=now
    )
    return source


def test_the_list_says_how_each_source_is(polled, outsider, signed_in):
    response = signed_in(outsider).get(page("source-list"))
    assert response.status_code == 200
    assert "Failing" in text_of(response)
    assert "Too slow. It failed once." in text_of(response)
    assert "12" in text_of(response) or "0" in text_of(response)
    assert "No worker has given a sign of life" in text_of(response)


def test_the_list_does_not_ask_more_for_more_sources(polled, outsider, signed_in, django_assert_num_queries):
    client = signed_in(outsider)
    client.get(page("source-list"))
    with django_assert_num_queries(7) as counted:
        client.get(page("source-list"))
    for _ in range(10):
        make_source()
    with django_assert_num_queries(len(counted)):
        client.get(page("source-list"))


def test_an_empty_list_teaches_to_connect_the_first_source(outsider, signed_in):
    assert "Connect the first source" in text_of(signed_in(outsider).get(page("source-list")))


@pytest.mark.parametrize("status", SourceStatus.values)
def test_the_filter_by_status_and_the_badge_follow_the_same_rule(status, db, outsider, signed_in):
    from apps.sources.condition import judge_source

    now = queries.database_time()
    ages = [None, 0, 29, 44, 46, 89, 91, 5000]
    for age in ages:
        for failures in (0, 2):
            for is_enabled in (True, False):
                source = make_source(is_enabled=is_enabled, interval_seconds=30)
                heard = None if age is None else now - timedelta(seconds=age)
                SourceState.objects.filter(source=source).update(last_success_at=heard, failures=failures)
    listed = list(rows.source_rows(at=now))
    judged = {row.pk for row in listed if judge_source(source=row, state=row.state, at=now).status == status}
    found = {row.pk for row in queries.in_status(sources=rows.source_rows(at=now), status=status, at=now)}
    assert judged
    assert judged == found
    assert signed_in(outsider).get(page("source-list"), {"status": status}).status_code == 200


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_list_can_be_taken_away(kind, polled, outsider, signed_in):
    response = signed_in(outsider).get(page("source-list"), {"format": kind})
    assert polled.name in b"".join(response.streaming_content).decode()


def test_the_page_of_a_source_shows_everything_about_it(polled, outsider, signed_in):
    response = signed_in(outsider).get(polled.get_absolute_url())
    text = text_of(response)
    assert response.content.decode().count("<h1") == 1
    for said in ("Failing", "Too slow.", "Unreadable records", "run-&lt;b&gt;9", "no state", "Polled every 30 s"):
        assert said in text
    assert "the portal tries again by itself" in text


def test_the_page_of_a_source_asks_the_database_little(polled, outsider, signed_in, django_assert_max_num_queries):
    client = signed_in(outsider)
    client.get(polled.get_absolute_url())
    with django_assert_max_num_queries(30):
        client.get(polled.get_absolute_url())


@pytest.mark.parametrize("fragment", ["source-head", "source-progress", "source-recent"])
def test_a_fragment_renders_alone_and_fetches_itself(fragment, polled, outsider, signed_in):
    response = signed_in(outsider).get(page(fragment, polled.slug))
    html = response.content.decode()
    assert f'hx-get="{page(fragment, polled.slug)}"' in html
    assert f"live:source-{polled.pk} from:body" in html
    assert "<html" not in html


@pytest.mark.parametrize("listing", ["poll-list", "letter-list"])
def test_polls_and_letters_have_lists_of_their_own(listing, polled, outsider, signed_in):
    client = signed_in(outsider)
    assert client.get(page(listing, polled.slug)).status_code == 200
    export = client.get(page(listing, polled.slug), {"format": "json"})
    assert b"".join(export.streaming_content).count(b"{") > 1


def test_poll_now_shows_its_progress_until_it_is_over(source, author, signed_in):
    from apps.sync.claims import begin_polls, claim_due_sources

    client = signed_in(author)
    htmx = {"headers": {"HX-Request": "true"}}
    first = client.post(page("source-poll", source.slug), **htmx)
    assert "Waiting for a worker" in text_of(first)
    assert 'hx-trigger="every 1s"' in first.content.decode()
    assert "No worker is running" in text_of(first)
    claims = claim_due_sources(at=queries.database_time())
    assert "Waiting for a worker" in text_of(client.get(page("source-progress", source.slug)))
    begin_polls(claims=claims, at=queries.database_time())
    assert "Polling begun" in text_of(client.get(page("source-progress", source.slug)))
    SourceState.objects.update(claim_id=None, claimed_at=None, claimed_until=None, is_poll_requested=False)
    Poll.objects.update(outcome="succeeded", finished_at=queries.database_time(), fetched=4711)
    over = client.get(page("source-progress", source.slug))
    assert "4,711 records" in text_of(over)
    assert "every 1s" not in over.content.decode()


def test_poll_now_works_without_scripts(source, author, signed_in):
    response = signed_in(author).post(page("source-poll", source.slug))
    assert response.status_code == 302
    assert response.url == source.get_absolute_url()
    assert AuditEntry.objects.get().action == "source:poll"


def test_a_source_is_paused_and_resumed(source, author, signed_in):
    client = signed_in(author)
    client.post(page("source-pause", source.slug))
    assert not Source.objects.get().is_enabled
    shown = text_of(client.get(source.get_absolute_url()))
    assert "Paused" in shown
    assert "This source is paused; resume it first." in shown
    client.post(page("source-resume", source.slug))
    assert Source.objects.get().is_enabled
    assert sorted(AuditEntry.objects.values_list("action", flat=True)) == ["source:pause", "source:resume"]


def test_removing_says_what_goes_and_leaves_the_audit(polled, admin, signed_in):
    client = signed_in(admin)
    assert "Everything that came from it goes with it" in text_of(client.get(page("source-remove", polled.slug)))
    assert Source.objects.exists()
    assert client.post(page("source-remove", polled.slug)).status_code == 302
    assert not Source.objects.exists()
    assert not Poll.objects.exists()
    assert AuditEntry.objects.get().action == "source:remove"


POSTS = ["source-poll", "source-pause", "source-resume", "source-test"]


@pytest.mark.parametrize("name", [*POSTS, "source-remove", "source-change"])
def test_people_who_may_only_look_change_nothing(name, source, outsider, signed_in):
    assert signed_in(outsider).post(page(name, source.slug)).status_code == 403
    assert Source.objects.filter(is_enabled=True).exists()
    assert not AuditEntry.objects.exists()


def test_an_engineer_may_not_remove(source, author, signed_in):
    assert signed_in(author).post(page("source-remove", source.slug)).status_code == 403


@pytest.mark.parametrize("name", POSTS)
def test_looking_never_changes_anything(name, source, author, signed_in):
    assert signed_in(author).get(page(name, source.slug)).status_code == 405


@pytest.mark.parametrize("name", ["source-detail", "source-change", "source-head", "poll-list"])
def test_a_source_that_is_gone_is_not_found(name, db, author, signed_in):
    assert signed_in(author).get(page(name, "gone")).status_code == 404


def test_nobody_sees_sources_without_signing_in(source, client):
    for name in ("source-detail", "source-change", "source-progress"):
        assert client.get(page(name, source.slug)).status_code == 302
