"""Webhooks: a vendor rings, we check who it is, and the source is polled at once.

A webhook is a doorbell and never the truth: what it says is read again from the source by the ordinary poll. So a
connector says only how to verify one delivery and how to set it up.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.connectors.gating import GateQuestion

SECRET_NAME = "webhook_secret"  # noqa: S105 - the name of an input, not a secret


class WebhookError(Exception):
    """A delivery that is refused; the text says why, in words, and holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One verified delivery. `delivery_id` makes a repeated one harmless; `is_relevant` is worth a poll.

    `question`: the vendor waits for a word before it deploys.
    """

    delivery_id: str
    event: str
    is_relevant: bool = True
    sent_at: datetime | None = None
    question: GateQuestion | None = None


Headers = Mapping[str, str]  # names in lowercase
Read = Callable[[Headers, bytes, Sequence[str]], Delivery]


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """How a vendor's webhooks are set up (`help`, plain words with the events to choose) and verified.

    `read(headers, body, secrets)` returns the delivery or raises WebhookError; `secrets` are the valid ones.
    """

    help: str
    read: Read


def secrets_of(stored: Mapping[str, str]) -> list[str]:
    """The webhook secrets of a source: one, or two while it is changed."""
    return stored.get(SECRET_NAME, "").split()


def check_hmac(*, body: bytes, given: str, secrets: Sequence[str], digest: str = "sha256", prefix: str = "") -> None:
    """Raise WebhookError unless `given` is the hex HMAC of the raw `body` under one of the secrets."""
    wanted = [prefix + hmac.new(secret.encode(), body, digest).hexdigest() for secret in secrets]
    if not _is_one_of(given, wanted):
        raise WebhookError("The signature does not fit; check the webhook secret on both sides.")


def check_token(*, given: str, secrets: Sequence[str]) -> None:
    """Raise WebhookError unless `given` is one of the secrets."""
    if not _is_one_of(given, secrets):
        raise WebhookError("The token does not fit; check the webhook secret on both sides.")


def _is_one_of(given: str, wanted: Sequence[str]) -> bool:
    """Compared in constant time, with every candidate."""
    found = [hmac.compare_digest(given.encode(errors="replace"), one.encode()) for one in wanted]
    return any(found)
