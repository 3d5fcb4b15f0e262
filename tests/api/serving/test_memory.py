"""Prompts in front of Django: the same bytes without a question to the database, and never what is not so any more."""

from __future__ import annotations

import asyncio
import base64
import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.asgi import get_asgi_application
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts.models import ApiToken
from apps.api.serving import ear
from apps.api.serving.asgi import PromptAnswers
from apps.prompts.models import LabelRollout, Prompt
from tests.api.asking import make_token
from tests.factories import make_source
from tests.portal.browsers import until
from tests.prompts.serving import make_prompt, make_version, set_label

pytestmark = [
    pytest.mark.django_db(transaction=True),  # Django answers in threads with connections of their own
    pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning"),
]


async def in_thread(work: Callable[..., Any], *given: Any) -> Any:
    """Do something with the database beside the loop, and leave no connection behind."""

    def done() -> Any:
        try:
            return work(*given)
        finally:
            connection.close()

    return await sync_to_async(done)()


class Answer:
    """One answer of the application."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, {}, b""

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")


class Portal:
    """The application in this process, asked as a server asks it."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked_django = 0
        django = get_asgi_application()

        async def pages(scope: Any, receive: Any, send: Any) -> None:
            self.asked_django += 1
            await django(scope, receive, send)

        self.application = PromptAnswers(pages)
        self.memory = self.application.memory

    async def get(self, address: str, token: str = "", **headers: str) -> Answer:
        if token:
            headers["authorization"] = f"Bearer {token}"
        path, _, query = address.partition("?")
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "path": path, "query_string": query.encode(),
            "headers": [(b"host", b"localhost")] + [
                (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
            ],
        }  # fmt: skip
        answer, has_asked = Answer(), False

        async def receive() -> Any:
            nonlocal has_asked
            if has_asked:
                await asyncio.sleep(60)
            has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        await self.application(scope, receive, answer.send)
        return answer

    async def warm(self, address: str, token: str) -> Answer:
        """The answer once it is kept."""
        await self.get(address, token)
        await until(lambda: self.memory.is_heard)
        await self.get(address, token)
        before = self.asked_django
        answer = await self.get(address, token)
        assert self.asked_django == before, "the answer is kept"
        return answer

    async def changes(self, write: Callable[[], Any]) -> None:
        """Write something, and wait until the memory has heard of something."""
        heard: list[str] = []
        drop = self.memory.drop
        self.memory.drop = lambda topic: (heard.append(topic), drop(topic))[0]  # type: ignore[method-assign]
        await in_thread(write)
        await until(lambda: heard)
        self.memory.drop = drop  # type: ignore[method-assign]


@pytest.fixture
def portal() -> Iterator[Portal]:
    yield Portal()
    gc.collect()


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


ADDRESS = "/api/v1/prompts/search/answers"


def test_a_warm_answer_asks_nobody_and_is_the_reference_to_the_byte(portal, owned, token, queries):
    async def story() -> None:
        for address in (ADDRESS, f"{ADDRESS}?label=staging", f"{ADDRESS}?version=2&source=", f"{ADDRESS}?key=a%20b"):
            reference = await portal.get(address, token)
            await portal.warm(address, token)
            queries.clear()
            kept = await portal.get(address, token)
            assert queries == []
            assert (kept.status, kept.body) == (reference.status, reference.body) == (200, reference.body)
            for name in ("etag", "cache-control", "content-type", "x-content-type-options"):
                assert kept.headers[name] == reference.headers[name]
            assert kept.headers["vary"] in reference.headers["vary"]
            assert kept.headers["content-length"] == str(len(kept.body))

    asyncio.run(story())


def test_an_answer_that_the_caller_has_is_304_without_its_bytes(portal, owned, token):
    async def story() -> None:
        first = await portal.warm(ADDRESS, token)
        again = await portal.get(ADDRESS, token, if_none_match=first.headers["etag"])
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert "content-length" not in again.headers

    asyncio.run(story())


