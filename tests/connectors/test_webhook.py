"""Webhooks: who may ring, and with which secret."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from apps.connectors.webhook import WebhookError, check_hmac, check_token, secrets_of

BODY = b'{"a": 1}'


def sign(secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()


def test_the_new_and_the_old_secret_both_pass_while_one_is_changed() -> None:
    secrets = secrets_of({"webhook_secret": "new-one old-one"})
    for secret in secrets:
        check_hmac(body=BODY, given=sign(secret), secrets=secrets, prefix="sha256=")
    assert secrets == ["new-one", "old-one"]


@pytest.mark.parametrize("given", ["", "sha256=", sign("other"), sign("new-one")[7:], "sha256=é"])
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(WebhookError):
        check_hmac(body=BODY, given=given, secrets=["new-one"], prefix="sha256=")


def test_one_changed_byte_is_refused() -> None:
    with pytest.raises(WebhookError):
        check_hmac(body=BODY + b" ", given=sign("new-one"), secrets=["new-one"], prefix="sha256=")


@pytest.mark.parametrize("secrets", [[], ["other"]])
def test_a_token_must_be_one_of_those_known(secrets: list[str]) -> None:
    check_token(given="right", secrets=["left", "right"])
    with pytest.raises(WebhookError):
        check_token(given="right", secrets=secrets)
    with pytest.raises(WebhookError):
        check_token(given="", secrets=secrets)
