"""A real Airflow 3, content made through its own API, and what the portal shows of it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest

from apps.connectors.providers.airflow import missing
from apps.events.models import Event
from apps.monitors.models import Alert
from apps.pipelines.models import Pipeline, Run, TaskRun
from tests.live.airflow import MENDED, Airflow, airflow_server
from tests.live.polling import connect, poll, poll_once, probe

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]

STATES = {"success": "succeeded", "failed": "failed", "running": "running", "queued": "queued"}
TASK_STATES = {**STATES, None: "queued", "skipped": "skipped", "upstream_failed": "failed", "scheduled": "queued"}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """A real Airflow with five DAGs and a file that cannot be read."""
    with airflow_server(tmp_path_factory.mktemp("airflow")) as server:
        yield server


def _config(airflow: Airflow, **more: Any) -> dict[str, Any]:
    return {"url": airflow.url, "auth": "basic", "username": "admin", "dags": [], **more}


def _run_types(airflow: Airflow) -> list[str]:
    return [run["run_type"] for run in airflow.runs().values()]


def _states(airflow: Airflow) -> list[str]:
    return [run["state"] for run in airflow.runs().values()]


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _stored_runs() -> dict[str, tuple[Any, ...]]:
    runs = Run.objects.filter(gone_at=None).select_related("pipeline")
    return {
        run.external_id: (
            run.pipeline.external_id, run.name, run.raw_state, run.scheduled_for, run.started_at, run.finished_at,
            run.parameters, run.triggered_by, run.revision,
        )
        for run in runs
    }  # fmt: skip


def _told_runs(airflow: Airflow) -> dict[str, tuple[Any, ...]]:
    return {
        key: (
            run["dag_id"], run["dag_run_id"], run["state"], _at(run["run_after"]), _at(run["start_date"]),
            _at(run["end_date"]), run["conf"], run["triggering_user_name"] or "",
            f"v{run['dag_versions'][-1]['version_number']}",
        )
        for key, run in airflow.runs().items()
    }  # fmt: skip


def _stored_tasks() -> dict[tuple[str, str], tuple[Any, ...]]:
    tasks = TaskRun.objects.filter(run__gone_at=None).select_related("run")
    return {
        (task.run.external_id, task.name): (
            task.state,
            task.raw_state,
            task.started_at,
            task.finished_at,
            task.attempts,
        )
        for task in tasks
    }


def _told_tasks(airflow: Airflow) -> dict[tuple[str, str], tuple[Any, ...]]:
    told = {}
    for task in airflow.tasks():
        name = task["task_id"] if task["map_index"] < 0 else f"{task['task_id']} [{task['map_index']}]"
        state = TASK_STATES[task["state"]]
        ended = None if state in ("queued", "running") else _at(task["end_date"])
        raw, tries = task["state"] or "none", max(task["try_number"], 1)
        run_key = f"{task['dag_id']}/{task['dag_run_id']}"
        told[run_key, name] = (state, raw, _at(task["start_date"]), ended, tries)
    return told


def _check_everything(airflow: Airflow) -> None:
    assert _stored_runs() == _told_runs(airflow)
    assert _stored_tasks() == _told_tasks(airflow)


def test_runs_of_a_real_server_are_shown_as_they_are_and_follow_its_changes(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad, again = airflow.trigger("refresh", pages=2), airflow.trigger("report"), airflow.trigger("report")
    skipped, going = airflow.trigger("idle"), airflow.trigger("lengthy", n=1)
    airflow.wait_for_runs({
        ("refresh", good): "success", ("report", bad): "failed", ("report", again): "failed",
        ("idle", skipped): "success", ("lengthy", going): "running",
    })  # fmt: skip
    airflow.wait_for("a run that follows an asset", lambda: "asset_triggered" in _run_types(airflow))
    airflow.wait_for("no open run but one", lambda: _states(airflow).count("running") == 1)
    airflow.wait_for("a task at work", lambda: "running" in [task["state"] for task in airflow.tasks()])
    waiting = airflow.trigger("asleep")  # of a paused DAG: it stays queued
    source = connect("airflow", _config(airflow), password=airflow.password)
    poll(source)

    _check_everything(airflow)
    states = {run.external_id: run.state for run in Run.objects.all()}
    skipped_key = f"idle/{skipped}"
    assert states.pop(skipped_key) == "skipped", "all its tasks were skipped, though Airflow calls it a success"
    assert states == {key: STATES[run["state"]] for key, run in airflow.runs().items() if key != skipped_key}
    failed = Run.objects.get(external_id=f"report/{bad}")
    assert (failed.error, failed.attempts) == ("collect: ValueError: the feed has no column 'price'", 2)
    assert failed.trigger == "api"
    assert set(Run.objects.values_list("trigger", flat=True)) == {"api", "event"}
    assert Event.objects.filter(kind="pipelines:run:failed", subject_id=failed.pk).count() == 1
    _check_pipelines()
    alert = Alert.objects.get(resolved_at=None)
    assert alert.name == "Airflow cannot read bad.py"
    assert alert.summary == "ModuleNotFoundError: No module named 'no_such_module'"

    events = Event.objects.count()
    assert poll(source).changed == 0, "an unchanged server gives nothing to write"
    assert Event.objects.count() == events
    _change_everything(airflow, good=good, again=again)
    poll(source)
    cleared = Run.objects.get(external_id=f"report/{again}")
    assert (cleared.state in ("queued", "running"), cleared.finished_at, cleared.error) == (True, None, "")
    assert Run.objects.get(external_id=f"refresh/{good}").state == "failed"

    airflow.wait_for_runs({("report", again): "success", ("lengthy", going): "success"})
    airflow.wait_for("the mended file", lambda: airflow.ask("GET", "importErrors")["total_entries"] == 0)
    poll(source)
    _check_everything(airflow)
    cleared.refresh_from_db()
    assert (cleared.state, cleared.error, cleared.attempts) == ("succeeded", "", 3)
    assert not Alert.objects.filter(resolved_at=None).exists()
    assert poll(source).changed == 0

    _check_deletions(airflow, source, monkeypatch, waiting=waiting, skipped=skipped)
    _check_illness(airflow, source)


def _check_pipelines() -> None:
    pipelines = {pipeline.name: pipeline for pipeline in Pipeline.objects.all()}
    assert sorted(pipelines) == ["asleep", "follow", "idle", "lengthy", "refresh", "report"]
    assert pipelines["follow"].schedule == "Asset"
    assert pipelines["asleep"].schedule == "0 6 * * * (UTC+09:00)"
    assert [name for name, pipeline in pipelines.items() if pipeline.is_paused] == ["asleep"]
    assert pipelines["refresh"].labels["tags"] == "nightly,team:data"
    assert pipelines["refresh"].description == "Loads the pages"


def _change_everything(airflow: Airflow, *, good: str, again: str) -> None:
    """A run is cleared and will pass, another is marked as failed, one may end, and the broken file is mended."""
    (airflow.folder / "price").touch()
    airflow.ask("POST", f"dags/report/dagRuns/{quote(again, safe='')}/clear", {"dry_run": False})
    airflow.ask("PATCH", f"dags/refresh/dagRuns/{quote(good, safe='')}", {"state": "failed"})
    (airflow.folder / "enough").touch()
    (airflow.folder / "bad.py").write_text(MENDED)


def _check_deletions(
    airflow: Airflow, source: Any, monkeypatch: pytest.MonkeyPatch, *, waiting: str, skipped: str
) -> None:
    """An open run is missed at once, an ended one by the sweep; gone means missing twice."""
    airflow.ask("DELETE", f"dags/asleep/dagRuns/{quote(waiting, safe='')}")
    airflow.ask("DELETE", f"dags/idle/dagRuns/{quote(skipped, safe='')}")
    for _ in range(2):
        poll(source)
    assert [run.external_id for run in Run.objects.exclude(gone_at=None)] == [f"asleep/{waiting}"]
    monkeypatch.setattr(missing, "SWEEP_EVERY", 1)
    for _ in range(2):
        poll(source)
    gone = {run.external_id for run in Run.objects.exclude(gone_at=None)}
    assert gone == {f"asleep/{waiting}", f"idle/{skipped}"}
    _check_everything(airflow)


def _check_illness(airflow: Airflow, source: Any) -> None:
    """The triggerer ends; for good, because nothing starts another one."""
    for pid in airflow.processes("airflow triggerer"):
        os.kill(pid, signal.SIGTERM)
    airflow.wait_for(
        "an unhealthy triggerer", lambda: airflow.ask("GET", "monitor/health")["triggerer"]["status"] == "unhealthy"
    )
    poll(source)
    alert = Alert.objects.get(resolved_at=None)
    assert (alert.name, alert.severity) == ("Airflow triggerer is unhealthy", "ticket")


def test_the_connection_test_says_what_a_real_server_has(airflow: Airflow) -> None:
    answer = probe("airflow", _config(airflow), password=airflow.password)
    assert re.fullmatch(r"Airflow 3\.\d+\.\d+ answers; it has \d DAGs and \d runs\.", answer.sentence)
    assert (answer.is_good, answer.missing) == (True, [])


def test_only_the_right_credentials_let_in(airflow: Airflow) -> None:
    by_token = _config(airflow, auth="bearer")
    for refused in (
        probe("airflow", _config(airflow), password="wrong-horse"),
        probe("airflow", by_token, token="not-a-token"),
        probe("airflow", _config(airflow, auth="none")),
    ):
        assert (refused.is_good, refused.error_class) == (False, "auth"), refused.sentence
        assert "wrong-horse" not in refused.sentence, "no secret in a message"
        assert "not-a-token" not in refused.sentence
    assert probe("airflow", by_token, token=airflow.token).is_good
    assert poll_once(connect("airflow", _config(airflow), password="wrong-horse")).error_class == "auth"


def test_a_filter_lets_only_some_dags_through(airflow: Airflow) -> None:
    source = connect("airflow", _config(airflow, dags=["re*"]), password=airflow.password)
    poll(source)
    assert sorted(Pipeline.objects.values_list("name", flat=True)) == ["refresh", "report"]
    assert set(Run.objects.values_list("pipeline__name", flat=True)) <= {"refresh", "report"}
