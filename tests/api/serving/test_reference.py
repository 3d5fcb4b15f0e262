"""Django's own answers about prompts: what is served, to whom, and what is refused with which words."""

from __future__ import annotations

import base64

import pytest
from django.test import Client
from django.utils import timezone

from apps.events.models import Event
from apps.prompts import services
from apps.prompts.models import LabelRollout, Prompt
from apps.prompts.services.change_requests import (
    ChangeConflictError,
    ChangeInvalidError,
    ChangeNotAllowedError,
    cancel_change,
)
from tests.api.asking import error_of, make_token
from tests.factories import make_source
from tests.prompts.changes.steps import approve, make_policy, propose
from tests.prompts.serving import make_prompt, make_version, set_label

pytestmark = pytest.mark.django_db


def fetch(token: str, address: str, **headers: str):
    return Client().get(f"/api/v1/prompts/{address}", headers={"Authorization": f"Bearer {token}"} | headers)


def test_the_label_production_is_served_unless_another_is_asked_for(owned, token):
    response = fetch(token, "search/answers")
    assert response.status_code == 200, response.content
    assert response.json() == {
        "name": "search/answers", "version": 1, "labels": ["production"], "type": "text",
        "text": "Take 1 of {{question}}.", "config": {"model": "small"}, "variables": ["question"],
        "response_format": None, "hash": owned.versions.get(number=1).content_hash, "source": None,
    }  # fmt: skip
    assert fetch(token, "search%2Fanswers?label=staging").json()["version"] == 2
    assert fetch(token, "search/answers?version=2").json()["labels"] == ["staging"]


def test_latest_is_the_newest_version_unless_somebody_set_such_a_label(owned, token):
    make_version(owned, 3)
    assert fetch(token, "search/answers?label=latest").json()["version"] == 3
    set_label(owned, "latest", 1)
    assert fetch(token, "search/answers?label=latest").json()["version"] == 1


def test_snippets_are_put_in_as_the_label_has_them(token):
    tone = make_prompt("tone", versions=2, labels={"production": 1, "staging": 2})
    parent = make_prompt("reply", versions=0)
    make_version(parent, 1, template="Hello. {{> tone}} {{> nobody}}", snippets=["tone", "nobody"])
    set_label(parent, "production", 1)
    set_label(parent, "staging", 1)
    assert tone.versions.get(number=1).template == "Take 1 of {{question}}."
    assert fetch(token, "reply").json()["text"] == "Hello. Take 1 of {{question}}. {{> nobody}}"
    assert fetch(token, "reply?label=staging").json()["text"].startswith("Hello. Take 2 of")


def test_chat_prompts_have_messages_in_place_of_text(chat, token):
    answer = fetch(token, "greeting").json()
    assert answer["type"] == "chat"
    assert answer["messages"] == chat.messages
    assert "text" not in answer


