"""Small upstream systems that answer like the real ones, one for every connector: what the contract tests poll.

Shapes follow real answers; the values are made up. Everything happens around `NOW`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.connectors.upstream import Answer, Request, json_answer, text_answer


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@dataclass
class World:
    """One upstream. `clock` is its time; tests move it on."""

    clock: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def answer(self, value: Any, status: int = 200) -> Answer:
        return json_answer(value, status=status, headers=self.date())

    def date(self) -> dict[str, str]:
        return {"Date": format_datetime(self.clock, usegmt=True)}

    def __call__(self, request: Request) -> Answer:
        raise NotImplementedError


@dataclass
class PrometheusWorld(World):
    """`series`: query -> list of (labels, value at a time or None); `alerts` as the API lists them."""

    series: dict[str, list[tuple[dict[str, str], Callable[[int], float | None]]]] = field(default_factory=dict)
    alerts: list[Any] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)  # added to every matrix as they are
    types: dict[str, str] = field(default_factory=dict)  # of metrics; a server without any has no such call

    def __call__(self, request: Request) -> Answer:
        path = request.path.removeprefix("/api/v1/")
        asked = request.fields
        if path == "status/buildinfo":
            return self.success({"version": "2.42.0", "revision": "x"})
        if path == "alerts":
            return self.success({"alerts": self.alerts})
        if asked.get("query") == "up{":
            error = {"status": "error", "errorType": "bad_data", "error": "1:4: parse error: unexpected end of input"}
            return self.answer(error, 400)
        if path == "metadata" and self.types:
            name = request.fields["metric"]
            return self.success({name: [{"type": self.types[name]}]} if name in self.types else {})
        if path == "query":
            stamp = self.clock.timestamp()
            found = [{"metric": labels, "value": [stamp, "1"]} for labels, _ in self.series.get(asked["query"], [])]
            return self.success({"resultType": "vector", "result": found})
        if path == "query_range":
            return self.range(asked)
        return text_answer("404 page not found\n", content_type="text/plain; charset=utf-8", status=404)

    def range(self, asked: dict[str, str]) -> Answer:
        start, end, step = float(asked["start"]), float(asked["end"]), int(asked["step"])
        if end < start or (end - start) / step > 11_000:
            return self.answer(
                {"status": "error", "errorType": "bad_data", "error": "exceeded maximum resolution"}, 400
            )
        times = range(int(start), int(end) + 1, step)
        result = []
        for labels, value_at in self.series.get(asked["query"], []):
            values = [[float(at), text(value)] for at in times if (value := value_at(at)) is not None]
            if values:
                result.append({"metric": labels, "values": values})
        return self.success({"resultType": "matrix", "result": result + self.items})

    def success(self, data: Any) -> Answer:
        more = {"warnings": self.warnings} if self.warnings else {}
        return self.answer({"status": "success", "data": data, **more})


def text(value: float) -> str:
    return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}.get(str(value), repr(value))


OPEN = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")


@dataclass
class PrefectWorld(World):
    """Flows, deployments, runs and task runs as the API gives them."""

    flows: list[Any] = field(default_factory=list)
    deployments: list[Any] = field(default_factory=list)
    runs: list[Any] = field(default_factory=list)
    tasks: list[Any] = field(default_factory=list)

    def add_flow(self, name: str) -> str:
        flow_id = f"f-{name}"
        at = iso(self.clock - timedelta(days=9))
        self.flows.append({"id": flow_id, "created": at, "updated": at, "name": name, "tags": ["etl"], "labels": {}})
        return flow_id

    def add_run(
        self, run_id: str, flow_id: str, kind: str = "COMPLETED", name: str = "", **more: Any
    ) -> dict[str, Any]:
        began = self.clock - timedelta(minutes=10)
        is_over = kind not in OPEN
        run = {
            "id": run_id, "name": f"quick-{run_id}",
            "created": iso(began), "updated": iso(began + timedelta(seconds=60)),
            "flow_id": flow_id, "deployment_id": None, "deployment_version": None, "flow_version": "abc",
            "parameters": {"n": 2}, "tags": [], "labels": {}, "parent_task_run_id": None, "run_count": 1,
            "state_type": kind, "state_name": name or kind.title(), "expected_start_time": iso(began),
            "start_time": None if kind in ("SCHEDULED", "PENDING") else iso(began),
            "end_time": iso(began + timedelta(seconds=60)) if is_over else None, "auto_scheduled": False,
            "created_by": None, "work_pool_name": None,
            "state": {"type": kind, "name": name or kind.title(), "timestamp": iso(began + timedelta(seconds=60)),
                      "message": None},
            **more,
        }  # fmt: skip
        self.runs.append(run)
        return run

    def add_task(self, task_id: str, run_id: str, **more: Any) -> None:
        began = self.clock - timedelta(minutes=10)
        task = {
            "id": task_id, "name": task_id, "flow_run_id": run_id, "state_type": "COMPLETED", "state_name": "Completed",
            "updated": iso(began), "start_time": iso(began), "end_time": iso(began + timedelta(seconds=5)),
            "run_count": 1, "task_inputs": {},
            "state": {"type": "COMPLETED", "name": "Completed", "timestamp": iso(began)},
            **more,
        }  # fmt: skip
        self.tasks.append(task)

    def __call__(self, request: Request) -> Answer:
        path = request.path.removeprefix("/api/")
        if path == "admin/version":
            return self.answer("3.8.8")
        kind, _, verb = path.partition("/")
        lists = {"flows": self.flows, "deployments": self.deployments, "flow_runs": self.runs, "task_runs": self.tasks}
        if request.method != "POST" or kind not in lists:
            return self.answer({"detail": "Not Found"}, 404)
        found = [item for item in lists[kind] if not isinstance(item, dict) or _passes(kind, item, request.json or {})]
        if verb == "count":
            return self.answer(len(found))
        limit = request.json.get("limit", 200)
        if limit > 200:
            return self.answer({"detail": "Invalid limit: must be less than or equal to 200."}, 422)
        found.sort(key=lambda item: str(item.get("id", "")) if isinstance(item, dict) else "", reverse=True)
        offset = request.json.get("offset", 0)
        return self.answer(found[offset : offset + limit])


def _passes(kind: str, item: dict[str, Any], asked: dict[str, Any]) -> bool:
    runs = asked.get("flow_runs", {})
    if kind == "task_runs":
        return not runs or item.get("flow_run_id") in runs["id"]["any_"]
    if kind != "flow_runs":
        return True
    if "flows" in asked and item.get("flow_id") not in asked["flows"]["id"]["any_"]:
        return False
    if "id" in runs and item.get("id") not in runs["id"]["any_"]:
        return False
    if "state" in runs and item.get("state_type") not in runs["state"]["type"]["any_"]:
        return False
    return all(_within(item.get(name), runs[name]) for name in ("end_time", "expected_start_time") if name in runs)


def _within(value: str | None, span: dict[str, str]) -> bool:
    if value is None:
        return False
    at = datetime.fromisoformat(value)
    after, before = span.get("after_"), span.get("before_")
    return (not after or at >= datetime.fromisoformat(after)) and (not before or at <= datetime.fromisoformat(before))


@dataclass
class MlflowWorld(World):
    """Experiments, runs, prompts (name -> model) and their versions as the API gives them."""

    experiments: list[Any] = field(default_factory=list)
    runs: list[Any] = field(default_factory=list)
    prompts: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, list[Any]] = field(default_factory=dict)
    search_tells_aliases: bool = True

    def ms(self, ago: timedelta = timedelta()) -> int:
        return int((self.clock - ago).timestamp() * 1000)

    def add_experiment(self, experiment_id: str, name: str) -> None:
        self.experiments.append({"experiment_id": experiment_id, "name": name, "lifecycle_stage": "active"})

    def add_run(self, run_id: str, status: str = "FINISHED", *, experiment: str = "1", **more: Any) -> dict[str, Any]:
        ended = self.ms(timedelta(minutes=5))
        info: dict[str, Any] = {
            "run_uuid": run_id, "run_id": run_id, "experiment_id": experiment, "run_name": f"run {run_id}",
            "user_id": "ann", "status": status, "start_time": ended - 60_000, "lifecycle_stage": "active",
        }  # fmt: skip
        if status in ("FINISHED", "FAILED", "KILLED"):
            info["end_time"] = ended
        run = {"info": {**info, **more.pop("info", {})}, "data": more, "inputs": {}, "outputs": {}}
        self.runs.append(run)
        return run

    def add_prompt(self, name: str, *texts: str, aliases: dict[str, int] | None = None) -> None:
        self.versions[name] = [
            {
                "name": name, "version": str(number), "creation_timestamp": self.ms(), "description": f"rev {number}",
                "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}, {"key": "author", "value": "ann"},
                         {"key": "_mlflow_prompt_type", "value": "text"}, {"key": "mlflow.prompt.text", "value": text}],
            }
            for number, text in enumerate(texts, start=1)
        ]  # fmt: skip
        self.prompts[name] = {
            "name": name, "creation_timestamp": self.ms(), "last_updated_timestamp": self.ms(), "description": "about",
            "latest_versions": self.versions[name][-1:], "tags": [{"key": "team", "value": "search"}],
        }  # fmt: skip
        self.set_aliases(name, aliases or {})

    def set_aliases(self, name: str, aliases: dict[str, int]) -> None:
        """Moving an alias leaves no timestamp; without any the key is missing."""
        self.prompts[name].pop("aliases", None)
        if aliases:
            self.prompts[name]["aliases"] = [{"alias": key, "version": str(value)} for key, value in aliases.items()]

    def __call__(self, request: Request) -> Answer:
        path = request.path.removeprefix("/api/2.0/mlflow/")
        if path == "experiments/search":
            return self.page("experiments", self.experiments, request.json)
        if path == "runs/search":
            asked = request.json
            found = [run for run in self.runs if not isinstance(run, dict) or _is_asked(run, asked)]
            if "end_time" in asked.get("filter", ""):
                found.sort(key=lambda run: run.get("info", {}).get("end_time", 0) if isinstance(run, dict) else 0)
            return self.page("runs", found, asked)
        if path == "runs/get":
            return self.one("run", [run for run in self.runs if run["info"]["run_id"] == request.query["run_id"]])
        if path == "registered-models/search":
            assert "is_prompt" in request.query["filter"]
            hidden = set() if self.search_tells_aliases else {"aliases"}
            models = [{key: model[key] for key in model if key not in hidden} for model in self.prompts.values()]
            return self.page("registered_models", models, request.query)
        if path == "registered-models/get":
            return self.one("registered_model", [self.prompts[n] for n in self.prompts if n == request.query["name"]])
        if path == "model-versions/search":
            assert "is_prompt" in request.query["filter"]
            name = re.match(r"name = (['\"])(.*?)\1 AND ", request.query["filter"])
            assert name
            return self.page("model_versions", self.versions.get(name[2], []), request.query)
        return self.answer({"error_code": "ENDPOINT_NOT_FOUND", "message": "No such endpoint"}, 404)

    def page(self, key: str, items: list[Any], asked: dict[str, Any]) -> Answer:
        start, size = int(asked.get("page_token") or 0), int(asked["max_results"])
        rest = {"next_page_token": str(start + size)} if start + size < len(items) else {}
        part = items[start : start + size]
        return self.answer({**({key: part} if part else {}), **rest})

    def one(self, key: str, found: list[Any]) -> Answer:
        if not found:
            return self.answer({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not found"}, 404)
        return self.answer({key: found[0]})


def _is_asked(run: dict[str, Any], asked: dict[str, Any]) -> bool:
    info = run.get("info", {})
    if info.get("experiment_id") not in asked["experiment_ids"] or info.get("lifecycle_stage") == "deleted":
        return False
    if status := re.search(r"status = '(\w+)'", asked["filter"]):
        return info.get("status") == status[1]
    after = re.search(r"end_time > (-?\d+)", asked["filter"])
    assert after
    return isinstance(info.get("end_time"), int) and info["end_time"] > int(after[1])


@dataclass
class MetricsWorld(World):
    """One endpoint; `text` is what a scrape gives."""

    text: str = ""
    content_type: str = "text/plain; version=0.0.4; charset=utf-8"

    def __call__(self, request: Request) -> Answer:
        return text_answer(self.text, content_type=self.content_type, headers=self.date())
