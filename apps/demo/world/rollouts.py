"""What a forge and a cluster see of a release: checks, the build, and one rollout for every place it goes to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from apps.demo.world.changes import Change, history
from apps.demo.world.company import SERVICES, TEAM, user_name
from apps.demo.world.dice import DAY, MINUTE, World
from apps.demo.world.releases import commit_of, tenures

Kind = Literal["checks", "release"]
TAKES = 80  # seconds from the begin of a rollout until the version is live
CHECKS_FAIL = 0.16
EPOCH = 1_700_000_000  # from which numbers of builds and rollouts count
TOPICS = (
    "Cache the tokenizer between requests", "Log the model's own request id", "Retry once when the gateway is busy",
    "Split the prompt cache by language", "Drop the old passage ranker", "Time out after 20 s instead of 30 s",
    "Count tokens before the call", "Move settings into one file", "Say which document a quote is from",
    "Answer health checks without the database", "Raise the connection pool to 40", "Validate answers with a schema",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rollout:
    """One version on its way into one place: from `starts_at` until it is live at `ends_at`."""

    number: int
    service: str
    environment: str
    version: str
    commit: str
    starts_at: int
    ends_at: int
    by: str
    is_rollback: bool


@dataclass(frozen=True, slots=True)
class Job:
    """A part of a build."""

    name: str
    starts_at: int
    ends_at: int
    is_good: bool = True
    bad_step: str = ""


@dataclass(frozen=True, slots=True)
class Build:
    """One run of a forge's pipeline for one commit; a failed check is followed by a good one."""

    number: int
    kind: Kind
    service: str
    title: str
    version: str
    commit: str
    author: str
    starts_at: int
    ends_at: int
    jobs: tuple[Job, ...]

    @property
    def is_good(self) -> bool:
        """Whether every job passed."""
        return all(job.is_good for job in self.jobs)


def rollouts(world: World, service: str, at: int) -> list[Rollout]:
    """The rollouts of a service that began by a time, in the order of beginning."""
    found = [
        Rollout(
            number=(tenure.starts_at - EPOCH) * 10 + (1 if tenure.environment == "production" else 0),
            service=service,
            environment=tenure.environment,
            version=tenure.version,
            commit=commit_of(world, service, tenure.version),
            starts_at=tenure.starts_at - TAKES,
            ends_at=tenure.starts_at,
            by=_people(world, service, tenure.starts_at // DAY).get(tenure.starts_at, "release-bot"),
            is_rollback=tenure.is_rollback,
        )
        for tenure in tenures(world, service, at + TAKES)
        if tenure.starts_at is not None
    ]
    return sorted(found, key=lambda rollout: (rollout.starts_at, rollout.number))


@lru_cache(maxsize=512)
def _people(world: World, service: str, day: int) -> dict[int, str]:
    """Who moved a version, by the time at which it was live."""
    on_call = user_name(TEAM[SERVICES[service][0]].on_call)
    found: dict[int, str] = {}
    for change in history(world, "release", service, day + 1):
        found |= {change.staged_at: user_name(change.author), change.live_at: user_name(change.author)}
        if change.rolled_back_at is not None:
            found[change.rolled_back_at] = on_call
    return found


def builds(world: World, service: str, at: int) -> list[Build]:
    """The builds of a service that began by a time, oldest first."""
    return [build for build in _builds(world, service, at // DAY + 1) if build.starts_at <= at]


@lru_cache(maxsize=64)
def _builds(world: World, service: str, day: int) -> tuple[Build, ...]:
    changes = history(world, "release", service, day)
    versions = _versions(world, service, changes, day)
    found = [build for change in changes for build in _of_change(world, service, change, versions[change.staged_at])]
    return tuple(sorted(found, key=lambda build: (build.starts_at, build.number)))


def _versions(world: World, service: str, changes: tuple[Change, ...], day: int) -> dict[int, str]:
    """The version of every change, by the time at which it was in staging."""
    last = max((change.live_at for change in changes), default=0)
    known = tenures(world, service, max(last, (day + 1) * DAY))
    return {one.starts_at: one.version for one in known if one.environment == "staging" and one.starts_at is not None}


def _of_change(world: World, service: str, change: Change, version: str) -> list[Build]:
    commit, title = commit_of(world, service, version), title_of(world, service, change)
    found = []
    checked_at = change.created_at - 11 * MINUTE
    if world.roll("checks", service, change.created_at) < CHECKS_FAIL:
        bad = commit_of(world, service, f"{version}-draft")
        found.append(_checks(world, service, change, checked_at - 24 * MINUTE, title, version, bad, is_good=False))
    found.append(_checks(world, service, change, checked_at, title, version, commit, is_good=True))
    start = max(change.created_at + 5, change.staged_at - 200)
    jobs = (Job("image", start + 8, change.staged_at - 30), Job("publish", change.staged_at - 28, change.staged_at))
    author = user_name(change.author)
    number = (start - EPOCH) * 10 + 2
    found.append(Build(number, "release", service, title, version, commit, author, start, change.staged_at + 3, jobs))
    return found


def _checks(
    world: World, service: str, change: Change, at: int, title: str, version: str, commit: str, *, is_good: bool
) -> Build:
    ends_at = at + 310 + int(world.roll("checks take", service, at) * 140)
    jobs = (
        Job("lint", at + 6, at + 58),
        Job("tests", at + 7, at + 260, is_good, "" if is_good else "Run unit tests"),
        Job("answers", at + 9, ends_at - 5),
    )
    number = (at - EPOCH) * 10 + 3
    return Build(number, "checks", service, title, version, commit, user_name(change.author), at, ends_at, jobs)


def title_of(world: World, service: str, change: Change) -> str:
    """The first line of a change's commit message."""
    topic = world.pick(TOPICS, "topic", service, change.created_at)
    return f"Fix: {topic[0].lower()}{topic[1:]}" if change.reason == "mend" else topic
