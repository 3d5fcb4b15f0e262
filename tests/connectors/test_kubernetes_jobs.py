"""CronJobs as pipelines, Jobs as runs: schedules, states, why pods failed, and jobs that vanish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.connectors.providers.kubernetes.jobs import failure_of
from apps.connectors.records import Batch, Kind, PipelineRecord, RunRecord, RunState, Trigger
from tests.connectors.kubernetes_world import KubernetesWorld, good_world
from tests.connectors.test_kubernetes import fetch
from tests.connectors.upstream import Upstream
from tests.connectors.worlds import iso


def pipelines(batch: Batch) -> dict[str, PipelineRecord]:
    return {record.name: record for record in batch.records if isinstance(record, PipelineRecord)}


def runs(batch: Batch) -> dict[str, RunRecord]:
    return {record.name: record for record in batch.records if isinstance(record, RunRecord)}


def ended(reason: str, code: int, at: datetime, message: str = "") -> dict[str, Any]:
    state = {"terminated": {"reason": reason, "exitCode": code, "finishedAt": iso(at), "message": message}}
    return {"name": "etl", "ready": False, "restartCount": 0, "state": state}


def test_a_cron_job_is_a_pipeline_with_schedule_zone_and_pause(upstream: Upstream) -> None:
    world = KubernetesWorld()
    world.add_cron_job("nightly")
    world.add_cron_job("hourly", schedule="0 * * * *", timeZone=None, suspend=True)
    found = pipelines(fetch(upstream, world, environment_from="label", environment_label="team"))
    assert (found["shop/nightly"].schedule, found["shop/nightly"].is_paused) == ("0 2 * * * (Europe/Berlin)", False)
    assert (found["shop/hourly"].schedule, found["shop/hourly"].is_paused) == ("0 * * * *", True)
    assert found["shop/nightly"].vendor_kind == "cronjob"
    assert found["shop/nightly"].labels["environment"] == "search"


def test_a_cron_job_without_a_schedule_is_rejected_and_no_pipeline_is_called_gone(upstream: Upstream) -> None:
    world = good_world()
    world.add_cron_job("odd", schedule="")
    batch = fetch(upstream, world)
    assert [(item.kind, item.external_id) for item in batch.rejected] == [(Kind.PIPELINE, "cronjobs-shop-odd")]
    assert "shop/nightly" in pipelines(batch)
    assert batch.listings == ()


@pytest.mark.parametrize(
    ("conditions", "status", "spec", "state", "word"),
    [
        ([("Complete", "CompletionsReached")], {}, {}, RunState.SUCCEEDED, "CompletionsReached"),
        ([("Complete", "")], {}, {}, RunState.SUCCEEDED, "Complete"),
        ([("Failed", "BackoffLimitExceeded")], {}, {}, RunState.FAILED, "BackoffLimitExceeded"),
        ([("Failed", "DeadlineExceeded")], {}, {}, RunState.FAILED, "DeadlineExceeded"),
        ([("FailureTarget", "PodFailurePolicy")], {"active": 1}, {}, RunState.RUNNING, "FailureTarget"),
        ([("Suspended", "JobSuspended")], {}, {}, RunState.QUEUED, "Suspended"),
        ([], {}, {"suspend": True}, RunState.QUEUED, "Suspended"),
        ([], {"active": 1}, {}, RunState.RUNNING, "Active"),
        ([], {"active": 0}, {}, RunState.RUNNING, "Waiting"),
        ([], {"startTime": None}, {}, RunState.QUEUED, "Pending"),
        ([("Dreaming", "Asleep")], {"active": 1}, {}, RunState.RUNNING, "Active"),
    ],
)
def test_states_of_a_job_come_from_its_conditions(
    upstream: Upstream, conditions: Any, status: Any, spec: Any, state: RunState, word: str
) -> None:
    world = KubernetesWorld()
    world.add_job("one", *conditions, status=status, spec=spec)
    record = runs(fetch(upstream, world))["one"]
    assert (record.state, record.raw_state) == (state, word)
    assert (record.finished_at is not None) == (state in (RunState.SUCCEEDED, RunState.FAILED))
    assert bool(record.error) == (state is RunState.FAILED)


def test_a_run_belongs_to_its_cron_job_and_knows_when_it_was_due(upstream: Upstream) -> None:
    world = KubernetesWorld()
    nightly = world.add_cron_job("nightly")
    done = ("Complete", "CompletionsReached")
    world.add_job("nightly-29400000", done, cron_job=nightly)
    due = {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-11-24T02:00:00+01:00"}
    world.add_job("nightly-29400060", done, cron_job=nightly, metadata={"annotations": due})
    by_hand = {"cronjob.kubernetes.io/instantiate": "manual"}
    world.add_job("nightly-manual-12345678", done, cron_job=nightly, metadata={"annotations": by_hand})
    found = runs(fetch(upstream, world))
    assert {run.pipeline_external_id for run in found.values()} == {nightly["metadata"]["uid"]}
    assert found["nightly-29400000"].scheduled_for == datetime.fromtimestamp(29400000 * 60, UTC)
    assert found["nightly-29400060"].scheduled_for == datetime(2026, 11, 24, 1, tzinfo=UTC)
    assert found["nightly-29400060"].trigger is Trigger.SCHEDULE
    manual = found["nightly-manual-12345678"]
    assert (manual.trigger, manual.scheduled_for) == (Trigger.MANUAL, None)
    assert manual.revision == "7"


def test_jobs_of_nobody_are_pipelines_of_their_name(upstream: Upstream) -> None:
    world = KubernetesWorld()
    world.add_job("migrate")
    world.add_job("load-x7k2p", metadata={"generateName": "load-"})
    owner = {"kind": "Workflow", "name": "train", "uid": "w-1", "controller": True}
    world.add_job("train-step", metadata={"ownerReferences": [owner]})
    batch = fetch(upstream, world, namespaces="shop")
    assert {name: found.external_id for name, found in pipelines(batch).items()} == {
        "migrate": "job/shop/migrate",
        "load": "job/shop/load",
        "train": "w-1",
    }
    assert pipelines(batch)["train"].vendor_kind == "workflow"
    listed = {listing.kind: listing.external_ids for listing in batch.listings}
    assert listed[Kind.PIPELINE] == {"job/shop/migrate", "job/shop/load", "w-1"}


def test_a_failed_run_tells_what_its_pod_died_of(upstream: Upstream) -> None:
    world = KubernetesWorld()
    world.add_job("etl", ("Failed", "BackoffLimitExceeded"), status={"failed": 2})
    pod = world.add_pod("etl-x", {}, containerStatuses=[ended("OOMKilled", 137, world.clock)])
    pod["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "etl", "controller": True}]
    record = runs(fetch(upstream, world))["etl"]
    assert record.error == "etl: OOMKilled (exit code 137); said BackoffLimitExceeded"
    assert record.attempts == 2
    world.denied = {"pods"}
    assert runs(fetch(upstream, world))["etl"].error == "said BackoffLimitExceeded"


def test_the_last_container_to_fail_is_the_reason() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    first = {"status": {"containerStatuses": [ended("Error", 1, at, "bad\ninput")]}}
    later = {"status": {"initContainerStatuses": [ended("OOMKilled", 137, at + timedelta(seconds=9))]}}
    assert failure_of([first]) == "etl: Error (exit code 1): bad input"
    assert failure_of([later, first]) == "etl: OOMKilled (exit code 137)"
    evicted = {"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}}
    assert failure_of([evicted]) == "Evicted: low on memory"
    assert failure_of([{"status": {"containerStatuses": [ended("Completed", 0, at)]}}, "?"]) == ""


def test_a_run_is_told_when_it_changes_and_once_when_it_is_over(upstream: Upstream) -> None:
    world = KubernetesWorld()
    job = world.add_job("etl", status={"active": 1})
    first = fetch(upstream, world)
    assert runs(first)["etl"].state is RunState.RUNNING
    assert runs(fetch(upstream, world, first.cursor)) == {}
    world.clock += timedelta(minutes=1)
    done = {"type": "Complete", "status": "True", "lastTransitionTime": iso(world.clock)}
    job["status"] = {**job["status"], "active": 0, "completionTime": iso(world.clock), "conditions": [done]}
    world.touch(job)
    batch = fetch(upstream, world, first.cursor)
    record = runs(batch)["etl"]
    assert (record.state, record.finished_at) == (RunState.SUCCEEDED, world.clock)
    assert record.external_id == runs(first)["etl"].external_id
    assert runs(fetch(upstream, world, batch.cursor)) == {}


def test_a_running_job_that_was_deleted_ends_as_unknown(upstream: Upstream) -> None:
    world = KubernetesWorld()
    nightly = world.add_cron_job("nightly")
    world.add_job("nightly-29400000", cron_job=nightly, status={"active": 1})
    world.add_job("done", ("Complete", "CompletionsReached"))
    first = fetch(upstream, world)
    world.objects["jobs"].clear()
    world.clock += timedelta(minutes=1)
    found = runs(fetch(upstream, world, first.cursor))
    before = runs(first)["nightly-29400000"]
    assert set(found) == {"nightly-29400000"}
    gone = found["nightly-29400000"]
    assert (gone.state, gone.raw_state, gone.finished_at) == (RunState.UNKNOWN, "deleted", world.clock)
    assert (gone.external_id, gone.trigger, gone.scheduled_for, gone.started_at) == (
        before.external_id,
        before.trigger,
        before.scheduled_for,
        before.started_at,
    )


def test_a_running_job_is_not_called_deleted_while_the_list_is_not_readable(upstream: Upstream) -> None:
    world = KubernetesWorld()
    job = world.add_job("etl", status={"active": 1})
    first = fetch(upstream, world)
    job["metadata"]["creationTimestamp"] = "yesterday"
    second = fetch(upstream, world, first.cursor)
    assert runs(second) == {}
    world.objects["jobs"].clear()
    assert runs(fetch(upstream, world, second.cursor))["etl"].raw_state == "deleted"


def test_old_runs_are_left_out_at_first(upstream: Upstream) -> None:
    world = KubernetesWorld()
    world.add_job("old", ("Complete", "CompletionsReached"))
    world.clock += timedelta(days=3)
    batch = fetch(upstream, world, backfill_days=1)
    assert runs(batch) == {}
    assert set(runs(fetch(upstream, world))) == {"old"}


def test_a_label_selector_keeps_the_jobs_of_its_cron_jobs(upstream: Upstream) -> None:
    world = good_world()
    other = world.add_cron_job("other")
    other["metadata"]["labels"] = {"team": "billing"}
    world.add_job("other-29400000", ("Complete", "CompletionsReached"), cron_job=other)
    found = runs(fetch(upstream, world, selector="team=search"))
    assert set(found) == {"nightly-29400000", "nightly-29400060", "migrate"}


def test_jobs_can_be_left_alone(upstream: Upstream) -> None:
    world = good_world()
    world.denied = {"jobs", "cronjobs"}
    batch = fetch(upstream, world, read_jobs=False)
    assert runs(batch) == {}
    assert [listing.kind for listing in batch.listings] == [Kind.ALERT]