@pytest.mark.parametrize(
    "change",
    [
        lambda prompt: set_label(prompt, "production", 2),
        lambda prompt: prompt.labels_now.filter(name="production").delete(),
        lambda prompt: make_version(prompt, 3),
        lambda prompt: Prompt.objects.filter(pk=prompt.pk).update(gone_at=timezone.now()),
        lambda prompt: Prompt.objects.filter(pk=prompt.pk).update(name="renamed"),
        lambda prompt: LabelRollout.objects.create(
            label=prompt.labels_now.get(name="production"), base=prompt.versions.get(number=1),
            version=prompt.versions.get(number=2), percent=100, changed_at=timezone.now(),
        ),
        lambda prompt: prompt.delete(),
    ],
    ids=["moved", "removed", "version", "gone", "renamed", "rollout", "deleted"],
)  # fmt: skip
def test_whatever_changes_an_answer_is_served_at_once(portal, told, token, change):
    async def story() -> None:
        address = f"{ADDRESS}?key=somebody"
        await portal.warm(address, token)
        await portal.changes(lambda: change(told))
        reference = portal.asked_django
        now = await portal.get(address, token)
        assert portal.asked_django == reference + 1
        kept = await portal.get(address, token)
        assert kept.body == now.body

    asyncio.run(story())


def test_another_prompt_of_the_same_name_makes_the_answer_be_asked_again(portal, token):
    async def story() -> None:
        await portal.warm("/api/v1/prompts/tone", token)
        await portal.changes(lambda: make_prompt("tone", source=make_source(slug="two"), labels={"production": 1}))
        await until_status(portal, "/api/v1/prompts/tone", token, 409)

    make_prompt("tone", source=make_source(slug="one"), labels={"production": 1})
    asyncio.run(story())


async def until_status(portal: Portal, address: str, token: str, status: int) -> Answer:
    async with asyncio.timeout(20):
        while (answer := await portal.get(address, token)).status != status:  # noqa: ASYNC110 - the database tells
            await asyncio.sleep(0.01)
    return answer


def test_a_moved_snippet_changes_the_prompts_that_take_it_in(portal, token):
    tone = make_prompt("tone", versions=2, labels={"production": 1})
    parent = make_prompt("reply", versions=0)
    make_version(parent, 1, template="Hello. {{> tone}}", snippets=["tone"])
    set_label(parent, "production", 1)

    async def story() -> None:
        assert b"Take 1" in (await portal.warm("/api/v1/prompts/reply", token)).body
        await portal.changes(lambda: set_label(tone, "production", 2))
        assert b"Take 2" in (await portal.get("/api/v1/prompts/reply", token)).body

    asyncio.run(story())


def test_many_prompts_changed_at_once_make_everything_be_asked_again(portal, owned, token):
    async def story() -> None:
        await portal.warm(ADDRESS, token)
        await portal.changes(lambda: Prompt.objects.bulk_create(_many()))
        before = portal.asked_django
        await portal.get(ADDRESS, token)
        assert portal.asked_django == before + 1

    def _many() -> list[Prompt]:
        at = timezone.now()
        names = [f"p{n}" for n in range(30)]
        return [Prompt(name=name, external_id=name, first_seen_at=at, last_changed_at=at) for name in names]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda user: accounts.revoke_token(token_id=ApiToken.objects.get().pk, actor=user, at=timezone.now()), 401),
        (lambda user: ApiToken.objects.update(scopes=["read"]), 403),
        (lambda user: ApiToken.objects.update(folders=["other"]), 403),
        (lambda user: ApiToken.objects.all().delete(), 401),
        (lambda user: type(user).objects.filter(pk=user.pk).update(is_active=False), 401),
    ],
    ids=["revoked", "scopes", "folders", "deleted", "locked out"],
)
def test_a_token_that_opens_nothing_more_is_refused_at_once(portal, owned, machine, token, change, status):
    async def story() -> None:
        await portal.warm(ADDRESS, token)
        await portal.changes(lambda: change(machine))
        assert (await portal.get(ADDRESS, token)).status == status
        assert (await portal.get(ADDRESS, token)).status == status

    asyncio.run(story())


