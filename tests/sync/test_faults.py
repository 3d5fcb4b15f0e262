"""Every way a source can misbehave, through the real poller and the real door: classed, told, and nothing lost."""

from __future__ import annotations

import gzip
import json
import time
from datetime import timedelta
from typing import Any

import pytest

from apps.connectors import http as door
from apps.events.models import Event
from apps.pipelines.models import Run
from apps.sources import queries
from apps.sources.models import Circuit, Poll, SourceState
from apps.sources.status import Outcome
from apps.sync import fetch
from tests.factories import make_source
from tests.sync import upstream as upstreams
from tests.sync.upstream import http, items, run

JSON = {"Content_Type": "application/json"}


@pytest.fixture(autouse=True)
def _short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules with shorter clocks."""
    short = door.Limits(total_seconds=1.0, fetch_seconds=1.5, backoff_seconds=0.01, max_bytes=200_000)
    open_door = fetch.open_door
    monkeypatch.setattr(fetch, "open_door", lambda **how: open_door(**how, limits=short))
    monkeypatch.setattr(fetch, "TOTAL_SECONDS", 2.0)


def drip(client: Any, upstream: Any) -> None:
    """A body that never ends, one byte at a time."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n")
    while not upstream.released.wait(0.05):
        client.sendall(b" ")


def silence(client: Any, upstream: Any) -> None:
    """Accepts and never answers."""
    upstream.released.wait(20)


def hang_up(client: Any, upstream: Any) -> None:
    """Closes without a word."""


