"""A real Dagster with its daemon, content made by its own GraphQL, and what the portal shows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.connectors.providers.dagster import missing
from apps.events.models import Event
from apps.monitors.models import Alert
from apps.pipelines.models import Pipeline, Run, TaskRun
from tests.live.dagster import REPORTS, Dagster, daemon, tags_of, until, webserver
from tests.live.polling import connect, poll, probe

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]

STATES = {
    "QUEUED": "queued",
    "NOT_STARTED": "queued",
    "STARTING": "queued",
    "STARTED": "running",
    "CANCELING": "running",
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "CANCELED": "cancelled",
}
STEP_STATES = {"SUCCESS": "succeeded", "FAILURE": "failed", "IN_PROGRESS": "running", "SKIPPED": "skipped"}
OVER = ("SUCCESS", "FAILURE", "CANCELED")
SLOW = {"ops": {"extract": {"config": {"secs": 150.0}}}}


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dagster]:
    """A real Dagster whose daemon lives."""
    with webserver(tmp_path_factory.mktemp("dagster")) as server, daemon(server):
        yield server


def _at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _stored() -> dict[str, dict[str, Any]]:
    """Every run that is not gone, as the portal has it."""
    return {
        run.external_id: {
            "pipeline": run.pipeline.external_id, "state": run.state, "raw": run.raw_state,
            "due": run.scheduled_for, "began": run.started_at, "ended": run.finished_at, "config": run.parameters,
        }
        for run in Run.objects.filter(gone_at=None).select_related("pipeline")
    }  # fmt: skip


def _expected(runs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same out of the server's own answer."""
    return {
        run_id: {
            "pipeline": f"__repository__@analytics/{run['jobName']}", "state": STATES[run["status"]],
            "raw": run["status"], "due": _at(run["creationTime"]), "began": _at(run["startTime"]),
            "ended": _at(run["endTime"]), "config": run["runConfig"],
        }
        for run_id, run in runs.items()
    }  # fmt: skip


def _stored_steps() -> dict[str, tuple[Any, ...]]:
    found = TaskRun.objects.filter(run__gone_at=None).select_related("run")
    return {
        f"{step.run.external_id} {step.name}": (step.state, step.attempts, step.started_at, step.finished_at)
        for step in found
    }