def test_a_token_that_expires_opens_nothing_that_is_kept(portal, owned, token, monkeypatch):
    async def story() -> None:
        await portal.warm(ADDRESS, token)
        for let in portal.memory._tokens.values():
            let.grant = type(let.grant)(token_id=1, expires_at=0.0, folders=(), sources=())
        before = portal.asked_django
        await portal.get(ADDRESS, token)
        assert portal.asked_django == before + 1

    asyncio.run(story())


def test_what_is_kept_for_one_token_is_not_served_to_another_that_may_not(portal, owned, machine, token):
    async def story() -> None:
        await portal.warm(ADDRESS, token)
        assert (await portal.get(ADDRESS, "opsp_unknown")).status == 401
        assert (await portal.get(ADDRESS)).status == 401
        for narrow in (elsewhere, other_scope):
            for _ in range(2):
                assert (await portal.get(ADDRESS, narrow)).status == 403

    elsewhere = make_token(machine, "prompt:read", folders=["other"])
    other_scope = make_token(machine, "push:runs")
    asyncio.run(story())


def test_callers_are_put_on_the_side_of_a_rollout_that_the_reference_says(portal, told, token):
    async def story() -> None:
        for n in range(30):
            reference = await portal.get(f"{ADDRESS}?label=production&key=user-{n}", token)
            kept = await portal.warm(f"{ADDRESS}?label=production&key=user-{n}", token)
            assert kept.body == reference.body
        assert len(portal.memory._offers) == 1, "the key is no part of what is kept"

    label = told.labels_now.get(name="production")
    LabelRollout.objects.create(
        label=label, base=label.version, version=told.versions.get(number=2), percent=50, changed_at=timezone.now()
    )
    asyncio.run(story())


@pytest.mark.parametrize("query", ["%6Bey=x", "key=a&key=b", "key=%ff"])
def test_a_key_in_odd_spelling_is_answered_as_the_reference_does(portal, told, token, query):
    async def story() -> None:
        await portal.warm(f"{ADDRESS}?key=x", token)
        first = await portal.get(f"{ADDRESS}?{query}", token)
        assert (await portal.get(f"{ADDRESS}?{query}", token)).body == first.body

    label = told.labels_now.get(name="production")
    LabelRollout.objects.create(
        label=label, base=label.version, version=told.versions.get(number=2), percent=50, changed_at=timezone.now()
    )
    asyncio.run(story())


def test_an_answer_read_before_a_change_is_not_kept_after_it(portal, owned, token):
    """The database names the prompt while the answer is on its way: it was read before, so it must not stay."""

    async def story() -> None:
        await portal.warm(ADDRESS, token)
        await portal.changes(lambda: make_version(owned, 3))
        pages = portal.application._pages

        async def overtaken(scope: Any, receive: Any, send: Any) -> None:
            await pages(scope, receive, send)
            await portal.changes(lambda: set_label(owned, "production", 2))

        portal.application._pages = overtaken
        assert b'"version":1' in (await portal.get(ADDRESS, token)).body
        portal.application._pages = pages
        assert b'"version":2' in (await portal.get(ADDRESS, token)).body

    asyncio.run(story())


def test_many_who_ask_at_once_ask_the_database_once(portal, owned, token):
    async def story() -> None:
        await portal.warm(ADDRESS, token)
        await portal.changes(lambda: set_label(owned, "production", 2))
        before = portal.asked_django
        answers = await asyncio.gather(*(portal.get(ADDRESS, token) for _ in range(50)))
        assert portal.asked_django == before + 1
        assert {b'"version":2' in answer.body for answer in answers} == {True}

    asyncio.run(story())


def test_the_last_known_answer_is_served_while_the_database_is_away_and_never_after(portal, owned, token, monkeypatch):
    async def story() -> None:
        first = await portal.warm(ADDRESS, token)
        real = ear.notices.connect
        monkeypatch.setattr(ear.notices, "connect", away)
        await in_thread(hang_up)
        await until(lambda: not portal.memory.is_heard)
        before = portal.asked_django
        stale = await portal.get(ADDRESS, token)
        assert (stale.status, stale.body) == (200, first.body)
        assert stale.headers["x-opsportal-stale"] == "0"
        assert portal.asked_django == before, "nobody waits for a database that is away"
        assert (await portal.get(ADDRESS, "opsp_unknown")).status == 401
        await in_thread(set_label, owned, "production", 2)  # said while nobody listened
        monkeypatch.setattr(ear.notices, "connect", real)
        await until(lambda: portal.memory.is_heard)
        fresh = await portal.get(ADDRESS, token)
        assert b'"version":2' in fresh.body
        assert "x-opsportal-stale" not in fresh.headers

    async def away(channel: str) -> Any:
        raise OSError("the database restarts")

    asyncio.run(story())


