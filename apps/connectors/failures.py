"""From what went wrong on the wire to a SourceError: one class, one sentence, never a secret.

Sentences name the host and the status, never the address in full, a header or a query. The exception of the
library is not chained: its text and its request hold credentials.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from apps.connectors.budget import read_budget
from apps.connectors.errors import ErrorClass, SourceError

RETRY_AFTER_MIN, RETRY_AFTER_MAX = 1.0, 3600.0
DETAIL_LENGTH = 200
REFUSED_FOR = 60.0  # seconds, when a vendor refuses for a rate limit and does not say how long
_DETAIL_KEYS = ("error", "message", "detail", "exception_message", "title")


def failure_of_exception(error: Exception, *, host: str) -> SourceError:
    """The SourceError for anything aiohttp or the system raises while talking to `host`."""
    if isinstance(error, SourceError):
        return error
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return SourceError(ErrorClass.DNS, f"The name {host} cannot be found; check the URL and the name server.")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return SourceError(
            ErrorClass.TLS,
            f"{host} shows a certificate that this machine does not trust; renew it or trust its authority.",
            is_permanent=True,
        )
    if isinstance(error, aiohttp.ClientSSLError):
        return SourceError(ErrorClass.TLS, f"{host} does not agree on an encrypted connection; check http or https.")
    if isinstance(error, aiohttp.InvalidURL):
        return SourceError(ErrorClass.CONFIG, "The URL of this source is not usable; check it.", is_permanent=True)
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientResponseError):
        return SourceError(ErrorClass.PROTOCOL, f"{host} broke off its answer or does not speak proper HTTP.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return SourceError(ErrorClass.UNREACHABLE, f"{host} refuses the connection; is it running on this port?")
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return SourceError(ErrorClass.UNREACHABLE, f"{host} closed the connection without an answer.")
    return SourceError(ErrorClass.INTERNAL, f"Asking {host} failed on our side ({type(error).__name__}).")


def failure_of_status(status: int, headers: Mapping[str, str], *, host: str, detail: str = "") -> SourceError | None:
    """The SourceError for an HTTP status, or None for 2xx. `headers` are lowercase; `detail` is already redacted."""
    if 200 <= status < 300:
        return None
    because = f" It says: {detail}" if detail else ""
    retry_after = read_retry_after(headers)
    if status == 429 or (status == 403 and _is_rate_limit(headers, detail)):
        message = f"{host} asks us to slow down ({status})."
        return SourceError(ErrorClass.RATE_LIMIT, message, retry_after=retry_after or _quiet(status, headers))
    if status in (401, 403):
        message = f"{host} refuses the credentials ({status}); renew them or grant them read access.{because}"
        return SourceError(ErrorClass.AUTH, message, is_permanent=True, retry_after=retry_after)
    if status == 404:
        return SourceError(ErrorClass.NOT_FOUND, f"{host} does not know this address (404); check the URL.{because}")
    if status == 407:
        return SourceError(ErrorClass.AUTH_OR_PROXY, f"A proxy stands before {host} (407).", is_permanent=True)
    if status >= 500:
        message = f"{host} has trouble of its own ({status}).{because}"
        return SourceError(ErrorClass.UPSTREAM, message, retry_after=retry_after)
    if 300 <= status < 400 and status != 304:
        return _redirect(headers.get("location", ""), host)
    if 400 <= status < 500:
        return SourceError(ErrorClass.REJECTED, f"{host} refuses the question ({status}).{because}")
    return SourceError(ErrorClass.PROTOCOL, f"{host} answers with status {status}, which makes no sense here.")


def _is_rate_limit(headers: Mapping[str, str], detail: str) -> bool:
    """GitHub answers 403 when its budget is used up, and names its secondary limits only in words."""
    return headers.get("x-ratelimit-remaining") == "0" or "rate limit" in detail.lower()


def _quiet(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds until a budget that is used up is filled again; a 403 without any number means a minute."""
    budget = read_budget(headers, server_time=read_date(headers))
    if budget is not None and budget.remaining <= 0:
        return budget.resets_in
    return REFUSED_FOR if status == 403 else None


def _redirect(location: str, host: str) -> SourceError:
    """Names the host that the answer points at, and nothing else of the address: it may carry a token."""
    try:
        parts = urlsplit(location)
        target = parts.hostname or (f"a {parts.scheme}: address" if parts.scheme else host)
    except ValueError:
        target = "an unreadable address"
    return SourceError(
        ErrorClass.REDIRECT,
        f"{host} redirects to {target[:100]}; redirects are never followed, enter the final URL.",
        is_permanent=True,
    )


def wrong_content(content_type: str, body_start: bytes, *, host: str, wanted: str) -> SourceError:
    """The error for a 2xx answer that is not `wanted` ("JSON"): a login page or proxy when it is HTML."""
    if "html" in content_type or body_start.lstrip()[:1] == b"<":
        message = f"{host} answers with a web page where {wanted} was promised; a login or a proxy stands before it."
        return SourceError(ErrorClass.AUTH_OR_PROXY, message, is_permanent=True)
    kind = re.sub(r"[^a-z0-9./+-]", "", content_type.partition(";")[0])[:60] or "no content type"
    return SourceError(ErrorClass.MALFORMED, f"{host} answers with {kind} where {wanted} was promised; check the URL.")


def read_date(headers: Mapping[str, str]) -> datetime | None:
    """The server's clock from its Date header, aware and in UTC, or None."""
    return _http_date(headers.get("date", ""))


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to stay away, clamped to 1 s … 1 h, from Retry-After as seconds or as a date; None without one."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        until = _http_date(value)
        if until is None:
            return None
        seconds = (until - (read_date(headers) or datetime.now(UTC))).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, RETRY_AFTER_MIN), RETRY_AFTER_MAX)


def _http_date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def read_detail(content_type: str, body: bytes) -> str:
    """The vendor's own words about a refusal, one line and short: from a JSON error or plain text, never HTML."""
    text = body.decode("utf-8", errors="replace")
    if "json" in content_type:
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            return ""
        text = next((item for item in _words(answer) if isinstance(item, str)), "")
    elif not content_type.startswith("text/plain"):
        return ""
    return re.sub(r"[\x00-\x20\x7f\ud800-\udfff]+", " ", text).strip()[:DETAIL_LENGTH]


def _words(answer: object) -> list[object]:
    """Where vendors put their words: the answer itself, a key of it, or the first of its `errors` (GraphQL)."""
    if not isinstance(answer, dict):
        return [answer]
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    nested = [first.get("message")] if isinstance(first, dict) else [first]
    return [*(answer[key] for key in _DETAIL_KEYS if key in answer), *nested]
