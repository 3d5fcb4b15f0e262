"""What every connector promises, asked of every connector in the registry."""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from apps.connectors.address import AddressRule
from apps.connectors.base import FieldType
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.records import Batch, Record, RunRecord, RunState, SeriesRecord, TaskRunRecord
from apps.connectors.registry import CONNECTORS, get_connector
from tests.connectors import upstream as misbehaviour
from tests.connectors.cases import CANARY, case_of
from tests.connectors.conftest import SMALL, ask
from tests.connectors.upstream import Answer, Upstream, gzip_bomb

BUSY = Limits(total_seconds=5, fetch_seconds=20)
PROMPT = Limits(total_seconds=5, fetch_seconds=20, max_bytes=300_000, backoff_seconds=0.001)
OVER = {RunState.SUCCEEDED, RunState.FAILED, RunState.CRASHED, RunState.CANCELLED, RunState.SKIPPED}


pytestmark = pytest.mark.parametrize("key", sorted(key for key, kind in CONNECTORS.items() if kind.is_polled))


def fetch(
    key: str,
    upstream: Upstream,
    cursor: Any = None,
    *,
    limits: Limits = PROMPT,
    at: datetime | None = None,
    secrets: Mapping[str, str] | None = None,
    rule: AddressRule | None = None,
    **settings: Any,
) -> Batch:
    """One poll of a connector; the cursor goes through JSON, as it does when it is stored."""
    config = {"url": upstream.url, **case_of(key).config, **settings}
    known = {**case_of(key).secrets, **(secrets or {})}
    saved = json.loads(json.dumps(cursor or {}, allow_nan=False))
    more = {"rule": rule} if rule else {}
    with time_machine.travel(at or datetime.now(UTC), tick=False):
        return ask(
            lambda http: get_connector(key)(config=config, secrets=known, http=http).fetch(saved),
            limits=limits,
            **more,
        )


