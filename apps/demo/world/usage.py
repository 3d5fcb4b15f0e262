"""How much each feature used its model, by five minutes: what a gateway counts and a trace store adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

from apps.demo.world.company import FEATURE
from apps.demo.world.dice import HOUR, World
from apps.demo.world.metrics import values

PIECE = 300  # seconds
USD = 1.08  # for a euro
TOKENS_IN, TOKENS_OUT = 1400, 260  # of a usual call


@dataclass(frozen=True, slots=True)
class Piece:
    """Five minutes of one feature: counts, US dollars, seconds and shares."""

    requests: float
    failures: float
    fallbacks: float
    cost: float
    p50: float
    p95: float
    p99: float
    groundedness: float
    unsafe: float
    thumbs_up: float | None

    @property
    def tokens_in(self) -> float:
        """Tokens that were asked."""
        return self.requests * TOKENS_IN

    @property
    def tokens_out(self) -> float:
        """Tokens that were answered."""
        return self.requests * TOKENS_OUT


@lru_cache(maxsize=8192)
def pieces(world: World, slug: str, hour: int) -> tuple[Piece, ...]:
    """The twelve pieces of one hour since 1970."""
    times = range(hour * HOUR, (hour + 1) * HOUR, PIECE)

    def known(measure: str) -> list[float]:
        """Without the gaps in the monitoring, which are no gaps in the use."""
        track = values(world, slug, measure, times)
        there = [value for value in track if value is not None]
        usual = fmean(there) if there else 0.0
        return [usual if value is None else value for value in track] or [0.0] * len(times)

    requests = [rate * PIECE for rate in known("requests_rate")]
    answered, fallback, cost = known("answered_ratio"), known("fallback_ratio"), known("cost_rate")
    waits = zip(known("latency_p50"), known("latency_p95"), known("latency_p99"), strict=True)
    grounded, unsafe = known("groundedness"), known("unsafe_ratio")
    thumbs: Sequence[float | None] = [None] * len(times)
    if FEATURE[slug].thumbs_up is not None:
        thumbs = known("thumbs_up_ratio")
    return tuple(
        Piece(count, count * (1 - good), count * fell, money * PIECE / HOUR * USD, p50, p95, p99, sound, bad, thumb)
        for count, good, fell, money, (p50, p95, p99), sound, bad, thumb in zip(
            requests, answered, fallback, cost, waits, grounded, unsafe, thumbs, strict=True
        )
    )


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of one feature, or of several together."""

    requests: float
    failures: float
    cost: float
    tokens: float
    p50: float
    p95: float
    p99: float
    groundedness: float
    unsafe: float
    thumbs_up: float | None


@lru_cache(maxsize=4096)
def hour_of(world: World, slugs: tuple[str, ...], hour: int) -> Hour:
    """The hour of some features; waits and shares weigh as much as there were requests."""
    found = [piece for slug in slugs for piece in pieces(world, slug, hour)]
    total = sum(piece.requests for piece in found) or 1.0

    def mean(name: str) -> float:
        return sum((getattr(piece, name) or 0.0) * piece.requests for piece in found) / total

    has_thumbs = all(piece.thumbs_up is not None for piece in found)
    return Hour(
        requests=sum(piece.requests for piece in found),
        failures=sum(piece.failures for piece in found),
        cost=sum(piece.cost for piece in found),
        tokens=sum(piece.tokens_in + piece.tokens_out for piece in found),
        p50=mean("p50"),
        p95=mean("p95"),
        p99=mean("p99"),
        groundedness=mean("groundedness"),
        unsafe=mean("unsafe"),
        thumbs_up=mean("thumbs_up") if has_thumbs else None,
    )
