"""An MLflow tracking server and prompt registry that is asked like any other. Of writes it takes moved aliases."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from apps.demo.servers import mlflow_shapes as shapes
from apps.demo.servers.answers import Clock, json_answer, read_object
from apps.demo.servers.mlflow_filters import Clause, Refusal, page_of, page_size, parse_filter
from apps.demo.world.dice import DAY, World
from apps.demo.world.evaluations import Evaluation, evaluations_between
from apps.demo.world.prompts import Version, aliases_at, versions_until
from apps.demo.world.stage import Deed

VERSION = "3.17.2"
KEPT = 45 * DAY
MOST_RUNS, MOST_MODELS, MOST_VERSIONS = 50_000, 1000, 200_000
RUN_ATTRIBUTES = ("start_time", "end_time", "status", "run_name", "user_id", "run_id", "artifact_uri")
PROMPT_TAG = "tags.mlflow.prompt.is_prompt"
Ask = Callable[[World, int, dict[str, Any]], dict[str, Any]]


def create_mlflow(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where MLflow would answer."""
    pages: dict[str, Ask] = {
        "experiments/search": _experiments, "experiments/get": _experiment, "runs/search": _runs, "runs/get": _run,
        "metrics/get-history": _history, "registered-models/search": _models, "registered-models/get": _model,
        "registered-models/alias": _alias, "model-versions/search": _versions, "model-versions/get": _version,
    }  # fmt: skip
    routes = [
        Route(f"/api/2.0/mlflow/{path}", partial(_answer, ask, world, clock), methods=["GET", "POST"])
        for path, ask in pages.items()
    ]
    routes += [Route("/version", _own_version), Route("/health", _health)]
    return Starlette(routes=routes, exception_handlers={404: _not_found})


async def _answer(ask: Ask, world: World, clock: Clock, request: Request) -> Response:
    """What a page makes of the parameters; a write is refused, except that a label of a prompt may be moved."""
    params: dict[str, Any] | None = dict(request.query_params)
    if request.method == "POST":
        ask = _move_alias if ask is _alias else ask
        if ask is not _move_alias and not request.url.path.endswith("/search"):
            refusal = Refusal("The demo registry is read-only.", code="PERMISSION_DENIED", status=403)
            return json_answer(refusal.body, refusal.status)
        params = await read_object(request)
    try:
        if params is None:
            raise Refusal("Could not parse the request body as a JSON object.", code="BAD_REQUEST")
        return json_answer(ask(world, int(clock()), params))
    except Refusal as error:
        return json_answer(error.body, error.status)


def _listed(
    key: str, items: list[dict[str, Any]], params: dict[str, Any], *, default: int, most: int
) -> dict[str, Any]:
    """One page as MLflow writes it: without the key when there is nothing."""
    size = page_size(params.get("max_results"), default=default, most=most)
    page, token = page_of(items, str(params.get("page_token") or ""), size)
    return ({key: page} if page else {}) | ({"next_page_token": token} if token else {})


def _experiments(world: World, _now: int, params: dict[str, Any]) -> dict[str, Any]:
    return _listed("experiments", shapes.experiments(world), params, default=1000, most=MOST_RUNS)


def _experiment(world: World, _now: int, params: dict[str, Any]) -> dict[str, Any]:
    wanted = _required(params, "experiment_id")
    for experiment in shapes.experiments(world):
        if experiment["experiment_id"] == wanted:
            return {"experiment": experiment}
    raise _missing(f"No Experiment with id={wanted} exists")


def _runs(world: World, now: int, params: dict[str, Any]) -> dict[str, Any]:
    clauses = parse_filter(str(params.get("filter") or ""), attributes=RUN_ATTRIBUTES)
    size = page_size(params.get("max_results"), default=1000, most=MOST_RUNS)
    wanted = params.get("experiment_ids") or []
    if params.get("run_view_type") == "DELETED_ONLY":
        wanted = []
    runs = [run for run in _known_runs(world, now) if shapes.EXPERIMENT_IDS[run.feature] in wanted]
    runs = [run for run in runs if _matches(run, clauses, now)]
    page, token = page_of(_sorted(runs, params.get("order_by"), now), str(params.get("page_token") or ""), size)
    shown = [shapes.run(world, run, now) for run in page]
    return ({"runs": shown} if shown else {}) | ({"next_page_token": token} if token else {})


def _known_runs(world: World, now: int) -> list[Evaluation]:
    return [run for run in evaluations_between(world, now - KEPT, now) if run.feature in shapes.PROMPTS]


def _matches(run: Evaluation, clauses: tuple[Clause, ...], now: int) -> bool:
    info = shapes.run_info(run, now)
    fields = info | {
        "tags.feature": run.feature,
        "tags.kind": run.kind,
        "params.prompt_version": str(run.prompt_version),
    }
    return all(clause.accepts(fields) for clause in clauses)


def _sorted(runs: list[Evaluation], order_by: Any, now: int) -> list[Evaluation]:
    """The runs in the wanted order of start or end; newest first unless told otherwise."""
    clause = order_by[0] if isinstance(order_by, list) and order_by else "attributes.start_time DESC"
    field, _, direction = str(clause).strip().rpartition(" ") if " " in str(clause).strip() else (clause, "", "ASC")
    name = str(field).removeprefix("attributes.").removeprefix("attribute.").strip()
    if name not in ("start_time", "end_time", "run_name", "status", "run_id"):
        raise Refusal(f"Invalid order_by clause '{clause}'")
    infos = {run.id: shapes.run_info(run, now) for run in runs}
    last = float("inf") if name.endswith("_time") else ""
    key = {run_id: (info.get(name, last), run_id) for run_id, info in infos.items()}
    return sorted(runs, key=lambda run: key[run.id], reverse=direction.upper() == "DESC")


