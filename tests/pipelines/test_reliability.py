from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from statistics import median
from threading import Event, Thread

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.connectors.records import RunState
from apps.pipelines import services
from apps.pipelines.models import Pipeline, Reliability, Run, RunDay, TaskRun
from apps.pipelines.services.reliability import mark_days
from tests.pipelines.records import NOW, a_run, a_step, ago

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def of(days: int = 7) -> Reliability:
    return Reliability.objects.get(days=days)


def a_past_run(number: int, state: RunState, began: datetime, minutes: float = 5, **fields):
    defaults = {
        "started_at": began,
        "finished_at": began + timedelta(minutes=minutes),
        "updated_at": began + timedelta(minutes=minutes),
    }
    return a_run(f"r{number}", state, **defaults | fields)


def test_what_passed_failed_and_was_hidden_by_a_retry_is_counted(tell):
    tell(
        a_past_run(1, RunState.SUCCEEDED, ago(300)),
        a_past_run(2, RunState.FAILED, ago(240)),
        a_past_run(3, RunState.CRASHED, ago(180)),
        a_past_run(4, RunState.SUCCEEDED, ago(120), attempts=2),
        a_past_run(5, RunState.CANCELLED, ago(60)),
        a_past_run(6, RunState.RUNNING, ago(10), finished_at=None),
    )
    services.roll_up(at=NOW)
    row = of()
    assert (row.succeeded, row.retried, row.failed) == (2, 1, 2)
    assert row.success_rate == 0.5
    assert row.flaky_rate == 0.5  # one retry and one stretch that turned green, of four
    assert row.green_median == 120 * 60  # from the end of the first failure to the end of the next success


def test_a_step_that_was_retried_makes_a_plain_success_a_retried_one(tell, source):
    tell(a_past_run(1, RunState.SUCCEEDED, ago(60)))
    services.roll_up(at=NOW)
    assert of().retried == 0
    services.upsert_task_runs(source=source, records=[a_step("s1", "r1", attempts=3)], at=NOW)
    services.roll_up(at=NOW)
    assert of().retried == 1


def test_a_run_that_moves_to_another_day_leaves_the_old_one(tell):
    tell(a_past_run(1, RunState.SUCCEEDED, NOW - 3 * DAY))
    services.roll_up(at=NOW)
    tell(a_past_run(1, RunState.SUCCEEDED, NOW - 2 * DAY, updated_at=NOW))
    services.roll_up(at=NOW)
    assert list(RunDay.objects.order_by("day").values_list("succeeded", flat=True)) == [0, 1]
    assert of().succeeded == 1


def test_a_red_stretch_over_midnight_has_its_true_length(tell):
    tell(a_past_run(1, RunState.FAILED, NOW - 2 * DAY), a_past_run(2, RunState.SUCCEEDED, NOW - timedelta(hours=1)))
    services.roll_up(at=NOW)
    assert of().green_median == (2 * DAY - timedelta(hours=1)).total_seconds()
    assert of().red_since is None


def test_a_pipeline_that_still_fails_says_since_when(tell):
    tell(a_past_run(1, RunState.FAILED, NOW - 2 * DAY), a_past_run(2, RunState.FAILED, ago(60)))
    services.roll_up(at=NOW)
    assert of().red_since == NOW - 2 * DAY + timedelta(minutes=5)
    assert (of().green_count, of().flaky_rate) == (0, 0.0)  # always failing is broken, not flaky


def test_periods_move_on_at_midnight_and_empty_ones_go(tell):
    tell(a_past_run(1, RunState.SUCCEEDED, ago(60)))
    services.roll_up(at=NOW)
    assert set(Reliability.objects.values_list("days", flat=True)) == {7, 30, 90}
    services.roll_up(at=NOW + 8 * DAY)
    assert set(Reliability.objects.values_list("days", flat=True)) == {30, 90}
    services.roll_up(at=NOW + 100 * DAY)
    assert not Reliability.objects.exists()


def test_nothing_new_costs_nothing(tell):
    tell(a_past_run(1, RunState.SUCCEEDED, ago(60)))
    assert services.roll_up(at=NOW) == 1
    tell(a_past_run(1, RunState.SUCCEEDED, ago(60)))
    assert services.roll_up(at=NOW) == 0
    tell(a_past_run(2, RunState.RUNNING, ago(1), finished_at=None))
    assert services.roll_up(at=NOW) == 0


