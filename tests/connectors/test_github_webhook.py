"""GitHub's webhooks: the signature over the raw body, and what is worth a poll."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from apps.connectors.cleaning import WEBHOOK_SECRET
from apps.connectors.providers.github.connector import GithubConnector
from apps.connectors.providers.github.webhook import EVENTS, WEBHOOK
from apps.connectors.webhook import Delivery, WebhookError

BODY = b'{"action": "completed"}'


def headers(event: str, *, secret: str = "hush", body: bytes = BODY, **more: str) -> dict[str, str]:
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": signature, "x-github-event": event, "x-github-delivery": "d-1", **more}


@pytest.mark.parametrize("event", EVENTS)
def test_what_we_read_is_worth_a_poll(event: str) -> None:
    assert WEBHOOK.read(headers(event), BODY, ["hush"]) == Delivery(delivery_id="d-1", event=event)


@pytest.mark.parametrize("event", ["ping", "push", "issues"])
def test_anything_else_is_valid_and_says_nothing(event: str) -> None:
    assert not WEBHOOK.read(headers(event), BODY, ["old", "hush"]).is_relevant


def test_the_example_of_the_vendors_documentation_passes() -> None:
    given = {
        "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "x-github-event": "release",
        "x-github-delivery": "d-2",
    }
    assert WEBHOOK.read(given, b"Hello, World!", ["It's a Secret to Everybody"]).delivery_id == "d-2"


@pytest.mark.parametrize(
    "given",
    [
        headers("release", secret="other"),
        headers("release", body=BODY + b" "),
        headers("release") | {"x-hub-signature-256": ""},
        headers("release") | {"x-github-delivery": ""},
        headers("release") | {"x-github-event": ""},
        {"x-hub-signature": "sha1=0"},
    ],
)
def test_a_delivery_without_proof_or_name_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(WebhookError):
        WEBHOOK.read(given, BODY, ["hush"])


def test_the_form_has_a_field_for_the_secret() -> None:
    assert GithubConnector.webhook is WEBHOOK
    assert WEBHOOK_SECRET in GithubConnector.fields
