"""GitLab's webhooks: a secret token, or a signature as Standard Webhooks have it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from apps.connectors.cleaning import WEBHOOK_SECRET
from apps.connectors.providers.gitlab.connector import GitlabConnector
from apps.connectors.providers.gitlab.webhook import EVENTS, WEBHOOK
from apps.connectors.webhook import Delivery, WebhookError

BODY = b'{"object_kind": "pipeline"}'
KEY = b"0123456789abcdef0123456789abcdef"
SIGNING = "whsec_" + base64.b64encode(KEY).decode()
SENT = "1795521600"


def signed(*, key: bytes = KEY, body: bytes = BODY, identity: str = "w-1", sent: str = SENT) -> dict[str, str]:
    digest = hmac.new(key, f"{identity}.{sent}.".encode() + body, hashlib.sha256).digest()
    return {
        "x-gitlab-event": "Pipeline Hook",
        "webhook-id": "w-1",
        "webhook-timestamp": SENT,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def with_token(event: str = "Pipeline Hook", **more: str) -> dict[str, str]:
    return {"x-gitlab-event": event, "x-gitlab-token": "hush", "x-gitlab-event-uuid": "u-1", **more}


@pytest.mark.parametrize("event", EVENTS)
def test_what_we_read_is_worth_a_poll(event: str) -> None:
    delivery = WEBHOOK.read(with_token(event), BODY, ["old", "hush"])
    assert (delivery.event, delivery.is_relevant) == (event, True)


@pytest.mark.parametrize("event", ["Push Hook", "Merge Request Hook", "System Hook"])
def test_anything_else_is_valid_and_says_nothing(event: str) -> None:
    assert not WEBHOOK.read(with_token(event), BODY, ["hush"]).is_relevant


def test_a_signed_delivery_says_when_it_was_sent() -> None:
    assert WEBHOOK.read(signed(), BODY, ["hush", SIGNING]) == Delivery(
        delivery_id="w-1", event="Pipeline Hook", sent_at=datetime.fromtimestamp(int(SENT), UTC)
    )


def test_one_of_several_signatures_is_enough_while_the_token_is_changed() -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1,AAAA {headers['webhook-signature']}"
    assert WEBHOOK.read(headers, BODY, [SIGNING]).delivery_id == "w-1"


def test_a_repeated_delivery_has_the_same_id() -> None:
    by_key = with_token(**{"idempotency-key": "k-1"})
    assert WEBHOOK.read(by_key, BODY, ["hush"]).delivery_id == "k-1"
    older = [WEBHOOK.read(with_token(), body, ["hush"]).delivery_id for body in (BODY, BODY, b"{}")]
    assert older[0] == older[1] != older[2]
    assert older[0].startswith("u-1:")


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        (with_token(**{"x-gitlab-token": "other"}), ["hush"]),
        (with_token(**{"x-gitlab-token": ""}), ["hush"]),
        (with_token(), []),
        (with_token(**{"x-gitlab-event": ""}), ["hush"]),
        (with_token(**{"x-gitlab-token": SIGNING}), [SIGNING]),
        (signed(key=b"other"), [SIGNING]),
        (signed(body=BODY + b" "), [SIGNING]),
        (signed(sent="1795521601"), [SIGNING]),
        (signed(identity="w-2"), [SIGNING]),
        (signed() | {"webhook-signature": ""}, [SIGNING]),
        (signed() | {"webhook-signature": "v1,é"}, [SIGNING]),
        (signed(key=b""), ["whsec_not base64"]),
        (signed(key=b""), ["whsec_"]),
        (signed(), ["hush"]),
    ],
)
def test_a_delivery_without_proof_or_name_is_refused(headers: dict[str, str], secrets: list[str]) -> None:
    """The signing token itself proves nothing: it is never sent."""
    with pytest.raises(WebhookError):
        WEBHOOK.read(headers, BODY, secrets)


def test_the_form_has_a_field_for_the_secret() -> None:
    assert GitlabConnector.webhook is WEBHOOK
    assert WEBHOOK_SECRET in GitlabConnector.fields
