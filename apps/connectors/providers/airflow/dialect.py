"""What differs between Airflow 3 (API v2) and Airflow 2 (API v1): addresses, names of values, and pages to link to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from apps.connectors.providers.airflow.logs import error_in_events, error_in_text
from apps.connectors.records import Trigger
from apps.connectors.values import list_or_empty, object_or_empty, optional_iso, optional_text

_RUN_TYPES = {
    "scheduled": Trigger.SCHEDULE,
    "backfill": Trigger.BACKFILL,
    "asset_triggered": Trigger.EVENT,
    "asset_materialization": Trigger.EVENT,
    "dataset_triggered": Trigger.EVENT,
    "operator_triggered": Trigger.API,
    "manual": Trigger.MANUAL,
}
_BY_HAND = {"rest_api": Trigger.API, "operator": Trigger.API}  # of manual runs: a program asked, not a person


def in_path(identity: str) -> str:
    """An id as one piece of a path: run ids hold “:” and “+”."""
    return quote(identity, safe="")


class Dialect(ABC):
    """One generation of Airflow."""

    api: ClassVar[str]  # path below the server's address
    health: ClassVar[str]  # path below the API
    has_tokens: ClassVar[bool]  # user and password are exchanged for a token first

    def trigger(self, run: Mapping[str, Any]) -> Trigger:
        """Why a run started."""
        found = _RUN_TYPES.get(optional_text(run, "run_type"), Trigger.UNKNOWN)
        if found is Trigger.MANUAL:
            return _BY_HAND.get(optional_text(run, "triggered_by"), found)
        return found

    @abstractmethod
    def schedule(self, dag: Mapping[str, Any]) -> str:
        """The schedule as Airflow holds it: a cron expression, `every 3600 s`, `Asset`, or "" for none."""

    @abstractmethod
    def next_run(self, dag: Mapping[str, Any]) -> datetime | None:
        """When the scheduler will make the next run."""

    @abstractmethod
    def due_at(self, run: Mapping[str, Any]) -> datetime | None:
        """When the run was to start."""

    @abstractmethod
    def revision(self, run: Mapping[str, Any]) -> str:
        """Which version of the DAG ran."""

    @abstractmethod
    def error_line(self, log: Any) -> str:
        """The line of a failed task's log that says why, or ""."""

    @abstractmethod
    def dag_page(self, ui: str, dag_id: str) -> str:
        """The page of a DAG."""

    @abstractmethod
    def run_page(self, ui: str, dag_id: str, run_id: str) -> str:
        """The page of a run."""

    @abstractmethod
    def task_page(self, ui: str, dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
        """The page of a task instance; `map_index` is -1 for one that is not mapped."""


class Airflow3(Dialect):
    """Airflow 3."""

    api = "/api/v2"
    health = "monitor/health"
    has_tokens = True

    def schedule(self, dag: Mapping[str, Any]) -> str:
        return optional_text(dag, "timetable_summary")

    def next_run(self, dag: Mapping[str, Any]) -> datetime | None:
        return optional_iso(dag.get("next_dagrun_run_after"))

    def due_at(self, run: Mapping[str, Any]) -> datetime | None:
        """`run_after`: the logical date may be null."""
        return optional_iso(run.get("run_after"))

    def revision(self, run: Mapping[str, Any]) -> str:
        """The bundle's version (a commit), else the number that Airflow gave the DAG's code."""
        versions = [object_or_empty(item) for item in list_or_empty(run.get("dag_versions"))]
        latest = versions[-1] if versions else {}
        if named := optional_text(run, "bundle_version") or optional_text(latest, "bundle_version"):
            return named
        number = latest.get("version_number")
        return f"v{number}" if isinstance(number, int) else ""

    def error_line(self, log: Any) -> str:
        return error_in_events(log)

    def dag_page(self, ui: str, dag_id: str) -> str:
        return f"{ui}/dags/{in_path(dag_id)}"

    def run_page(self, ui: str, dag_id: str, run_id: str) -> str:
        return f"{ui}/dags/{in_path(dag_id)}/runs/{in_path(run_id)}"

    def task_page(self, ui: str, dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
        mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
        return f"{self.run_page(ui, dag_id, run_id)}/tasks/{in_path(task_id)}{mapped}"


class Airflow2(Dialect):
    """Airflow 2, from 2.6 on."""

    api = "/api/v1"
    health = "health"
    has_tokens = False

    def schedule(self, dag: Mapping[str, Any]) -> str:
        """Tagged by `__type`: CronExpression with its value, TimeDelta and RelativeDelta with their parts."""
        interval = object_or_empty(dag.get("schedule_interval"))
        if text := optional_text(interval, "value"):
            return text
        days, seconds = interval.get("days"), interval.get("seconds")
        if interval.get("__type") == "TimeDelta" and isinstance(days, int) and isinstance(seconds, int):
            return f"every {days * 86_400 + seconds} s"
        if interval.get("__type") == "RelativeDelta":
            named = [f"{part} {unit}" for unit, part in interval.items() if isinstance(part, int) and part]
            return f"every {', '.join(named)}" if named else ""
        return ""

    def next_run(self, dag: Mapping[str, Any]) -> datetime | None:
        return optional_iso(dag.get("next_dagrun_create_after"))

    def due_at(self, run: Mapping[str, Any]) -> datetime | None:
        """A scheduled run is due when its data interval is over; others when they were asked for."""
        if run.get("run_type") == "scheduled" and (end := optional_iso(run.get("data_interval_end"))):
            return end
        return optional_iso(run.get("logical_date") or run.get("execution_date"))

    def revision(self, run: Mapping[str, Any]) -> str:  # noqa: ARG002 - Airflow 2 does not version DAGs
        return ""

    def error_line(self, log: Any) -> str:
        return error_in_text(optional_text(object_or_empty(log), "content", limit=1_000_000))

    def dag_page(self, ui: str, dag_id: str) -> str:
        return f"{ui}/dags/{in_path(dag_id)}/grid"

    def run_page(self, ui: str, dag_id: str, run_id: str) -> str:
        return f"{self.dag_page(ui, dag_id)}?{urlencode({'dag_run_id': run_id})}"

    def task_page(self, ui: str, dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
        chosen: dict[str, str | int] = {"dag_run_id": run_id, "task_id": task_id}
        if map_index >= 0:
            chosen["map_index"] = map_index
        return f"{self.dag_page(ui, dag_id)}?{urlencode(chosen)}"
