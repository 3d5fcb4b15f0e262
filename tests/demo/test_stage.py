"""What is done by hand shows at once, in the systems that tell of it, and changes nothing of the past."""

from __future__ import annotations

from typing import Any

import pytest

from apps.demo.server import create_app
from apps.demo.servers.stage import PROMPT, SCENES
from apps.demo.world import metrics, parts
from apps.demo.world.dice import HOUR, MINUTE, World
from apps.demo.world.labels import last_changes
from apps.demo.world.prompts import aliases_at, versions_until
from apps.demo.world.stage import Deed
from tests.demo.asking import ask

NIGHT = 1_795_557_600  # 2026-11-24 22:00 UTC


class Running:
    """The systems at a time that a test moves."""

    def __init__(self) -> None:
        self.now = NIGHT
        self.app = create_app(clock=lambda: self.now)

    def play(self, scene: str) -> None:
        assert ask(self.app, f"/stage/{scene}", payload={}).status == 200

    def live(self, part: str) -> dict[str, str]:
        """The newest version of a part in each environment."""
        told = ask(self.app, "/retrieval/parts.json").data["parts"]
        return {one["where"]: one["version"] for one in told if one["part"] == part}

    def aliases(self) -> dict[str, str]:
        path = "/mlflow/api/2.0/mlflow/registered-models/get"
        model = ask(self.app, path, name=PROMPT).data["registered_model"]
        return {one["alias"]: one["version"] for one in model["aliases"]}


@pytest.fixture
def running() -> Running:
    return Running()


def test_the_door_tells_its_scenes_and_refuses_others(running: Running) -> None:
    assert list(ask(running.app, "/stage/").data) == list(SCENES)
    answer = ask(running.app, "/stage/fire", payload={})
    assert (answer.status, "swap-embedder" in answer.data["error"]) == (404, True)


def test_an_embedder_is_swapped_in_production_only_and_restored(running: Running) -> None:
    assert running.live(parts.SEARCHER) == {"staging": "embed-3", "production": "embed-3"}
    running.play("swap-embedder")
    running.now += MINUTE
    assert running.live(parts.SEARCHER) == {"staging": "embed-3", "production": "embed-3-lite"}
    running.play("restore-embedder")
    running.now += MINUTE
    assert running.live(parts.SEARCHER) == {"staging": "embed-3", "production": "embed-3"}


def test_the_index_was_built_last_sunday_in_both_environments(running: Running) -> None:
    assert running.live(parts.INDEX) == {"staging": "build-2026-11-22", "production": "build-2026-11-22"}


def test_a_bad_prompt_goes_live_and_another_version_takes_it_back(running: Running) -> None:
    before = running.aliases()
    running.now += MINUTE
    running.play("bad-prompt")
    running.now += MINUTE
    bad = running.aliases()
    assert int(bad["production"]) > int(before["production"])
    running.play("good-prompt")
    running.now += MINUTE
    assert int(running.aliases()["production"]) == int(bad["production"]) - 1


def test_an_alias_moved_through_the_api_stays_there(running: Running) -> None:
    target = {"name": PROMPT, "alias": "production", "version": "2"}
    assert ask(running.app, "/mlflow/api/2.0/mlflow/registered-models/alias", payload=target).data == {}
    running.now += MINUTE
    assert running.aliases()["production"] == "2"


def track(world: World, measure: str, start: int, slug: str = PROMPT) -> list[Any]:
    return metrics.values(world, slug, measure, range(start, start + 20 * MINUTE, 30))


def test_a_bad_prompt_is_felt_until_it_is_taken_back() -> None:
    calm, world = World(), World()
    flaw = SCENES["bad-prompt"](world, NIGHT)
    world.stage.add(flaw)
    usual, felt = (track(one, "quality_score", NIGHT + 10 * MINUTE) for one in (calm, world))
    assert max(felt) < min(usual)
    good = aliases_at(versions_until(world, PROMPT, NIGHT - 1), NIGHT - 1)["production"]
    world.stage.add(Deed(doing="move", subject=PROMPT, value="production", number=good, at=NIGHT + HOUR))
    assert track(world, "quality_score", NIGHT + 2 * HOUR) == track(calm, "quality_score", NIGHT + 2 * HOUR)


def test_a_wrong_embedder_finds_less_without_any_error() -> None:
    calm, world = World(), World()
    world.stage.add(SCENES["swap-embedder"](world, NIGHT))
    found, usual = (track(one, "retrieval_hit_ratio", NIGHT + 10 * MINUTE, parts.FEATURE) for one in (world, calm))
    assert max(found) < min(usual)
    answered = [track(one, "answered_ratio", NIGHT, parts.FEATURE) for one in (world, calm)]
    assert answered[0] == answered[1]


def test_the_past_is_told_as_before(running: Running) -> None:
    world = World()
    before = versions_until(world, PROMPT, NIGHT)
    changed = last_changes(world, PROMPT, NIGHT)
    world.stage.add(Deed(doing="publish", subject=PROMPT, value=_flaw(world), at=NIGHT + MINUTE))
    assert versions_until(world, PROMPT, NIGHT) == before
    assert last_changes(world, PROMPT, NIGHT) == changed
    after = versions_until(world, PROMPT, NIGHT + MINUTE)
    assert [one.number for one in after] == list(range(1, len(before) + 2))
    assert last_changes(world, PROMPT, NIGHT + MINUTE)[after[-1].number] == NIGHT + MINUTE


def _flaw(world: World) -> str:
    return SCENES["bad-prompt"](world, NIGHT).value
