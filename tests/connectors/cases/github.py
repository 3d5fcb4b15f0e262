"""GitHub in the contract suite."""

from __future__ import annotations

from tests.connectors.cases import CANARY, Case
from tests.connectors.github_world import REPOSITORY, GithubWorld


def good() -> GithubWorld:
    world = GithubWorld()
    world.add_workflow(1)
    world.add_run(11)
    world.add_run(12, None)
    world.add_job(21, 11)
    world.add_job(22, 12, None)
    world.add_deployment(31)
    world.add_release(41, "v1")
    return world


def empty() -> GithubWorld:
    world = GithubWorld()
    world.repository()
    return world


def spoiled() -> GithubWorld:
    world = good()
    world.add_run(13, updated_at="yesterday")
    world.add_deployment(32, sha=None)
    return world


CASE = Case(
    good=good,
    empty=empty,
    spoiled=spoiled,
    config={"repositories": [REPOSITORY]},
    secrets={"token": "github_pat_demo"},
    credentials=(({}, {"token": CANARY}),),
)