def _obvious(number: int) -> dict[str, object] | None:
    """The same straight from all runs, slowly."""
    runs = list(Run.objects.filter(state__in=["succeeded", "failed", "crashed"]).order_by("at", "id"))
    until = NOW.date()
    first = until - timedelta(days=number - 1)
    greens, began = [], None
    for run in runs:
        ended_at = run.finished_at or run.at
        if run.state != "succeeded":
            began = began or ended_at
        elif began:
            if first <= run.at.astimezone(UTC).date() <= until:
                greens.append(max(0, int((ended_at - began).total_seconds())))
            began = None
    within = [run for run in runs if first <= run.at.astimezone(UTC).date() <= until]
    if not within:
        return None
    retried_steps = set(TaskRun.objects.filter(attempts__gt=1).values_list("run_id", flat=True))
    passed = [run for run in within if run.state == "succeeded"]
    retried = [run for run in passed if run.attempts > 1 or run.pk in retried_steps]
    return {
        "succeeded": len(passed),
        "retried": len(retried),
        "failed": len(within) - len(passed),
        "green_count": len(greens),
        "green_median": median(greens) if greens else None,
        "red_since": began,
    }


NEWS = st.lists(
    st.tuples(
        st.integers(1, 12),  # which run
        st.sampled_from([RunState.SUCCEEDED, RunState.FAILED, RunState.CRASHED, RunState.CANCELLED, RunState.RUNNING]),
        st.integers(0, 9 * 24),  # began so many hours ago
        st.integers(1, 600),  # minutes it took
        st.integers(1, 2),  # attempts
        st.booleans(),  # a retried step
        st.booleans(),  # sweep now
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(news=NEWS)
def test_the_roll_up_is_what_one_counts_by_hand_in_whatever_order_news_come(news, tell, source):
    TaskRun.objects.all().delete()
    Run.objects.all().delete()
    Pipeline.objects.all().delete()
    for order, (number, state, hours, minutes, attempts, is_step_retried, is_swept) in enumerate(news):
        began = NOW - timedelta(hours=hours, seconds=number)
        told = a_past_run(number, state, began, minutes, attempts=attempts, updated_at=NOW + timedelta(seconds=order))
        tell(told)
        if is_step_retried:
            step = a_step("s", f"r{number}", attempts=2, updated_at=NOW + timedelta(seconds=order))
            services.upsert_task_runs(source=source, records=[step], at=NOW)
        if is_swept:
            services.roll_up(at=NOW)
    services.roll_up(at=NOW)
    for number in (7, 30):
        row = Reliability.objects.filter(days=number).first()
        expected = _obvious(number)
        assert (row is None) == (expected is None)
        if row and expected:
            assert {name: getattr(row, name) for name in expected} == expected


def test_runs_told_in_any_order_end_in_the_same_rows(tell):
    runs = [
        a_past_run(n, RunState.FAILED if n % 3 else RunState.SUCCEEDED, NOW - timedelta(hours=5 * n)) for n in range(20)
    ]
    random.Random(7).shuffle(runs)
    for run in runs:
        tell(run)
        services.roll_up(at=NOW)
    assert of(30).succeeded == _obvious(30)["succeeded"]
    assert of(30).green_median == _obvious(30)["green_median"]


@pytest.mark.django_db(transaction=True)
def test_a_sweep_leaves_days_alone_that_a_writer_holds(tell):
    """What a writer has not committed cannot be counted yet; its mark must not be lost either."""
    tell(a_past_run(1, RunState.SUCCEEDED, ago(60)))
    pipeline = Pipeline.objects.get()
    written, swept = Event(), Event()

    def write() -> None:
        with transaction.atomic():
            run = Run.objects.get()
            mark_days(runs=[{"pipeline_id": pipeline.pk, "at": run.at}])
            Run.objects.update(state=RunState.FAILED)
            written.set()
            assert swept.wait(20)
        connection.close()

    writer = Thread(target=write)
    writer.start()
    assert written.wait(20)
    assert services.roll_up(at=NOW) == 0
    swept.set()
    writer.join(20)
    assert services.roll_up(at=NOW) == 1
    assert (of().succeeded, of().failed) == (0, 1)
