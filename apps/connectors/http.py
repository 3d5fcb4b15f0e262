"""The only door to the network: every question a connector asks goes through `Http`.

It promises: http and https only; connect-time address rule; no redirect, no proxy, no cookie; one total
deadline over connect, headers and body; a cap on decompressed bytes; content type checked before parsing;
strict JSON; a class for everything that goes wrong; and no secret in any message.
"""

from __future__ import annotations

import asyncio
import base64
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from apps.connectors import body, failures
from apps.connectors.address import AddressRule
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.pool import Pool

MIB = 2**20
DETAIL_BYTES, DETAIL_SECONDS = 4096, 1.0  # how much of an error page is read, and how long we wait for it
_RETRIED = {ErrorClass.UNREACHABLE, ErrorClass.PROTOCOL, ErrorClass.UPSTREAM}
_JSON, _TEXT = ("JSON", ("json",)), ("plain text", ("text/plain", "openmetrics"))
_NOTHING: tuple[str, tuple[str, ...]] = ("nothing", ())  # whatever comes back is not read
_ETAG = "If-None-Match"
_NOT_IN_URL = re.compile(r"[\x00-\x20\\\x7f]")
_random = random.SystemRandom()

Params = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one conversation may cost. Times in seconds; `max_bytes` of one answer, decompressed."""

    total_seconds: float = 10.0  # one question with its retries
    fetch_seconds: float = 25.0  # all questions of one Http; below the task's soft limit
    max_bytes: int = 5 * MIB
    max_requests: int = 50
    attempts: int = 3
    backoff_seconds: float = 0.5  # full jitter: uniform(0, min(8, backoff · 2^n))


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One good answer: `data` is parsed JSON, `text` a text body; header names are lowercase.

    Status 304 has neither: what was asked with an `etag` has not changed. Only `deliver` brings statuses of refusal,
    with the receiver's own words as `text`.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    data: Any = field(default=None, repr=False)
    text: str = field(default="", repr=False)
    server_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    method: str
    url: URL
    host: str
    headers: Mapping[str, str] = field(repr=False)
    wanted: tuple[str, tuple[str, ...]]  # what it is called, and what its content type contains
    max_bytes: int
    payload: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    raw: bytes | None = field(default=None, repr=False)


class Http:
    """One poll's (or probe's) conversation with one source; `requests` and `bytes_read` go into its record.

    Give it a shared `pool` to share connections with other sources; without one it owns its own.
    """

    def __init__(
        self,
        *,
        rule: AddressRule | None = None,
        pool: Pool | None = None,
        limits: Limits | None = None,
        headers: Mapping[str, str] | None = None,
        user_agent: str = "OpsPortal",
        trusted_ca: str = "",
    ) -> None:
        self.limits = limits or Limits()
        self.requests = 0
        self.bytes_read = 0
        self.server_time: datetime | None = None  # of the latest answer
        self._rule = rule or AddressRule()
        self._trusted_ca = trusted_ca  # PEM, beside the authorities this machine trusts
        self._pool = pool
        self._owns_pool = pool is None
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip", **(headers or {})}
        self._secrets: set[str] = set()
        self._ends_at: float | None = None
        self.protect(self._headers[name] for name in (headers or {}))

    def __repr__(self) -> str:
        return f"<Http {self.requests} requests, {self.bytes_read} bytes>"

    async def __aenter__(self) -> Self:
        self._pool = self._pool or Pool()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._owns_pool and self._pool is not None:
            await self._pool.close()
            self._pool = None

    def protect(self, secrets: Iterable[str]) -> None:
        """Never let these values appear in a message, even when the source echoes them."""
        for secret in secrets:
            parts = (secret.partition(" ")[2], secret.partition(":")[2])  # "Bearer token", "user:password"
            for form in (secret, *parts, base64.b64encode(secret.encode()).decode()):
                if len(form) >= 4:
                    self._secrets.add(form)

    def is_spent(self, *, share: float = 0.5) -> bool:
        """Whether `share` of this conversation's time or questions is used: stop paging and ask for another fetch."""
        if self.requests >= self.limits.max_requests * share:
            return True
        return self._ends_at is not None and self._seconds_left() <= self.limits.fetch_seconds * (1 - share)

    async def get_json(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        etag: str = "",
    ) -> Response:
        """The answer to a GET, as JSON; with an `etag` perhaps status 304 and nothing else. Raises SourceError."""
        if etag:
            headers = {**(headers or {}), _ETAG: etag}
        return await self._ask(self._question("GET", url, params, headers, _JSON, max_bytes))

    async def post_json(
        self,
        url: str,
        *,
        payload: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> Response:
        """The JSON answer to a POST of JSON or of a form. It may be sent again, so it must be safe to repeat."""
        question = self._question("POST", url, None, headers, _JSON, max_bytes, payload=payload, form=form)
        return await self._ask(question)

    async def get_text(
        self,
        url: str,
        *,
        accept: str = "text/plain",
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        may_be_html: bool = False,
        may_be: tuple[str, ...] = (),
    ) -> Response:
        """The answer to a GET, as text; `may_be` are more content types that pass ("text/csv"). Raises SourceError.

        HTML is refused unless the caller checks what it got.
        """
        headers = {"Accept": accept, **(headers or {})}
        wanted = (_TEXT[0], (*_TEXT[1], *may_be, *(("text/html",) if may_be_html else ())))
        return await self._ask(self._question("GET", url, params, headers, wanted, max_bytes))

    async def change(self, method: str, url: str, *, payload: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send JSON that changes something there ("PATCH", "POST"); the answer is not read. Raises SourceError.

        It may be sent again when the connection fails, so it must be safe to repeat.
        """
        question = self._question(method, url, None, headers, _NOTHING, None, payload=payload)
        response = await self._ask(question)
        failure = failures.failure_of_status(
            response.status, response.headers, host=question.host, detail=response.text
        )
        if failure is not None:
            raise failure

    async def deliver(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Response:
        """POST `body` as it is; returns whatever status the receiver answers, its answer unread.

        A refusal brings up to one line of the receiver's own words as `text`. It may be sent again when the
        connection fails, so it must be safe to repeat. Raises SourceError when nothing answers.
        """
        question = self._question("POST", url, None, None, _NOTHING, None, raw=body)
        question = replace(question, headers={**question.headers, "Accept": "*/*", **headers})
        return await self._ask(question)

    def _question(
        self,
        method: str,
        url: str,
        params: Params | None,
        headers: Mapping[str, str] | None,
        wanted: tuple[str, tuple[str, ...]],
        max_bytes: int | None,
        **content: Any,
    ) -> _Question:
        address = check_url(url)
        if params:
            address = address.update_query({name: str(value) for name, value in params.items()})
        own = dict(headers or {})
        self.protect(value for name, value in own.items() if name not in ("Accept", _ETAG))
        return _Question(
            method=method,
            url=address,
            host=address.host or "",
            headers={"Accept": "application/json", **self._headers, **own},
            wanted=wanted,
            max_bytes=max_bytes or self.limits.max_bytes,
            **content,
        )

    async def _ask(self, question: _Question) -> Response:
        """The first good answer within the deadline; transient failures are asked again with full jitter."""
        failure: SourceError | None = None
        try:
            async with asyncio.timeout(min(self.limits.total_seconds, max(self._seconds_left(), 0.001))):
                for attempt in range(self.limits.attempts):
                    if attempt:
                        await asyncio.sleep(_random.uniform(0, min(8.0, self.limits.backoff_seconds * 2**attempt)))
                    outcome = await self._attempt(question)
                    if isinstance(outcome, Response):
                        return outcome
                    failure = outcome
                    if not _is_worth_repeating(failure):
                        break
        except TimeoutError:
            failure = failure or SourceError(ErrorClass.TIMEOUT, f"{question.host} did not answer in time.")
        assert failure is not None
        failure.message = self._redacted(failure.message)
        failure.args = (failure.message,)
        raise failure

    async def _attempt(self, question: _Question) -> Response | SourceError:
        """One request; what went wrong comes back as a value, so that no library exception is chained to it."""
        if self.requests >= self.limits.max_requests:
            message = (
                f"{question.host} needs more than {self.limits.max_requests} questions at once; narrow the source."
            )
            return SourceError(ErrorClass.TOO_LARGE, message)
        assert self._pool is not None, "enter Http with `async with` before asking"
        self.requests += 1
        request = self._pool.session(self._rule, self._trusted_ca).request(
            question.method,
            question.url,
            headers=question.headers,
            json=question.payload,
            data=question.form if question.raw is None else question.raw,
            allow_redirects=False,
        )
        try:
            async with request as answer:
                return await self._read(question, answer)
        except TimeoutError:
            raise
        except Exception as error:
            return failures.failure_of_exception(error, host=question.host)

    async def _read(self, question: _Question, answer: aiohttp.ClientResponse) -> Response | SourceError:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        self.server_time = failures.read_date(headers) or self.server_time
        content_type = headers.get("content-type", "").lower()
        if answer.status == 304 and _ETAG in question.headers:
            return Response(status=304, headers=headers, server_time=self.server_time)
        if question.wanted is _NOTHING:
            return await self._unread(answer, headers, content_type)
        if not 200 <= answer.status < 300:
            detail = failures.read_detail(content_type, await self._error_body(answer))
            failure = failures.failure_of_status(answer.status, headers, host=question.host, detail=detail)
            assert failure is not None
            return failure
        name, accepted = question.wanted
        if not any(part in content_type for part in accepted):
            return failures.wrong_content(content_type, b"", host=question.host, wanted=name)
        raw = await body.read_capped(
            answer.content.iter_any(),
            encoding=headers.get("content-encoding", ""),
            max_bytes=question.max_bytes,
            count=self._count,
        )
        if name != "JSON":
            return Response(
                status=answer.status, headers=headers, text=body.decode_text(raw), server_time=self.server_time
            )
        if raw[:64].lstrip()[:1] == b"<":
            return failures.wrong_content(content_type, raw[:64], host=question.host, wanted=name)
        return Response(status=answer.status, headers=headers, data=body.parse_json(raw), server_time=self.server_time)

    async def _unread(self, answer: aiohttp.ClientResponse, headers: dict[str, str], content_type: str) -> Response:
        is_good = 200 <= answer.status < 300
        words = "" if is_good else failures.read_detail(content_type, await self._error_body(answer))
        return Response(status=answer.status, headers=headers, text=self._redacted(words), server_time=self.server_time)

    async def _error_body(self, answer: aiohttp.ClientResponse) -> bytes:
        """The start of an error page, or nothing when it is compressed, slow or broken: it is only for the message."""
        if answer.headers.get("Content-Encoding"):
            return b""
        try:
            async with asyncio.timeout(DETAIL_SECONDS):
                start = await answer.content.read(DETAIL_BYTES)
        except (TimeoutError, aiohttp.ClientError, OSError):
            return b""
        self._count(len(start))
        return start

    def _count(self, size: int) -> None:
        self.bytes_read += size

    def _seconds_left(self) -> float:
        now = asyncio.get_running_loop().time()
        if self._ends_at is None:
            self._ends_at = now + self.limits.fetch_seconds
        return self._ends_at - now

    def _redacted(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "•••")
        return text


def check_url(url: str, *, field: str = "url") -> URL:
    """The parsed URL; raises ConfigError unless it is plain http(s) with a host, no credentials and no fragment."""
    if _NOT_IN_URL.search(url):
        raise ConfigError(field, "The URL contains blanks or backslashes; enter it plainly.")
    try:
        address = URL(url)
        has_host = bool(address.host)
    except ValueError:
        raise ConfigError(field, "The URL is not readable; write it like https://host.example:9090.") from None
    if address.scheme not in ("http", "https") or not has_host:
        raise ConfigError(field, "The URL must begin with http:// or https:// and name a host.")
    if address.raw_user is not None or address.raw_password is not None:
        raise ConfigError(field, "The URL must not hold a user or password; use the fields for credentials.")
    if "#" in url:
        raise ConfigError(field, "The URL must not contain “#”.")
    return address


def _is_worth_repeating(failure: SourceError) -> bool:
    return failure.error_class in _RETRIED and not failure.is_permanent and failure.retry_after is None
