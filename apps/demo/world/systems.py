"""Which of Fernway's systems tells what: everything is told once, by the system of the team that owns it."""

from __future__ import annotations

from functools import lru_cache

from apps.demo.world.company import SERVICES
from apps.demo.world.dice import DAY, World
from apps.demo.world.pipelines import PIPELINE, PIPELINES, Pipeline
from apps.demo.world.runs import LONGEST, Plan, plans_of_day
from apps.demo.world.sheets import SHEETS

ROLLED_OUT_BY = {
    "search-api": "github", "clause-api": "github", "invoice-api": "gitlab", "notes-api": "gitlab",
    "support-api": "argocd", "coach-api": "argocd", "model-gateway": "argocd", "fraud-api": "kubernetes",
    "retrieval-api": "kubernetes", "catalog-api": "prometheus",
}  # fmt: skip
OWN_FORGE = {"documents": "gitlab"}  # team -> where its code lives; that of the others is in GitHub


def pipelines_of(system: str) -> tuple[Pipeline, ...]:
    """The pipelines that an orchestrator runs."""
    return tuple(pipeline for pipeline in PIPELINES if pipeline.system == system)


def rolled_out_by(system: str) -> tuple[str, ...]:
    """The services whose rollouts a system tells."""
    return tuple(service for service in SERVICES if ROLLED_OUT_BY[service] == system)


def repositories_in(forge: str) -> tuple[str, ...]:
    """The services whose code lives in a forge."""
    return tuple(service for service, (team, _) in SERVICES.items() if OWN_FORGE.get(team, "github") == forge)


def prompts_in(registry: str) -> tuple[str, ...]:
    """The prompts that a registry keeps, which are named after their feature."""
    return tuple(name for name, sheet in SHEETS.items() if sheet.registry == registry)


@lru_cache(maxsize=256)
def _plans(world: World, system: str, day: int) -> tuple[Plan, ...]:
    return tuple(plan for plan in plans_of_day(world, day) if PIPELINE[plan.pipeline].system == system)


def plans_of(world: World, system: str, start: int, end: int) -> list[Plan]:
    """The runs of an orchestrator that were due between two times, oldest first."""
    days = range((start - LONGEST) // DAY, end // DAY + 1)
    found = [plan for day in days for plan in _plans(world, system, day) if start <= plan.due_at <= end]
    return sorted(found, key=lambda plan: (plan.due_at, plan.id))
