"""Callers tell what they serve: stored a row an instance, refused item by item, and told when all have arrived."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.events.models import Event
from apps.prompts.models import LabelMove, LabelRollout, PromptUse
from apps.prompts.propagation import propagations
from tests.api.asking import error_of, make_token, send
from tests.prompts.serving import make_prompt, set_label

pytestmark = pytest.mark.django_db


def tell(token: str, instance: str = "a/1", caller: str = "checkout", **item):
    items = [{"name": "search/answers", "label": "production", "version": 1, "served": 5} | item]
    return send("prompts/reports", {"caller": caller, "instance": instance, "items": items}, token=token)


def move(prompt, number: int, *, minutes_ago: float = 10):
    """Move production as a source does."""
    label = prompt.labels_now.get(name="production")
    at = timezone.now() - timedelta(minutes=minutes_ago)
    version = prompt.versions.get(number=number)
    LabelMove.objects.create(prompt=prompt, name="production", from_version=label.version, to_version=version, at=at)
    label.version, label.moved_at = version, at
    label.save()


def state(prompt):
    (found,) = [one for one in propagations(prompt_ids=[prompt.pk], at=timezone.now()) if one.label == "production"]
    return found


def test_reports_add_up_in_one_row_an_instance(told, token):
    for _ in range(2):
        assert tell(token, fallbacks=1).json()["counts"] == {"stored": 1, "unchanged": 0, "refused": 0}
    use = PromptUse.objects.get()
    assert (use.caller, use.instance, use.version.number, use.served, use.fallbacks) == ("checkout", "a/1", 1, 10, 2)


def test_the_time_since_when_a_version_is_served_starts_anew_with_another_version(told, token):
    tell(token)
    since = PromptUse.objects.get().serving_since
    tell(token)
    assert PromptUse.objects.get().serving_since == since
    tell(token, version=2)
    assert PromptUse.objects.get().serving_since > since
    tell(token, version=None)
    assert PromptUse.objects.get().version is None


def test_two_callers_one_stuck_is_half_converged_and_names_the_stuck_one(told, token):
    tell(token, "b/1", caller="search", version=1)
    move(told, 2)
    tell(token, "a/1", version=2)
    found = state(told)
    assert (found.share, found.converged_at, found.instances) == (50, None, 2)
    assert [one.caller for one in found.all_instances if not one.is_current] == ["search"]
    assert not Event.objects.filter(kind="prompts:label:converged").exists()


def test_the_ledger_says_once_when_all_have_arrived_and_how_long_it_took(told, token):
    move(told, 2)
    tell(token, "b/1", version=1)
    for _ in range(2):
        tell(token, "a/1", version=2)
        tell(token, "b/1", version=2)
    event = Event.objects.get(kind="prompts:label:converged")
    assert event.title == "search/answers prompt: every caller serves production v2"
    assert 599 < event.data["seconds"] < 700
    assert state(told).took_text == "10 min"


def test_a_label_that_never_moved_has_nothing_to_tell(told, token):
    tell(token)
    assert state(told).share == 100
    assert not Event.objects.exists()


def test_callers_on_their_fallback_are_counted(told, token):
    tell(token, version=None, fallbacks=5)
    assert (state(told).on_fallback, state(told).share) == (1, 0)


def test_an_instance_that_tells_nothing_more_is_not_waited_for(told, token):
    tell(token, "a/1", version=2)
    tell(token, "b/1", version=1)
    PromptUse.objects.filter(instance="a/1").update(last_heard_at=timezone.now() - timedelta(minutes=6))
    assert (state(told).share, state(told).instances) == (100, 1)


def test_both_sides_of_a_rollout_have_arrived(told, token):
    label = told.labels_now.get(name="production")
    LabelRollout.objects.create(
        label=label, base=label.version, version=told.versions.get(number=2), percent=9, changed_at=timezone.now()
    )
    tell(token, "a/1", version=1)
    tell(token, "b/1", version=2)
    assert (state(told).share, state(told).percent) == (100, 9)
    set_label(told, "production", 2)
    assert (state(told).share, state(told).percent) == (50, None)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"name": "unknown"}, "No prompt is called “unknown”."),
        ({"version": 9}, "has no version 9."),
        ({"source": "elsewhere"}, "No prompt in the source elsewhere"),
    ],
)
def test_what_is_not_known_is_refused_alone(told, token, item, words):
    response = tell(token, **item)
    assert response.status_code == 207
    assert words in response.json()["results"][0]["error"]
    assert not PromptUse.objects.exists()


def test_a_token_tells_only_of_prompts_that_it_may_fetch(told, machine):
    response = tell(make_token(machine, "prompt:read", folders=["other"]))
    assert response.json()["results"][0]["error"] == "This token is for other prompts."
    assert tell(make_token(machine, "push:runs")).status_code == 403
    assert tell("").status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, None),
        ({}, 422, "caller"),
        ({"caller": "a", "instance": "b", "items": []}, 422, "items"),
        ({"caller": "a\n", "instance": "b", "items": [{"name": "x"}]}, 422, "caller"),
        ({"caller": "a", "instance": "b", "items": [{"name": "x", "served": -1}]}, 422, "items.0.served"),
        ({"caller": "a", "instance": "b", "items": [{"name": "x", "version": "1"}]}, 422, "items.0.version"),
        ({"caller": "a", "instance": "b", "items": [{"name": "x", "label": "\x01"}]}, 422, "items.0.label"),
    ],
)
def test_a_report_of_another_shape_is_refused_as_a_whole(token, body, status, field):
    response = send("prompts/reports", body, token=token)
    assert response.status_code == status
    assert error_of(response).get("field") == field


def test_reports_cost_the_same_for_one_and_for_many(told, token, django_assert_max_num_queries):
    names = [make_prompt(f"p{n}", versions=1, labels={"production": 1}).name for n in range(30)]
    items = [{"name": name, "label": "production", "version": 1} for name in names]
    body = {"caller": "a", "instance": "b", "items": items}
    with django_assert_max_num_queries(14):
        assert send("prompts/reports", body, token=token).json()["counts"]["stored"] == 30


def test_only_a_post_tells(told, token):
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().put("/api/v1/prompts/reports", headers=headers).status_code == 405
    assert not PromptUse.objects.exists()
