"""The LiteLLM proxy in front of all models: its counters and histograms since its restart in the night."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from apps.demo.servers.answers import Clock
from apps.demo.servers.pages import route
from apps.demo.world.company import FEATURES, PROVIDERS, Feature
from apps.demo.world.dice import DAY, HOUR, World
from apps.demo.world.usage import PIECE, Piece, pieces
from apps.demo.world.vendors import VENDORS, notices

VERSION = "1.81.3"
RESTARTS_AT = 4 * HOUR  # every day, UTC
BOUNDS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 40.0, math.inf)  # seconds
COUNTERS = {
    "litellm_proxy_total_requests_metric": "requests", "litellm_proxy_failed_requests_metric": "failures",
    "litellm_spend_metric": "cost", "litellm_input_tokens_metric": "tokens_in",
    "litellm_output_tokens_metric": "tokens_out", "litellm_deployment_total_requests": "requests",
    "litellm_deployment_successful_fallbacks": "fallbacks",
}  # fmt: skip
WAITS = "litellm_request_total_latency_metric"
STATES = {"degraded_performance": 1, "partial_outage": 2}
Sums = defaultdict[str, float]  # of one feature, by the name of a Piece's field or by the bound of a bucket


def create_litellm(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where the proxy would answer."""
    return Starlette(
        routes=[
            route("/metrics/", _metrics, world, clock),
            route("/health/readiness", _readiness, world, clock, is_open=True),
        ]
    )


def _readiness(_world: World, _now: int, _request: Request) -> Any:
    return {"status": "healthy", "litellm_version": VERSION}


def _metrics(world: World, now: int, request: Request) -> Response:
    """The classic text format; with `name[]` only the named samples."""
    wanted = set(request.query_params.getlist("name[]"))
    lines: list[str] = []
    sums = {feature.slug: sums_of(world, feature.slug, now) for feature in FEATURES}
    for name, key in COUNTERS.items():
        if not wanted or f"{name}_total" in wanted:
            samples = [f"{name}_total{{{_labels(feature)}}} {sums[feature.slug][key]:.6g}" for feature in FEATURES]
            lines += [f"# TYPE {name}_total counter", *samples]
    if not wanted or f"{WAITS}_bucket" in wanted:
        lines += [f"# TYPE {WAITS} histogram", *(line for one in FEATURES for line in _waits(one, sums[one.slug]))]
    if not wanted or "litellm_deployment_state" in wanted:
        lines += ["# TYPE litellm_deployment_state gauge", *_states(world, now)]
    return Response("\n".join([*lines, ""]), media_type="text/plain; version=0.0.4; charset=utf-8")


def _labels(feature: Feature) -> str:
    told = {
        "requested_model": feature.model, "model": f"{PROVIDERS[feature.model]}/{feature.model}",
        "team_alias": feature.team, "api_key_alias": feature.slug,
    }  # fmt: skip
    return ",".join(f'{name}="{value}"' for name, value in told.items())


def _waits(feature: Feature, sums: Sums) -> Iterable[str]:
    labels = _labels(feature)
    for bound in BOUNDS:
        shown = "+Inf" if bound == math.inf else f"{bound:g}"
        yield f'{WAITS}_bucket{{{labels},le="{shown}"}} {sums[str(bound)]:.6g}'
    yield f"{WAITS}_count{{{labels}}} {sums[str(math.inf)]:.6g}"
    yield f"{WAITS}_sum{{{labels}}} {sums['seconds']:.6g}"


def _states(world: World, now: int) -> Iterable[str]:
    """How the proxy judges each model: 0 is well, 1 in part, 2 not at all."""
    for vendor in VENDORS:
        is_open = [one for one in notices(world, vendor.slug, now - 2 * HOUR, now) if one.ends_at > now]
        for part, models in vendor.parts:
            state = max((STATES[one.status] for one in is_open if one.part == part), default=0)
            for model in models:
                yield f'litellm_deployment_state{{litellm_model_name="{model}",api_provider="{vendor.slug}"}} {state}'


def sums_of(world: World, slug: str, now: int) -> Sums:
    """Everything that was counted for a feature since the last restart; it only grows until the next one."""
    restarted = (now - RESTARTS_AT) // DAY * DAY + RESTARTS_AT
    hour = now // HOUR
    total: Sums = defaultdict(float)
    for earlier in range(restarted // HOUR, hour):
        for key, value in _of_hour(world, slug, earlier).items():
            total[key] += value
    done, rest = divmod(now - hour * HOUR, PIECE)
    for place, piece in enumerate(pieces(world, slug, hour)[: done + 1]):
        _add(total, piece, rest / PIECE if place == done else 1.0)
    return total


@lru_cache(maxsize=1024)
def _of_hour(world: World, slug: str, hour: int) -> Sums:
    total: Sums = defaultdict(float)
    for piece in pieces(world, slug, hour):
        _add(total, piece, 1.0)
    return total


def _add(total: Sums, piece: Piece, share: float) -> None:
    for key in ("requests", "failures", "cost", "tokens_in", "tokens_out", "fallbacks"):
        total[key] += getattr(piece, key) * share
    total["seconds"] += piece.requests * piece.p50 * share * 1.2
    spread = max(math.log(piece.p95 / piece.p50) / 1.645, 0.05)
    for bound in BOUNDS:
        below = 1.0 if bound == math.inf else _share_below(math.log(bound / piece.p50) / spread)
        total[str(bound)] += piece.requests * below * share


def _share_below(deviations: float) -> float:
    """The share of a normal distribution below so many standard deviations."""
    return 0.5 * (1 + math.erf(deviations / math.sqrt(2)))
