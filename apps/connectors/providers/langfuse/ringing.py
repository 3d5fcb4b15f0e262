"""Langfuse's prompt webhooks: an HMAC of the time and the body, which must be fresh."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from apps.connectors.body import parse_json
from apps.connectors.errors import SourceError
from apps.connectors.values import object_or_empty, optional_text
from apps.connectors.webhook import Delivery, Headers, Webhook, WebhookError, check_hmac

FRESH = 300  # seconds that a delivery may be old, or ahead of our clock
HEADER = "x-langfuse-signature"
HELP = (
    "In Langfuse open Prompts → Automations → Create Automation, choose the event “prompt version” with created, "
    "updated and deleted, and a webhook to the address below. Langfuse shows the signing secret (lf-whsec_…) once; "
    "enter it as the webhook secret."
)


def read(headers: Headers, body: bytes, secrets: Sequence[str]) -> Delivery:
    """The verified delivery; raises WebhookError. A new version, a moved label and a deletion are all worth a poll."""
    stamp, signature = _parts(headers.get(HEADER, ""))
    check_hmac(body=f"{stamp}.".encode() + body, given=signature, secrets=secrets)
    if abs(time.time() - int(stamp)) > FRESH:
        raise WebhookError("The delivery is older than five minutes; check the clocks of both systems.")
    told = _json(body)
    kind, action = optional_text(told, "type"), optional_text(told, "action")
    return Delivery(
        delivery_id=optional_text(told, "id") or signature,
        event=f"{kind}.{action}" if action else kind,
        is_relevant=kind == "prompt-version",
        sent_at=datetime.fromtimestamp(int(stamp), UTC),
    )


def _parts(header: str) -> tuple[str, str]:
    """(time, signature); the signature is called v1 by the servers and s by the documentation."""
    pairs = dict(part.strip().partition("=")[::2] for part in header.split(","))
    stamp, signature = pairs.get("t", ""), pairs.get("v1") or pairs.get("s", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12) or not signature:
        raise WebhookError(f"The header {HEADER} is missing or is not “t=…,v1=…”.")
    return stamp, signature


def _json(body: bytes) -> dict[str, object]:
    try:
        return dict(object_or_empty(parse_json(body)))
    except SourceError:
        raise WebhookError("The body is not JSON.") from None


WEBHOOK = Webhook(help=HELP, read=read)
