"""Prompts in your program: one file, standard library only, which may be copied as it is.

    from opsportal.client import OpsPortalClient

    portal = OpsPortalClient("https://portal.example.com", token, caller="checkout-api")
    prompt = portal.get_prompt("search/answers", fallback="Answer {{question}}.")
    text = prompt.compile(question=question)

The first call asks the portal. After that a prompt comes from memory; when it is older than `ttl` seconds it is still
served while one thread asks again, so nobody waits. Without the portal the last text is served, and where there was
none the `fallback`. What is served is told to the portal every `report_every` seconds, so that its page says who serves
which version; telling never blocks and never raises. `label`, `version` and `key` mean what they mean in the API.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger("opsportal.client")

VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][\w.\-]{0,119})\s*\}\}")
PRODUCTION = "production"
LONGEST_PAUSE = 60.0  # seconds between two tries to reach a portal that does not answer
FIRST_PAUSE = 1.0
MOST_KEPT = 10_000  # places of the memory; the oldest one goes
MOST_REPORTS = 500  # prompts told at once
Messages = Sequence[Mapping[str, Any]]
_Place = tuple[str, str, int | None, str, str]  # name, label, version, key, source


class PromptUnavailableError(Exception):
    """The portal did not give the prompt and there is no fallback; `status` is its answer, 0 when there was none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version as it is served. `version` is None for the fallback; `text` is "" for a chat prompt."""

    name: str
    version: int | None
    text: str = ""
    messages: Messages = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    response_format: Mapping[str, Any] | None = None
    labels: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()

    @property
    def is_fallback(self) -> bool:
        """Whether this is the caller's own text."""
        return self.version is None

    def compile(self, **variables: Any) -> str:
        """The text with its variables filled in; one that is not given stays as it is written."""
        return _filled(self.text, variables)

    def compile_messages(self, **variables: Any) -> list[dict[str, Any]]:
        """The chat messages filled in; in place of a placeholder stand the messages that are given under its name."""
        found: list[dict[str, Any]] = []
        for message in self.messages:
            if message.get("role") == "placeholder":
                given = variables.get(str(message.get("content")), ())
                found += [dict(one) for one in given if isinstance(one, Mapping)]
            else:
                found.append({**message, "content": _filled(str(message.get("content", "")), variables)})
        return found


@dataclass(slots=True)
class _Kept:
    """One place of the memory: the prompt, until when it counts, and what was served of it since the last report."""

    prompt: Prompt
    fresh_until: float
    etag: str = ""
    is_asking: bool = False
    failures: int = 0
    served: int = 0
    fallbacks: int = 0