def _expected_steps(runs: dict[str, dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    return {
        f"{run_id} {step['stepKey']}": (
            STEP_STATES[step["status"]],
            len(step["attempts"]) or 1,
            _at(step["startTime"]),
            _at(step["endTime"]),
        )
        for run_id, run in runs.items()
        for step in run["stepStats"]
    }


def _make_content(dagster: Dagster) -> dict[str, str]:
    """Runs in every phase, launched in every way; their ids by what they are."""
    dagster.start_schedule("minutely")
    made = {
        "cancelled": dagster.launch("nightly_etl", SLOW),
        "long": dagster.launch("nightly_etl", SLOW),
        "good": dagster.launch("nightly_etl"),
        "bad": dagster.launch("broken_import"),
        "queued": dagster.launch("quick", lane="closed"),
    }
    backfill = dagster.backfill("customers_job", "2026-11-20")

    def tagged(key: str, value: str) -> str:
        found = (run_id for run_id, run in dagster.runs().items() if tags_of(run).get(key) == value)
        return next(found, "")

    until(lambda: _is_extracting(dagster, made["cancelled"]) and _is_extracting(dagster, made["long"]))
    dagster.terminate(made["cancelled"])
    made["partition"] = until(lambda: tagged("dagster/backfill", backfill))
    made["sensed"] = until(lambda: tagged("dagster/sensor_name", "new_files"))
    made["scheduled"] = until(lambda: tagged("dagster/schedule_name", "minutely"))
    _settle(dagster, open_runs={made["long"], made["queued"]})
    dagster.stop_schedule("minutely")
    _settle(dagster, open_runs={made["long"], made["queued"]})
    return made


def _is_extracting(dagster: Dagster, run_id: str) -> bool:
    return any(step["stepKey"] == "extract" for step in dagster.runs()[run_id]["stepStats"])


def _settle(dagster: Dagster, *, open_runs: set[str]) -> None:
    """Return when nothing but these runs is still going on."""
    until(lambda: {run_id for run_id, run in dagster.runs().items() if run["status"] not in OVER} <= open_runs)


def test_a_real_server_is_shown_as_it_is_and_followed(dagster: Dagster, client: Client) -> None:
    made = _make_content(dagster)
    source = connect("dagster", {"url": f"{dagster.url}/graphql"})
    poll(source)

    theirs = dagster.runs()
    assert _stored() == _expected(theirs)
    assert _stored_steps() == _expected_steps(theirs)
    states = {name: theirs[made[name]]["status"] for name in made}
    assert states == {
        "cancelled": "CANCELED", "long": "STARTED", "good": "SUCCESS", "bad": "FAILURE", "queued": "QUEUED",
        "partition": "SUCCESS", "sensed": "SUCCESS", "scheduled": "SUCCESS",
    }  # fmt: skip
    _check_reasons(made)
    _check_jobs(dagster)
    assert not Alert.objects.exists(), "every daemon lives and every code location loads"
    _check_pages(client, made)

    events = Event.objects.count()
    assert poll(source).changed == 0, "an unchanged server gives nothing to write"
    assert Event.objects.count() == events

    dagster.terminate(made["long"])
    dagster.delete(made["queued"])
    late = dagster.launch("quick")
    _settle(dagster, open_runs=set())
    poll(source)
    poll(source)
    theirs = dagster.runs()
    assert (theirs[made["long"]]["status"], theirs[late]["status"]) == ("CANCELED", "SUCCESS")
    assert _stored() == _expected(theirs)
    assert _stored_steps() == _expected_steps(theirs)
    assert Run.objects.get(external_id=made["queued"]).gone_at is not None
    assert poll(source).changed == 0


def _check_reasons(made: dict[str, str]) -> None:
    """Why runs were launched, and why one failed."""
    ours = {name: Run.objects.get(external_id=run_id) for name, run_id in made.items()}
    why = {name: (run.trigger, run.triggered_by) for name, run in ours.items()}
    assert why["good"] == ("manual", "")
    assert why["sensed"] == ("event", "new_files")
    assert why["scheduled"] == ("schedule", "minutely")
    assert why["partition"] == ("backfill", ours["partition"].labels["dagster/backfill"])
    assert ours["partition"].partition_key == "2026-11-20"
    assert ours["good"].labels["team"] == "data"
    assert ours["bad"].error == "ValueError: the feed has no column 'price'"
    assert Event.objects.filter(kind="pipelines:run:failed", subject_id=ours["bad"].pk).count() == 1
    boom = TaskRun.objects.get(run=ours["bad"], name="boom")
    assert boom.error == "ValueError: the feed has no column 'price'"
    steps = {step.name: step for step in TaskRun.objects.filter(run=ours["good"])}
    assert [steps[name].position for name in ("extract", "transform", "load")] == [0, 1, 2]
    assert (steps["transform"].attempts, steps["transform"].state) == (2, "succeeded")
    assert steps["load"].upstream == [steps["transform"].external_id]


def _check_jobs(dagster: Dagster) -> None:
    """Jobs with their schedules and sensors."""
    assert dict(Pipeline.objects.values_list("external_id", "name")) == dagster.jobs()
    etl = Pipeline.objects.get(name="nightly_etl")
    assert (etl.schedule, etl.is_paused, etl.vendor_kind) == ("0 2 29 2 * (Europe/Berlin)", False, "job")
    assert (etl.description, etl.labels["team"]) == ("Loads the orders.", "data")
    broken = Pipeline.objects.get(name="broken_import")
    assert (broken.schedule, broken.is_paused) == ("0 15 1 1 * (UTC); 0 3 1 1 * (UTC)", False)
    quick = Pipeline.objects.get(name="quick")
    assert (quick.schedule, quick.is_paused) == ("* * * * * (UTC)", True), "somebody stopped its schedule"
    watched = Pipeline.objects.get(name="watched")
    assert (watched.schedule, watched.is_paused) == ("", False), "nobody ever started its schedule"
    assert (watched.labels["schedules"], watched.labels["sensors"]) == ("idle (stopped)", "new_files (running)")
    assert Pipeline.objects.get(name="customers_job").vendor_kind == "asset job"
    assert Pipeline.objects.get(name="weekly_report").labels["code_location"] == "reports"


def _check_pages(client: Client, made: dict[str, str]) -> None:
    client.force_login(User.objects.create_user("live", password="x", role="viewer"))
    page = client.get(reverse("pipelines:run-list")).content.decode()
    assert all(run_id[:8] in page for run_id in made.values())
    bad = Run.objects.get(external_id=made["bad"])
    page = client.get(reverse("pipelines:run-detail", args=[bad.pk])).content.decode()
    assert "the feed has no column" in page
    assert bad.url in page


def test_a_deleted_run_is_noticed_by_the_sweep(dagster: Dagster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing, "SWEEP_EVERY", 3)
    kept, deleted = dagster.launch("quick"), dagster.launch("quick")
    until(lambda: {dagster.runs()[run_id]["status"] for run_id in (kept, deleted)} == {"SUCCESS"})
    source = connect("dagster", {"url": dagster.url})
    for _ in range(3):
        poll(source)
    dagster.delete(deleted)
    for _ in range(6):
        poll(source)
    assert list(Run.objects.exclude(gone_at=None).values_list("external_id", flat=True)) == [deleted]
    assert set(_stored()) == set(dagster.runs())


def test_a_broken_code_location_is_an_alert_and_its_jobs_are_not_gone(dagster: Dagster) -> None:
    source = connect("dagster", {"url": dagster.url})
    poll(source)
    jobs = Pipeline.objects.filter(gone_at=None)
    assert jobs.filter(name="weekly_report").exists()
    try:
        (dagster.home / "reports.py").write_text("import no_such_module\n")
        dagster.reload("reports")
        assert "weekly_report" not in dagster.jobs().values(), "Dagster itself hides them without a word"
        for _ in range(3):
            poll(source)
        assert jobs.filter(name="weekly_report").exists()
        alert = Alert.objects.get()
        assert (alert.name, alert.state, alert.resolved_at) == ("Code location reports does not load", "firing", None)
        assert alert.summary == "ModuleNotFoundError: No module named 'no_such_module'"
        assert "1 code location not loaded" in probe("dagster", {"url": dagster.url}).sentence
        assert poll(source).changed == 0
    finally:
        (dagster.home / "reports.py").write_text(REPORTS)
        dagster.reload("reports")
    poll(source)
    alert.refresh_from_db()
    assert alert.state == "resolved"
    assert jobs.filter(name="weekly_report").exists()


def test_a_daemon_that_never_lived_is_an_alert_until_it_does(tmp_path_factory: pytest.TempPathFactory) -> None:
    with webserver(tmp_path_factory.mktemp("quiet")) as quiet:
        source = connect("dagster", {"url": quiet.url})
        poll(source)
        scheduler = Alert.objects.get(name="Dagster daemon SCHEDULER is not healthy")
        assert scheduler.summary == "While it is down, schedules start no runs: it has not been heard of"
        assert Alert.objects.filter(name__startswith="Dagster daemon", state="firing").count() >= 4
        assert poll(source).changed == 0, "an alert that goes on is no news"
        with daemon(quiet):
            poll(source)
            assert not Alert.objects.exclude(state="resolved").exists()


def test_the_connection_test_says_what_a_real_server_has(dagster: Dagster) -> None:
    answer = probe("dagster", {"url": dagster.url})
    assert answer.is_good
    assert re.fullmatch(
        r"Dagster 1\.13\.\d+ answers; it has \d+ jobs in 2 code locations and \d+ runs?\.", answer.sentence
    )
    assert answer.missing == []
