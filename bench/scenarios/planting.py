"""Planting: one true cause with its effects, red herrings beside it, sometimes a second incident, sometimes nothing.

The delays, the measures that each kind moves and the ways of people are written here on their own; nothing is taken
over from the ranking.
"""

from __future__ import annotations

from random import Random

from bench.scenarios.life import HOUR, MINUTE, Writer, innocent_acts, pipeline_runs
from bench.scenarios.numbers import disturb, make_streams
from bench.scenarios.records import Scenario, Truth
from bench.scenarios.world import Part, World, make_world

KINDS = ("deployment", "prompt", "model", "index", "config", "pipeline", "provider", "none")
PARTS = {  # kind of cause -> kinds of part
    "deployment": ("service", "gateway", "datastore"),
    "prompt": ("prompt",),
    "model": ("model",),
    "index": ("index",),
    "config": ("service", "gateway", "cache"),
    "pipeline": ("pipeline",),
    "provider": ("provider",),
}
MOVES = {  # kind of cause -> (measures it always moves if they are there, measures it moves sometimes)
    "deployment": (
        ("latency_p95", "answered_ratio"),
        ("latency_p50", "fallback_ratio", "cache_hit_ratio", "cost_rate"),
    ),
    "prompt": (("thumbs_up_ratio", "groundedness"), ("unsafe_ratio", "cost_rate", "answered_ratio", "latency_p50")),
    "model": (("groundedness", "cost_rate"), ("latency_p95", "latency_p50", "unsafe_ratio", "thumbs_up_ratio")),
    "index": (("retrieval_hit_ratio", "groundedness"), ("answered_ratio", "thumbs_up_ratio", "latency_p95")),
    "config": (("latency_p95", "cache_hit_ratio"), ("cost_rate", "answered_ratio", "fallback_ratio", "latency_p50")),
    "pipeline": (("retrieval_hit_ratio", "groundedness"), ("thumbs_up_ratio", "answered_ratio")),
    "provider": (("latency_p95", "answered_ratio", "fallback_ratio"), ("latency_p50", "requests_rate")),
    "none": (("latency_p95", "answered_ratio"), ("cost_rate", "thumbs_up_ratio", "fallback_ratio")),
}
DAYS = 8


def make_scenario(seed: int, *, kind: str = "", base: float = 1_792_800_000.0) -> Scenario:
    """The scenario of a seed, always the same, with a cause of a kind. `base`: about when it happens."""
    random = Random(seed)
    kind = kind or KINDS[seed % len(KINDS)]
    world = make_world(random)
    found = Scenario(seed, world)
    moment = base + random.uniform(0, 24 * HOUR)
    start, found.now = moment - DAYS * 24 * HOUR, moment + 8 * HOUR
    writer = Writer(random)
    found.traits["a_day"] = a_day = random.choice((1, 4, 10, 20, 40, 60))
    found.acts = innocent_acts(world, random, writer, start=start, end=found.now, a_day=a_day)
    found.streams = make_streams(world, random, start=start, end=found.now)
    broken: dict[str, tuple[float, float | None, str]] = {}
    second = kind != "none" and random.random() < 0.15
    found.traits["second"] = second
    _plant(found, random, writer, kind=kind, moment=moment, broken=broken)
    if second:
        _second(found, random, writer, broken)
    _herrings(found, random, writer)
    found.runs = pipeline_runs(world, random, start=start, end=found.now, broken=broken)
    _cut(found)
    return found


def _plant(
    found: Scenario, random: Random, writer: Writer, *, kind: str, moment: float,
    broken: dict[str, tuple[float, float | None, str]],
) -> None:  # fmt: skip
    world = found.world
    part = _choose(world, random, kind, set())
    delay = _delay(random, kind)
    onset = moment + delay
    detected = onset + min(random.lognormvariate(3.2, 0.9) * MINUTE, 5 * HOUR)
    is_mended = random.random() < 0.55
    mended = detected + random.uniform(12 * MINUTE, 2.5 * HOUR) if is_mended else None
    features = _suffering(world, random, part)
    cause = ""
    if kind == "pipeline":
        broken[part.slug] = (moment, mended, random.choice(("failed", "late")))
        cause = part.slug
    elif kind != "none":
        act = writer.act(part, moment, what=kind, told_as=_told_as(random, kind))
        found.acts.append(act)
        cause = act.id
        if mended is not None:
            found.acts.append(writer.back(act, mended))
    _hurt(found, random, kind, features, onset=onset, mended=mended)
    if kind not in ("none", "pipeline") and random.random() < 0.5:
        _hurt_part(found, part.slug, onset=onset, mended=mended)
    found.truth = Truth(kind, cause, part.slug, onset, features)
    found.declared = features[: random.randint(1, 3)]
    found.detected_at = detected
    found.impact_started_at = random.choice((detected, detected - random.uniform(0, 40 * MINUTE), onset))
    found.impact_started_at = min(found.impact_started_at, detected)
    found.mitigated_at = mended
    looked = detected + random.uniform(10 * MINUTE, 60 * MINUTE)
    found.now = looked if mended is None or random.random() < 0.4 else mended + random.uniform(1 * HOUR, 3 * HOUR)
    if mended is not None and found.now < mended:
        found.mitigated_at = None
    found.traits |= {"delay": delay, "mended": bool(found.mitigated_at), "shared": not part.feature}


