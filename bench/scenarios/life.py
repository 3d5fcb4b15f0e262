"""What goes on in every week without hurting anybody: deployments, prompts, settings, pipelines."""

from __future__ import annotations

from itertools import count
from random import Random

from bench.scenarios.records import Act, Execution
from bench.scenarios.world import Part, World

DAY, HOUR, MINUTE = 86_400.0, 3_600.0, 60.0
PEOPLE = ("ann", "ben", "chloe", "dmitri", "esra", "farid")
TELLS: dict[str, tuple[tuple[str, str], ...]] = {  # kind of part -> (what, told as)
    "service": (("deployment", "deployment"), ("deployment", "deployment"), ("config", "change")),
    "prompt": (("prompt", "label"),),
    "model": (("model", "deployment"), ("model", "change")),
    "index": (("index", "deployment"), ("index", "change")),
    "gateway": (("deployment", "deployment"), ("config", "change")),
    "datastore": (("deployment", "deployment"), ("config", "change")),
    "cache": (("config", "change"),),
    "pipeline": (("deployment", "deployment"),),
    "client_app": (("deployment", "deployment"),),
    "provider": (("provider", "change"),),
}


class Writer:
    """Makes acts with versions that count on."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.numbers = count(1)
        self.versions: dict[str, int] = {}

    def act(self, part: Part, at: float, *, what: str = "", told_as: str = "", environment: str = "production") -> Act:
        """A change of a part; of the kind that such a part usually sees."""
        if not what:
            what, told_as = self.random.choice(TELLS[part.kind])
        place = f"{part.slug}:{what}:{told_as}:{environment}"
        before = self.versions.get(place, 1)
        self.versions[place] = before + 1
        number = next(self.numbers)
        takes = self.random.choice((0.0, 0.0, 60.0, 240.0, 600.0)) if told_as == "deployment" else 0.0
        return Act(
            id=f"act-{number}", what=what, told_as=told_as, component=part.slug, environment=environment, at=at,
            title=f"{part.slug} {what} {before + 1}", before=f"v{before}", after=f"v{before + 1}",
            actor=self.random.choice(PEOPLE), takes=takes,
        )  # fmt: skip

    def back(self, act: Act, at: float) -> Act:
        """The same thing put back to what it was."""
        resolved = act.what == "provider"
        return Act(
            id=f"act-{next(self.numbers)}", what=act.what, told_as=act.told_as, component=act.component,
            environment=act.environment, at=at, title=f"{act.title}: resolved" if resolved else f"{act.title} back",
            before=act.after, after="resolved" if resolved else act.before, actor=act.actor,
        )  # fmt: skip


def innocent_acts(world: World, random: Random, writer: Writer, *, start: float, end: float, a_day: float) -> list[Act]:
    """Changes at a rate, more of them by day; a quarter lies outside production, some are taken back."""
    parts = [part for part in world.parts.values() if part.kind != "provider"]
    acts: list[Act] = []
    at = start
    while True:
        at += random.expovariate(a_day / DAY)
        if at >= end:
            break
        hour = at % DAY / HOUR
        if not 6 <= hour <= 19 and random.random() < 0.65:
            continue
        part = random.choice(parts)
        environment = "staging" if random.random() < 0.25 and part.kind != "index" else "production"
        act = writer.act(part, at, environment=environment)
        acts.append(act)
        if random.random() < 0.05 and at + 2 * HOUR < end:
            acts.append(writer.back(act, at + random.uniform(10 * MINUTE, 2 * HOUR)))
    for part in world.parts.values():  # a provider's small troubles that nobody felt
        if part.kind == "provider":
            for _ in range(random.randint(0, 2)):
                act = writer.act(part, random.uniform(start, end - 4 * HOUR))
                acts += [act, writer.back(act, act.at + random.uniform(20 * MINUTE, 3 * HOUR))]
    return acts


def pipeline_runs(
    world: World, random: Random, *, start: float, end: float, broken: dict[str, tuple[float, float | None, str]]
) -> list[Execution]:
    """Runs of every pipeline; `broken` says of one from when to when it fails ("failed") or does not come ("late")."""
    numbers, runs = count(1), []
    for part in world.parts.values():
        if part.kind != "pipeline":
            continue
        every = random.choice((HOUR, 3 * HOUR, 6 * HOUR))
        takes = random.uniform(3 * MINUTE, 25 * MINUTE)
        due = start + random.uniform(0, every)
        since, until, how = broken.get(part.slug, (end + DAY, None, ""))
        if how:  # its trouble begins with a run that ends, or should have ended, at that moment
            due = start + (since - takes - start) % every
        while due < end:
            began = due + random.uniform(0, 40)
            ended = began + takes * random.uniform(0.8, 1.3)
            is_broken = since - HOUR / 2 <= due + takes and (until is None or ended < until)
            if ended < end and not (is_broken and how == "late"):
                state = "failed" if is_broken or random.random() < 0.012 else "succeeded"
                runs.append(Execution(next(numbers), part.slug, state, due, began, ended))
            due += every
    return runs
