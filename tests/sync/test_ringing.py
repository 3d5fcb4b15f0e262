"""A webhook that comes while its source is read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.connectors.records import Batch
from apps.sources.models import SourceState
from apps.sources.queries import database_time
from apps.sync import standing
from apps.sync.claims import begin_polls, claim_due_sources
from apps.sync.fetch import Fetched
from tests.factories import make_source


@pytest.mark.parametrize(("rung_after", "is_soon"), [(-1, False), (1, True)])
def test_a_ring_during_a_poll_asks_for_another(db, rung_after, is_soon):
    source = make_source(interval_seconds=600)
    at = database_time()
    (job,) = begin_polls(claims=claim_due_sources(at=at), at=at)
    state = SourceState.objects.get(source=source)
    state.rung_at = job.started_at + timedelta(seconds=rung_after)
    fetched = Fetched(job=job, batch=Batch())
    standing.note_success(state=state, fetched=fetched, changed=0, at=at + timedelta(seconds=1))
    assert (state.next_poll_at - at <= timedelta(seconds=2)) is is_soon
