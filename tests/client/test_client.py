"""The client in somebody's program, against a small server that answers as the portal does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from opsportal.client import OpsPortalClient, Prompt, PromptUnavailableError

PATIENCE = 20.0  # seconds


class SmallPortal:
    """Answers `prompt`, or `status` with a sentence; keeps what it was asked and told."""

    def __init__(self) -> None:
        self.prompt: dict[str, Any] = {
            "name": "search/answers", "version": 1, "labels": ["production"], "type": "text", "text": "Answer {{ q }}.",
            "config": {"model": "small"}, "variables": ["q"], "response_format": None, "hash": "a", "source": None,
        }  # fmt: skip
        self.status = 200
        self.asked: list[str] = []
        self.told: list[dict[str, Any]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                portal.asked.append(self.path)
                portal.may_answer.wait(PATIENCE)
                body = json.dumps(portal.prompt).encode()
                tag = f'"{portal.prompt["version"]}"'
                if portal.status != 200:
                    self.answer(portal.status, json.dumps({"error": {"message": "It is not there."}}).encode())
                elif self.headers.get("If-None-Match") == tag:
                    self.answer(304, b"")
                elif self.headers["Authorization"] == "Bearer secret":
                    self.answer(200, body, ETag=tag)

            def do_POST(self) -> None:
                portal.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.answer(portal.status, b"{}")

            def answer(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def portal() -> Iterator[SmallPortal]:
    small = SmallPortal()
    thread = threading.Thread(target=small.server.serve_forever, daemon=True)
    thread.start()
    yield small
    small.server.shutdown()
    small.server.server_close()
    thread.join()


@pytest.fixture
def make(portal) -> Iterator[Callable[..., OpsPortalClient]]:
    made: list[OpsPortalClient] = []

    def client(**options: Any) -> OpsPortalClient:
        defaults = {"caller": "checkout", "instance": "checkout/1", "timeout": 5.0, "report_every": 3600.0}
        made.append(OpsPortalClient(portal.url, "secret", **defaults | options))
        return made[-1]

    yield client
    for one in made:
        one.close()


def until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_prompt_is_asked_for_once_and_then_remembered(portal, make):
    client = make()
    first = client.get_prompt("search/answers")
    assert (first.version, first.text, first.config, first.labels) == (
        1, "Answer {{ q }}.", {"model": "small"}, ("production",),
    )  # fmt: skip
    assert client.get_prompt("search/answers") is first
    assert portal.asked == ["/api/v1/prompts/search%2Fanswers?label=production"]


def test_label_version_key_and_source_are_asked_as_they_are_given(portal, make):
    client = make()
    client.get_prompt("a", "staging", key="u 1", source="mlflow")
    client.get_prompt("a", version=3)
    assert portal.asked == ["/api/v1/prompts/a?label=staging&key=u+1&source=mlflow", "/api/v1/prompts/a?version=3"]


def test_an_old_one_is_served_while_a_thread_asks_again(portal, make):
    client = make(ttl=0.0)
    client.get_prompt("a")
    portal.may_answer.clear()
    portal.prompt = portal.prompt | {"version": 2}
    assert client.get_prompt("a").version == 1, "nobody waits"
    until(lambda: len(portal.asked) == 2)
    portal.may_answer.set()
    until(lambda: client.get_prompt("a").version == 2)


def test_what_has_not_changed_is_not_sent_again(portal, make):
    client = make(ttl=0.0)
    first = client.get_prompt("a")
    until(lambda: (client.get_prompt("a"), len(portal.asked) > 2)[1])
    assert client.get_prompt("a") is first


def test_the_last_text_is_served_when_the_portal_is_gone(portal, make):
    client = make(ttl=0.0)
    first = client.get_prompt("a")
    portal.status = 503
    until(lambda: (client.get_prompt("a"), len(portal.asked) > 1)[1])
    assert client.get_prompt("a") is first


def test_without_anything_known_the_fallback_is_served_until_the_portal_answers(portal, make):
    client = make(ttl=0.0)
    portal.status = 500
    prompt = client.get_prompt("a", fallback="My own {{q}}")
    assert (prompt.is_fallback, prompt.version, prompt.compile(q="text")) == (True, None, "My own text")
    assert client.get_prompt("a", fallback="Another").text == "Another"
    with pytest.raises(PromptUnavailableError, match="there is no fallback"):
        client.get_prompt("a")
    portal.status = 200
    until(lambda: client.get_prompt("a", fallback="My own").version == 1)


def test_without_a_fallback_the_sentence_of_the_portal_is_raised(portal, make):
    portal.status = 404
    with pytest.raises(PromptUnavailableError, match="It is not there") as raised:
        make().get_prompt("a")
    assert raised.value.status == 404


def test_a_portal_that_nobody_reaches_is_not_waited_for_by_every_prompt(make, monkeypatch):
    client = make()
    asked: list[str] = []

    def unreachable(place: Any, etag: str) -> Any:
        asked.append(place[0])
        raise PromptUnavailableError("The portal did not answer: URLError.")

    monkeypatch.setattr(client, "_ask", unreachable)
    for name in ("a", "b", "c"):
        assert client.get_prompt(name, fallback="x").is_fallback
    assert asked == ["a"]


def test_what_is_served_is_told_in_sum(portal, make):
    client = make(report_every=0.05)
    for _ in range(3):
        client.get_prompt("a")
    client.get_prompt("b", version=1)
    until(lambda: sum(item["served"] for report in portal.told for item in report["items"]) == 4)
    report = portal.told[0]
    assert (report["caller"], report["instance"]) == ("checkout", "checkout/1")
    items = {item["name"]: item for report in portal.told for item in report["items"]}
    assert {name: items["a"][name] for name in ("label", "version", "source")} == {
        "label": "production", "version": 1, "source": "",
    }  # fmt: skip
    assert items["b"]["label"] == ""


def test_what_could_not_be_told_is_told_later_with_the_fallbacks(portal, make):
    client = make(report_every=0.05, ttl=3600)
    portal.status = 500
    client.get_prompt("a", fallback="x")
    until(lambda: len(portal.told) > 1)
    assert {report["items"][0]["version"] for report in portal.told} == {None}
    assert portal.told[-1]["items"][0]["fallbacks"] == 1
    portal.status = 200
    told = len(portal.told)
    until(lambda: len(portal.told) > told)
    client.close()
    assert not any(kept.served for kept in client._kept.values())


def test_closing_reports_once_more_and_ends_the_thread(portal, make):
    client = make()
    client.get_prompt("a")
    client.close()
    assert portal.told[-1]["items"][0]["served"] == 1
    assert not client._worker.is_alive()
    assert client.get_prompt("a").version == 1


def test_many_threads_ask_once(portal, make):
    client, barrier, found = make(), threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        found.append(client.get_prompt("a"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(portal.asked) == 1
    assert len(set(map(id, found))) == 1


def test_the_memory_is_bounded(portal, make, monkeypatch):
    monkeypatch.setattr("opsportal.client.MOST_KEPT", 3)
    client = make()
    for n in range(6):
        client.get_prompt("a", key=f"user-{n}")
    assert len(client._kept) == 3


def test_chat_messages_are_filled_in_and_placeholders_replaced():
    messages = [
        {"role": "system", "content": "Be kind to {{name}}, {{unknown}}."},
        {"role": "placeholder", "content": "h"},
    ]
    prompt = Prompt("a", 1, messages=messages)
    assert prompt.compile_messages(name="Ada", h=[{"role": "user", "content": "Hi {{name}}"}]) == [
        {"role": "system", "content": "Be kind to Ada, {{unknown}}."}, {"role": "user", "content": "Hi {{name}}"},
    ]  # fmt: skip
    assert prompt.compile_messages() == [{"role": "system", "content": messages[0]["content"]}]


def test_only_http_is_spoken():
    with pytest.raises(ValueError, match="begins with https"):
        OpsPortalClient("file:///etc/passwd", "secret")
