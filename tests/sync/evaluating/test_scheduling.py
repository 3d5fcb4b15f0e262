"""Suites on schedule: what the label points at by then is evaluated, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.evaluations import services
from apps.evaluations.models import EvaluationRun, Order, SuiteSchedule
from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from apps.sync.evaluating.scheduling import start_due_schedules
from apps.sync.tasks import carry_out_evaluations
from opsportal.waiting import waiting_tasks
from tests.evaluations.suites import AT, make_endpoint, make_suite
from tests.factories import make_source

pytestmark = pytest.mark.django_db
DUE = AT + timedelta(days=1)


@pytest.fixture
def schedule():
    suite = make_suite(endpoint=make_endpoint())
    return services.plan_schedule(
        suite=suite, subject="support-reply", label="production", cron="0 3 * * *", time_zone="Europe/Berlin",
        actor=None, at=AT,
    )  # fmt: skip


def a_prompt(*numbers: int, name: str = "support-reply") -> list[PromptVersion]:
    source = make_source(slug="registry", connector="langfuse")
    prompt = Prompt.objects.create(source=source, external_id=name, name=name, first_seen_at=AT, last_changed_at=AT)
    return [
        PromptVersion.objects.create(
            prompt=prompt, number=number, external_id=f"{name}/{number}", template=f"v{number} {{{{question}}}}",
            content_hash="x", created_at=AT, first_seen_at=AT,
        )
        for number in numbers
    ]  # fmt: skip


def point(version: PromptVersion) -> None:
    fields = {"version": version, "moved_at": AT}
    PromptLabel.objects.update_or_create(prompt=version.prompt, name="production", defaults=fields)


def test_the_version_that_the_label_points_at_by_then_is_run(schedule):
    first, second = a_prompt(1, 2)
    point(first)
    assert start_due_schedules(at=AT) == 0
    point(second)
    assert waiting_tasks(at=AT) == []
    assert waiting_tasks(at=DUE) == [carry_out_evaluations.name]
    assert start_due_schedules(at=DUE) == 1
    assert waiting_tasks(at=DUE) == [carry_out_evaluations.name]
    order = Order.objects.get()
    assert (order.run.version, order.reason, order.label) == ("2", "schedule", "production")
    assert order.messages[0]["content"] == "v2 {{question}}"
    assert SuiteSchedule.objects.get().last_run == order.run


def test_it_comes_once_and_what_was_missed_is_skipped(schedule):
    point(a_prompt(1)[0])
    assert start_due_schedules(at=DUE + timedelta(days=5)) == 1
    assert start_due_schedules(at=DUE + timedelta(days=5)) == 0
    assert SuiteSchedule.objects.get().due_at > DUE + timedelta(days=5)


def test_three_in_the_morning_is_three_where_the_schedule_lives(schedule):
    assert schedule.due_at.hour == 2, "Berlin is an hour ahead of UTC in November"


def test_what_cannot_start_says_why_and_is_tried_again_next_time(schedule):
    assert start_due_schedules(at=DUE) == 0
    assert SuiteSchedule.objects.get().error == "No prompt has support-reply@production."
    assert not EvaluationRun.objects.exists()
    point(a_prompt(1)[0])
    assert start_due_schedules(at=DUE + timedelta(days=1)) == 1
    assert SuiteSchedule.objects.get().error == ""