def test_what_the_caller_has_already_is_not_sent_again(owned, token):
    first = fetch(token, "search/answers")
    assert first["Cache-Control"] == "private, max-age=5, stale-while-revalidate=60"
    tags = (first["ETag"], f'W/{first["ETag"]}, "other"', "*")
    for tag in tags:
        again = fetch(token, "search/answers", **{"If-None-Match": tag})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert fetch(token, "search/answers", **{"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("nothing", 404, "No prompt is called “nothing”."),
        ("search/answers?label=canary", 404, "has no label “canary”; its labels: production, staging."),
        ("search/answers?version=9", 404, "has no version 9."),
        ("search/answers?version=99999999999", 422, "whole number"),
        ("search/answers?version=two", 422, "whole number"),
        ("search/answers?version=1&label=staging", 422, "not both"),
        ("search/answers?source=elsewhere", 404, "No prompt in the source elsewhere is called"),
        ("search/answers?source=%00", 404, "No prompt in the source"),
        ("a%00b", 404, "No prompt has this name."),
        ("search/answers?key=" + "k" * 201, 422, "longer than 200"),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(owned, token, address, status, words):
    response = fetch(token, address)
    assert response.status_code == status
    assert words in error_of(response)["message"]


def test_the_portals_own_prompt_comes_first_and_a_source_can_be_named(owned, token):
    make_prompt("search/answers", source=make_source(slug="mlflow"), labels={"production": 2})
    assert fetch(token, "search/answers").json()["source"] is None
    assert fetch(token, "search/answers?source=mlflow").json()["version"] == 2


def test_a_name_that_several_sources_have_is_not_guessed(token):
    for slug in ("langfuse", "mlflow"):
        make_prompt("tone", source=make_source(slug=slug), labels={"production": 1})
    response = fetch(token, "tone")
    assert response.status_code == 409
    assert "?source= (one of langfuse, mlflow)" in error_of(response)["message"]
    assert fetch(token, "tone?source=mlflow").status_code == 200
    Prompt.objects.filter(source__slug="mlflow").update(gone_at=timezone.now())
    assert fetch(token, "tone").json()["source"] == "langfuse"


def test_nobody_is_answered_without_a_token_that_may(owned, machine, token):
    assert Client().get("/api/v1/prompts/search/answers").status_code == 401
    assert fetch("opsp_unknown", "search/answers").status_code == 401
    assert fetch(make_token(machine, "push:runs"), "search/answers").status_code == 403
    machine.is_active = False
    machine.save()
    assert fetch(token, "search/answers").status_code == 401


@pytest.mark.parametrize(
    ("folders", "status"), [(["search"], 200), (["search/answers"], 403), (["sea"], 403), (["other", "search"], 200)]
)
def test_a_token_for_folders_opens_only_these(owned, machine, folders, status):
    assert fetch(make_token(machine, "prompt:read", folders=folders), "search/answers").status_code == status


def test_a_token_for_sources_opens_neither_others_nor_our_own(owned, machine):
    make_prompt("tone", source=make_source(slug="mlflow"), labels={"production": 1})
    wanted = make_token(machine, "prompt:read", sources=["mlflow"])
    assert fetch(wanted, "tone").status_code == 200
    assert fetch(wanted, "search/answers").status_code == 403


def test_callers_with_a_key_stay_on_their_side_of_a_rollout(told, token):
    label = told.labels_now.get(name="production")
    rollout = LabelRollout.objects.create(
        label=label, base=label.version, version=told.versions.get(number=2), percent=0, changed_at=timezone.now()
    )
    before: set[int] = set()
    for percent in (0, 30, 60, 100):
        LabelRollout.objects.filter(pk=rollout.pk).update(percent=percent)
        got = {n for n in range(40) if fetch(token, f"search/answers?key=user-{n}").json()["version"] == 2}
        assert before <= got
        before = got
        assert fetch(token, "search/answers").json()["version"] == 1
    assert len(before) == 40
    set_label(told, "production", 2)
    assert LabelRollout.objects.get().base.number == 1
    set_label(told, "production", 1)
    make_version(told, 3)
    set_label(told, "production", 3)
    assert fetch(token, "search/answers?key=user-1").json()["version"] == 3


def test_a_protected_label_rolls_out_only_what_is_approved(told, token, author, approver):
    label = told.labels_now.get(name="production")
    services.set_rollout(label_id=label.pk, number=2, percent=100, actor=author, at=timezone.now())
    address = "search/answers?key=user-1"
    assert fetch(token, address).json()["version"] == 2
    make_policy(minimum_approvals=1)
    assert fetch(token, address).json()["version"] == 1, "a rule that comes later counts at once"
    with pytest.raises(ChangeConflictError, match="have it approved first"):
        services.set_rollout(label_id=label.pk, number=2, percent=50, actor=author, at=timezone.now())
    change = propose(told, author, 2, at=timezone.now())
    approve(change, approver, at=timezone.now())
    services.set_rollout(label_id=label.pk, number=2, percent=100, actor=author, at=timezone.now())
    assert fetch(token, address).json()["version"] == 2
    cancel_change(change_id=change.pk, actor=author, at=timezone.now())
    assert fetch(token, address).json()["version"] == 1
    services.set_rollout(label_id=label.pk, number=2, percent=0, actor=author, at=timezone.now())
    assert not LabelRollout.objects.exists()
    kinds = Event.objects.filter(kind="prompts:rollout:changed").order_by("id").values_list("data__percent", flat=True)
    assert list(kinds) == [100, 100, 0]


@pytest.mark.parametrize(("number", "percent"), [(9, 10), (2, 101), (2, -1)])
def test_a_rollout_that_makes_no_sense_is_refused(told, author, outsider, number, percent):
    label = told.labels_now.get(name="production")
    with pytest.raises(ChangeInvalidError):
        services.set_rollout(label_id=label.pk, number=number, percent=percent, actor=author, at=timezone.now())
    with pytest.raises(ChangeNotAllowedError):
        services.set_rollout(label_id=label.pk, number=2, percent=5, actor=outsider, at=timezone.now())
    assert not LabelRollout.objects.exists()


def test_a_prompt_may_be_called_like_an_address(token):
    make_prompt("reports", labels={"production": 1})
    assert fetch(token, "reports").json()["name"] == "reports"


def test_a_key_pair_of_langfuse_is_answered_in_its_shape(chat, owned, token):
    pair = base64.b64encode(f"pk-lf-1:{token}".encode()).decode()
    response = Client().get(
        "/api/public/v2/prompts/greeting?label=production", headers={"Authorization": f"Basic {pair}"}
    )
    answer = response.json()
    assert answer["prompt"][1] == {"type": "placeholder", "name": "history"}
    assert (answer["type"], answer["version"], answer["labels"]) == ("chat", 1, ["production"])
    missing = Client().get("/api/public/v2/prompts/none", headers={"Authorization": f"Basic {pair}"})
    assert (missing.status_code, missing.json()["message"]) == (404, "No prompt is called “none”.")
    for header in ("", "Basic ???", f"Basic {base64.b64encode(b'pk:').decode()}", f"Bearer {token}"):
        refused = Client().get("/api/public/v2/prompts/greeting", headers={"Authorization": header})
        assert (refused.status_code, "key pair" in refused.json()["message"]) == (401, True)
    assert Client().post("/api/public/v2/prompts/greeting").status_code == 405