def _choose(world: World, random: Random, kind: str, taken: set[str]) -> Part:
    kinds = PARTS.get(kind, ("service",))
    parts = [part for part in world.parts.values() if part.kind in kinds and world.reach(part.slug)]
    free = [part for part in parts if not taken & set(world.reach(part.slug))]
    return random.choice(free or parts or [part for part in world.parts.values() if part.kind == "service"])


def _told_as(random: Random, kind: str) -> str:
    if kind in ("model", "index"):
        return random.choice(("deployment", "change"))
    return {"deployment": "deployment", "prompt": "label"}.get(kind, "change")


def _delay(random: Random, kind: str) -> float:
    """Mostly minutes; now and then caches, slow rollouts or old data put it off."""
    late = {"pipeline": 0.55, "index": 0.35, "prompt": 0.25, "config": 0.25}.get(kind, 0.15)
    if random.random() < late:
        return random.uniform(15 * MINUTE, (5 if kind in ("pipeline", "index") else 2.5) * HOUR)
    return random.uniform(0, 6 * MINUTE)


def _suffering(world: World, random: Random, part: Part) -> list[str]:
    """Nearly all features that the part reaches; in random order, at least one."""
    reach = world.reach(part.slug)
    found = [feature for feature, steps in reach.items() if random.random() < (0.95 if steps == 0 else 0.85)]
    found = found or [min(reach, key=lambda feature: reach[feature])]
    random.shuffle(found)
    return found


def _hurt(
    found: Scenario, random: Random, kind: str, features: list[str], *, onset: float, mended: float | None
) -> None:
    always, sometimes = MOVES[kind]
    rise = random.choice((0.0, 0.0, 0.0, 10 * MINUTE, 45 * MINUTE))
    settle = random.uniform(1 * MINUTE, 8 * MINUTE)
    size = random.uniform(2.5, 9.0)
    for feature in features:
        own = [stream for stream in found.streams if stream.feature == feature]
        hit = [s for s in own if s.measure in always or (s.measure in sometimes and random.random() < 0.5)]
        for stream in hit or random.sample(own, 1):
            disturb(stream, onset=onset, size=size * random.uniform(0.7, 1.3), rise=rise, end=mended, settle=settle)


def _hurt_part(found: Scenario, slug: str, *, onset: float, mended: float | None) -> None:
    for stream in found.streams:
        if stream.component == slug:
            disturb(stream, onset=onset, size=6.0, rise=0.0, end=mended, settle=120.0)


def _second(
    found: Scenario, random: Random, writer: Writer, broken: dict[str, tuple[float, float | None, str]]
) -> None:
    """Another incident of another feature within the hour."""
    assert found.truth is not None
    kind = random.choice(("deployment", "prompt", "config"))
    part = _choose(found.world, random, kind, set(found.truth.features))
    if set(found.world.reach(part.slug)) & set(found.truth.features) or part.slug in broken:
        return
    moment = found.truth.onset + random.uniform(-HOUR, HOUR)
    found.acts.append(writer.act(part, moment, what=kind, told_as=_told_as(random, kind)))
    onset = moment + _delay(random, kind)
    _hurt(found, random, kind, _suffering(found.world, random, part), onset=onset, mended=None)


def _herrings(found: Scenario, random: Random, writer: Writer) -> None:
    """Innocent changes minutes before the onset: elsewhere, in staging, and sometimes on the feature itself."""
    assert found.truth is not None
    parts = [part for part in found.world.parts.values() if part.kind != "provider"]
    count = random.choice((0, 1, 1, 2, 3))
    for _ in range(count):
        at = found.truth.onset - random.uniform(30, 20 * MINUTE)
        environment = "production"
        near = [part for part in parts if part.feature in found.declared and part.slug != found.truth.component]
        draw = random.random()
        if draw < 0.2 and near:
            part = random.choice(near)
        elif draw < 0.5:
            part, environment = random.choice(parts), "staging"
        else:
            far = [part for part in parts if not set(found.world.reach(part.slug)) & set(found.declared)]
            part = random.choice(far or parts)
        found.acts.append(writer.act(part, at, environment=environment))
    found.traits["herrings"] = count


def _cut(found: Scenario) -> None:
    """Nothing is known of what comes after the moment of looking."""
    found.acts = sorted((act for act in found.acts if act.at <= found.now), key=lambda act: act.at)
    found.runs = [run for run in found.runs if run.finished_at <= found.now]
    for stream in found.streams:
        kept = stream.times <= found.now
        stream.times, stream.values = stream.times[kept], stream.values[kept]
