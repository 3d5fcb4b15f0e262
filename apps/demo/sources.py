"""The demo's sources as plain data: how the portal is set up to ask the simulated systems."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from apps.demo.servers.github_shapes import OWNER
from apps.demo.servers.gitlab_shapes import path_of
from apps.demo.servers.pages import KEY
from apps.demo.servers.series import BUILD_INFO, METRIC_NAMES
from apps.demo.world.systems import repositories_in
from apps.demo.world.vendors import VENDORS

UNITS = {"requests_rate": "/s", "quality_score": "of 5", "cost_rate": "eur"}  # of measures that are no shares
STEP = 300  # seconds between two points
BACKFILL_DAYS = 30
CHATTY_DAYS = 10  # of systems that want a question for every run
MAPPED = tuple(Path(__file__).parent / name for name in ("kontor.yaml", "retrieval.yaml"))


@dataclass(frozen=True, slots=True)
class DemoSource:
    """One source, ready to be created; `interval` in seconds."""

    connector: str
    name: str
    config: dict[str, Any]
    interval: int
    secrets: dict[str, str] = field(default_factory=dict)


def demo_sources(base: str) -> tuple[DemoSource, ...]:
    """The sources for simulated systems that answer below `base`, such as http://127.0.0.1:8900."""
    base = base.rstrip("/")
    return (
        DemoSource("prometheus", "Fernway Prometheus", _prometheus(f"{base}/prometheus"), 30),
        DemoSource("prefect", "Fernway Prefect", _prefect(f"{base}/prefect/api"), 30),
        DemoSource("mlflow", "Fernway MLflow", _mlflow(f"{base}/mlflow"), 60),
        *_orchestrators(base),
        *_forges(base),
        *_clusters(base),
        *_models(base),
        *_legacy(base),
    )


def _prometheus(url: str) -> dict[str, Any]:
    return {
        "url": url,
        "queries": [
            {"measure": measure, "query": metric, "unit": _unit(measure)} for measure, metric in METRIC_NAMES.items()
        ],
        "step": STEP,
        "backfill_days": BACKFILL_DAYS,
        "alerts": True,
        "deployments_query": BUILD_INFO,
        "component_label": "component",
        "version_label": "version",
        "environment_label": "environment",
    }


def _unit(measure: str) -> str:
    return "s" if measure.startswith("latency") else UNITS.get(measure, "ratio")


def _prefect(url: str) -> dict[str, Any]:
    return {"url": url, "auth": "none", "backfill_days": BACKFILL_DAYS, "include_task_runs": True}


def _mlflow(url: str) -> dict[str, Any]:
    return {"url": url, "experiments": ["*-evaluation"], "backfill_days": BACKFILL_DAYS, "prompts": True}


def _orchestrators(base: str) -> tuple[DemoSource, ...]:
    airflow = {
        "url": f"{base}/airflow", "auth": "basic", "username": "opsportal", "backfill_days": CHATTY_DAYS,
        "time_zone": "Europe/Berlin",
    }  # fmt: skip
    dagster = {"url": f"{base}/dagster", "auth": "bearer", "backfill_days": CHATTY_DAYS}
    return (
        DemoSource("airflow", "Fernway Airflow", airflow, 60, {"password": KEY}),
        DemoSource("dagster", "Fernway Dagster", dagster, 60, {"token": KEY}),
    )


def _forges(base: str) -> tuple[DemoSource, ...]:
    repositories = [f"{OWNER}/{name}" for name in repositories_in("github")]
    github = {"url": f"{base}/github", "repositories": repositories, "backfill_days": CHATTY_DAYS}
    projects = [path_of(name) for name in repositories_in("gitlab")]
    gitlab = {"url": f"{base}/gitlab", "projects": projects, "group_by": "name", "backfill_days": CHATTY_DAYS}
    return (
        DemoSource("github", "Fernway GitHub", github, 180, {"token": KEY}),
        DemoSource("gitlab", "Fernway GitLab", gitlab, 120, {"token": KEY}),
    )


def _clusters(base: str) -> tuple[DemoSource, ...]:
    kubernetes = {
        "url": f"{base}/kubernetes", "namespaces": ["production", "staging"], "environment_from": "namespace",
        "page": "https://cluster.fernway.example/#/{kind}/{namespace}/{name}", "backfill_days": BACKFILL_DAYS,
    }  # fmt: skip
    argocd = {"url": f"{base}/argocd", "environment_from": "namespace", "backfill_days": BACKFILL_DAYS}
    return (
        DemoSource("argocd", "Fernway Argo CD", argocd, 60, {"token": KEY}),
        DemoSource("kubernetes", "Fernway Kubernetes", kubernetes, 60, {"token": KEY}),
        DemoSource("alertmanager", "Fernway Alertmanager", {"url": f"{base}/alertmanager", "auth": "none"}, 30),
    )


def _models(base: str) -> tuple[DemoSource, ...]:
    langfuse = {"url": f"{base}/langfuse", "public_key": "pk-lf-fernway", "backfill_days": CHATTY_DAYS}
    phoenix = {"url": f"{base}/phoenix", "auth": "none", "backfill_days": CHATTY_DAYS}
    litellm = {"url": f"{base}/litellm", "split": "model"}
    pages = (
        DemoSource("statuspage", f"{vendor.name} status", {"url": f"{base}/status/{vendor.slug}"}, 120)
        for vendor in VENDORS
    )
    return (
        DemoSource("langfuse", "Fernway Langfuse", langfuse, 120, {"secret_key": KEY}),
        DemoSource("phoenix", "Fernway Phoenix", phoenix, 120),
        DemoSource("litellm", "Fernway LiteLLM", litellm, 60, {"api_key": KEY}),
        *pages,
    )


def _legacy(base: str) -> tuple[DemoSource, ...]:
    """What no vendor's connector knows: a mapping says what the answers mean."""
    told = [entry for file in MAPPED for entry in yaml.safe_load(file.read_text(encoding="utf-8"))["sources"]]
    return tuple(
        DemoSource("http", entry["name"], {**entry["config"], "url": f"{base}/{entry['path']}"}, entry["interval"])
        for entry in told
    )
