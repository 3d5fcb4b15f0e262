"""From a due source to stored rows, over the real door, and back to a source that knows when it is next due."""

from __future__ import annotations

from datetime import timedelta

from apps.events.models import Event
from apps.pipelines.models import Run
from apps.sources import queries
from apps.sources.models import DeadLetter, Poll, RawRecord, SourceState
from apps.sources.status import Outcome
from tests.sync.upstream import http, items, run


def test_a_due_source_is_read_and_its_records_are_stored(source, upstream, poll):
    upstream.answer(items(run(1), run(2, "failed"), cursor={"page": 7}))
    state = poll(source)
    assert dict(Run.objects.values_list("external_id", "state")) == {"run-1": "succeeded", "run-2": "failed"}
    assert state.cursor == {"page": 7}
    assert state.claim_id is None
    assert state.claimed_until is None
    assert state.last_success_at == state.last_attempt_at
    assert state.last_change_at is not None
    assert timedelta(0) < state.next_poll_at - state.last_attempt_at <= timedelta(seconds=30)


def test_a_poll_leaves_a_row_that_says_what_it_brought_and_cost(source, upstream, poll):
    answer = items(run(1), run(2), {"id": "odd"})
    upstream.answer(answer)
    poll(source)
    row = Poll.objects.get()
    assert row.outcome == Outcome.SUCCEEDED
    assert (row.fetched, row.rejected, row.requests) == (3, 1, 1)
    assert row.changed == 3
    assert row.bytes_read == len(answer.partition(b"\r\n\r\n")[2])
    assert row.started_at < row.finished_at


def test_polling_the_same_again_changes_nothing(source, upstream, poll):
    upstream.answer(items(run(1)))
    first = poll(source)
    seen_at = RawRecord.objects.get(kind="run").seen_at
    second = poll(source)
    assert second.last_change_at == first.last_change_at
    assert Poll.objects.first().changed == 0
    assert RawRecord.objects.get(kind="run").seen_at == seen_at
    assert Run.objects.count() == 1


def test_the_vendors_own_item_is_kept_and_renewed(source, upstream, poll):
    upstream.answer(
        items(run(1, "running", note="a")), items(run(1, "succeeded", "2026-11-24T10:05:00+00:00", note="b"))
    )
    poll(source)
    poll(source)
    assert RawRecord.objects.get(kind="run").payload["note"] == "b"


def test_no_raw_items_are_kept_where_nobody_wants_them(source, upstream, poll):
    source.raw_kept_days = 0
    source.save()
    upstream.answer(items(run(1)))
    poll(source)
    assert not RawRecord.objects.exists()
    assert Run.objects.count() == 1


def test_an_unreadable_item_becomes_a_letter_that_counts_and_goes_when_it_heals(source, upstream, poll):
    bad = {"id": "run-2", "pipeline": "nightly", "state": "exploded", "updated": "2026-11-24T10:00:00+00:00"}
    upstream.answer(items(run(1), bad), items(run(1), bad), items(run(1), run(2)))
    poll(source)
    poll(source)
    letter = DeadLetter.objects.get()
    assert (letter.external_id, letter.count, letter.payload["state"]) == ("run-2", 2, "exploded")
    assert Run.objects.count() == 1
    poll(source)
    assert not DeadLetter.objects.exists()
    assert Run.objects.count() == 2


def test_a_secret_that_the_source_echoes_is_never_written_down(source, upstream, poll):
    from apps.sources.secrets import encrypt_secrets

    source.secrets = encrypt_secrets(source.pk, {"token": "canary-7f3a"})
    source.save()
    upstream.answer(items(run(1, echo="is canary-7f3a"), {"id": "odd", "why": "canary-7f3a"}))
    poll(source)
    assert "canary-7f3a" in upstream.asked[0]
    kept = (
        str(list(RawRecord.objects.values()))
        + str(list(DeadLetter.objects.values()))
        + str(list(Poll.objects.values()))
    )
    assert "canary" not in kept
    assert "•••" in kept


def test_more_to_read_makes_the_source_due_at_once_and_nothing_fresher(source, upstream, poll):
    upstream.answer(items(run(1), more=True, cursor={"page": 1}), items(run(2), cursor={"page": 2}))
    state = poll(source)
    assert state.has_backlog
    assert state.last_success_at is None
    assert state.next_poll_at <= queries.database_time()
    state = poll(source)
    assert not state.has_backlog
    assert state.last_success_at is not None
    assert state.cursor == {"page": 2}


def test_the_upstreams_clock_is_compared_with_ours(source, upstream, poll):
    upstream.answer(items(run(1), headers={"Date": "Tue, 24 Nov 2020 10:00:00 GMT"}))
    state = poll(source)
    assert state.skew_seconds < -86_400
    assert state.last_success_at == state.last_attempt_at  # by our own database's clock


def test_a_paused_source_is_not_asked(source, upstream, poll):
    source.is_enabled = False
    source.save()
    poll(source)
    assert upstream.asked == []


def test_a_thing_missing_from_two_complete_listings_is_gone_and_from_one_is_not(source, upstream, poll):
    listing = items(run(2), listed=["run-2"])
    upstream.answer(items(run(1), run(2), listed=["run-1", "run-2"]), listing, listing)
    poll(source)
    poll(source)
    assert Run.objects.get(external_id="run-1").gone_at is None
    poll(source)
    assert Run.objects.get(external_id="run-1").gone_at is not None
    assert Run.objects.get(external_id="run-2").gone_at is None


def test_news_that_comes_late_or_twice_never_overwrites_newer(source, upstream, poll):
    late, early = run(1, "succeeded", "2026-11-24T10:09:00+00:00"), run(1, "running", "2026-11-24T10:01:00+00:00")
    upstream.answer(items(late, early, late), items(early))
    poll(source)
    poll(source)
    assert Run.objects.get().state == "succeeded"


def test_people_hear_of_the_first_failure_and_of_the_recovery_and_of_nothing_between(source, upstream, poll):
    upstream.answer(items(run(1)), http(500), items(run(1)), items(run(1)))
    poll(source)
    state = poll(source)
    assert (state.failures, state.error_class) == (0, ""), "Http asks again after a 500"
    upstream.answer(http(404))
    poll(source)
    poll(source)
    upstream.answer(items(run(1)))
    state = poll(source)
    poll(source)
    kinds = list(Event.objects.filter(kind__startswith="source:").order_by("id").values_list("kind", flat=True))
    assert kinds == ["source:poll:failed", "source:poll:recovered"]
    assert SourceState.objects.get().failures == 0
    assert state.error == ""


def test_a_source_that_asks_for_quiet_is_left_alone_though_it_did_not_fail(source, upstream, poll):
    upstream.answer(items(run(1), pause=600, more=True))
    state = poll(source)
    assert (state.failures, state.circuit) == (0, "closed")
    assert timedelta(seconds=590) < state.not_before - state.last_attempt_at < timedelta(seconds=610)
    assert state.next_poll_at == state.not_before
