"""The same seed and time give the same world, in this process and in any other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from apps.demo.world import incidents, metrics, prompts, releases, rollouts, runs
from apps.demo.world.company import FEATURES, SERVICES
from apps.demo.world.dice import DAY, World

ROOT = Path(__file__).resolve().parents[2]
FINGERPRINT = """
import hashlib, sys
from apps.demo.world import duty, evaluations, incidents, kontor, labels, metrics, prompts, releases, rollouts, runs
from apps.demo.world import usage, vendors
from apps.demo.world.company import FEATURES, SERVICES
from apps.demo.world.dice import World
world, now = World(seed=int(sys.argv[1])), 1795470000
seen = [
    [metrics.values(world, feature.slug, "latency_p95", range(now - 90000, now, 900)) for feature in FEATURES],
    [prompts.versions_until(world, feature.slug, now) for feature in FEATURES],
    releases.all_tenures(world, now),
    runs.plans_between(world, now - 200000, now),
    incidents.incidents_between(world, now - 200000, now),
    [evaluations.scores(world, run) for run in evaluations.evaluations_between(world, now - 200000, now)],
    [(rollouts.builds(world, service, now), rollouts.rollouts(world, service, now)) for service in SERVICES],
    [vendors.notices(world, vendor.slug, now - 2000000, now) for vendor in vendors.VENDORS],
    [duty.duties_at(world, at) for at in range(now - 200000, now, 600)], duty.silences(world, now - 2000000, now),
    [usage.pieces(world, feature.slug, now // 3600) for feature in FEATURES],
    [sorted(labels.last_changes(world, feature.slug, now).items()) for feature in FEATURES],
    kontor.kontor_runs(world, kontor.JOBS, now - 900000, now), kontor.queue_depths(world, now),
]
print(hashlib.sha256(repr(seen).encode()).hexdigest())
"""


def fingerprint(seed: int, hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", FINGERPRINT, str(seed)],
        cwd=ROOT,
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_two_processes_agree_on_everything() -> None:
    assert fingerprint(7, "1") == fingerprint(7, "2")


def test_another_seed_is_another_world() -> None:
    assert fingerprint(7, "1") != fingerprint(8, "1")


def test_builds_and_rollouts_stay_as_they_were(world: World, now: int) -> None:
    for service in SERVICES:
        for tell in (rollouts.builds, rollouts.rollouts):
            assert tell(world, service, now)[: len(tell(world, service, now - 5 * DAY))] == tell(
                world, service, now - 5 * DAY
            )


def test_a_longer_question_gives_the_same_values(world: World, now: int) -> None:
    for measure in metrics.MEASURES:
        long = metrics.values(world, "search-answers", measure, range(now - 3 * DAY, now, 300))
        short = metrics.values(world, "search-answers", measure, range(now - DAY, now, 300))
        assert long[-len(short) :] == short


def test_what_was_written_stays_as_it_was(world: World, now: int) -> None:
    for feature in FEATURES:
        earlier = prompts.versions_until(world, feature.slug, now - 5 * DAY)
        assert prompts.versions_until(world, feature.slug, now)[: len(earlier)] == earlier


def test_what_ran_stays_as_it_was(world: World, now: int) -> None:
    past = [tenure for tenure in releases.all_tenures(world, now - 5 * DAY) if tenure.ends_at]
    assert set(past) <= set(releases.all_tenures(world, now))
    assert (
        runs.plans_between(world, now - DAY, now)
        == runs.plans_between(world, now - 9 * DAY, now)[-_count(world, now) :]
    )


def _count(world: World, now: int) -> int:
    return len(runs.plans_between(world, now - DAY, now))


def test_a_time_before_all_counting_still_has_an_answer(world: World) -> None:
    early = world.starts_at - 30 * DAY
    assert len(prompts.versions_until(world, "search-answers", early)) == 1
    assert metrics.value_at(world, "search-answers", "latency_p95", early)
    assert incidents.incidents_between(world, early - DAY, early)
    assert {tenure.ends_at for tenure in releases.all_tenures(world, early)} == {None}