def _run(world: World, now: int, params: dict[str, Any]) -> dict[str, Any]:
    return {"run": shapes.run(world, _found_run(world, now, params), now)}


def _found_run(world: World, now: int, params: dict[str, Any]) -> Evaluation:
    wanted = _required(params, "run_id")
    for run in _known_runs(world, now):
        if run.id == wanted:
            return run
    raise _missing(f"Run with id={wanted} not found")


def _history(world: World, now: int, params: dict[str, Any]) -> dict[str, Any]:
    run, key = _found_run(world, now, params), _required(params, "metric_key")
    done = shapes.metrics(world, run) if run.status_at(now) == "FINISHED" else []
    found = [metric for metric in done if metric["key"] == key]
    return {"metrics": found} if found else {}


def _models(world: World, now: int, params: dict[str, Any]) -> dict[str, Any]:
    """Prompts only when the filter asks for their tag, models otherwise, as MLflow does."""
    clauses = parse_filter(str(params.get("filter") or ""), attributes=("name",))
    if any(clause.field == PROMPT_TAG for clause in clauses):
        found = [
            shapes.prompt(versions, aliases_at(versions, now))
            for name in sorted(shapes.PROMPTS)
            if (versions := versions_until(world, name, now))
        ]
    else:
        found = [shapes.model(world)]
    found = [item for item in found if all(clause.accepts(_fields(item)) for clause in clauses)]
    return _listed("registered_models", found, params, default=100, most=MOST_MODELS)


def _fields(item: dict[str, Any]) -> dict[str, Any]:
    return {"name": item["name"]} | {f"tags.{tag['key']}": tag["value"] for tag in item.get("tags", ())}


def _versions_of(world: World, now: int, name: str) -> tuple[Version, ...]:
    if name not in shapes.PROMPTS:
        raise _missing(f"Registered Model with name={name} not found")
    return versions_until(world, name, now)


def _model(world: World, now: int, params: dict[str, Any]) -> dict[str, Any]:
    name = _required(params, "name")
    if name == shapes.model(world)["name"]:
        return {"registered_model": shapes.model(world)}
    versions = _versions_of(world, now, name)
    return {"registered_model": shapes.prompt(versions, aliases_at(versions, now))}


def _alias(world: World, now: int, params: dict[str, Any]) -> dict[str, Any]:
    name, alias = _required(params, "name"), _required(params, "alias")
    versions = _versions_of(world, now, name)
    aliases = aliases_at(versions, now)
    if alias not in aliases:
        raise Refusal(f"Registered model alias {alias} not found.")
    return {"model_version": shapes.prompt_version(versions[aliases[alias] - 1], aliases)}


def _move_alias(world: World, now: int, params: dict[str, Any]) -> dict[str, Any]:
    name, alias, number = (_required(params, key) for key in ("name", "alias", "version"))
    versions = _versions_of(world, now, name)
    if not number.isdecimal() or not 1 <= int(number) <= len(versions):
        raise _missing(f"Model Version (name={name}, version={number}) not found")
    world.stage.add(Deed(doing="move", subject=name, value=alias, number=int(number), at=now))
    return {}


def _versions(world: World, now: int, params: dict[str, Any]) -> dict[str, Any]:
    """Versions, newest first; those of prompts only when the filter asks for their tag. They name no aliases."""
    clauses = parse_filter(str(params.get("filter") or ""), attributes=("name", "run_id", "source_path"))
    if not any(clause.field == PROMPT_TAG for clause in clauses):
        return {}
    found = [
        shapes.prompt_version(version)
        for name in sorted(shapes.PROMPTS)
        if all(clause.accepts({"name": name}) for clause in clauses if clause.field == "name")
        for version in reversed(versions_until(world, name, now))
    ]
    found = [item for item in found if all(clause.accepts(_fields(item)) for clause in clauses)]
    return _listed("model_versions", found, params, default=10_000, most=MOST_VERSIONS)


def _version(world: World, now: int, params: dict[str, Any]) -> dict[str, Any]:
    name, number = _required(params, "name"), _required(params, "version")
    versions = _versions_of(world, now, name)
    if not number.isdigit() or not 1 <= int(number) <= len(versions):
        raise _missing(f"Model Version (name={name}, version={number}) not found")
    return {"model_version": shapes.prompt_version(versions[int(number) - 1], aliases_at(versions, now))}


def _required(params: dict[str, Any], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(
            f"Missing value for required parameter '{name}'. "
            "See the API docs for more information about request parameters."
        )
    return value


def _missing(message: str) -> Refusal:
    return Refusal(message, code="RESOURCE_DOES_NOT_EXIST", status=404)


async def _own_version(_request: Request) -> Response:
    return PlainTextResponse(VERSION)


async def _health(_request: Request) -> Response:
    return PlainTextResponse("OK")


async def _not_found(_request: Request, _error: Exception) -> Response:
    return HTMLResponse("<!doctype html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n", status_code=404)
