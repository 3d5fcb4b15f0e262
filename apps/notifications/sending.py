"""The network side: side by side in one event loop, each with its own deadline, no database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from apps.connectors.errors import SourceError
from apps.connectors.failures import read_retry_after
from apps.connectors.http import Http, Limits, Response
from apps.connectors.pool import Pool
from apps.notifications.envelope import message_of
from apps.notifications.models import Subscription
from apps.notifications.signing import signature_headers
from apps.sources.secrets import SecretsError, decrypt_secrets
from apps.sources.wiring import open_door

TOTAL_SECONDS = 10.0  # one try, everything included; below claims.LEASE_SECONDS
LIMITS = Limits(total_seconds=TOTAL_SECONDS, fetch_seconds=TOTAL_SECONDS, attempts=1, max_requests=1)
GONE = 410

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one try ended. `error` is one sentence for people, "" for a good one; `retry_after` in seconds."""

    status: int | None = None
    error: str = ""
    retry_after: float | None = None
    took_ms: int = 0

    @property
    def is_good(self) -> bool:
        return not self.error

    @property
    def is_gone(self) -> bool:
        """The receiver says that it does not exist any more."""
        return self.status == GONE


def signing_secrets(*, subscription: Subscription, at: datetime) -> list[str]:
    """The secrets that sign at `at`: the current one, and the previous one while it is rotated. Raises SecretsError."""
    stored = decrypt_secrets(subscription)
    names = ["current"]
    if subscription.previous_until is not None and subscription.previous_until > at:
        names.append("previous")
    return [stored[name] for name in names if name in stored]


async def send(*, subscription: Subscription, envelope: Mapping[str, Any], pool: Pool | None = None) -> Outcome:
    """Send one event; whatever goes wrong comes back as an outcome with a sentence."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    status, retry_after = None, None
    try:
        answer = await asyncio.wait_for(_post(subscription, envelope, pool), TOTAL_SECONDS + 1)
        status, retry_after = answer.status, read_retry_after(answer.headers)
        error = _complaint(answer, _host(subscription))
    except (SourceError, SecretsError) as failure:
        error = str(failure)
    except TimeoutError:
        error = f"{_host(subscription)} did not answer within {TOTAL_SECONDS:.0f} s."
    except Exception as failure:
        logger.exception("sending to subscription %s failed on our side", subscription.pk)
        error = f"Sending stopped on an error of the portal itself ({type(failure).__name__}); the log says more."
    return Outcome(status=status, error=error, retry_after=retry_after, took_ms=round((loop.time() - started) * 1000))


async def _post(subscription: Subscription, envelope: Mapping[str, Any], pool: Pool | None) -> Response:
    now = datetime.now(UTC)
    message = message_of(envelope, format=subscription.format)
    signed = signature_headers(
        message_id=envelope["id"],
        timestamp=int(now.timestamp()),
        body=message.body,
        secrets=signing_secrets(subscription=subscription, at=now),
    )
    async with _door(subscription, pool) as http:
        return await http.deliver(subscription.url, body=message.body, headers={**message.headers, **signed})


def _door(subscription: Subscription, pool: Pool | None) -> Http:
    networks: Sequence[str] = subscription.allowed_networks
    return open_door(networks=networks, trusted_ca=subscription.trusted_ca, pool=pool, limits=LIMITS)


def _host(subscription: Subscription) -> str:
    return urlsplit(subscription.url).hostname or "The receiver"


def _complaint(answer: Response, host: str) -> str:
    """What is wrong with the answer, "" if nothing is: any 2xx means that the receiver has it."""
    if 200 <= answer.status < 300:
        return ""
    try:
        phrase = f" {HTTPStatus(answer.status).phrase}"
    except ValueError:
        phrase = ""
    says = f" It says: {answer.text}" if answer.text else ""
    if 300 <= answer.status < 400:
        return f"{host} redirects ({answer.status}{phrase}); redirects are never followed, enter the final URL."
    if answer.status == GONE:
        return f"{host} says that nobody listens there any more (410 Gone).{says}"
    return f"{host} answered {answer.status}{phrase}.{says}"
