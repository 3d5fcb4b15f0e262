"""What a source lets us read is looked at again by itself, under the poll's claim, and never harms the poll."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from apps.events.models import Event
from apps.sources import queries
from apps.sources.models import Poll, SourceState
from apps.sync import looking
from apps.sync.claims import begin_polls, claim_due_sources
from tests.factories import make_source
from tests.sync.upstream import http, items, run

POOR, RICH = items(run(1)), items(run(1), grants=["costs"])


@pytest.fixture
def due(source):
    """The source of this test, whose rights are to be looked at with its next poll."""
    SourceState.objects.filter(source=source).update(scopes_due_at=queries.database_time())
    return source


def told():
    return list(Event.objects.filter(kind__startswith="source:scope").order_by("pk").values_list("kind", "title"))


def test_a_look_that_is_due_keeps_every_right_with_its_reason(due, upstream, poll):
    upstream.answer(POOR)
    state = poll(due)
    assert state.missing_scopes == ["costs"]
    assert state.scopes == [
        {"name": "runs", "why": "read runs", "is_granted": True},
        {"name": "costs", "why": "read what runs cost", "is_granted": False},
    ]
    assert state.scopes_checked_at is not None
    assert Poll.objects.get().requests == 1, "the look has a budget of its own"


def test_the_next_look_is_at_most_a_day_away(due, upstream, poll):
    upstream.answer(POOR)
    state = poll(due)
    assert timedelta(0) < state.scopes_due_at - state.scopes_checked_at <= timedelta(days=1)
    poll(due)
    assert len(upstream.asked) == 3, "one poll with a look and one without"


def test_a_source_that_was_never_planned_is_looked_at_later_and_not_at_once(source, upstream, poll):
    upstream.answer(POOR)
    state = poll(source)
    assert len(upstream.asked) == 1
    assert state.scopes_due_at - queries.database_time() > timedelta(minutes=50)


def test_looks_of_many_sources_are_spread_over_the_day(source):
    at = queries.database_time()
    planned = []
    for _ in range(40):
        one = make_source()
        looking.note_look(state=one.state, source=one, found=None, is_good=True, at=at)
        planned.append(one.state.scopes_due_at)
    hours = {int((due - at).total_seconds() // 3600) for due in planned}
    assert len(hours) > 10


def test_a_right_that_goes_missing_or_comes_back_is_told_once(due, upstream, poll):
    for answer in (POOR, POOR, RICH, RICH):
        upstream.answer(answer)
        poll(due, scopes_due_at=queries.database_time())
    assert told() == [
        ("source:scope:missing", f"{due.name} does not grant costs"),
        ("source:scope:granted", f"{due.name} grants costs again"),
    ]
    assert Event.objects.get(kind="source:scope:missing").detail == "costs: read what runs cost"


def test_a_look_that_fails_is_no_failure_of_the_source(due, upstream, poll):
    upstream.answer(POOR, POOR, POOR, http(500))
    before = poll(due)
    state = poll(due, scopes_due_at=queries.database_time())
    assert state.failures == 0
    assert state.missing_scopes == ["costs"]
    assert state.scopes_checked_at == before.scopes_checked_at
    assert state.scopes_due_at > queries.database_time()


def test_a_look_that_never_ends_is_given_up_and_the_poll_counts(due, upstream, poll, monkeypatch):
    monkeypatch.setattr(looking, "LOOK_SECONDS", 0.3)
    upstream.answer(POOR, lambda client, served: served.released.wait(20))
    began = time.monotonic()
    state = poll(due)
    assert state.last_success_at is not None
    assert time.monotonic() - began < 10


def test_a_credential_that_begins_to_be_refused_is_looked_at_once(source, upstream, poll):
    upstream.answer(http(401))
    poll(source)
    assert len(upstream.asked) == 2
    poll(source)
    assert len(upstream.asked) == 3


def test_a_credential_that_is_accepted_again_is_looked_at_at_once(source, upstream, poll):
    upstream.answer(http(401))
    poll(source)
    upstream.answer(POOR)
    state = poll(source)
    assert state.missing_scopes == ["costs"]
    assert state.scopes_checked_at is not None


def test_other_failures_are_no_reason_to_look(due, upstream, poll):
    upstream.answer(http(500, Retry_After="1"))
    poll(due)
    state = SourceState.objects.get(source=due)
    assert state.scopes_checked_at is None
    assert state.scopes_due_at <= queries.database_time(), "it stays due"


def test_a_task_has_room_for_a_bounded_number_of_looks(due, upstream, poll, monkeypatch):
    monkeypatch.setattr(looking.Room, "take", lambda room: False)
    upstream.answer(POOR)
    state = poll(due)
    assert len(upstream.asked) == 1
    assert state.scopes_due_at <= queries.database_time(), "the next poll looks"


def test_room_is_taken_until_there_is_none():
    room = looking.Room(2)
    assert [room.take(), room.take(), room.take(), room.take()] == [True, True, False, False]


def test_a_poll_whose_claim_was_lost_leaves_no_rights_behind(due, upstream):
    from apps.sync import services

    upstream.answer(POOR)
    claims = claim_due_sources(at=queries.database_time())
    jobs = begin_polls(claims=claims, at=queries.database_time())
    assert jobs[0].is_look_due
    SourceState.objects.filter(source=due).update(claim_id="7b7c6d0e-6a5e-4f59-8f34-1d3a4f6a3a11")
    services.poll_all(claims=claims, at=queries.database_time())
    assert SourceState.objects.get(source=due).scopes == []


def test_a_new_source_is_looked_at_with_its_first_poll(author, upstream, poll):
    from apps.sources.services import SourceDraft, create_source

    draft = SourceDraft(name="New", connector="scripted", config={"url": upstream.url}, interval_seconds=30)
    source = create_source(draft=draft, actor=author)
    upstream.answer(POOR)
    assert poll(source).missing_scopes == ["costs"]
