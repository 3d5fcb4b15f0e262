"""Argo CD Notifications as the doorbell: a token in a header, and whatever body the template writes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from apps.connectors.body import parse_json
from apps.connectors.errors import SourceError
from apps.connectors.values import object_or_empty, optional_text
from apps.connectors.webhook import Delivery, Headers, Webhook, check_token

TOKEN_HEADER = "x-opsportal-token"  # noqa: S105 - the name of a header


def read_notification(headers: Headers, body: bytes, secrets: Sequence[str]) -> Delivery:
    """The delivery, known by its body: Argo CD numbers none. Raises WebhookError for a wrong token."""
    check_token(given=headers.get(TOKEN_HEADER, ""), secrets=secrets)
    try:
        said = object_or_empty(parse_json(body))
    except SourceError:
        said = {}  # a template of one's own may write anything
    event = optional_text(said, "event", limit=80) or "notification"
    return Delivery(delivery_id=hashlib.sha256(body).hexdigest()[:32], event=event)


WEBHOOK = Webhook(
    help="In Argo CD Notifications, add a webhook service with this address and a header X-OpsPortal-Token that "
    "holds the secret, then a template and triggers for sync and health; the documentation page has them to copy.",
    read=read_notification,
)