FAULTS = {
    "never answers": (silence, "timeout"),
    "drips its body": (drip, "timeout"),
    "hangs up": (hang_up, "unreachable"),
    "refuses the credentials": (http(401), "auth"),
    "forbids": (http(403), "auth"),
    "does not know the address": (http(404), "not_found"),
    "asks to slow down": (http(429, Retry_After="120"), "rate_limit"),
    "breaks": (http(500), "upstream"),
    "is away": (http(503), "upstream"),
    "shows a login page": (http(200, "<html>sign in</html>", Content_Type="text/html"), "auth_or_proxy"),
    "shows a login page as JSON": (http(200, "<html>sign in</html>", **JSON), "auth_or_proxy"),
    "talks no JSON": (http(200, "{oops", **JSON), "malformed"),
    "says NaN": (http(200, '{"items": NaN}', **JSON), "malformed"),
    "repeats a key": (http(200, '{"items": [], "items": []}', **JSON), "malformed"),
    "nests too deep": (http(200, "[" * 100_000, **JSON), "malformed"),
    "answers with a list": (http(200, "[]", **JSON), "schema"),
    "sends too much": (http(200, json.dumps({"items": ["x" * 300_000]}), **JSON), "too_large"),
    "sends a bomb": (http(200, gzip.compress(b" " * 50_000_000), Content_Encoding="gzip", **JSON), "too_large"),
    "breaks off": (items(run(1))[:-10], "protocol"),
    "redirects": (http(302, Location="http://169.254.169.254/latest/meta-data"), "redirect"),
    "redirects to a file": (http(302, Location="file:///etc/passwd"), "redirect"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_source_that(fault, source, upstream, poll):
    answer, expected = FAULTS[fault]
    upstream.answer(items(run(1), cursor={"page": 1}))
    before = poll(source)
    upstream.answer(answer)
    started = time.monotonic()
    state = poll(source)
    assert time.monotonic() - started < 3
    assert state.error_class == expected
    assert state.error.endswith((".", "?"))
    assert state.failures == 1
    assert state.cursor == {"page": 1}, "the place to go on from stays"
    assert state.last_success_at == before.last_success_at, "the last good news stay the last good news"
    assert state.claim_id is None
    assert state.next_poll_at > queries.database_time() or state.next_poll_at > state.last_attempt_at
    assert Run.objects.get().state == "succeeded", "the last good value stays"
    assert Poll.objects.first().outcome == Outcome.FAILED
    assert Event.objects.filter(kind="source:poll:failed").count() == 1


def test_a_source_that_nobody_serves_is_unreachable(db, poll):
    with upstreams.serve() as gone:
        url = gone.url
    state = poll(make_source(connector="scripted", config={"url": url}))
    assert state.error_class == "unreachable"


def test_a_source_in_a_closed_network_is_never_connected_to(db, upstream, poll, settings):
    settings.ALLOWED_NETWORKS = []
    state = poll(make_source(connector="scripted", config={"url": upstream.url}))
    assert state.error_class == "blocked_address"
    assert upstream.asked == []


def test_a_source_may_open_its_own_network(db, upstream, poll, settings):
    settings.ALLOWED_NETWORKS = []
    source = make_source(connector="scripted", config={"url": upstream.url}, allowed_networks=["127.0.0.1"])
    assert poll(source).failures == 0


def test_refused_credentials_open_the_circuit_at_once(source, upstream, poll):
    upstream.answer(http(401))
    state = poll(source)
    assert state.circuit == Circuit.OPEN
    assert timedelta(minutes=14) < state.next_poll_at - state.last_attempt_at < timedelta(minutes=16)


def test_five_failures_open_the_circuit_and_one_good_answer_closes_it(source, upstream, poll):
    upstream.answer(http(404))
    states = [poll(source) for _ in range(6)]
    assert [state.circuit for state in states] == ["closed"] * 4 + ["open"] * 2
    pauses = [(state.next_poll_at - state.last_attempt_at).total_seconds() for state in states[4:]]
    assert pauses == pytest.approx([30, 60], abs=2)
    upstream.answer(items(run(1)))
    state = poll(source)
    assert (state.circuit, state.failures, state.circuit_opened_at) == ("closed", 0, None)


def test_a_source_that_asks_for_a_pause_is_left_alone_even_when_somebody_presses_poll_now(source, upstream, poll):
    from apps.sources.services import request_poll
    from apps.sync.claims import claim_due_sources

    upstream.answer(http(429, Retry_After="120"))
    state = poll(source)
    asked = len(upstream.asked)
    assert timedelta(seconds=115) < state.not_before - state.last_attempt_at < timedelta(seconds=125)
    now = queries.database_time()
    assert not request_poll(source=source, at=now, actor=None)
    assert claim_due_sources(at=now + timedelta(seconds=100)) == []
    assert len(claim_due_sources(at=now + timedelta(seconds=130))) == 1
    assert len(upstream.asked) == asked


def test_a_source_that_is_away_and_says_until_when_is_asked_once_and_not_before(source, upstream, poll):
    upstream.answer(http(503, Retry_After="60"))
    state = poll(source)
    assert len(upstream.asked) == 1
    assert timedelta(seconds=58) < state.not_before - state.last_attempt_at < timedelta(seconds=63)
    assert state.next_poll_at >= state.not_before


@pytest.mark.parametrize("asked", ["-5", "99999999", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 1990 00:00:00 GMT"])
def test_an_absurd_pause_is_clamped(asked, source, upstream, poll):
    upstream.answer(http(429, Retry_After=asked))
    state = poll(source)
    assert timedelta(seconds=0) < state.not_before - state.last_attempt_at < timedelta(seconds=3603)


def test_our_own_mistake_is_told_and_the_source_comes_back(source, upstream, poll, caplog):
    source.config = {"url": f"{upstream.url}/bug"}
    source.save()
    state = poll(source)
    assert state.error_class == "internal"
    assert "ZeroDivisionError" in state.error
    assert "our own mistake" in caplog.text
    assert state.claim_id is None
    assert state.next_poll_at < queries.database_time() + timedelta(seconds=20)


def test_a_connector_that_is_not_installed_is_a_matter_of_configuration(db, poll):
    state = poll(make_source(connector="gone"))
    assert (state.error_class, state.circuit) == ("config", "open")


def test_credentials_under_a_lost_key_are_a_matter_of_configuration(source, upstream, poll):
    source.secrets = b"gAAAAABnonsense"
    source.save()
    state = poll(source)
    assert state.error_class == "config"
    assert "OPSPORTAL_FIELD_KEYS" in state.error
    assert upstream.asked == []


def test_one_dead_source_delays_and_touches_no_other(db, upstream):
    from apps.sync import services
    from apps.sync.claims import claim_due_sources

    with upstreams.serve() as dead:
        dead.answer(silence)
        make_source(connector="scripted", config={"url": dead.url})
        for _ in range(11):
            make_source(connector="scripted", config={"url": upstream.url})
        upstream.answer(items(run(1)))
        claims = claim_due_sources(at=queries.database_time())
        tally = services.poll_all(claims=claims, at=queries.database_time())
    assert (tally.succeeded, tally.failed) == (11, 1)
    finished = list(Poll.objects.order_by("finished_at"))
    assert [poll.outcome for poll in finished] == ["succeeded"] * 11 + ["failed"]
    assert finished[10].finished_at - finished[10].started_at < timedelta(seconds=0.9)


@pytest.mark.django_db(transaction=True)
def test_a_store_that_fails_for_one_source_fails_for_no_other(upstream, monkeypatch):
    from apps.sync import finishing, services
    from apps.sync.claims import claim_due_sources

    bad = make_source(connector="scripted", config={"url": upstream.url})
    good = [make_source(connector="scripted", config={"url": upstream.url}) for _ in range(3)]
    original = finishing.store_batches

    def store(*, deliveries, **rest):
        if bad in [delivery.source for delivery in deliveries]:
            raise ZeroDivisionError
        return original(deliveries=deliveries, **rest)

    monkeypatch.setattr(finishing, "store_batches", store)
    upstream.answer(items(run(1)))
    tally = services.poll_all(claims=claim_due_sources(at=queries.database_time()), at=queries.database_time())
    assert (tally.succeeded, tally.failed) == (3, 1)
    assert {row.source_id for row in Run.objects.all()} == {source.pk for source in good}
    assert SourceState.objects.get(source=bad).error_class == "internal"


def test_a_bad_answer_costs_little_memory(source, upstream, poll):
    import resource

    upstream.answer(http(200, gzip.compress(b" " * 400_000_000), Content_Encoding="gzip", **JSON))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert poll(source).error_class == "too_large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
