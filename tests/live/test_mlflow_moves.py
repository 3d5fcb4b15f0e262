"""A real MLflow server: an approved change moves the alias there; a move by hand is found and put back."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.events.models import Event
from apps.monitors.models import Alert
from apps.prompts.models import LabelBypass, Prompt
from apps.sync import moving
from tests.live import servers
from tests.live.polling import connect, poll
from tests.prompts.changes.steps import apply, approve, live, make_policy, propose, state

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]

REGISTER = """
import mlflow
for n in (1, 2, 3):
    mlflow.genai.register_prompt(name="guarded", template=f"Take {n} of {{{{question}}}}.")
mlflow.genai.set_prompt_alias("guarded", alias="production", version=1)
"""
BY_HAND = """
import mlflow
mlflow.genai.set_prompt_alias("guarded", alias="production", version=3)
"""
WHERE = """
import json, mlflow
print(json.dumps(mlflow.genai.load_prompt("prompts:/guarded@production").version))
"""


def _mlflow(script: str, base: str) -> str:
    return servers.run_client("mlflow", script, env={"MLFLOW_TRACKING_URI": base})


def _there(base: str) -> int:
    return int(json.loads(_mlflow(WHERE, base).strip().splitlines()[-1]))


def test_an_approved_change_moves_the_alias_and_a_move_by_hand_is_put_back_with_one_click(
    mlflow: str, client: Client
) -> None:
    _mlflow(REGISTER, mlflow)
    source = connect("mlflow", {"url": mlflow})
    poll(source)
    prompt = Prompt.objects.get(name="guarded")
    make_policy(minimum_approvals=1)
    author = User.objects.create_user("author", password="correct horse battery", role="engineer")
    approver = User.objects.create_user("approver", password="correct horse battery", role="approver")

    change = propose(prompt, author, 2, at=timezone.now())
    approve(change, approver, at=timezone.now())
    apply(change, author, at=timezone.now())
    assert moving.push_label_moves(at=timezone.now()) == "1 of 1 labels were moved"
    assert (_there(mlflow), live(prompt), state(change)) == (2, 2, "applied")
    poll(source)
    assert not LabelBypass.objects.exists(), "our own move is no alarm"

    _mlflow(BY_HAND, mlflow)
    poll(source)  # one poll
    moving.push_label_moves(at=timezone.now())
    bypass = LabelBypass.objects.get()
    assert bypass.sentence == "production was moved from v2 to v3 outside approval."
    assert Event.objects.filter(kind="prompts:bypass:found").count() == 1
    assert Alert.objects.filter(resolved_at=None, name__contains="outside approval").count() == 1

    client.force_login(author)
    client.post(reverse("prompts:bypass-revert", args=[bypass.pk]))  # one click
    assert moving.push_label_moves(at=timezone.now()) == "1 of 1 labels were moved"
    assert _there(mlflow) == 2
    bypass.refresh_from_db()
    assert bypass.state == "returned"
    assert not Alert.objects.filter(resolved_at=None, name__contains="outside approval").exists()
    assert poll(source).changed == 0
    assert LabelBypass.objects.count() == 1
