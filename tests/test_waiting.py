"""The one statement that looks for work: silent while nobody asks, and naming exactly what was asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from apps.connectors.gating import GateQuestion
from apps.deployments import services as deployments
from apps.monitors.models import Backtest
from apps.monitors.status import BacktestState
from apps.notifications.models import Replay, Subscription
from apps.sources.models import Remapping
from opsportal.celery import app
from opsportal.schedule import SCHEDULE
from opsportal.waiting import WAITING, waiting_tasks
from tests.factories import make_source
from tests.metrics.factories import make_series

AT = timezone.now()
LATER = AT + timedelta(minutes=1)
pytestmark = pytest.mark.django_db


def a_gate() -> None:
    asked = GateQuestion(
        repository="acme/app",
        environment="production",
        callback_url="https://x.test/",
        revision="a" * 40,
        asked_by="mei",
    )
    deployments.ask_gate(source=make_source(), delivery_id="1", question=asked, at=AT)


def a_backtest(state: BacktestState = BacktestState.QUEUED) -> None:
    Backtest.objects.create(series=make_series(), kind="threshold", state=state, created_at=AT)


def a_subscription() -> Subscription:
    return Subscription.objects.create(name="Bridge", url="https://bridge.test/")


def a_replay() -> None:
    Replay.objects.create(subscription=a_subscription(), start_at=AT, end_at=LATER)


def a_remapping() -> None:
    Remapping.objects.create(reason="a rule")


@pytest.mark.parametrize(
    ("ask", "tasks"),
    [
        (a_gate, {"apps.sync.tasks.answer_gates"}),
        (a_backtest, {"apps.monitors.tasks.run_backtests"}),
        (a_subscription, {"apps.notifications.tasks.deliver_events"}),
        (a_replay, {"apps.notifications.tasks.deliver_events", "apps.notifications.tasks.replay_events"}),
        (a_remapping, {"apps.sync.tasks.carry_out_remappings"}),
    ],
)
def test_what_was_asked_for_is_sent_on(ask, tasks) -> None:
    assert waiting_tasks(at=LATER) == []
    ask()
    assert set(waiting_tasks(at=LATER)) == tasks


def test_what_is_done_waits_no_more() -> None:
    a_backtest(BacktestState.DONE)
    Remapping.objects.create(reason="a rule", finished_at=AT)
    Subscription.objects.create(name="Off", url="https://off.test/", is_enabled=False)
    assert waiting_tasks(at=LATER) == []


def test_it_is_one_statement(django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        waiting_tasks(at=AT)


def test_every_name_in_the_tables_is_a_task() -> None:
    app.loader.import_default_modules()
    assert settings.CELERY_BEAT_SCHEDULE is SCHEDULE
    assert {*WAITING, *(entry["task"] for entry in SCHEDULE.values())} <= set(app.tasks)
