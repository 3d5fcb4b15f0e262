"""What the list and the page of a source say about reading it, at any number of sources, the worst first."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.connectors.base import Scope
from apps.connectors.errors import ErrorClass
from apps.connectors.records import Kind
from apps.events.models import Event
from apps.sources import listings, queries, rows, services
from apps.sources.condition import judge_source
from apps.sources.failures import ADVICE, FailureKind, advice
from apps.sources.freshness import Age, Freshness, judge_freshness, lag_of
from apps.sources.models import DeadLetter, ExternalName, Poll, Source, SourceState
from tests.factories import make_feature, make_source

CLAIM = "7b7c6d0e-6a5e-4f59-8f34-1d3a4f6a3a11"


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def listed(client, **query) -> list[str]:
    html = client.get(reverse("sources:source-list"), query).content.decode()
    return re.findall(r'rowlink__name">([^<]+)<', html)


def made(name: str, *, at, heard: float | None = 5, **state) -> Source:
    """A source with a name, heard so many seconds ago, in a state."""
    source = make_source(name=name, is_enabled=state.pop("is_enabled", True))
    heard_at = None if heard is None else at - timedelta(seconds=heard)
    SourceState.objects.filter(source=source).update(last_success_at=heard_at, **state)
    return source


def spoke_of(source: Source, name: str, *, at, **fields) -> None:
    ExternalName.objects.create(source=source, kind=Kind.RUN, name=name, first_seen_at=at, last_seen_at=at, **fields)


def set_aside(source: Source, number: int, *, at) -> None:
    DeadLetter.objects.bulk_create(
        DeadLetter(source=source, kind="run", external_id=str(n), reason="odd", first_seen_at=at, last_seen_at=at)
        for n in range(number)
    )


@pytest.fixture
def at(db):
    return queries.database_time()


def test_every_class_of_failure_has_a_name_a_look_and_advice():
    assert set(FailureKind.values) == {str(one) for one in ErrorClass} == {str(one) for one in ADVICE}
    assert all(kind.look.label and advice(kind).endswith(".") for kind in FailureKind)
    assert advice("of another version").startswith("Check that the address")


@pytest.mark.parametrize(
    ("seconds", "intervals", "words"),
    [(12, 0.4, "within its 30 s"), (42, 1.4, "1.4 intervals of 30 s"), (9000, 3.0, "300 intervals of 30 s")],
)
def test_lag_is_told_in_intervals_and_its_meter_ends_where_numbers_are_old(seconds, intervals, words):
    now = timezone.now()
    age = judge_freshness(last_success_at=now - timedelta(seconds=seconds), interval_seconds=30, at=now)
    lag = lag_of(age=age, interval_seconds=30)
    assert (lag.intervals, lag.words) == (pytest.approx(intervals), words)
    assert lag.is_late is (seconds > 45)


def test_a_source_that_was_never_heard_has_a_full_meter():
    lag = lag_of(age=Age(Freshness.UNKNOWN, "Never heard yet."), interval_seconds=30)
    assert (lag.intervals, lag.words, lag.is_late) == (lag.full, "never heard", True)


def test_a_source_that_fails_for_a_day_shows_why_in_one_sentence(at, outsider, signed_in):
    error = "gitlab.example.com refuses the credentials (401); renew them or grant them read access."
    source = made(
        "GitLab",
        at=at,
        heard=86_500,
        failures=97,
        failing_since=at - timedelta(days=1),
        error=error,
        error_class="auth",
        circuit="open",
    )
    sentence = f"{error} It failed 97 times in a row, for 1 d now."
    client = signed_in(outsider)
    for response in (client.get(reverse("sources:source-list")), client.get(source.get_absolute_url())):
        text = text_of(response)
        assert sentence in text
        assert "Credential refused" in text
    assert "Enter a credential that is still valid" in text_of(client.get(source.get_absolute_url()))


def test_the_worst_comes_first(at, outsider, signed_in):
    made("paused", at=at, is_enabled=False, failures=9)
    made("fresh", at=at)
    made("behind", at=at, has_backlog=True)
    made("poor", at=at, missing_scopes=["costs"])
    made("late", at=at, heard=60)
    made("unheard", at=at, heard=None)
    made("stale", at=at, heard=500)
    made("failed just now", at=at, failures=1, failing_since=at)
    made("failing for hours", at=at, failures=9, failing_since=at - timedelta(hours=2))
    made("left alone", at=at, failures=5, failing_since=at, circuit="open")
    assert listed(signed_in(outsider)) == [
        "left alone",
        "failing for hours",
        "failed just now",
        "stale",
        "unheard",
        "late",
        "poor",
        "behind",
        "fresh",
        "paused",
    ]


def test_each_filter_finds_its_sources(at, outsider, signed_in):
    made("fine", at=at)
    made("poor", at=at, missing_scopes=["costs"])
    made("behind", at=at, has_backlog=True)
    made("refused", at=at, failures=2, error_class="auth", circuit="open")
    odd, unknown, mapped = made("odd", at=at), made("unknown", at=at), made("mapped", at=at)
    set_aside(odd, 2, at=at)
    feature = make_feature()
    spoke_of(unknown, "nightly", at=at, unplaced=1)
    spoke_of(mapped, "nightly", at=at, feature=feature)
    client = signed_in(outsider)
    assert listed(client, trouble="missing_rights") == ["poor"]
    assert listed(client, trouble="catching_up") == ["behind"]
    assert listed(client, trouble="unreadable") == ["odd"]
    assert listed(client, trouble="unmatched") == ["unknown"]
    assert "mapped" not in listed(client, trouble="no_feature")
    assert listed(client, failure="auth") == ["refused"]
    assert listed(client, circuit="open") == ["refused"]
    assert listed(client, feature=feature.slug) == ["mapped"]
    assert listed(client, trouble=["unreadable", "unmatched"]) == []


def test_every_column_that_is_shown_can_be_sorted_both_ways(at, outsider, signed_in):
    made("one", at=at)
    made("two", at=at, heard=None)
    client = signed_in(outsider)
    for column in listings.source_listing(at=at).columns:
        if column.is_shown:
            assert len(listed(client, sort=column.key)) == 2, column.key
            assert len(listed(client, sort=f"-{column.key}")) == 2, column.key


def test_a_row_shows_rights_unreadable_records_unmatched_names_and_features(at, outsider, signed_in):
    source = made("busy", at=at, missing_scopes=["costs", "usage"])
    set_aside(source, 105, at=at)
    for number in range(4):
        spoke_of(source, f"name-{number}", at=at, unplaced=int(number < 3))
    spoke_of(source, "known", at=at, feature=make_feature())
    for number in range(3):
        Poll.objects.create(
            source=source,
            claim_id=CLAIM,
            started_at=at - timedelta(minutes=number),
            finished_at=at,
            outcome="failed" if number == 1 else "succeeded",
            fetched=number * 7,
        )
    row = rows.source_rows(at=at).get()
    assert row.brought == [0, None, 14], "newest first, nothing for a failure"
    assert (row.letters, row.unmatched, row.names, row.missing, row.features) == (101, 3, 5, 2, 1)
    html = signed_in(outsider).get(reverse("sources:source-list")).content.decode()
    assert "100+" in html
    assert f"/sources/unmatched/?source={source.slug}&amp;state=waiting" in html
    assert 'title="costs, usage"' in html


def many(number: int, *, at) -> None:
    """So many sources, each with a letter, names and polls."""
    made_now = Source.objects.bulk_create(
        Source(slug=f"bulk-{n}", name=f"Bulk {n:04}", connector="prometheus") for n in range(number)
    )
    SourceState.objects.bulk_create(
        SourceState(source=one, failures=one.pk % 3, error="Too slow.", error_class="timeout") for one in made_now
    )
    Poll.objects.bulk_create(
        Poll(source=one, claim_id=CLAIM, started_at=at, outcome="succeeded", fetched=3) for one in made_now
    )
    for one in made_now:
        one.seen = {"first_seen_at": at, "last_seen_at": at}
    DeadLetter.objects.bulk_create(
        DeadLetter(source=one, kind="run", external_id="1", reason="odd", **one.seen) for one in made_now
    )
    ExternalName.objects.bulk_create(
        ExternalName(source=one, kind="run", name=f"n{n}", unplaced=n % 2, **one.seen)
        for one in made_now
        for n in range(4)
    )


@pytest.mark.parametrize("query", [{}, {"sort": "-letters"}, {"trouble": "unmatched"}, {"sort": "features"}])
def test_a_thousand_sources_cost_what_ten_do(query, at, outsider, signed_in, django_assert_num_queries):
    client, page = signed_in(outsider), reverse("sources:source-list")
    many(10, at=at)
    client.get(page, query)
    with django_assert_num_queries(7):
        small = client.get(page, query)
    Source.objects.all().delete()
    many(1000, at=at)
    with django_assert_num_queries(7):
        large = client.get(page, query)
    assert large.content.count(b"<tr>") == 51, "fifty rows and the head"
    assert len(large.content) < 50 / 10 * len(small.content)
    assert len(large.content) < 250_000


def test_the_page_of_a_source_says_how_reading_goes(at, outsider, signed_in):
    source = made(
        "Prometheus",
        at=at,
        has_backlog=True,
        cursor={"queries": {"a": {"until": 1_790_000_000}}},
        scopes=[
            {"name": "series", "why": "read series by PromQL", "is_granted": True},
            {"name": "alerts", "why": "read alerts that fire", "is_granted": False},
        ],
        missing_scopes=["alerts"],
        scopes_checked_at=at,
    )
    spoke_of(source, "a", at=at, unplaced=1)
    spoke_of(source, "b", at=at)
    text = text_of(signed_in(outsider).get(source.get_absolute_url()))
    for said in (
        "Within its 30 s",
        "Catching up. Numbers up to 21 September 2026",
        "1 of 2 have a place",
        "1 waits",
        "No record",
        "alerts : read alerts that fire – not granted",
        "series : read series by PromQL",
        "looked at",
    ):
        assert said in text


def test_the_health_card_renders_alone_and_fetches_itself(at, outsider, signed_in, django_assert_max_num_queries):
    source = made("Prometheus", at=at)
    client, address = signed_in(outsider), reverse("sources:source-health", args=[source.slug])
    client.get(address)
    with django_assert_max_num_queries(12):
        html = client.get(address).content.decode()
    assert f'hx-get="{address}"' in html
    assert "<html" not in html


def test_a_cursor_of_another_version_does_not_break_the_page(at, outsider, signed_in, monkeypatch):
    from apps.connectors.registry import CONNECTORS

    def broken(_cursor):
        raise KeyError("of another version")

    monkeypatch.setattr(CONNECTORS["prometheus"], "progress", broken)
    source = made("Prometheus", at=at, has_backlog=True)
    assert "Catching up." in text_of(signed_in(outsider).get(source.get_absolute_url()))


def test_a_source_without_its_connector_still_has_a_page(at, outsider, signed_in):
    source = made("Old", at=at, has_backlog=True)
    Source.objects.filter(pk=source.pk).update(connector="gone")
    assert signed_in(outsider).get(source.get_absolute_url()).status_code == 200


def test_a_connection_test_of_the_stored_settings_tells_what_has_changed(at):
    source = made("Prometheus", at=at)
    granted = Scope(name="series", why="read series", is_granted=True)
    services.note_scopes(source=source, scopes=[granted], at=at)
    services.note_scopes(source=source, scopes=[Scope(name="series", why="read", is_granted=False)], at=at)
    services.note_scopes(source=source, scopes=[granted], at=at)
    assert list(Event.objects.order_by("pk").values_list("kind", flat=True)) == [
        "source:scope:missing",
        "source:scope:granted",
    ]
    assert SourceState.objects.get().missing_scopes == []


def test_a_failing_source_that_is_paused_counts_as_paused(at):
    source = made("x", at=at, failures=3, is_enabled=False)
    source = Source.objects.select_related("state").get(pk=source.pk)
    assert judge_source(source=source, state=source.state, at=at).status == "paused"
