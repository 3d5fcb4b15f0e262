"""How a generic source is asked: credentials, formats, pages, and only what is new."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.base import Preview
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.providers.http.connector import HttpConnector
from apps.connectors.providers.http.memory import Memory
from apps.connectors.providers.http.paging import link_to_next
from apps.connectors.records import Batch, Kind
from tests.connectors.cases import CANARY
from tests.connectors.conftest import ask, patient
from tests.connectors.http_world import RUN, small_world
from tests.connectors.test_prometheus import JSON
from tests.connectors.upstream import Answer, Request, Upstream, json_answer, text_answer

CHANGE = {
    "kind": "change",
    "items": "items",
    "fields": {"external_id": "id", "title": "id", "at": "at"},
    "constants": {"what": "flag"},
}
PIPELINE = {"kind": "pipeline", "items": "items", "fields": {"external_id": "id", "name": "id"}, "complete": True}
BUSY = Limits(total_seconds=5, fetch_seconds=20)
CLOCK = datetime(2026, 11, 24, 12, tzinfo=UTC)
DATE = {"Date": "Tue, 24 Nov 2026 12:00:00 GMT"}


def at(minutes: int) -> str:
    return (CLOCK - timedelta(minutes=minutes)).isoformat()


def items(*ids: Any, **more: Any) -> Answer:
    return json_answer({"items": [{"id": str(one), "at": at(60)} for one in ids], **more}, headers=DATE)


def connector_of(upstream: Upstream, http: Any, secrets: Mapping[str, str], **config: Any) -> HttpConnector:
    wanted = {"url": f"{upstream.url}/list", "mapping": [CHANGE], **config}
    return HttpConnector(config=wanted, secrets=secrets, http=http)


def fetch(
    upstream: Upstream, cursor: Any = None, *, secrets: Any = None, limits: Limits = BUSY, **config: Any
) -> Batch:
    return ask(lambda http: connector_of(upstream, http, secrets or {}, **config).fetch(cursor or {}), limits=limits)


def preview(upstream: Upstream, *, secrets: Any = None, **config: Any) -> Preview:
    return ask(lambda http: connector_of(upstream, http, secrets or {}, **config).preview(), limits=BUSY)


def failure(upstream: Upstream, **settings: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        fetch(upstream, **settings)
    return caught.value


def refused(**config: Any) -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        HttpConnector.clean({"url": "https://x.example/", "mapping": [CHANGE], **config})
    return caught.value.field, caught.value.message


def ids(batch: Batch) -> list[str]:
    return [record.external_id for record in batch.records]


# Asking ---------------------------------------------------------------------------------------


def test_a_question_carries_its_query_its_headers_and_its_secret(upstream: Upstream) -> None:
    upstream.always(items(1))
    settings = {"headers": ["X-Tenant: search"], "auth": "header", "header_name": "X-Api-Key"}
    fetch(upstream, url=f"{upstream.url}/list?team=a%20b", secrets={"header_value": CANARY}, **settings)
    sent = upstream.requests[0]
    assert sent.query == {"team": "a b"}
    assert (sent.headers["x-tenant"], sent.headers["x-api-key"]) == ("search", CANARY)


def test_a_post_sends_its_body_with_page_and_since_inside(upstream: Upstream) -> None:
    upstream.in_turn(items(1, next="c2"), items(2))
    batch = fetch(
        upstream,
        method="POST",
        body={"query": "all", "variables": {"first": 5}},
        paging="cursor",
        page_parameter="body.variables.after",
        next_path="next",
        since_parameter="body.since",
        since_format="seconds",
    )
    assert ids(batch) == ["1", "2"]
    first, second = (request.json for request in upstream.requests)
    assert first["variables"] == {"first": 5}
    assert second["variables"] == {"first": 5, "after": "c2"}
    assert first["since"] == second["since"]
    assert first["since"].isdigit()


def test_a_token_is_asked_for_with_every_poll_and_never_shown(upstream: Upstream) -> None:
    def answer(request: Request) -> Answer:
        if request.path == "/token":
            return json_answer({"access_token": "token-0815", "token_type": "Bearer"})
        return items(1)

    upstream.handler = answer
    settings = {"auth": "oauth2", "token_url": f"{upstream.url}/token", "client_id": "ops portal", "scope": "read"}
    fetch(upstream, secrets={"client_secret": CANARY}, **settings)
    token, question = upstream.requests
    assert token.fields == {"grant_type": "client_credentials", "scope": "read"}
    shown = base64.b64decode(token.headers["authorization"].split()[-1]).decode()
    assert shown == f"ops+portal:{CANARY}"
    assert question.headers["authorization"] == "Bearer token-0815"
    upstream.requests.clear()
    fetch(upstream, secrets={"client_secret": CANARY}, client_auth="form", **settings)
    assert upstream.requests[0].fields["client_secret"] == CANARY
    assert "authorization" not in upstream.requests[0].headers


@pytest.mark.parametrize(
    ("reply", "error_class", "is_permanent"),
    [
        (json_answer({"error": "invalid_client"}, status=400), ErrorClass.AUTH, True),
        (json_answer({"error": "invalid_client"}, status=401), ErrorClass.AUTH, True),
        (json_answer({"token": "x"}), ErrorClass.SCHEMA, False),
        (json_answer(["x"]), ErrorClass.SCHEMA, False),
        (Answer(status=503), ErrorClass.UPSTREAM, False),
        (Answer(status=302, headers={"Location": "http://10.0.0.1/"}), ErrorClass.REDIRECT, True),
    ],
)
def test_a_token_that_is_refused_says_so(
    upstream: Upstream, reply: Answer, error_class: ErrorClass, is_permanent: bool
) -> None:
    upstream.always(reply)
    settings = {"auth": "oauth2", "token_url": f"{upstream.url}/token", "client_id": "a"}
    error = failure(upstream, secrets={"client_secret": CANARY}, **settings)
    assert (error.error_class, error.is_permanent) == (error_class, is_permanent)
    assert CANARY not in error.message
    assert {request.path for request in upstream.requests} == {"/token"}


def test_a_token_server_obeys_the_address_rule(upstream: Upstream) -> None:
    settings = {"auth": "oauth2", "token_url": "http://169.254.169.254/token", "client_id": "a"}
    error = failure(upstream, secrets={"client_secret": CANARY}, **settings)
    assert error.error_class is ErrorClass.BLOCKED_ADDRESS


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"auth": "header", "header_name": "X-Key"}, "header_value"),
        ({"auth": "oauth2", "token_url": "https://x.example/t", "client_id": "a"}, "client_secret"),
        ({"auth": "bearer"}, "token"),
        ({"auth": "basic", "username": "a"}, "password"),
        ({"mapping": []}, "mapping"),
    ],
)
def test_what_is_missing_for_a_poll_is_named(upstream: Upstream, settings: dict[str, Any], field: str) -> None:
    error = failure(upstream, **settings)
    assert isinstance(error, ConfigError)
    assert error.field == field
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"headers": ["X-Tenant"]}, "headers", "is no header"),
        ({"headers": ["Bad Name: x"]}, "headers", "no name of a header"),
        ({"headers": ["Host: elsewhere"]}, "headers", "set by the portal itself"),
        ({"headers": ["If-None-Match: x"]}, "headers", "set by the portal itself"),
        ({"headers": ["Authorization: Bearer x"]}, "headers", "holds a secret"),
        ({"headers": ["X-A: ü"]}, "headers", "odd characters"),
        ({"auth": "header"}, "header_name", "needs its name"),
        ({"auth": "header", "header_name": "Host"}, "header_name", "set by the portal itself"),
        ({"auth": "oauth2"}, "token_url", "need a token URL"),
        ({"auth": "oauth2", "token_url": "https://x.example/t"}, "client_id", "need a client ID"),
        ({"body": {"a": 1}}, "body", "Only a POST has a body"),
        ({"method": "POST", "format": "csv"}, "format", "read by GET only"),
        ({"paging": "page"}, "page_parameter", "needs the name of the parameter"),
        ({"paging": "page", "page_parameter": "body.page"}, "page_parameter", "needs a POST"),
        ({"paging": "next"}, "next_path", "needs an expression"),
        ({"paging": "next", "next_path": "a["}, "next_path", "It is no JMESPath expression"),
        ({"paging": "next", "next_path": "a", "format": "csv"}, "paging", "holds no cursor"),
        ({"max_pages": 0}, "max_pages", "from 1 to 1000"),
        ({"first_page": 2}, "first_page", "from 0 to 1"),
        ({"since_parameter": "since", "since_template": "now"}, "since_template", "Write {since}"),
        ({"since_parameter": "since", "mapping": [PIPELINE]}, "mapping", "with a since parameter it never is"),
    ],
)
def test_a_setting_that_cannot_work_is_named(settings: dict[str, Any], field: str, words: str) -> None:
    named, sentence = refused(**settings)
    assert named == field
    assert words in sentence


def test_json_labelled_as_text_is_read_when_the_form_says_so(upstream: Upstream) -> None:
    upstream.always(text_answer('{"items": [{"id": "1", "at": "2026-01-01T00:00:00Z"}]}'))
    assert failure(upstream).error_class is ErrorClass.MALFORMED
    assert ids(fetch(upstream, format="json_text")) == ["1"]
    upstream.always(text_answer("{nope"))
    assert failure(upstream, format="json_text").error_class is ErrorClass.MALFORMED


# CSV ------------------------------------------------------------------------------------------

ROW = {
    "kind": "run",
    "fields": {
        "external_id": "Job",
        "pipeline_external_id": "Job",
        "name": "Job",
        "state": "Result",
        "updated_at": "Ended",
    },
    "states": {"OK": "succeeded", "": "running"},
}


def test_every_row_of_a_csv_is_an_object_and_a_crooked_one_is_rejected_alone(upstream: Upstream) -> None:
    text = (
        '\ufeffJob;Result;Ended\r\n"a ""1"";x";OK;2026-01-01T00:00:00Z\r\nshort;OK\r\n\r\nb;;2026-01-01T00:00:00Z\r\n'
    )
    upstream.always(text_answer(text, content_type="text/csv"))
    batch = fetch(upstream, format="csv", delimiter="semicolon", mapping=[ROW])
    assert [(run.external_id, run.state.value) for run in batch.records] == [('a "1";x', "succeeded"), ("b", "running")]  # type: ignore[attr-defined]
    assert [one.reason for one in batch.rejected] == ["line 3 has 2 columns, the first row has 3"]


def test_columns_without_names_are_numbered(upstream: Upstream) -> None:
    upstream.always(text_answer("a\tOK\t2026-01-01T00:00:00Z\n", content_type="application/octet-stream"))
    fields = {"external_id": "c1", "pipeline_external_id": "c1", "name": "c1", "state": "c2", "updated_at": "c3"}
    mapping = [{**ROW, "fields": fields}]
    assert ids(fetch(upstream, format="csv", delimiter="tab", has_header=False, mapping=mapping)) == ["a"]


@pytest.mark.parametrize(
    ("text", "error_class", "words"),
    [
        ("", ErrorClass.SCHEMA, "without even a row of column names"),
        ("a,a\n1,2\n", ErrorClass.SCHEMA, "two columns are called “a”"),
        ("a,\n1,2\n", ErrorClass.SCHEMA, "a column has no name"),
        ('a,b\n1,"open\n', ErrorClass.MALFORMED, "is no CSV"),
        ("a\n" + "x" * 140_000 + "\n", ErrorClass.MALFORMED, "is no CSV"),
    ],
)
def test_what_is_no_csv_is_never_taken_for_an_empty_one(
    upstream: Upstream, text: str, error_class: ErrorClass, words: str
) -> None:
    upstream.always(text_answer(text, content_type="text/csv"))
    error = failure(upstream, format="csv", mapping=[ROW])
    assert error.error_class is error_class
    assert words in error.message


@patient
@given(st.text())
def test_any_text_is_rows_or_an_error_of_the_source(text: str) -> None:
    from apps.connectors.providers.http.rows import read_rows

    try:
        found = read_rows(text, {"delimiter": "comma", "has_header": True})
    except SourceError as error:
        assert error.error_class in (ErrorClass.MALFORMED, ErrorClass.SCHEMA)  # noqa: PT017 - both outcomes are right
    else:
        assert all(len(row) == len(found.rows[0]) for row in found.rows)


# Pages ----------------------------------------------------------------------------------------


def pages_of(*pages: list[int], parameter: str, step: int = 1, start: int = 1, clamps: bool = False) -> Any:
    """A source that gives these pages, then empty ones; or its last page again and again."""

    def answer(request: Request) -> Answer:
        number = (int(request.query.get(parameter, start)) - start) // step
        if clamps:
            number = min(number, len(pages) - 1)
        return items(*(pages[number] if number < len(pages) else []))

    return answer


def test_page_numbers_go_on_until_a_page_is_empty(upstream: Upstream) -> None:
    upstream.handler = pages_of([1, 2], [3], parameter="page")
    batch = fetch(upstream, paging="page", page_parameter="page", size_parameter="per_page", page_size=2)
    assert ids(batch) == ["1", "2", "3"]
    assert [request.query for request in upstream.requests] == [{"page": str(n), "per_page": "2"} for n in (1, 2, 3)]


def test_offsets_go_on_by_the_page_size(upstream: Upstream) -> None:
    upstream.handler = pages_of([1, 2], [3], parameter="skip", step=2, start=0)
    assert ids(fetch(upstream, paging="offset", page_parameter="skip", page_size=2)) == ["1", "2", "3"]
    assert [request.query["skip"] for request in upstream.requests] == ["0", "2", "4"]


@pytest.mark.parametrize("last", [None, "", False])
def test_a_cursor_is_followed_until_there_is_none(upstream: Upstream, last: Any) -> None:
    upstream.in_turn(items(1, meta={"next": 17}), items(2, meta={"next": last}))
    batch = fetch(upstream, paging="cursor", page_parameter="cursor", next_path="meta.next", mapping=[PIPELINE])
    assert ids(batch) == ["1", "2"]
    assert [request.query for request in upstream.requests] == [{}, {"cursor": "17"}]
    assert batch.listings[0].external_ids == {"1", "2"}


def test_an_address_in_the_answer_is_followed_with_the_credentials(upstream: Upstream) -> None:
    upstream.in_turn(items(1, next="?page=2"), items(2, next=f"{upstream.url}/more?page=3"), items(3))
    settings = {"paging": "next", "next_path": "next", "since_parameter": "since", "auth": "bearer"}
    assert ids(fetch(upstream, secrets={"token": CANARY}, **settings)) == ["1", "2", "3"]
    asked = [(request.path, request.query.get("page"), "since" in request.query) for request in upstream.requests]
    assert asked == [("/list", None, True), ("/list", "2", False), ("/more", "3", False)]
    assert all(CANARY in request.headers["authorization"] for request in upstream.requests)


def test_a_link_header_is_followed(upstream: Upstream) -> None:
    def answer(request: Request) -> Answer:
        page = int(request.query.get("page", 1))
        link = f'<{upstream.url}/list?page=1>; rel="first", </list?page={page + 1}>; rel="next"'
        return json_answer({"items": [{"id": str(page), "at": at(1)}]}, headers={"Link": link} if page < 3 else {})

    upstream.handler = answer
    assert ids(fetch(upstream, paging="link")) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("<https://x/a?b=1,2>; rel=next", "https://x/a?b=1,2"),
        ('</a>; rel="last next"; title="a, b"', "/a"),
        ('</a>; rel="prev"', ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_only_rel_next_is_the_next_page(header: str, found: str) -> None:
    assert link_to_next(header) == found


@pytest.mark.parametrize(
    "target", ["http://elsewhere.example/x", "https://127.0.0.1/x", "//elsewhere.example/x", "file:///etc"]
)
@pytest.mark.parametrize("way", ["next", "link"])
def test_another_server_is_never_followed(upstream: Upstream, target: str, way: str) -> None:
    upstream.always(
        json_answer({"items": [], "next": target}, headers={"Link": f"<{target}>; rel=next"}),
    )
    error = failure(upstream, paging=way, next_path="next", auth="bearer", secrets={"token": CANARY})
    assert error.error_class is ErrorClass.SCHEMA
    assert "next page" in error.message
    assert len(upstream.requests) == 1


def test_a_circle_of_cursors_ends_and_is_told(upstream: Upstream) -> None:
    upstream.handler = lambda request: items(
        request.query.get("c", "0"), next={"a": "b", "b": "a"}.get(request.query.get("c", ""), "a")
    )
    batch = fetch(upstream, paging="cursor", page_parameter="c", next_path="next", mapping=[PIPELINE])
    assert len(upstream.requests) == 3
    assert "in a circle" in batch.rejected[0].reason
    assert batch.listings == ()


def test_a_source_that_ignores_the_page_is_read_once_and_nothing_is_called_gone(upstream: Upstream) -> None:
    upstream.always(items(1, 2))
    batch = fetch(upstream, paging="page", page_parameter="page", mapping=[PIPELINE])
    assert ids(batch) == ["1", "2"]
    assert len(upstream.requests) == 2
    assert (batch.listings, batch.has_more) == ((), False)


def test_a_limit_of_pages_is_kept_and_nothing_is_called_gone(upstream: Upstream) -> None:
    upstream.handler = pages_of([1], [2], [3], parameter="page")
    batch = fetch(upstream, paging="page", page_parameter="page", max_pages=2, mapping=[PIPELINE])
    assert ids(batch) == ["1", "2"]
    assert batch.listings == ()
    assert "goes on after 2 pages" in batch.rejected[0].reason
    news = fetch(upstream, paging="page", page_parameter="page", max_pages=2, since_parameter="since")
    assert "more than 2 pages of news" in news.rejected[0].reason
    assert fetch(upstream, paging="page", page_parameter="page", max_pages=2).rejected == ()


def test_a_long_list_goes_on_in_the_next_fetch_with_the_same_since(upstream: Upstream) -> None:
    upstream.handler = pages_of(*([number] for number in range(1, 10)), parameter="page")
    settings = {"paging": "page", "page_parameter": "page", "since_parameter": "since"}
    few = Limits(total_seconds=5, fetch_seconds=20, max_requests=6)
    cursor, found, more, rounds = {}, [], True, 0
    while more:
        batch = fetch(upstream, cursor, limits=few, **settings)
        cursor, more, rounds = dict(batch.cursor), batch.has_more, rounds + 1
        found += ids(batch)
    assert found == [str(number) for number in range(1, 10)]
    assert rounds == 2
    assert len({request.query["since"] for request in upstream.requests}) == 1
    assert cursor == {"watermark": CLOCK.isoformat(), "round": None}


def test_a_list_in_two_fetches_calls_nothing_gone(upstream: Upstream) -> None:
    upstream.handler = pages_of(*([number] for number in range(1, 10)), parameter="page")
    few = Limits(total_seconds=5, fetch_seconds=20, max_requests=6)
    settings = {"paging": "page", "page_parameter": "page", "mapping": [PIPELINE], "limits": few}
    first = fetch(upstream, **settings)
    second = fetch(upstream, first.cursor, **settings)
    assert (first.has_more, second.has_more) == (True, False)
    assert (first.listings, second.listings) == ((), ())


# What is gone, and what is new ------------------------------------------------------------------


def test_a_whole_list_says_so_unless_an_item_hides_its_identity(upstream: Upstream) -> None:
    upstream.always(items(1, 2))
    assert fetch(upstream, mapping=[PIPELINE]).listings[0].external_ids == {"1", "2"}
    upstream.always(json_answer({"items": [{"id": "1"}, {"id": "2", "at": "x"}, {}]}))
    assert fetch(upstream, mapping=[PIPELINE]).listings == ()
    assert fetch(upstream, mapping=[{**PIPELINE, "complete": False}]).listings == ()


def test_a_rejected_item_is_not_gone(upstream: Upstream) -> None:
    upstream.always(json_answer({"jobs": [{"id": 7, "job": "a", "status": "OK", "at": "soon"}]}))
    batch = fetch(upstream, mapping=[{**RUN, "complete": True}])
    assert [(one.kind, one.external_ids) for one in batch.listings] == [(Kind.RUN, {"7"})]


@pytest.mark.parametrize(
    ("style", "first"),
    [("iso", "2026-10-25T12:00:00Z"), ("date", "2026-10-25"), ("seconds", "1792929600"), ("millis", "1792929600000")],
)
def test_the_first_poll_looks_as_far_back_as_the_form_says(
    upstream: Upstream, style: str, first: str, time_machine: Any
) -> None:
    time_machine.move_to(CLOCK, tick=False)
    upstream.always(items(1))
    fetch(upstream, since_parameter="q", since_template="updated>={since}", since_format=style)
    assert upstream.requests[0].query == {"q": f"updated>={first}"}


@pytest.mark.parametrize(
    ("since_from", "expected"), [("clock", "2026-11-24T11:50:00Z"), ("records", "2026-11-24T10:50:00Z")]
)
def test_later_polls_look_back_from_the_sources_clock_or_its_records(
    upstream: Upstream, since_from: str, expected: str
) -> None:
    upstream.always(items(1))
    settings = {"since_parameter": "since", "since_from": since_from}
    batch = fetch(upstream, **settings)
    fetch(upstream, batch.cursor, **settings)
    assert upstream.requests[1].query["since"] == expected


def test_a_time_in_the_future_never_skips_what_lies_between(upstream: Upstream) -> None:
    upstream.always(json_answer({"items": [{"id": "1", "at": "2099-01-01T00:00:00Z"}]}, headers=DATE))
    batch = fetch(upstream, since_parameter="since", since_from="records")
    assert batch.cursor["watermark"] == CLOCK.isoformat()


def test_the_watermark_never_goes_back(upstream: Upstream) -> None:
    upstream.always(items(1))
    later = {"watermark": "2026-11-24T13:00:00+00:00", "round": None}
    assert fetch(upstream, later, since_parameter="since").cursor == later
    upstream.always(json_answer({"items": []}))
    assert fetch(upstream, later, since_parameter="since", since_from="records").cursor == later


@patient
@given(st.dictionaries(st.sampled_from(["watermark", "round", "x"]), JSON))
def test_any_cursor_can_be_read(cursor: dict[str, Any]) -> None:
    assert Memory.load(Memory.load(cursor).dump()).watermark == Memory.load(cursor).watermark


# Preview --------------------------------------------------------------------------------------


def test_a_preview_reads_one_page_and_shows_the_first_item(upstream: Upstream) -> None:
    upstream.in_turn(items(1, 2, next="c"), items(3))
    shown = preview(upstream, paging="cursor", page_parameter="c", next_path="next")
    assert ids(shown.batch) == ["1", "2"]
    assert shown.sample == {"id": "1", "at": at(60)}
    assert shown.has_more
    assert len(upstream.requests) == 1


def test_a_preview_without_a_mapping_shows_what_the_source_sends(upstream: Upstream) -> None:
    upstream.always(items(1))
    shown = preview(upstream, mapping=[])
    assert shown.batch.records == ()
    assert shown.remark == "Nothing is mapped yet; the answer is an object with items."
    assert shown.sample == {"items": [{"id": "1", "at": at(60)}]}


def test_a_preview_shows_the_rest_when_one_mapping_finds_nothing(upstream: Upstream) -> None:
    upstream.handler = small_world()
    shown = preview(upstream, mapping=[RUN, CHANGE])
    assert ids(shown.batch) == ["7"]
    assert "Mapping 2 (change): there is nothing at `items`" in shown.remark


@pytest.mark.parametrize(
    ("settings", "secrets"),
    [
        ({"auth": "bearer"}, {"token": CANARY}),
        ({"auth": "basic", "username": "ops"}, {"password": CANARY}),
        ({"auth": "header", "header_name": "X-Key"}, {"header_value": f"Key {CANARY}"}),
    ],
)
def test_a_server_that_echoes_the_secret_reveals_nothing(
    upstream: Upstream, settings: dict[str, Any], secrets: dict[str, str]
) -> None:
    """Not even turned round by an expression: the secret is gone before a mapping or a message sees the answer."""

    def echo(request: Request) -> Answer:
        sent = [value for value in request.headers.values() if " " in value]
        decoded = [base64.b64decode(value.split()[-1] + "===").decode("utf-8", "replace") for value in sent]
        return json_answer({"items": [{"id": f"{sent} {CANARY}", CANARY: decoded, "at": at(1)}]})

    upstream.handler = echo
    turned = {**CHANGE, "fields": {**CHANGE["fields"], "title": "reverse(to_string(@))"}}
    text = repr(preview(upstream, mapping=[turned], secrets=secrets, **settings))
    text += repr(fetch(upstream, mapping=[turned], secrets=secrets, **settings))
    text += failure(upstream, mapping=[{**CHANGE, "items": "items[0].id"}], secrets=secrets, **settings).message
    hidden = [CANARY, base64.b64encode(f"ops:{CANARY}".encode()).decode()]
    for secret in hidden:
        assert secret not in text
        assert secret[::-1] not in text


def test_a_preview_shows_its_records_when_the_next_page_lies_elsewhere(upstream: Upstream) -> None:
    upstream.always(items(1, next="https://elsewhere.example/"))
    shown = preview(upstream, paging="next", next_path="next")
    assert ids(shown.batch) == ["1"]
    assert "another server (elsewhere.example)" in shown.remark


def test_a_probe_counts_what_the_first_page_has(upstream: Upstream) -> None:
    upstream.always(json_answer({"items": [{"id": "1", "at": at(1)}, {}], "next": "c"}))
    settings = {"paging": "cursor", "page_parameter": "c", "next_path": "next"}
    probe = ask(lambda http: connector_of(upstream, http, {}, **settings).probe(), limits=BUSY)
    assert probe.sentence == (
        "The source answers. Of the first page 1 record can be read, 1 item cannot; the preview says why. "
        "More pages follow."
    )
    unmapped = ask(lambda http: connector_of(upstream, http, {}, mapping=[]).probe(), limits=BUSY)
    assert unmapped.sentence == "The source answers with an object with items, next. Nothing is mapped yet."