class OpsPortalClient:
    """A memory of prompts in front of one portal. Threads may share it; make one a process.

    caller, instance: who serves, as the portal's page says it: a service, and one process of it.
    ttl: seconds a prompt counts as fresh.  timeout: seconds one question may take.
    report_every: seconds between two reports; 0 never reports.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        caller: str = "",
        instance: str = "",
        ttl: float = 30.0,
        timeout: float = 3.0,
        report_every: float = 15.0,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError("The address of the portal begins with https:// or http://.")
        self._url = url.rstrip("/")
        self._token = token
        self._caller = caller or os.path.basename(os.environ.get("HOSTNAME", "")) or socket.gethostname()
        self._instance = instance or f"{socket.gethostname()}/{os.getpid()}"
        self._ttl, self._timeout, self._report_every = ttl, timeout, report_every
        self._kept: dict[_Place, _Kept] = {}
        self._lock = threading.Lock()  # of making places; reading takes none
        self._wake = threading.Condition()
        self._wanted: list[_Place] = []
        self._is_over = False
        self._away_until = 0.0
        self._reported_at = time.monotonic()
        self._worker: threading.Thread | None = None

    def get_prompt(
        self,
        name: str,
        label: str = PRODUCTION,
        *,
        version: int | None = None,
        key: str = "",
        source: str = "",
        fallback: str | Messages | None = None,
    ) -> Prompt:
        """The prompt, out of memory where it is there; raises PromptUnavailableError where nothing else is left."""
        kept = self._kept.get((name, label, version, key, source))
        if kept is None:
            kept = self._first((name, label, version, key, source), fallback)
        elif kept.fresh_until < time.monotonic():
            self._refresh((name, label, version, key, source), kept)
        kept.served += 1  # may lose a count to another thread; a lock here would cost more than the rest
        if kept.prompt.version is None:
            return self._fall_back(kept, fallback)
        return kept.prompt

    def _fall_back(self, kept: _Kept, fallback: str | Messages | None) -> Prompt:
        """The text of this very call: another one may have brought another."""
        if fallback is None:
            kept.served -= 1
            raise PromptUnavailableError(f"The portal did not give “{kept.prompt.name}”, and there is no fallback.")
        kept.fallbacks += 1
        return _own(kept.prompt.name, fallback)

    def close(self) -> None:
        """Report once more and stop; what is remembered stays usable."""
        with self._wake:
            self._is_over = True
            self._wake.notify()
        if self._worker is not None:
            self._worker.join(2 * self._timeout)
        self._report()

    def _first(self, place: _Place, fallback: str | Messages | None) -> _Kept:
        """Ask, and wait for the answer: once a place, whoever else asks meanwhile."""
        with self._lock:
            if (kept := self._kept.get(place)) is not None:
                return kept
            kept = self._answered(place, fallback)
            if len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[place] = kept
        self._start()
        return kept

    def _answered(self, place: _Place, fallback: str | Messages | None) -> _Kept:
        """The portal's answer, or the fallback; a portal that just did not answer is not waited for again."""
        try:
            if fallback is not None and time.monotonic() < self._away_until:
                raise PromptUnavailableError("The portal did not answer a moment ago.")
            prompt, etag = self._ask(place, "")
            assert prompt is not None
            return _Kept(prompt, time.monotonic() + self._ttl, etag)
        except PromptUnavailableError as error:
            if fallback is None:
                raise
            if not error.status:
                self._away_until = time.monotonic() + FIRST_PAUSE
            log.warning("the fallback of %s is served: %s", place[0], error)
            return _Kept(_own(place[0], fallback), time.monotonic() + FIRST_PAUSE, failures=1)

    def _refresh(self, place: _Place, kept: _Kept) -> None:
        """Have the prompt asked for again by the thread behind."""
        if kept.is_asking:
            return
        with self._wake:
            if not kept.is_asking:
                kept.is_asking = True
                self._wanted.append(place)
                self._wake.notify()
        self._start()

    def _start(self) -> None:
        with self._wake:
            if self._is_over or (self._worker is not None and self._worker.is_alive()):
                return
            if self._worker is None:
                atexit.register(self.close)
            self._worker = threading.Thread(target=self._work, name="opsportal-client", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        while not self._is_over:
            with self._wake:
                if not self._wanted and not self._is_over:
                    self._wake.wait(self._report_every or None)
                wanted, self._wanted = self._wanted, []
            for place in wanted:
                self._ask_again(place)
            if self._report_every and time.monotonic() - self._reported_at >= self._report_every:
                self._report()

    def _ask_again(self, place: _Place) -> None:
        if (kept := self._kept.get(place)) is None:
            return
        try:
            prompt, etag = self._ask(place, kept.etag)
            if prompt is not None:
                kept.prompt, kept.etag = prompt, etag
            kept.failures, pause = 0, self._ttl
        except Exception as error:  # the thread must go on, and the last text is still there
            kept.failures += 1
            pause = min(2.0**kept.failures, LONGEST_PAUSE)
            log.warning("%s is served as it was: %s", place[0], error)
        kept.fresh_until = time.monotonic() + pause
        kept.is_asking = False

    def _ask(self, place: _Place, etag: str) -> tuple[Prompt | None, str]:
        """(the prompt, or None if it is the one with this etag; its etag)."""
        name, label, version, key, source = place
        which = {"version": str(version)} if version is not None else {"label": label}
        query = {**which, **({"key": key} if key else {}), **({"source": source} if source else {})}
        path = f"/api/v1/prompts/{urllib.parse.quote(name, safe='')}?{urllib.parse.urlencode(query)}"
        headers = {"If-None-Match": etag} if etag else {}
        try:
            with self._open(path, headers=headers) as answer:
                return _read(json.load(answer)), answer.headers.get("ETag", "")
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 304:
                    return None, etag
                raise PromptUnavailableError(_sentence(error), error.code) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PromptUnavailableError(f"The portal did not answer: {type(error).__name__}.") from None

    def _open(self, path: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Any:
        request = urllib.request.Request(self._url + path, data=body, headers={**headers, **self._headers()})  # noqa: S310 - the scheme is checked in __init__
        return urllib.request.urlopen(request, timeout=self._timeout)  # noqa: S310

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "User-Agent": "opsportal-client/1"}

    def _report(self) -> None:
        """Tell the portal what was served; what could not be told is told next time, in sum."""
        self._reported_at = time.monotonic()
        places = [(place, kept) for place, kept in list(self._kept.items()) if kept.served][:MOST_REPORTS]
        told = [(kept, kept.served, kept.fallbacks) for _, kept in places]
        items = [_item(place, kept) for place, kept in places]
        if not items or not self._report_every:
            return
        body = json.dumps({"caller": self._caller, "instance": self._instance, "items": items}).encode()
        headers = {"Content-Type": "application/json"}
        with contextlib.suppress(Exception):  # a report more or less; the next one holds the same
            self._open("/api/v1/prompts/reports", headers=headers, body=body).close()
            for kept, served, fallbacks in told:
                kept.served -= served
                kept.fallbacks -= fallbacks


def _item(place: _Place, kept: _Kept) -> dict[str, Any]:
    name, label, version, _, source = place
    return {
        "name": name,
        "source": source,
        "label": "" if version is not None else label,
        "version": kept.prompt.version,
        "served": kept.served,
        "fallbacks": kept.fallbacks,
    }


def _read(told: Mapping[str, Any]) -> Prompt:
    return Prompt(
        name=told["name"],
        version=told["version"],
        text=told.get("text", ""),
        messages=tuple(told.get("messages", ())),
        config=told["config"],
        response_format=told["response_format"],
        labels=tuple(told["labels"]),
        variables=tuple(told["variables"]),
    )


def _own(name: str, fallback: str | Messages) -> Prompt:
    text, messages = (fallback, ()) if isinstance(fallback, str) else ("", tuple(fallback))
    return Prompt(name, None, text=text, messages=messages)


def _filled(text: str, variables: Mapping[str, Any]) -> str:
    return VARIABLE.sub(lambda found: str(variables.get(found[1], found[0])), text)


def _sentence(error: urllib.error.HTTPError) -> str:
    """What the portal says is wrong."""
    try:
        return str(json.load(error)["error"]["message"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"The portal answered {error.code}."
