"""Webhooks: the signature is the credential, one delivery counts once, and the source is read at once."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import AuditEntry
from apps.connectors.webhook import Delivery, Webhook
from apps.sources import queries, ringing, tidying
from apps.sources.models import SourceState, WebhookDelivery
from apps.sources.secrets import encrypt_secrets
from tests.api.asking import error_of
from tests.factories import make_source

BODY = b'{"action": "completed"}'
SECRET = "bell-rope-7"


def github(secret=SECRET, **fields):
    source = make_source(**{"slug": "gh", "connector": "github"} | fields)
    if secret:
        source.secrets = encrypt_secrets(source.pk, {"webhook_secret": secret})
        source.save()
    later = queries.database_time() + timedelta(hours=1)
    SourceState.objects.filter(source=source).update(next_poll_at=later)
    return source


def signed(body=BODY, *, secret=SECRET, event="workflow_run", delivery="d1"):
    digest = hmac.new(secret.encode(), body, "sha256").hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": event, "X-GitHub-Delivery": delivery}


def ring(body=BODY, *, slug="gh", **headers):
    return Client().post(f"/api/v1/hooks/{slug}", data=body, content_type="application/json", headers=headers)


def is_due(source) -> bool:
    return SourceState.objects.get(source=source).next_poll_at <= queries.database_time()


def test_a_delivery_makes_its_source_due_at_once_and_is_noted(db):
    source = github()
    response = ring(**signed())
    assert (response.status_code, response.json()) == (202, {"status": "rang"})
    assert is_due(source)
    row = WebhookDelivery.objects.get()
    assert (row.delivery_id, row.event, row.verdict) == ("d1", "workflow_run", "rang")
    assert not AuditEntry.objects.exists(), "a machine that rings is no act of people"


def test_a_repeated_delivery_is_known_and_rings_no_more(db):
    source = github()
    ring(**signed())
    SourceState.objects.filter(source=source).update(next_poll_at=queries.database_time() + timedelta(hours=1))
    response = ring(**signed())
    assert (response.status_code, response.json()) == (202, {"status": "known"})
    assert not is_due(source)
    assert WebhookDelivery.objects.count() == 1


def test_an_event_that_brings_nothing_and_a_paused_source_are_noted_and_not_read(db):
    source = github()
    assert ring(**signed(event="ping")).json() == {"status": "ignored"}
    source.is_enabled = False
    source.save()
    assert ring(**signed(delivery="d2")).json() == {"status": "unheard"}
    assert not is_due(source)


@pytest.mark.parametrize(
    "headers",
    [
        signed(secret="another"),
        signed(BODY + b" "),
        signed() | {"X-Hub-Signature-256": ""},
        {name: value for name, value in signed().items() if name != "X-Hub-Signature-256"},
    ],
)
def test_another_secret_or_another_byte_is_refused(db, headers):
    source = github()
    for _ in range(3):
        response = ring(**headers)
        assert response.status_code == 401
        assert error_of(response)["code"] == "bad_signature"
    assert not is_due(source)
    assert [row.verdict for row in WebhookDelivery.objects.all()] == ["refused"], "one row, however often"


def test_while_the_secret_is_changed_both_open(db):
    github(secret="new-secret old-secret")
    assert ring(**signed(secret="old-secret", delivery="a")).status_code == 202
    assert ring(**signed(secret="new-secret", delivery="b")).status_code == 202
    assert ring(**signed(secret="new-secret old-secret", delivery="c")).status_code == 401


@pytest.mark.parametrize(
    "fields", [{"slug": "other"}, {"secret": ""}, {"connector": "prometheus"}, {"connector": "gone"}]
)
def test_without_a_secret_or_a_webhook_nothing_is_there(db, fields):
    github(**fields)
    response = ring(**signed())
    assert response.status_code == 404
    assert "Enter one" in error_of(response)["message"]
    assert not WebhookDelivery.objects.exists()


def test_a_large_body_is_refused_before_it_is_read(db):
    github()
    assert ring(b" " * (2**20 + 1), **signed()).status_code == 413


@pytest.mark.parametrize(("age", "status"), [(0, 202), (290, 202), (-290, 202), (310, 401), (-310, 401)])
def test_a_delivery_must_be_fresh(db, age, status):
    source = github(connector="langfuse", slug="lf")
    body = json.dumps({"id": "e1", "type": "prompt-version", "action": "created"}).encode()
    stamp = int(time.time()) - age
    digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()
    response = ring(body, slug="lf", **{"X-Langfuse-Signature": f"t={stamp},v1={digest}"})
    assert response.status_code == status
    assert is_due(source) is (status == 202)


def test_freshness_is_the_portals_own_rule_too(db, monkeypatch):
    source = github()
    old = queries.database_time() - timedelta(seconds=301)
    webhook = Webhook(help="", read=lambda *_: Delivery(delivery_id="x", event="e", sent_at=old))
    monkeypatch.setattr(ringing, "webhook_of", lambda _source: webhook)
    assert "five minutes" in error_of(ring())["message"]
    assert not is_due(source)


def test_a_source_that_rings_a_lot_is_read_every_two_seconds_at_most(db):
    source = github()
    at = queries.database_time()
    SourceState.objects.filter(source=source).update(last_attempt_at=at)
    ring(**signed())
    due = SourceState.objects.get(source=source).next_poll_at
    assert timedelta(seconds=1.9) < due - at <= timedelta(seconds=2)


def test_strange_ids_are_stored_as_digests(db, monkeypatch):
    source = github()
    ring(**signed(delivery="refused:" + "0" * 32))
    ring(**signed(delivery="x" * 500))
    ids = set(WebhookDelivery.objects.filter(source=source).values_list("delivery_id", flat=True))
    assert {len(found) for found in ids} == {64}
    assert hashlib.sha256(b"x" * 500).hexdigest() in ids


def test_deliveries_are_forgotten_after_seven_days(db):
    source, now = github(), queries.database_time()
    for age in (6, 8):
        WebhookDelivery.objects.create(
            source=source, delivery_id=str(age), verdict="rang", at=now - timedelta(days=age)
        )
    assert tidying.tidy(at=now)["deliveries"] == 1
    assert WebhookDelivery.objects.get().delivery_id == "6"


def test_it_takes_a_few_queries(db, django_assert_max_num_queries):
    github()
    with django_assert_max_num_queries(10):
        ring(**signed())


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_are_one():
    github()
    answers = []

    def knock():
        answers.append(ring(**signed()).json()["status"])
        connection.close()

    threads = [threading.Thread(target=knock) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["known"] * 49 + ["rang"]
    assert WebhookDelivery.objects.count() == 1


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=40
)
@given(
    body=st.binary(max_size=100),
    connector=st.sampled_from(["github", "gitlab", "langfuse", "argocd", "alertmanager"]),
    header=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
)
def test_random_bytes_never_are_our_mistake(db, body, connector, header):
    source = WebhookDelivery.objects.none() or make_source(connector=connector)
    source.secrets = encrypt_secrets(source.pk, {"webhook_secret": SECRET})
    source.save()
    names = ("Authorization", "X-Hub-Signature-256", "X-Gitlab-Token", "X-Langfuse-Signature", "Webhook-Signature")
    assert ring(body, slug=source.slug, **dict.fromkeys(names, header)).status_code < 500
    assert ring(body, slug=source.slug, **{"Authorization": f"Bearer {SECRET}"}).status_code < 500


def test_the_page_says_how_to_set_it_up_and_what_came(outsider, signed_in):
    source = github(secret="")
    client = signed_in(outsider)
    page = client.get(source.get_absolute_url()).content.decode()
    assert "/api/v1/hooks/gh" in page
    assert "Closed: no webhook secret is entered yet" in page
    source.secrets = encrypt_secrets(source.pk, {"webhook_secret": SECRET})
    source.save()
    ring(**signed())
    ring(**signed(secret="wrong"))
    fragment = client.get(reverse("sources:source-webhook", args=["gh"])).content.decode()
    assert "Read at once" in fragment
    assert "The signature does not fit" in fragment
    assert "Closed" not in fragment
    assert SECRET not in fragment


def test_a_source_without_a_webhook_shows_no_card(outsider, signed_in):
    source = make_source()
    assert "Webhook" not in signed_in(outsider).get(source.get_absolute_url()).content.decode()