def hang_up() -> None:
    """End the connection that listens, as a restart of the database does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'opsportal live' AND datname = current_database()"
        )


def test_a_database_that_does_not_answer_is_said_where_nothing_is_known(portal, owned, token):
    async def story() -> None:
        await portal.warm(ADDRESS, token)

        async def broken(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

        portal.application._pages = broken
        portal.memory.heard()
        assert (await portal.get(ADDRESS, token)).headers["x-opsportal-stale"] == "0"
        portal.memory.lost()
        unknown = await portal.get("/api/v1/prompts/other", token)
        assert (unknown.status, unknown.headers["retry-after"]) == (503, "1")
        assert b"does not answer; ask again" in unknown.body

    asyncio.run(story())


def test_the_shape_of_langfuse_is_kept_as_well(portal, chat, token):
    async def story() -> None:
        pair = base64.b64encode(f"pk:{token}".encode()).decode()
        address = "/api/public/v2/prompts/greeting?label=production"
        for _ in range(3):
            answer = await portal.get(address, authorization=f"Basic {pair}")
            await until(lambda: portal.memory.is_heard)
        assert portal.asked_django == 2
        assert b'"type":"placeholder"' in answer.body
        assert (await portal.get(address, authorization=f"Bearer {token}")).status == 401

    asyncio.run(story())


def test_the_use_of_a_token_is_written_down_though_nobody_asks_the_database(portal, owned, token, monkeypatch):
    monkeypatch.setattr(ear, "NOTED_EVERY", 0.0)
    monkeypatch.setattr(ear, "PATIENCE", 0.05)

    async def story() -> None:
        await portal.warm(ADDRESS, token)
        await in_thread(lambda: ApiToken.objects.update(last_used_at=None))
        await portal.get(ADDRESS, token)
        async with asyncio.timeout(20):
            while (await in_thread(ApiToken.objects.get)).last_used_at is None:  # noqa: ASYNC110 - a row tells
                await asyncio.sleep(0.02)

    asyncio.run(story())


def test_a_change_is_heard_while_the_use_of_tokens_is_written_down(portal, owned, token, monkeypatch):
    monkeypatch.setattr(ear, "NOTED_EVERY", 0.0)
    monkeypatch.setattr(ear, "PATIENCE", 0.05)

    async def story() -> None:
        begun, never = asyncio.Event(), asyncio.Event()

        async def note(_: set[int]) -> None:
            begun.set()
            await never.wait()

        portal.application._ear._note = note
        await portal.warm(ADDRESS, token)
        await asyncio.wait_for(begun.wait(), 20)
        await portal.changes(lambda: set_label(owned, "production", 2))
        assert b'"version":2' in (await portal.get(ADDRESS, token)).body

    asyncio.run(story())


def test_no_more_is_kept_than_there_is_room_for(portal, owned, token, monkeypatch):
    monkeypatch.setattr("apps.api.serving.memory.MOST_BYTES", 1_500)

    async def story() -> None:
        for n in range(6):
            await portal.warm(f"{ADDRESS}?version=1&source=&n={n}", token)
        assert 1 <= len(portal.memory._offers) <= 2
        assert portal.memory._bytes <= 1_500
        assert sum(map(len, portal.memory._addresses.values())) == len(portal.memory._offers)

    asyncio.run(story())


@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_every_other_request_is_djangos(portal, owned, token, method):
    assert portal.memory.recall.__self__ is portal.memory
    scopes: list[str] = []

    async def pages(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope["method"])

    application = PromptAnswers(pages)
    asyncio.run(application({"type": "http", "method": method, "path": ADDRESS}, None, None))  # type: ignore[arg-type]
    assert scopes == [method]
