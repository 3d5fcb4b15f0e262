"""The live stream in front of Django: whom it lets in, what it costs, and when it ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.core.asgi import get_asgi_application
from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.urls import reverse

from apps.events.services import CHANNEL
from apps.portal import live, notices
from apps.portal.asgi import LiveStreams
from apps.portal.readers import Reader
from tests.portal.browsers import Browser, until

pytestmark = [
    pytest.mark.django_db(transaction=True),  # Django answers in threads with connections of their own
    # a test may end while the portal's one connection that listens is still being made
    pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning"),
]


@pytest.fixture
def application() -> Iterator[LiveStreams]:
    """What the web server runs."""
    streams = LiveStreams(get_asgi_application())
    yield streams
    streams._bell._tasks.clear()
    gc.collect()  # closes a connection that was still being made when its test ended


@pytest.fixture
def queries(monkeypatch) -> list[str]:
    """Every query that Django sends from now on, in whichever thread."""
    seen: list[str] = []
    execute = CursorWrapper.execute

    def watched(self: CursorWrapper, sql: str, params: Any = None) -> Any:
        seen.append(sql)
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", watched)
    return seen


async def ring(*browsers: Browser, topic: str = "runs") -> None:
    """Call a topic out as a commit does, until all have heard it: the portal may not listen yet."""
    params = connection.get_connection_params()
    conninfo = {name: params[name] for name in ("dbname", "user", "password", "host", "port") if params.get(name)}
    async with await psycopg.AsyncConnection.connect(**conninfo, autocommit=True) as caller:
        while not all(f"data: {topic}\n\n" in browser.text for browser in browsers):
            await caller.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f'["{topic}"]'])
            await asyncio.sleep(0.05)


def test_a_stream_begins_under_the_headers_of_every_page(application, signed_in, outsider) -> None:
    async def story(client: Any) -> dict[str, str]:
        return (await Browser(application, client).begun()).headers

    page = signed_in(outsider).get(reverse("portal:search"))
    headers = asyncio.run(story(signed_in(outsider)))
    for name in ("Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy"):
        assert headers[name.lower()] == page[name]
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-store"
    assert headers["x-request-id"]
    assert "content-length" not in headers


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"sec_fetch_site": "cross-site"}, 403), ({"method": "POST"}, 403), ({"host": "elsewhere.example"}, 400)],
)
def test_what_django_refuses_begins_no_stream(application, signed_in, outsider, asked, status) -> None:
    async def story(client: Any) -> Browser:
        browser = Browser(application, client, **asked)
        await browser.request
        return browser

    browser = asyncio.run(story(signed_in(outsider)))
    assert (browser.status, browser.is_complete, "retry:" in browser.text) == (status, True, False)


def test_a_stranger_is_sent_to_sign_in(application, client) -> None:
    async def story() -> Browser:
        browser = Browser(application, client)
        await browser.request
        return browser

    browser = asyncio.run(story())
    assert (browser.status, browser.headers["location"]) == (302, "/account/sign-in/?next=/live/")


def test_every_other_address_is_answered_by_django(application, client) -> None:
    async def story() -> Browser:
        browser = Browser(application, client, path="/healthz")
        await browser.request
        return browser

    assert asyncio.run(story()).status == 200


def test_without_the_asgi_server_there_is_no_stream(signed_in, outsider) -> None:
    assert signed_in(outsider).get("/live/").status_code == 501


def test_letting_a_known_browser_in_takes_one_query_and_news_take_none(
    application, signed_in, outsider, queries
) -> None:
    async def story(client: Any) -> None:
        for _ in range(2):  # then the person and the versions of the rows are remembered
            await Browser(application, client).begun()
        queries.clear()
        browser = await Browser(application, client).begun()
        assert len(queries) == 1, queries
        await ring(browser)
        assert len(queries) == 1, queries

    asyncio.run(story(signed_in(outsider)))


def test_many_streams_share_one_listening_connection_and_have_no_timer_each(
    application, signed_in, outsider, author, monkeypatch
) -> None:
    connected, connect = [], notices.connect

    async def counted() -> notices.Connection:
        connected.append(1)
        return await connect()

    async def story(*clients: Any) -> None:
        first = await Browser(application, clients[0]).begun()
        await ring(first)
        alone = len(asyncio.all_tasks())
        others = [await Browser(application, client).begun() for client in (*clients, *clients)]
        await ring(first, *others, topic="later")
        assert len(asyncio.all_tasks()) == alone + len(others), "a stream is its request and no other task"
        assert len(connected) == 1

    monkeypatch.setattr(notices, "connect", counted)
    clients = [type(signed_in(outsider))() for _ in range(2)]
    for client, user in zip(clients, (outsider, author), strict=True):
        client.force_login(user)
    asyncio.run(story(*clients))


def test_a_beat_asks_for_all_readers_in_one_query(application, signed_in, outsider, queries, monkeypatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)

    async def story(client: Any) -> None:
        browsers = [await Browser(application, client).begun() for _ in range(3)]
        queries.clear()
        beats = browsers[0].text.count(":")
        await until(lambda: len(queries) >= 3)
        assert all(query.lstrip().startswith("SELECT person.id") for query in queries)
        assert len(queries) <= browsers[0].text.count(":") - beats + 1, "one a beat, however many streams there are"

    asyncio.run(story(signed_in(outsider)))


def _sign_out(client: Any) -> None:
    client.session.flush()
    connection.close()


def test_signing_out_ends_every_stream_of_the_session(application, signed_in, outsider, monkeypatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)
    client = signed_in(outsider)

    async def story() -> None:
        browsers = [await Browser(application, client).begun() for _ in range(2)]
        await sync_to_async(_sign_out)(client)
        await until(lambda: all(browser.is_complete for browser in browsers))

    asyncio.run(story())


def test_a_stream_ends_after_ten_minutes(application, signed_in, outsider, monkeypatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(live, "LONGEST_SECONDS", 0.0)

    async def story(client: Any) -> None:
        browser = await Browser(application, client).begun()
        await until(lambda: browser.is_complete)

    asyncio.run(story(signed_in(outsider)))


def test_streams_end_when_nobody_can_tell_who_may_hear(application, signed_in, outsider, monkeypatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)

    def silent(readers: object) -> set[Reader]:
        raise OperationalError("the server is away")

    async def story(client: Any) -> None:
        browser = await Browser(application, client).begun()
        await until(lambda: browser.is_complete)

    monkeypatch.setattr(live, "still_standing", silent)
    asyncio.run(story(signed_in(outsider)))


def test_a_server_that_stops_ends_the_answer_in_order(application, signed_in, outsider) -> None:
    async def story(client: Any) -> None:
        browser = await Browser(application, client).begun()
        browser.request.cancel()
        assert await browser.request is None
        assert browser.is_complete

    asyncio.run(story(signed_in(outsider)))


def test_a_browser_that_left_is_forgotten(application, signed_in, outsider) -> None:
    async def story(client: Any) -> None:
        browsers = [await Browser(application, client).begun() for _ in range(2)]
        await browsers[0].leave()
        assert [stream.reader.user_id for stream in application._bell] == [outsider.pk]

    asyncio.run(story(signed_in(outsider)))
