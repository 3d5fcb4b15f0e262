"""GitLab in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import CANARY, Case
from tests.connectors.gitlab_world import PATH, GitlabWorld


def good() -> GitlabWorld:
    world = GitlabWorld()
    world.add_pipeline(11)
    world.add_pipeline(12, "running")
    world.add_job(21, 11)
    world.add_job(22, 12, "running")
    world.add_deployment(31)
    world.add_release("v1")
    return world


def empty() -> GitlabWorld:
    world = GitlabWorld()
    world.project()
    return world


def spoiled() -> GitlabWorld:
    world = good()
    world.add_pipeline(13, started_at="yesterday")
    world.add_deployment(32, sha=None)
    return world


CASE = Case(
    good=good,
    empty=empty,
    spoiled=spoiled,
    config={"projects": [PATH]},
    secrets={"token": "glpat-demo"},
    credentials=(({}, {"token": CANARY}),),
)
