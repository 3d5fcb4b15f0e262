"""Alertmanager's webhook receiver: it signs nothing, so it proves itself by a token or a password."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from apps.connectors.body import parse_json
from apps.connectors.errors import SourceError
from apps.connectors.values import list_or_empty, object_or_empty, optional_text, stable_id
from apps.connectors.webhook import Delivery, Headers, Webhook, WebhookError, check_token

HELP = (
    "In Alertmanager's configuration add a receiver with `webhook_configs`, this address as `url`, "
    "`send_resolved: true` and, below `http_config`, `authorization: {credentials: …}` (or `basic_auth` with any "
    "user) holding the webhook secret; then route the alerts to it, with `continue: true` beside other receivers."
)


def read(headers: Headers, body: bytes, secrets: Sequence[str]) -> Delivery:
    """The delivery; raises WebhookError. The same state of the same alerts has the same delivery id."""
    check_token(given=_credentials(headers.get("authorization", "")), secrets=secrets)
    try:
        message = parse_json(body)
    except SourceError:
        raise WebhookError("This is not JSON, so it does not come from Alertmanager.") from None
    group, alerts = object_or_empty(message), list_or_empty(object_or_empty(message).get("alerts"))
    if not optional_text(group, "groupKey"):
        raise WebhookError("This is not a notification of Alertmanager: it names no group of alerts.")
    return Delivery(
        delivery_id=stable_id("alertmanager", optional_text(group, "groupKey"), *sorted(map(_state_of, alerts))),
        event=optional_text(group, "status", limit=40),
    )


def _credentials(header: str) -> str:
    """The bearer token, or the password of a user; "" for anything else."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _state_of(alert: Any) -> str:
    item = object_or_empty(alert)
    identity = optional_text(item, "fingerprint") or stable_id(labels=_texts(item.get("labels")))
    return " ".join([identity, optional_text(item, "status"), optional_text(item, "startsAt")])


def _texts(labels: Any) -> dict[str, str]:
    return {name: str(value) for name, value in object_or_empty(labels).items()}


WEBHOOK = Webhook(help=HELP, read=read)