def refusal(key: str, upstream: Upstream, **settings: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        fetch(key, upstream, **settings)
    return caught.value


def times_in(value: Any) -> Iterator[datetime]:
    """Every time anywhere in a record."""
    if isinstance(value, datetime):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for entry in dataclasses.fields(value):
            yield from times_in(getattr(value, entry.name))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from times_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from times_in(item)


def test_it_introduces_itself(key: str) -> None:
    connector = get_connector(key)
    assert connector.key == key
    assert connector.name
    assert connector.summary.endswith(".")
    assert connector.kinds
    assert connector.default_interval >= 15
    assert (Path(__file__).parents[2] / connector.docs).is_file()
    assert case_of(key), "a new connector needs a case"


def test_its_fields_explain_themselves(key: str) -> None:
    fields = get_connector(key).fields
    names = [entry.name for entry in fields]
    assert len(names) == len(set(names))
    assert {"url", "allowed_networks"} <= set(names)
    for entry in fields:
        assert entry.label
        assert entry.help.endswith("."), entry.name
        assert (entry.type is FieldType.CHOICE) == bool(entry.choices)


def test_cleaning_twice_changes_nothing_and_is_json(key: str) -> None:
    connector = get_connector(key)
    cleaned = connector.clean({"url": "https://source.example/path", **case_of(key).config})
    assert connector.clean(cleaned) == cleaned
    assert json.loads(json.dumps(cleaned)) == cleaned
    assert not {entry.name for entry in connector.fields if entry.type is FieldType.SECRET} & set(cleaned)


@pytest.mark.parametrize("url", ["", None, "source.example", "ftp://x/", "https://u:p@x/", "https://x/#a", 5])
def test_a_bad_url_is_named(key: str, url: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        get_connector(key).clean({**case_of(key).config, "url": url})
    assert caught.value.field == "url"


def test_an_empty_source_gives_an_empty_batch(key: str, upstream: Upstream) -> None:
    upstream.handler = case_of(key).empty()
    batch = fetch(key, upstream)
    assert (batch.records, batch.rejected, batch.has_more) == ((), (), False)


def test_a_good_source_gives_records_of_the_promised_kinds(key: str, upstream: Upstream) -> None:
    upstream.handler = case_of(key).good()
    batch = fetch(key, upstream, limits=BUSY)
    assert batch.records
    assert batch.rejected == ()
    assert batch.server_time == upstream.handler.clock
    connector = get_connector(key)
    assert {record.kind for record in batch.records} == connector.kinds  # type: ignore[attr-defined]
    assert {listing.kind for listing in batch.listings} <= connector.kinds
    assert all(record.external_id and len(record.external_id) < 2000 for record in batch.records)


def test_every_time_is_aware_and_utc(key: str, upstream: Upstream) -> None:
    upstream.handler = case_of(key).good()
    times = list(times_in(fetch(key, upstream, limits=BUSY).records))
    assert times
    assert all(moment.tzinfo is UTC for moment in times)


def identities(records: tuple[Record, ...]) -> list[tuple[type[Record], str]]:
    return [(type(record), record.external_id) for record in records]


def test_a_backfill_is_told_in_words_from_any_cursor(key: str, upstream: Upstream) -> None:
    upstream.handler = case_of(key).good()
    for cursor in ({}, {"pass": 3, "queries": [], "watermark": "x"}, fetch(key, upstream, limits=BUSY).cursor):
        told = get_connector(key).progress(json.loads(json.dumps(cursor)))
        assert told is None or (told.sentence.endswith(".") and (told.share is None or 0 <= told.share <= 1))


def test_one_batch_holds_every_thing_once(key: str, upstream: Upstream) -> None:
    upstream.handler = case_of(key).good()
    found = identities(fetch(key, upstream, limits=BUSY).records)
    assert len(found) == len(set(found))


def test_a_second_poll_doubles_nothing(key: str, upstream: Upstream) -> None:
    """What is over is not told again; a sample told again has the same value; nothing gets older."""
    world = case_of(key).good()
    upstream.handler = world
    first = fetch(key, upstream, limits=BUSY)
    world.clock += timedelta(minutes=30)
    second = fetch(key, upstream, first.cursor, limits=BUSY, at=world.clock)
    known = {(type(record), record.external_id): record for record in first.records}
    for record in second.records:
        before = known.get((type(record), record.external_id))
        if isinstance(record, RunRecord | TaskRunRecord) and isinstance(before, RunRecord | TaskRunRecord):
            assert before.state not in OVER or isinstance(record, TaskRunRecord)
            assert record.updated_at >= before.updated_at
        if isinstance(record, SeriesRecord) and isinstance(before, SeriesRecord):
            assert dict(before.samples).items() <= {**dict(before.samples), **dict(record.samples)}.items()
    assert not any(record.kind == "deployment" for record in second.records)  # type: ignore[attr-defined]
    assert not second.has_more


def test_the_same_poll_again_tells_the_same(key: str, upstream: Upstream) -> None:
    upstream.handler = case_of(key).good()
    at = datetime.now(UTC)
    one, two = (fetch(key, upstream, limits=BUSY, at=at) for _ in range(2))
    assert (one.records, one.listings, one.cursor) == (two.records, two.listings, two.cursor)


def test_one_bad_item_is_rejected_alone(key: str, upstream: Upstream) -> None:
    upstream.handler = case_of(key).good()
    good = identities(fetch(key, upstream, limits=BUSY).records)
    upstream.handler = case_of(key).spoiled()
    batch = fetch(key, upstream, limits=BUSY)
    assert set(good) <= set(identities(batch.records))
    assert batch.rejected
    assert all(item.reason and json.dumps(dict(item.raw)) for item in batch.rejected)


@pytest.mark.parametrize(
    ("reply", "error_class", "is_permanent"),
    [
        (Answer(status=401), ErrorClass.AUTH, True),
        (Answer(status=403), ErrorClass.AUTH, True),
        (Answer(status=404), ErrorClass.NOT_FOUND, False),
        (Answer(status=429), ErrorClass.RATE_LIMIT, False),
        (Answer(status=500), ErrorClass.UPSTREAM, False),
        (Answer(status=503), ErrorClass.UPSTREAM, False),
        (Answer(body=b"<html>Sign in</html>", content_type="text/html"), ErrorClass.AUTH_OR_PROXY, True),
        (Answer(status=302, headers={"Location": "http://10.0.0.1/login"}), ErrorClass.REDIRECT, True),
        (Answer(body=b"[1,", length=500), ErrorClass.PROTOCOL, False),
        (misbehaviour.hang_up, ErrorClass.UNREACHABLE, False),
    ],
    ids=["401", "403", "404", "429", "500", "503", "html", "redirect", "truncated", "hang-up"],
)
def test_every_trouble_has_its_class(
    key: str, upstream: Upstream, reply: Any, error_class: ErrorClass, is_permanent: bool
) -> None:
    if isinstance(reply, Answer) and reply.length:
        reply = dataclasses.replace(reply, content_type=case_of(key).speaks)
    upstream.always(reply)
    error = refusal(key, upstream)
    assert (error.error_class, error.is_permanent) == (error_class, is_permanent)
    assert error.message.endswith(".")


@pytest.mark.parametrize(("value", "seconds"), [("30", 30), ("-1", 1), ("1e9", 3600)])
@pytest.mark.parametrize("status", [429, 503])
def test_a_wish_to_be_left_alone_is_passed_on(
    key: str, upstream: Upstream, status: int, value: str, seconds: float
) -> None:
    upstream.always(Answer(status=status, headers={"Retry-After": value}))
    assert refusal(key, upstream).retry_after == seconds
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "body",
    [b"{nope", b'{"a": NaN}', b"[" * 100_000, b'{"a":1,"a":2}', b"9" * 200_000, b"", b'"text"', b"null", b"[]", b"{}"],
)
def test_nonsense_is_never_taken_for_nothing_there(key: str, upstream: Upstream, body: bytes) -> None:
    """A bare `{}` is MLflow's empty result and `[]` Prefect's, so only what means empty there may pass."""
    upstream.always(Answer(body=body))
    if body in case_of(key).means_empty:
        assert fetch(key, upstream).records == ()
    else:
        assert refusal(key, upstream).error_class in (ErrorClass.MALFORMED, ErrorClass.SCHEMA)


@pytest.mark.parametrize(
    ("reply", "error_class"),
    [
        (Answer(delay=30), ErrorClass.TIMEOUT),
        (Answer(body=b'{"a": "' + b"x" * 5000 + b'"}', drip=0.02), ErrorClass.TIMEOUT),
        (Answer(body=b"a 1\n" * 5000, drip=0.02, content_type="text/plain"), ErrorClass.TIMEOUT),
        (misbehaviour.drip_headers, ErrorClass.TIMEOUT),
        (misbehaviour.endless_continue, ErrorClass.TIMEOUT),
    ],
    ids=["silent", "drip JSON", "drip text", "drip headers", "endless 100"],
)
def test_slowness_ends_with_the_deadline(key: str, upstream: Upstream, reply: Any, error_class: ErrorClass) -> None:
    upstream.always(reply)
    began = time.monotonic()
    error = refusal(key, upstream, limits=SMALL)
    assert error.error_class in (error_class, ErrorClass.MALFORMED)  # the wrong content type is refused even sooner
    assert time.monotonic() - began < SMALL.fetch_seconds + 5


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_hugeness_ends_at_the_cap(key: str, upstream: Upstream, content_type: str) -> None:
    for reply in (gzip_bomb(50_000_000), Answer(body=b"#" * 2_000_000)):
        upstream.always(dataclasses.replace(reply, content_type=content_type))
        assert refusal(key, upstream).error_class in (ErrorClass.TOO_LARGE, ErrorClass.MALFORMED)


def test_an_internal_address_stays_closed_unless_listed(key: str, upstream: Upstream) -> None:
    upstream.handler = case_of(key).good()
    error = refusal(key, upstream, rule=AddressRule())
    assert (error.error_class, error.is_permanent) == (ErrorClass.BLOCKED_ADDRESS, True)
    assert upstream.requests == []


def _carries_canary(header: str) -> bool:
    """Whether a header holds the canary, plainly or as basic credentials."""
    try:
        return CANARY in header or CANARY in base64.b64decode(header.split()[-1]).decode()
    except (ValueError, IndexError):
        return False


@pytest.mark.parametrize("which", [0, 1])
def test_no_secret_leaves_but_in_its_header(
    key: str, upstream: Upstream, caplog: pytest.LogCaptureFixture, which: int
) -> None:
    caplog.set_level(logging.DEBUG)
    ways = case_of(key).credentials
    settings, secrets = ways[which % len(ways)]
    upstream.handler = case_of(key).good()
    batch = fetch(key, upstream, limits=BUSY, secrets=secrets, **settings)
    sent = next(value for value in upstream.requests[0].headers.values() if _carries_canary(value))
    texts = [repr(batch), caplog.text]
    for status in (400, 401, 403, 404, 429, 500):
        for content_type in ("application/json", "text/plain"):
            words = f"no {CANARY} and no {sent}"
            body = json.dumps({"error": words, "message": words}) if "json" in content_type else words
            upstream.always(Answer(status=status, body=body.encode(), content_type=content_type))
            error = refusal(key, upstream, secrets=secrets, **settings)
            texts += [error.message, repr(error), repr(error.args), repr(error.__context__), caplog.text]
    for text in texts:
        assert CANARY not in text
        assert sent.split()[-1] not in text


def test_a_probe_says_something_in_words(key: str, upstream: Upstream) -> None:
    upstream.handler = case_of(key).good()
    case = case_of(key)
    config = {"url": upstream.url, **case.config}
    probe = ask(lambda http: get_connector(key)(config=config, secrets=case.secrets, http=http).probe(), limits=BUSY)
    assert probe.sentence.endswith(".")
    assert probe.scopes
    assert all(scope.is_granted and scope.why for scope in probe.scopes)


def test_a_probe_of_a_wrong_address_fails_in_words(key: str, upstream: Upstream) -> None:
    upstream.always(Answer(status=401))
    case = case_of(key)
    config = {"url": upstream.url, **case.config}
    with pytest.raises(SourceError) as caught:
        ask(lambda http: get_connector(key)(config=config, secrets=case.secrets, http=http).probe())
    assert caught.value.error_class is ErrorClass.AUTH


def test_an_unknown_kind_is_named(key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        get_connector("carrier-pigeon")
