"""A request with a gate waits for evaluations, of its own prompt and of the prompts that take it in."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.evaluations.models import EvaluationRun, EvaluationSuite, Score
from apps.health.services import apply_due_changes, settle_waiting_changes
from apps.prompts.services import change_requests as changes
from tests.evaluations.suites import make_endpoint, make_suite
from tests.factories import make_source
from tests.prompts.changes.steps import (
    apply,
    approve,
    go_live,
    later,
    live,
    make_own_prompt,
    make_policy,
    make_version,
    propose,
    state,
)
from tests.prompts.records import NOW

pytestmark = pytest.mark.django_db
CASES = 40


@pytest.fixture
def suite():
    return EvaluationSuite.objects.create(source=make_source(), name="refunds", first_seen_at=NOW)


def gate(suite) -> list[dict]:
    return [{"suite_id": suite.pk, "margin": 0.1, "least_cases": 30, "expires_after_hours": 168}]


def evaluated(suite, prompt, version: str, mean: float) -> EvaluationRun:
    run = EvaluationRun.objects.create(
        source=suite.source, external_id=f"{prompt.name}-{version}-{mean}", suite=suite, subject=prompt.name,
        version=version, state="succeeded", raw_state="done", at=NOW, finished_at=NOW, upstream_at=NOW,
        first_seen_at=NOW,
    )  # fmt: skip
    Score.objects.bulk_create(
        Score(run=run, scorer="policy", case=f"case-{n}", value=mean, is_passed=mean > 0.5) for n in range(CASES)
    )
    return run


def test_a_change_waits_for_its_gate_however_many_approve(own, author, approver, suite):
    make_policy(minimum_approvals=1, gate=gate(suite))
    change = propose(own, author)
    approve(change, approver)
    change.refresh_from_db()
    assert (change.state, change.gate_state) == ("in_review", "waiting")
    evaluated(suite, own, "1", 0.9)
    assert settle_waiting_changes(at=NOW) == "1 of 1 changes approved by their gate"
    assert state(change) == "approved"


def test_a_worse_version_never_passes(own, author, approver, suite):
    go_live(own, author, approver, 1)
    make_policy(minimum_approvals=1, gate=gate(suite))
    evaluated(suite, own, "1", 0.9)
    evaluated(suite, own, "2", 0.4)
    change = propose(own, author, 2)
    approve(change, approver)
    change.refresh_from_db()
    assert (change.state, change.gate_state) == ("in_review", "failed")


def test_results_that_got_too_old_stop_the_apply(own, author, approver, suite):
    make_policy(minimum_approvals=1, gate=gate(suite), vote_days=30)
    evaluated(suite, own, "1", 0.9)
    change = propose(own, author)
    approve(change, approver)
    with pytest.raises(changes.ChangeConflictError, match="gate is not passed any more"):
        apply(change, author, at=later(60 * 24 * 8))
    assert live(own) is None


def test_a_snippet_is_judged_by_the_prompts_that_take_it_in(author, approver, suite):
    tone = make_own_prompt(name="shared/tone")
    parent = make_own_prompt(versions=0, name="support/reply")
    make_version(parent, 1, template="{{> shared/tone}} Answer.", snippets=["shared/tone"])
    go_live(tone, author, approver, 1)
    go_live(parent, author, approver, 1)
    make_policy(folder_pattern="support/*", minimum_approvals=1, gate=gate(suite))
    change = propose(tone, author, 2)
    approve(change, approver)
    assert state(change) == "in_review"
    evaluated(suite, parent, "1", 0.9)
    evaluated(suite, parent, "1+shared/tone@2", 0.95)
    settle_waiting_changes(at=NOW)
    assert state(change) == "approved"


def test_the_worker_applies_what_is_due(own, author, approver):
    change = propose(own, author)
    approve(change, approver)
    changes.schedule_change(change_id=change.pk, apply_at=later(), actor=author, at=NOW)
    assert apply_due_changes(at=NOW) == "0 of 0 due changes decided"
    assert apply_due_changes(at=later(2)) == "1 of 1 due changes decided"
    assert live(own) == 1


def test_the_page_shows_how_far_an_evaluation_is_and_then_every_run(signed_in, own, author, approver):
    suite = make_suite(cases=40, endpoint=make_endpoint())
    make_policy(minimum_approvals=1, gate=gate(suite))
    change = propose(own, author)
    client, address = signed_in(approver), reverse("prompts:change-gate", args=[change.pk])
    html = client.get(address).content.decode()
    assert "0 of 40 cases" in html
    assert "every 2s" in html
    run = EvaluationRun.objects.get()
    EvaluationRun.objects.update(state="failed", finished_at=NOW)
    html = client.get(address).content.decode()
    assert f"run {run.pk}</a>" in html
    assert "no, broke off" in html
    assert "every 2s" not in html
    assert client.post(address).status_code == 405


def test_the_same_words_under_another_number_have_the_same_runs(own, author, approver, suite):
    go_live(own, author, approver, 1)
    make_policy(minimum_approvals=1, gate=gate(suite))
    twin = make_version(own, 4, template=own.versions.get(number=2).template)
    evaluated(suite, own, "1", 0.9)
    evaluated(suite, own, "2", 0.2)
    evaluated(suite, own, str(twin.number), 0.95)
    change = propose(own, author, twin.number)
    change.refresh_from_db()
    assert change.gate_state == "failed"
