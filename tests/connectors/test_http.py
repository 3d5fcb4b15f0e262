"""The only door to the network: what it refuses, what it caps, and what it says when something goes wrong."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from apps.connectors.address import AddressRule
from apps.connectors.body import parse_json
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.failures import read_retry_after
from apps.connectors.http import Http, Limits, check_url
from apps.connectors.pool import Pool
from tests.connectors import upstream as misbehaviour
from tests.connectors.conftest import LOOPBACK, SMALL, ask, failure
from tests.connectors.upstream import Answer, Request, Upstream, gzip_bomb, json_answer, text_answer

ONCE = Limits(total_seconds=0.6, max_bytes=300_000, attempts=1)


def get(upstream: Upstream, path: str = "/", **more: Any) -> Callable[[Http], Awaitable[Any]]:
    return lambda http: http.get_json(f"{upstream.url}{path}", **more)


def test_a_good_answer_comes_back_with_its_clock_and_is_counted(upstream: Upstream) -> None:
    upstream.always(json_answer({"a": [1, 2]}, headers={"Date": "Mon, 23 Nov 2026 20:12:00 GMT"}))

    async def conversation() -> None:
        async with Http(rule=LOOPBACK, user_agent="OpsPortal/1.2") as http:
            answer = await http.get_json(f"{upstream.url}/x", params={"q": "a b+c", "n": 3})
            assert (answer.status, answer.data) == (200, {"a": [1, 2]})
            assert answer.server_time == datetime(2026, 11, 23, 20, 12, tzinfo=UTC) == http.server_time
            assert (http.requests, http.bytes_read) == (1, len(b'{"a": [1, 2]}'))

    asyncio.run(conversation())
    (request,) = upstream.requests
    assert request.query == {"q": "a b+c", "n": "3"}
    assert request.headers["user-agent"] == "OpsPortal/1.2"
    assert request.headers["accept-encoding"] == "gzip"
    assert "cookie" not in request.headers


def test_post_sends_json_or_a_form(upstream: Upstream) -> None:
    upstream.always(json_answer([]))
    ask(lambda http: http.post_json(f"{upstream.url}/j", payload={"limit": 1}))
    ask(lambda http: http.post_json(f"{upstream.url}/f", form={"query": "up{a='b'}"}))
    assert upstream.requests[0].json == {"limit": 1}
    assert upstream.requests[1].fields == {"query": "up{a='b'}"}


@pytest.mark.parametrize("status", [200, 202, 302, 410, 500])
def test_deliver_sends_bytes_as_they_are_and_brings_every_status(status: int, upstream: Upstream) -> None:
    upstream.always(text_answer("token-77 is busy\ntoday", status=status, headers={"Retry-After": "7"}))

    async def conversation(http: Http) -> Any:
        http.protect(["token-77"])
        return await http.deliver(f"{upstream.url}/in", body=b'{"b":1, "a": "\xc3\xa9"}', headers={"X-Own": "1"})

    answer = ask(conversation)
    (request,) = upstream.requests
    assert request.method == "POST"
    assert request.body == b'{"b":1, "a": "\xc3\xa9"}'
    assert (request.headers["x-own"], request.headers["accept"]) == ("1", "*/*")
    assert (answer.status, answer.headers["retry-after"], answer.data) == (status, "7", None)
    assert answer.text == ("" if status < 300 else "••• is busy today")


def test_deliver_does_not_read_what_a_receiver_answers(upstream: Upstream) -> None:
    upstream.always(gzip_bomb(50_000_000))

    async def conversation(http: Http) -> tuple[Any, int]:
        return await http.deliver(upstream.url, body=b"{}", headers={}), http.bytes_read

    answer, read = ask(conversation)
    assert (answer.status, read) == (200, 0)


def test_deliver_to_nobody_is_an_error(upstream: Upstream) -> None:
    error = failure(lambda http: http.deliver("http://127.0.0.1:9/", body=b"{}", headers={}))
    assert error.error_class == ErrorClass.UNREACHABLE


def test_gzip_is_unpacked(upstream: Upstream) -> None:
    body = gzip.compress(json.dumps(["x"] * 1000).encode())
    upstream.always(Answer(body=body, headers={"Content-Encoding": "gzip"}))
    assert ask(get(upstream)).data == ["x"] * 1000


STATUSES = [
    (401, ErrorClass.AUTH, True),
    (403, ErrorClass.AUTH, True),
    (404, ErrorClass.NOT_FOUND, False),
    (400, ErrorClass.REJECTED, False),
    (422, ErrorClass.REJECTED, False),
    (429, ErrorClass.RATE_LIMIT, False),
    (500, ErrorClass.UPSTREAM, False),
    (503, ErrorClass.UPSTREAM, False),
    (302, ErrorClass.REDIRECT, True),
    (304, ErrorClass.PROTOCOL, False),
]


@pytest.mark.parametrize(("status", "error_class", "is_permanent"), STATUSES)
def test_every_status_has_its_class(
    upstream: Upstream, status: int, error_class: ErrorClass, is_permanent: bool
) -> None:
    upstream.always(Answer(status=status))
    error = failure(get(upstream), limits=ONCE)
    assert (error.error_class, error.is_permanent) == (error_class, is_permanent)
    assert "127.0.0.1" in error.message


HOSTILE: list[tuple[str, Any, ErrorClass]] = [
    ("drips headers", misbehaviour.drip_headers, ErrorClass.TIMEOUT),
    ("drips the body", Answer(body=b'{"a": "' + b"x" * 500 + b'"}', drip=0.02), ErrorClass.TIMEOUT),
    ("endless 100 Continue", misbehaviour.endless_continue, ErrorClass.TIMEOUT),
    ("never answers", Answer(delay=5), ErrorClass.TIMEOUT),
    ("endless chunks", misbehaviour.endless_body, ErrorClass.TOO_LARGE),
    ("huge body", Answer(body=b'"' + b"a" * 400_000 + b'"'), ErrorClass.TOO_LARGE),
    ("gzip bomb", gzip_bomb(50_000_000), ErrorClass.TOO_LARGE),
    ("bytes after gzip's end", Answer(body=gzip.compress(b"{}") + b"x" * 99, headers={"Content-Encoding": "gzip"}),
     ErrorClass.PROTOCOL),
    ("truncated gzip", Answer(body=gzip.compress(b"[1]")[:-5], headers={"Content-Encoding": "gzip"}),
     ErrorClass.PROTOCOL),
    ("damaged gzip", Answer(body=b"not gzip", headers={"Content-Encoding": "gzip"}), ErrorClass.PROTOCOL),
    ("brotli unasked", Answer(body=b"x", headers={"Content-Encoding": "br"}), ErrorClass.PROTOCOL),
    ("truncated body", Answer(body=b"[1,", length=500), ErrorClass.PROTOCOL),
    ("hangs up", misbehaviour.hang_up, ErrorClass.UNREACHABLE),
    ("not HTTP", misbehaviour.garbage, ErrorClass.PROTOCOL),
    ("many headers", Answer(headers={f"X-{n}": "v" for n in range(200)}), ErrorClass.PROTOCOL),
    ("a huge header", Answer(headers={"X-Big": "v" * 20_000}), ErrorClass.PROTOCOL),
    ("a login page", Answer(body=b"<html>Sign in", content_type="text/html; charset=utf-8"), ErrorClass.AUTH_OR_PROXY),
    ("a login page called JSON", Answer(body=b" <!doctype html>"), ErrorClass.AUTH_OR_PROXY),
    ("plain text", Answer(body=b"ok", content_type="text/plain"), ErrorClass.MALFORMED),
    ("no content type", Answer(body=b"{}", content_type=""), ErrorClass.MALFORMED),
    ("nothing", Answer(body=b""), ErrorClass.MALFORMED),
    ("not JSON", Answer(body=b"{nope"), ErrorClass.MALFORMED),
    ("NaN", Answer(body=b'{"a": NaN}'), ErrorClass.MALFORMED),
    ("Infinity", Answer(body=b"[-Infinity]"), ErrorClass.MALFORMED),
    ("a float that overflows", Answer(body=b"[1e999]"), ErrorClass.MALFORMED),
    ("duplicate keys", Answer(body=b'{"a": 1, "a": 2}'), ErrorClass.MALFORMED),
    ("depth bomb", Answer(body=b"[" * 100_000), ErrorClass.MALFORMED),
    ("depth bomb that closes", Answer(body=b"[" * 900 + b"]" * 900), ErrorClass.MALFORMED),
    ("deep objects", Answer(body=b'{"a":' * 200 + b"1" + b"}" * 200), ErrorClass.MALFORMED),
    ("giant integer", Answer(body=b"[" + b"9" * 200_000 + b"]"), ErrorClass.MALFORMED),
    ("long integer", Answer(body=b"[" + b"9" * 500 + b"]"), ErrorClass.MALFORMED),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "error_class"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_hostile_answers_end_soon_in_their_class(upstream: Upstream, reply: Any, error_class: ErrorClass) -> None:
    upstream.always(reply)
    began = time.monotonic()
    error = failure(get(upstream))
    assert error.error_class is error_class
    assert time.monotonic() - began < 6  # seconds; the deadline is 0.6, the rest is a slow machine


def test_a_gzip_bomb_never_fills_memory(upstream: Upstream) -> None:
    upstream.always(gzip_bomb(60_000_000))
    tracemalloc.start()
    try:
        failure(get(upstream), limits=ONCE)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_slow_error_page_does_not_hide_the_status(upstream: Upstream) -> None:
    upstream.always(Answer(status=401, body=b"x" * 3000, content_type="text/plain", drip=0.01))
    assert failure(get(upstream), limits=Limits(total_seconds=3)).error_class is ErrorClass.AUTH


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed_and_names_its_target(upstream: Upstream, status: int) -> None:
    target = "http://169.254.169.254/latest?token=hush"
    upstream.always(Answer(status=status, headers={"Location": target}))
    error = failure(get(upstream))
    assert "169.254.169.254" in error.message
    assert "hush" not in error.message
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("location", ["file:///etc/passwd", "//evil.example/x", "http://[", "\\\\evil", ""])
def test_odd_redirect_targets_are_survived(upstream: Upstream, location: str) -> None:
    upstream.always(Answer(status=302, headers={"Location": location}))
    assert failure(get(upstream)).error_class is ErrorClass.REDIRECT


@pytest.mark.parametrize(
    ("reply", "tries"),
    [
        (Answer(status=500), 3),
        (Answer(status=503), 3),
        (Answer(body=b"[", length=9), 3),
        (misbehaviour.hang_up, 3),
        (Answer(status=503, headers={"Retry-After": "9"}), 1),
        (Answer(status=429), 1),
        (Answer(status=401), 1),
        (Answer(status=404), 1),
        (Answer(body=b"{"), 1),
        (Answer(body=b'"' + b"a" * 400_000 + b'"'), 1),
        (Answer(status=302), 1),
        (Answer(body=b"x", headers={"Content-Encoding": "br"}), 1),
    ],
)
def test_only_what_may_heal_is_asked_again(upstream: Upstream, reply: Any, tries: int) -> None:
    upstream.always(reply)
    failure(lambda http: http.post_json(upstream.url, payload={}))
    assert len(upstream.requests) == tries


def test_a_question_that_heals_is_answered(upstream: Upstream) -> None:
    upstream.in_turn(Answer(status=502), Answer(body=b"[1", length=50), json_answer("good"))
    assert ask(get(upstream)).data == "good"


def test_a_failure_on_the_way_is_told_when_the_deadline_comes(upstream: Upstream) -> None:
    upstream.in_turn(Answer(status=500), Answer(delay=5))
    assert failure(get(upstream)).error_class is ErrorClass.UPSTREAM


NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120), ("0", 1), ("-5", 1), ("99999999", 3600), ("1.5", 1.5), ("1e400", 3600), ("nan", None), ("", None),
        ("soon", None), (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=9), usegmt=True), 1),
        (format_datetime(NOW + timedelta(days=9000), usegmt=True), 3600), ("Mon, 99 Nov 2026 20:12:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_and_clamped(value: str, seconds: float | None) -> None:
    assert read_retry_after({"retry-after": value, "date": format_datetime(NOW, usegmt=True)}) == seconds


def test_retry_after_reaches_the_error(upstream: Upstream) -> None:
    upstream.always(Answer(status=429, headers={"Retry-After": "77"}))
    assert failure(get(upstream)).retry_after == 77


BAD_URLS = [
    "ftp://host/", "file:///etc/passwd", "gopher://x", "//host/x", "/relative", "", "http://", "http:///x",
    "http://user:pw@host/", "http://user@host/", "http://host/#part", "http://ho st/", "http://host/\nx", "http://[::1",
    "http://host\\@evil/", "javascript:alert(1)", "http://host:99999/",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_bad_url_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_url(url, field="url")
    assert caught.value.field == "url"
    assert failure(lambda http: http.get_json(url)).error_class is ErrorClass.CONFIG


LOOPBACK_TRICKS = [
    "http://127.0.0.1:{port}/", "http://127.0.0.1.:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/",
    "http://017700000001:{port}/", "http://127.1:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/",
    "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/", "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/", "http://１２７.０.０.１:{port}/", "http://127。0。0。1:{port}/",
    "http://127.0.0.1%2f@1.1.1.1:{port}/", "http://169.254.169.254/", "http://[fe80::1%25lo]:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
]  # fmt: skip


@pytest.mark.parametrize("url", LOOPBACK_TRICKS)
def test_no_spelling_of_an_internal_address_connects(upstream: Upstream, url: str) -> None:
    upstream.always(json_answer("reached"))
    error = failure(lambda http: http.get_json(url.format(port=upstream.port)), rule=AddressRule())
    assert error.error_class in (ErrorClass.BLOCKED_ADDRESS, ErrorClass.CONFIG, ErrorClass.DNS)
    assert upstream.requests == []


def fake_names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names resolve to these addresses, one list a lookup; returns the names asked for."""
    asked: list[str] = []
    waiting = list(answers)

    def getaddrinfo(host: str, port: int, *rest: Any) -> list[Any]:
        asked.append(host)
        ips = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [
            (socket.AF_INET6, 1, 6, "", (ip, port, 0, 0)) if ":" in ip else (socket.AF_INET, 1, 6, "", (ip, port))
            for ip in ips
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("ips", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::1"], ["1.1.1.1", "64:ff9b::a00:1"]])
def test_one_bad_answer_of_the_resolver_refuses_them_all(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, ips: list[str]
) -> None:
    fake_names(monkeypatch, ips)
    url = f"http://inside.example:{upstream.port}/"
    error = failure(lambda http: http.get_json(url), rule=AddressRule())
    assert error.error_class is ErrorClass.BLOCKED_ADDRESS
    assert upstream.requests == []


def test_what_was_checked_is_what_is_connected_to(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is rebound after the check is not asked for again, so the second answer is never used."""
    asked = fake_names(monkeypatch, ["127.0.0.1"], ["10.9.9.9"])
    upstream.always(json_answer(1))
    ask(lambda http: http.get_json(f"http://rebound.example:{upstream.port}/"))
    assert asked == ["rebound.example"]


def test_a_lenient_rule_never_lends_its_connection_to_a_strict_one(upstream: Upstream) -> None:
    upstream.always(json_answer(1))

    async def conversation() -> None:
        async with Pool() as pool:
            async with Http(rule=LOOPBACK, pool=pool) as lenient:
                await lenient.get_json(upstream.url)
            async with Http(rule=AddressRule(), pool=pool) as strict:
                with pytest.raises(SourceError) as caught:
                    await strict.get_json(upstream.url)
                assert caught.value.error_class is ErrorClass.BLOCKED_ADDRESS

    asyncio.run(conversation())
    assert len(upstream.requests) == 1


def test_refused_unknown_and_untrusted_hosts_have_their_classes(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert failure(lambda http: http.get_json(f"http://127.0.0.1:{port}/")).error_class is ErrorClass.UNREACHABLE
    assert failure(lambda http: http.get_json(f"https://127.0.0.1:{upstream.port}/")).error_class in (
        ErrorClass.TLS,
        ErrorClass.UNREACHABLE,
        ErrorClass.TIMEOUT,
    )

    def unknown(*_: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert failure(lambda http: http.get_json("http://nowhere.example/")).error_class is ErrorClass.DNS


def test_proxies_of_the_environment_are_ignored(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1/")
    upstream.always(json_answer("direct"))
    assert ask(get(upstream)).data == "direct"


def test_cookies_are_neither_kept_nor_sent(upstream: Upstream) -> None:
    upstream.always(json_answer(1, headers={"Set-Cookie": "session=abc; Path=/"}))

    async def twice(http: Http) -> None:
        await http.get_json(upstream.url)
        await http.get_json(upstream.url)

    ask(twice)
    assert "cookie" not in upstream.requests[1].headers


SECRET = "s3cr3t-Value-0815"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_secret_that_the_source_echoes_is_masked(
    upstream: Upstream, caplog: pytest.LogCaptureFixture, status: int, content_type: str
) -> None:
    caplog.set_level(logging.DEBUG)
    words = f"bad token {SECRET} in Bearer {SECRET}"
    body = json.dumps({"error": words}) if content_type == "application/json" else words
    upstream.always(Answer(status=status, body=body.encode(), content_type=content_type))
    error = failure(get(upstream, headers={"Authorization": f"Bearer {SECRET}"}), limits=ONCE)
    assert "bad token •••" in error.message
    assert error.__context__ is None
    assert error.__cause__ is None
    for text in (error.message, str(error), repr(error), caplog.text):
        assert SECRET not in text


def test_the_vendors_own_words_reach_the_message(upstream: Upstream) -> None:
    upstream.always(Answer(status=400, body=b'{"status":"error","error":"1:4: parse error"}'))
    assert "1:4: parse error" in failure(get(upstream)).message
    upstream.always(Answer(status=400, body=b"<h1>Bad</h1>", content_type="text/html"))
    assert "<h1>" not in failure(get(upstream)).message


def test_no_repr_shows_headers_or_bodies(upstream: Upstream) -> None:
    upstream.always(json_answer({"body": SECRET}, headers={"X-Token": SECRET}))

    async def look(http: Http) -> str:
        return repr(await http.get_json(upstream.url, headers={"Authorization": SECRET})) + repr(http)

    assert SECRET not in ask(look)


def test_more_questions_than_allowed_end_the_conversation(upstream: Upstream) -> None:
    upstream.always(json_answer(1))

    async def many(http: Http) -> None:
        for count in range(10):
            assert http.is_spent(share=0.5) == (count >= 2)
            await http.get_json(upstream.url)

    error = failure(many, limits=Limits(max_requests=4))
    assert error.error_class is ErrorClass.TOO_LARGE
    assert len(upstream.requests) == 4


def test_all_questions_together_have_a_deadline_too(upstream: Upstream) -> None:
    upstream.always(json_answer(1, delay=0.15))

    async def many(http: Http) -> None:
        for _ in range(20):
            await http.get_json(upstream.url)

    error = failure(many, limits=Limits(total_seconds=5, fetch_seconds=0.5))
    assert error.error_class is ErrorClass.TIMEOUT
    assert len(upstream.requests) < 8


def test_what_cannot_be_stored_is_replaced(upstream: Upstream) -> None:
    body = rb'{"a\u0000": ["x\u0000y", "\ud800!", "\ud83d\ude00", {"k": "\udfff"}]}'
    upstream.always(Answer(body=body))
    assert ask(get(upstream)).data == {"a�": ["x�y", "�!", "😀", {"k": "�"}]}
    upstream.always(Answer(body=b'{"a": "caf\xe9"}'))
    assert ask(get(upstream)).data == {"a": "caf�"}


def test_large_but_honest_numbers_pass() -> None:
    assert parse_json(b"[1.7976931348623157e+308, 123456789012345678901234567890, 1e-400, -0.0]") == [
        1.7976931348623157e308,
        123456789012345678901234567890,
        0.0,
        -0.0,
    ]


def test_text_is_read_and_html_refused(upstream: Upstream) -> None:
    upstream.always(text_answer("a 1\nb\x00 2\n"))
    assert ask(lambda http: http.get_text(upstream.url)).text == "a 1\nb� 2\n"
    upstream.always(text_answer("<html>", content_type="text/html"))
    assert failure(lambda http: http.get_text(upstream.url)).error_class is ErrorClass.AUTH_OR_PROXY


def test_five_hundred_slow_sources_are_asked_side_by_side(upstream: Upstream) -> None:
    """One after the other they would take 100 seconds; how long it really takes is for the benchmark."""
    upstream.always(json_answer({"status": "success"}, delay=0.2))

    async def poll(pool: Pool) -> int:
        async with Http(rule=LOOPBACK, pool=pool) as http:
            return (await http.get_json(f"{upstream.url}/api")).status

    async def everybody() -> list[int]:
        async with Pool() as pool:
            return await asyncio.gather(*(poll(pool) for _ in range(500)))

    began = time.monotonic()
    assert asyncio.run(everybody()) == [200] * 500
    assert time.monotonic() - began < 50  # seconds: half of one after the other
    assert len(upstream.requests) == 500


def test_cancelling_a_question_is_not_an_error_of_the_source(upstream: Upstream) -> None:
    upstream.always(Answer(delay=5))

    async def conversation() -> None:
        async with Http(rule=LOOPBACK, limits=SMALL) as http:
            task = asyncio.create_task(http.get_json(upstream.url))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(conversation())


def test_what_has_not_changed_comes_back_as_304(upstream: Upstream) -> None:
    def answer(request: Request) -> Answer:
        if request.headers.get("if-none-match") == '"a1"':
            return Answer(status=304, body=b"", headers={"ETag": '"a1"'})
        return json_answer({"n": 1}, headers={"ETag": '"a1"'})

    upstream.handler = answer
    first = ask(get(upstream))
    again = ask(get(upstream, etag=first.headers["etag"]))
    assert (first.status, first.data, again.status, again.data) == (200, {"n": 1}, 304, None)


def test_a_304_that_nobody_asked_for_is_an_error(upstream: Upstream) -> None:
    upstream.always(Answer(status=304, body=b""))
    assert failure(get(upstream)).error_class is ErrorClass.PROTOCOL


def test_csv_passes_only_where_it_is_expected(upstream: Upstream) -> None:
    upstream.always(text_answer("a,b\n1,2\n", content_type="text/csv"))
    assert failure(lambda http: http.get_text(upstream.url)).error_class is ErrorClass.MALFORMED
    found = ask(lambda http: http.get_text(upstream.url, params={"n": 1}, may_be=("text/csv",)))
    assert found.text == "a,b\n1,2\n"


def test_a_certificate_authority_that_is_none_is_a_mistake_of_the_form() -> None:
    error = failure(lambda http: http.get_json("https://127.0.0.1:1/"), trusted_ca="no certificate")
    assert (error.error_class, error.is_permanent) == (ErrorClass.CONFIG, True)


@pytest.mark.parametrize("errors", [[{"message": "no such field"}], ["no such field"]])
def test_the_words_of_a_list_of_errors_reach_the_message(upstream: Upstream, errors: list[Any]) -> None:
    upstream.always(json_answer({"errors": errors}, status=400))
    assert "no such field" in failure(get(upstream)).message


@pytest.mark.parametrize("errors", [[], {}, None, [None], [{"message": 5}]])
def test_odd_lists_of_errors_are_no_words(upstream: Upstream, errors: Any) -> None:
    upstream.always(json_answer({"errors": errors}, status=400))
    assert failure(get(upstream)).message.endswith("refuses the question (400).")
