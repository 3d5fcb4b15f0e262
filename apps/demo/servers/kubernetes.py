"""A Kubernetes API server with the namespaces staging and production: workloads, their history, cron jobs and pods."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from apps.demo.servers import kubernetes_shapes as shapes
from apps.demo.servers.answers import Clock, json_answer
from apps.demo.servers.pages import posted, route
from apps.demo.world.company import ENVIRONMENTS
from apps.demo.world.dice import World
from apps.demo.world.systems import pipelines_of, rolled_out_by

GROUPS = {"apis/apps/v1": ("deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"),
          "apis/batch/v1": ("cronjobs", "jobs"), "api/v1": ("pods",)}  # fmt: skip


def create_kubernetes(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where the API server would answer."""
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    routes = [
        route("/version", _version, world, clock, is_open=True),
        route(review, _review, world, clock, method="POST"),
    ]
    for group in GROUPS:
        routes.append(route(f"/{group}/namespaces/{{namespace}}/{{resource}}", _list, world, clock))
        routes.append(route(f"/{group}/{{resource}}", _list, world, clock))
    return Starlette(routes=routes)


def _version(_world: World, _now: int, _request: Request) -> Any:
    return {"major": "1", "minor": "33", "gitVersion": "v1.33.4"}


def _review(_world: World, _now: int, request: Request) -> Any:
    return {**posted(request), "status": {"allowed": True}}


def _list(world: World, now: int, request: Request) -> Any:
    """All objects of a resource in one namespace, or in all, with the labels of the selector."""
    resource, namespace = request.path_params["resource"], request.path_params.get("namespace")
    places = [place for place in ENVIRONMENTS if namespace in (None, place)]
    if resource not in {name for names in GROUPS.values() for name in names}:
        return json_answer({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}, 404)
    wanted = dict(
        part.split("=", 1) for part in request.query_params.get("labelSelector", "").split(",") if "=" in part
    )
    found = [item for place in places for item in _objects(world, resource, place, now)]
    items = [item for item in found if wanted.items() <= item["metadata"]["labels"].items()]
    limit = int(request.query_params.get("limit") or 500)
    start = int(request.query_params.get("continue") or 0)
    rest = {"continue": str(start + limit)} if start + limit < len(items) else {}
    return {"metadata": {"resourceVersion": str(now), **rest}, "items": items[start : start + limit]}


def _objects(world: World, resource: str, namespace: str, now: int) -> list[dict[str, Any]]:
    services = rolled_out_by("kubernetes")
    crons = pipelines_of("kubernetes") if namespace == "production" else ()
    match resource:
        case "deployments":
            return [shapes.deployment(world, service, namespace, now) for service in services]
        case "replicasets":
            return [item for service in services for item in shapes.replica_sets(world, service, namespace, now)]
        case "cronjobs":
            return [shapes.cron_job(world, pipeline, now) for pipeline in crons]
        case "jobs":
            return [item for pipeline in crons for item in shapes.jobs(world, pipeline, now)]
        case "pods":
            troubled = [item for service in services for item in shapes.pods(world, service, namespace, now)]
            failed = [item for pipeline in crons for item in shapes.job_pods(world, pipeline, now)]
            return troubled + failed
    return []
