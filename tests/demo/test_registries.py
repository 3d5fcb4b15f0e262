"""The demo's Langfuse and Phoenix as their connectors read them: prompts, labels, numbers, experiments."""

from __future__ import annotations

import pytest

from apps.connectors.records import (
    EvaluationRecord,
    Kind,
    PromptLabelRecord,
    PromptRecord,
    PromptVersionRecord,
    RunState,
    SeriesRecord,
)
from apps.demo.world.changes import history_until
from apps.demo.world.dice import DAY, HOUR, World
from apps.demo.world.labels import last_changes
from apps.demo.world.prompts import aliases_at, versions_until
from apps.demo.world.systems import prompts_in
from apps.demo.world.usage import hour_of
from tests.demo.polling import Told, Town

LANGFUSE, PHOENIX = "Fernway Langfuse", "Fernway Phoenix"
REGISTRIES = {LANGFUSE: "langfuse", PHOENIX: "phoenix"}


def production(told: Told, prompt: str) -> int:
    """Where the label points, by the name of the prompt."""
    ids = {record.external_id for record in told.of(PromptRecord).values() if record.name == prompt}
    labels = told.of(PromptLabelRecord).values()
    return next(one.number for one in labels if one.prompt_external_id in ids and one.name == "production")


@pytest.mark.parametrize("name", REGISTRIES)
def test_prompts_come_with_every_version_and_label(town: Town, world: World, now: int, name: str) -> None:
    probe, told = town.probe(name), town.poll(name)
    assert all(scope.is_granted for scope in probe.scopes)
    prompts = prompts_in(REGISTRIES[name])
    assert {prompt.name for prompt in told.of(PromptRecord).values()} == set(prompts)
    versions = {prompt: versions_until(world, prompt, now) for prompt in prompts}
    assert len(told.of(PromptVersionRecord)) == sum(map(len, versions.values()))
    texts = {(one.template or one.messages[0]["content"]) for one in told.of(PromptVersionRecord).values()}
    assert all(version.text in texts for known in versions.values() for version in known)
    for prompt in prompts:
        assert production(told, prompt) == aliases_at(versions[prompt], now)["production"]


@pytest.mark.parametrize("name", REGISTRIES)
def test_a_label_that_moves_is_seen_by_the_next_poll(town: Town, world: World, now: int, name: str) -> None:
    prompt = prompts_in(REGISTRIES[name])[0]
    change = next(one for one in reversed(history_until(world, "prompt", prompt, now)) if one.rolled_back_at)
    assert change.rolled_back_at
    settings = {"metrics": False, "experiments": False}
    town.at = change.live_at + 60
    first = town.poll(name, **settings)
    town.at = change.rolled_back_at + 60
    second = town.poll(name, first.cursor, **settings)
    assert production(second, prompt) < production(first, prompt)


@pytest.mark.parametrize("name", REGISTRIES)
def test_hours_have_the_numbers_of_their_features(town: Town, world: World, now: int, name: str) -> None:
    told = town.poll(name, backfill_days=1, experiments=False).of(SeriesRecord).values()
    waits = [one for one in told if one.measure == "latency_p95"]
    prompts = prompts_in(REGISTRIES[name])
    last = now // HOUR - 1
    expected = [hour_of(world, (one,), last) for one in prompts] if name == PHOENIX else [hour_of(world, prompts, last)]
    assert sorted(one.samples[-1][1] for one in waits) == pytest.approx(sorted(one.p95 for one in expected), abs=0.001)
    assert {one.measure for one in told} >= {"requests_rate", "cost_rate", "groundedness", "unsafe_ratio"}


@pytest.mark.parametrize("name", REGISTRIES)
def test_experiments_have_scores_and_a_version(town: Town, now: int, name: str) -> None:
    found = town.poll(name).of(EvaluationRecord).values()
    assert len(found) > 15
    assert {one.suite for one in found} == {f"{prompt}-evaluation" for prompt in prompts_in(REGISTRIES[name])}
    done = [one for one in found if one.state is RunState.SUCCEEDED]
    assert all({score.scorer for score in one.scores} >= {"accuracy", "groundedness", "correct"} for one in done)
    assert all(one.version.isdigit() and one.subject for one in found)
    assert all(one.updated_at.timestamp() <= now for one in found)


@pytest.mark.parametrize("name", REGISTRIES)
def test_a_second_poll_reads_no_version_again(town: Town, name: str) -> None:
    first = town.poll(name)
    town.at += 60
    second = town.poll(name, first.cursor)
    assert not second.of(PromptVersionRecord)
    assert not second.of(EvaluationRecord)
    assert not second.of(SeriesRecord)
    town.at += 90 * 60
    assert town.poll(name, second.cursor).kinds[Kind.SERIES]


@pytest.mark.parametrize("name", REGISTRIES)
def test_the_same_time_tells_the_same(town: Town, name: str) -> None:
    assert town.poll(name, backfill_days=2).records == town.poll(name, backfill_days=2).records


def test_a_version_that_lost_its_label_counts_as_changed(world: World, now: int) -> None:
    for prompt in prompts_in("langfuse"):
        times = last_changes(world, prompt, now)
        versions = versions_until(world, prompt, now)
        assert set(times) - {0} == {one.number for one in versions}
        assert max(times.values()) <= now
        assert all(times[one.number] >= one.created_at for one in versions)
        assert max(times.values()) > now - 9 * DAY
