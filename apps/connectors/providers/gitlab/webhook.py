"""GitLab's webhooks: a secret token in a header, or signed as Standard Webhooks are.

A signing token begins with `whsec_`; it is the key of the signature and never sent. Any other secret is the secret
token, which GitLab sends as it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from apps.connectors.values import UnreadableError, from_seconds
from apps.connectors.webhook import Delivery, Headers, Webhook, WebhookError, check_token

EVENTS = ("Pipeline Hook", "Job Hook", "Deployment Hook", "Release Hook")
SIGNING = "whsec_"


def read(headers: Headers, body: bytes, secrets: Sequence[str]) -> Delivery:
    """The delivery, if it is signed with a signing token or carries a secret token that is known."""
    keys = [secret for secret in secrets if secret.startswith(SIGNING)]
    if keys and "webhook-signature" in headers:
        _check_signature(headers, body, keys)
    else:
        tokens = [secret for secret in secrets if not secret.startswith(SIGNING)]
        check_token(given=headers.get("x-gitlab-token", ""), secrets=tokens)
    event = headers.get("x-gitlab-event", "")
    if not event:
        raise WebhookError("X-Gitlab-Event is missing; is this GitLab?")
    return Delivery(
        delivery_id=_delivery_id(headers, body),
        event=event,
        is_relevant=event in EVENTS,
        sent_at=_sent_at(headers),
    )


def _delivery_id(headers: Headers, body: bytes) -> str:
    """The id that stays the same when a delivery is repeated; the event's is shared by what one event sets off."""
    for name in ("webhook-id", "idempotency-key"):
        if found := headers.get(name, ""):
            return found
    digest = hashlib.sha256(body).hexdigest()
    return f"{headers.get('x-gitlab-event-uuid', '')}:{digest}"


def _check_signature(headers: Headers, body: bytes, keys: Sequence[str]) -> None:
    signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode() + body
    wanted = [
        "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        for key in map(_key, keys)
        if key
    ]
    given = headers["webhook-signature"].split()
    found = [hmac.compare_digest(one.encode(errors="replace"), other.encode()) for one in given for other in wanted]
    if not any(found):
        raise WebhookError("The signature does not fit; check the signing token on both sides.")


def _key(secret: str) -> bytes:
    """The bytes of a signing token, none when it is not one."""
    try:
        return base64.b64decode(secret.removeprefix(SIGNING), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _sent_at(headers: Headers) -> datetime | None:
    try:
        return from_seconds(headers.get("webhook-timestamp", ""))
    except UnreadableError:
        return None


WEBHOOK = Webhook(
    help="In the project or group: Settings, Webhooks, Add new webhook. A signing token (whsec_…) or a secret token as "
    "entered here, and these triggers: Pipeline events, Job events, Deployment events, Releases events.",
    read=read,
)
