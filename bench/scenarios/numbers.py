"""Series of a world: a level, a daily rhythm, noise that remembers a little, and a wild value now and then."""

from __future__ import annotations

from random import Random

import numpy as np

from bench.scenarios.records import Stream
from bench.scenarios.world import World

DAY = 86_400.0
# measure: family, good direction, unit, level, size of the daily rhythm, noise (both as shares of the level)
MEASURES = {
    "latency_p95": ("latency", "down", "s", 2.4, 0.18, 0.06),
    "latency_p50": ("latency", "down", "s", 0.9, 0.12, 0.05),
    "answered_ratio": ("accuracy", "up", "ratio", 0.985, 0.003, 0.004),
    "groundedness": ("accuracy", "up", "ratio", 0.91, 0.005, 0.012),
    "unsafe_ratio": ("safety", "down", "ratio", 0.004, 0.1, 0.2),
    "thumbs_up_ratio": ("engagement", "up", "ratio", 0.78, 0.02, 0.03),
    "cost_rate": ("cost", "down", "usd", 14.0, 0.4, 0.07),
    "retrieval_hit_ratio": ("retrieval", "up", "ratio", 0.88, 0.01, 0.015),
    "cache_hit_ratio": ("cache", "up", "ratio", 0.42, 0.08, 0.04),
    "fallback_ratio": ("fallback", "down", "ratio", 0.02, 0.15, 0.15),
    "requests_rate": ("traffic", "neutral", "rps", 9.0, 0.5, 0.08),
}
CADENCES = (60, 60, 300, 300, 900, 3600)


def make_streams(world: World, random: Random, *, start: float, end: float) -> list[Stream]:
    """From 3 to 7 measures of every feature, and of some shared parts one."""
    rng = np.random.default_rng(random.getrandbits(32))
    streams = []
    cadence = random.choice(CADENCES)
    noisiness = random.choice((0.5, 1.0, 1.0, 1.8))
    for feature in world.features:
        own = random.choice((cadence, random.choice(CADENCES)))
        chosen = random.sample(sorted(MEASURES), random.randint(3, 7))
        streams += [_stream(measure, rng, start, end, own, noisiness, feature=feature) for measure in chosen]
    shared = [part.slug for part in world.parts.values() if part.kind in ("index", "gateway", "provider")]
    told = [slug for slug in shared if random.random() < 0.4]
    return streams + [_stream("latency_p95", rng, start, end, cadence, noisiness, component=slug) for slug in told]


def _stream(
    measure: str, rng: np.random.Generator, start: float, end: float, cadence: float, noisiness: float,
    *, feature: str = "", component: str = "",
) -> Stream:  # fmt: skip
    family, better, unit, level, rhythm, noise = MEASURES[measure]
    times = np.arange(start + rng.uniform(0, cadence), end, cadence)
    level *= rng.uniform(0.7, 1.3) if unit != "ratio" or level < 0.5 else 1.0
    phase = rng.uniform(0.5, 0.7) * DAY
    wave = rhythm * np.cos(2 * np.pi * (times - phase) / DAY) * rng.uniform(0.5, 1.2)
    spread = noise * noisiness
    values = level * (1 + wave + spread * _noise(len(times), rng))
    wild = rng.random(len(times)) < 0.002
    values = np.where(wild, values * (1 + spread * rng.normal(0, 6, len(times))), values)
    return Stream(f"{feature or component}:{measure}", measure, feature, component, better, family, unit,
                  times, values, level * spread)  # fmt: skip


def _noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """Noise with a standard deviation of one that remembers from nothing to two thirds of its last value."""
    memory = rng.uniform(0.0, 0.65)
    shocks = rng.standard_t(6, count) / np.sqrt(1.5) * np.sqrt(1 - memory**2)
    out = np.empty(count)
    last = 0.0
    for place, shock in enumerate(shocks):
        last = memory * last + shock
        out[place] = last
    return out


def disturb(stream: Stream, *, onset: float, size: float, rise: float, end: float | None, settle: float) -> None:
    """Make the stream worse from `onset` on by `size` of its noise, growing over `rise` seconds, until `end`."""
    shape = np.clip((stream.times - onset) / rise, 0, 1) if rise else (stream.times >= onset).astype(float)
    if end is not None:
        shape = np.where(stream.times > end, shape * np.exp(-np.maximum(stream.times - end, 0) / settle), shape)
    sign = {"down": 1.0, "up": -1.0}.get(stream.better, -1.0)
    stream.values = stream.values + sign * size * stream.noise * shape
    if stream.unit == "ratio":
        stream.values = np.clip(stream.values, 0.0, 1.0)
