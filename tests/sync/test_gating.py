"""From a signed webhook of GitHub to its answer: asked once, judged at the last moment, sent until it is taken."""

from __future__ import annotations

import hmac
import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.connectors.github_world import REPOSITORY, GithubWorld, protection_request
from tests.connectors.test_github_gate import KEY, pem
from tests.connectors.upstream import Upstream

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    world = GithubWorld()
    world.repository()
    return world


@pytest.fixture
def server(world):
    server = Upstream()
    server.handler = world
    yield server
    server.close()


@pytest.fixture
def source(server):
    from apps.sources.secrets import encrypt_secrets
    from tests.factories import make_source

    config = {"url": server.url, "repositories": [REPOSITORY], "app_id": "123"}
    source = make_source(slug="gh", connector="github", config=config)
    secrets = {"token": "github_pat_demo", "app_private_key": pem(KEY), "webhook_secret": "bell-rope-7"}
    source.secrets = encrypt_secrets(source.pk, secrets)
    source.save()
    return source


@pytest.fixture
def mapped():
    from tests.factories import make_component, make_environment, make_feature

    feature = make_feature(slug="search", name="Search Answers")
    make_component(slug="checkout", feature=feature, external_names=[f"deployment:{REPOSITORY}"])
    make_environment(slug="production", name="Production", is_production=True)
    return feature


def ring(server, delivery="d1", **fields):
    callback = f"{server.url}/api/v3/repos/{REPOSITORY}/actions/runs/11/deployment_protection_rule"
    body = json.dumps(protection_request(callback, **fields)).encode()
    digest = hmac.new(b"bell-rope-7", body, "sha256").hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Delivery": delivery}
    headers["X-GitHub-Event"] = "deployment_protection_rule"
    return Client().post("/api/v1/hooks/gh", data=body, content_type="application/json", headers=headers)


def answer(at=None) -> None:
    from apps.sync.gating import answer_gates

    answer_gates(at=at or timezone.now() + timedelta(seconds=1))


def only():
    from apps.deployments.models import GateQuestion

    return GateQuestion.objects.get()


def test_nothing_against_it_is_told_as_a_yes(server, world, source, mapped):
    from apps.events.models import Event

    assert ring(server).status_code == 202
    answer()
    assert [one["state"] for one in world.reviews] == ["approved"]
    assert only().state == "approved"
    assert Event.objects.get(kind="deployments:gate:approved").title.startswith(REPOSITORY)
    answer(timezone.now() + timedelta(hours=1))
    assert len(world.reviews) == 1


def test_a_freeze_is_told_as_a_no_with_its_reason(server, world, source, mapped):
    from apps.deployments.models import Freeze

    at, hour = timezone.now(), timedelta(hours=1)
    Freeze.objects.create(
        name="Launch", reason="calm", starts_at=at - hour, ends_at=at + hour, planned_by="Mei", created_at=at
    )
    ring(server)
    answer()
    assert world.reviews[0]["state"] == "rejected"
    assert "The freeze “Launch” holds: calm" in world.reviews[0]["comment"]
    assert only().reasons[0]["kind"] == "freeze"


def test_a_delivery_that_comes_twice_is_asked_once(server, world, source, mapped):
    assert ring(server).json()["status"] == "rang"
    assert ring(server).json()["status"] == "known"
    answer()
    ring(server, delivery="d2")
    answer()
    assert len(world.reviews) == 2


def test_a_repository_nobody_mapped_gets_a_word_and_later_its_answer(server, world, source):
    from tests.factories import make_component, make_environment, make_feature

    ring(server)
    answer()
    answer(timezone.now() + timedelta(minutes=2))
    assert len(world.reviews) == 1
    assert "state" not in world.reviews[0]
    assert only().state == "waiting"
    make_component(slug="c", feature=make_feature(), external_names=[f"deployment:{REPOSITORY}"])
    make_environment(slug="production")
    answer(timezone.now() + timedelta(minutes=4))
    assert world.reviews[1]["state"] == "approved"


def test_an_answer_that_is_not_taken_is_sent_again_and_given_up_after_a_day(server, world, source, mapped):
    world.review_status = 503
    ring(server)
    answer()
    row = only()
    assert (row.state, row.tries, row.claim_id) == ("waiting", 1, None)
    assert "503" in row.error
    world.review_status = 204
    answer(timezone.now() + timedelta(minutes=1))
    assert only().state == "approved"
    world.review_status = 503
    ring(server, delivery="d2")
    answer(timezone.now() + timedelta(hours=25))
    from apps.deployments.models import GateQuestion

    assert GateQuestion.objects.get(delivery_id="d2").state == "failed"


def test_a_run_that_is_over_is_not_asked_again(server, world, source, mapped):
    from apps.events.models import Event

    world.review_status = 422
    ring(server)
    answer()
    assert (only().state, only().next_try_at) == ("failed", None)
    assert Event.objects.filter(kind="deployments:gate:failed").exists()


def test_a_callback_of_somebody_else_is_not_called(server, world, source, mapped):
    ring(
        server,
        deployment_callback_url=f"{server.url}/api/v3/repos/acme/other/actions/runs/1/deployment_protection_rule",
    )
    answer()
    assert world.answered == []
    assert only().state == "failed"


def test_a_paused_source_waits(server, world, source, mapped):
    ring(server)
    type(source).objects.update(is_enabled=False)
    answer()
    assert world.reviews == []
    type(source).objects.update(is_enabled=True)
    answer()
    assert len(world.reviews) == 1


def test_two_senders_answer_once_and_a_dead_one_is_followed(server, world, source, mapped):
    from apps.deployments import services

    ring(server)
    at = timezone.now() + timedelta(seconds=1)
    (first,) = services.claim_gates(at=at)
    assert services.claim_gates(at=at) == []
    answer(at + timedelta(minutes=1))
    assert only().state == "approved"
    assert not services.mark_failed(question=first, error="late", at=at)
    assert only().state == "approved"


def test_what_was_asked_and_told_is_listed(server, world, source, mapped, signed_in, outsider):
    ring(server)
    answer()
    html = signed_in(outsider).get(reverse("deployments:gate-list")).content.decode()
    assert REPOSITORY in html
    assert "May deploy" in html
