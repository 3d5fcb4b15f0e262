"""What is thrown away, and what never is."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from apps.sources import queries, tasks, tidying
from apps.sources.models import DeadLetter, Heartbeat, Poll, RawRecord
from tests.factories import make_source


def test_old_polls_go_but_the_last_of_every_source_stay(db, monkeypatch):
    monkeypatch.setattr(tidying, "LAST_POLLS", 3)
    monkeypatch.setattr(tidying, "BATCH", 2)
    now = queries.database_time()
    busy, quiet = make_source(), make_source()
    for source, ages in ((busy, [0, 1, 6, 8, 9, 10, 11, 12]), (quiet, [20, 30])):
        Poll.objects.bulk_create(
            Poll(source=source, claim_id=uuid4(), started_at=now - timedelta(days=age)) for age in ages
        )
    assert tidying.tidy(at=now)["polls"] == 5
    assert Poll.objects.filter(source=busy).count() == 3
    assert Poll.objects.filter(source=quiet).count() == 2


def test_original_records_stay_as_long_as_their_source_wants(db):
    now = queries.database_time()
    for kept, age in ((30, 29), (30, 31), (5, 6), (5, 1)):
        source = make_source(raw_kept_days=kept)
        RawRecord.objects.create(source=source, kind="run", external_id="r", seen_at=now - timedelta(days=age))
    assert tidying.tidy(at=now)["originals"] == 2


def test_letters_and_signs_of_life_go_too_and_the_task_says_so(db):
    now = queries.database_time()
    source = make_source()
    for n, age in enumerate((1, 40)):
        at = now - timedelta(days=age)
        DeadLetter.objects.create(
            source=source, kind="run", external_id=str(n), reason="x", first_seen_at=at, last_seen_at=at
        )
        Heartbeat.objects.create(worker=f"w{n}", at=at + timedelta(minutes=5))
    assert tasks.tidy_sources(argument_of_a_later_version=1) == (
        "0 polls, 0 originals, 1 letters, 1 heartbeats, 0 deliveries, 0 memories removed"
    )
