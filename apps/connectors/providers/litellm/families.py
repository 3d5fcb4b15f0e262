"""LiteLLM's metrics and what they are to us. Names are without the `_total` and `_bucket` that the format adds.

https://docs.litellm.ai/docs/proxy/prometheus
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

ASKED_FOR = ("requested_model", "model_group", "model")  # the name that callers use comes first
ANSWERED_BY = ("model",)  # the provider's name of it; the cache metrics know no other
TEAM, KEY = ("team_alias", "team"), ("api_key_alias",)
NOT_FOR_FREE = "litellm_not_a_premium_user_metric"  # versions that give metrics only with a licence say so with it


class Quantity(StrEnum):
    """What is counted; the key of what a scrape leaves behind for the next."""

    REQUESTS = "requests"
    FAILURES = "failures"
    SPEND = "spend"
    TOKENS_IN = "tokens_in"
    TOKENS_OUT = "tokens_out"
    ATTEMPTS = "attempts"
    FALLBACKS = "fallbacks"
    ANSWERS = "answers"
    CACHE_HITS = "cache_hits"
    CACHE_MISSES = "cache_misses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One quantity. Of `names` the first that the scrape has is read: the others are what it was called before.

    `models` are the labels that may name the model. `is_of_calls`: without a model it is no call of one.
    """

    quantity: Quantity
    names: tuple[str, ...]
    models: tuple[str, ...] = ASKED_FOR
    is_of_calls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Observed seconds; gives p50, p95 and p99 of what happened between two scrapes."""

    name: str
    slug: str
    measure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A number as it is, for each value of `labels` (of alternatives the first that says something).

    `combine` brings what we do not tell apart to one value.
    """

    name: str
    slug: str
    unit: str
    labels: tuple[tuple[str, ...], ...]
    combine: Callable[[Iterable[float]], float]


COUNTERS = (
    Counter(
        quantity=Quantity.REQUESTS,
        names=("litellm_proxy_total_requests_metric", "litellm_requests_metric"),
        is_of_calls=True,
    ),
    Counter(
        quantity=Quantity.FAILURES,
        names=("litellm_proxy_failed_requests_metric", "litellm_llm_api_failed_requests_metric"),
        is_of_calls=True,
    ),
    Counter(quantity=Quantity.SPEND, names=("litellm_spend_metric",)),
    Counter(quantity=Quantity.TOKENS_IN, names=("litellm_input_tokens_metric", "litellm_input_tokens")),
    Counter(quantity=Quantity.TOKENS_OUT, names=("litellm_output_tokens_metric", "litellm_output_tokens")),
    Counter(quantity=Quantity.ATTEMPTS, names=("litellm_deployment_total_requests",)),
    Counter(quantity=Quantity.FALLBACKS, names=("litellm_deployment_successful_fallbacks",)),
    Counter(quantity=Quantity.ANSWERS, names=("litellm_request_total_latency_metric_count",), models=ANSWERED_BY),
    Counter(quantity=Quantity.CACHE_HITS, names=("litellm_cache_hits_metric",), models=ANSWERED_BY),
    Counter(quantity=Quantity.CACHE_MISSES, names=("litellm_cache_misses_metric",), models=ANSWERED_BY),
)
HISTOGRAMS = (
    Histogram(name="litellm_request_total_latency_metric", slug="latency", measure="latency"),
    Histogram(name="litellm_llm_api_latency_metric", slug="provider_latency"),
    Histogram(name="litellm_llm_api_time_to_first_token_metric", slug="time_to_first_token"),
)
GAUGES = (
    Gauge(
        name="litellm_deployment_state",
        slug="deployment_state",
        unit="level",
        labels=(("litellm_model_name",), ("api_provider",)),
        combine=max,
    ),
    Gauge(
        name="litellm_remaining_team_budget_metric",
        slug="remaining_team_budget",
        unit="usd",
        labels=(TEAM,),
        combine=min,
    ),
    Gauge(
        name="litellm_remaining_api_key_budget_metric",
        slug="remaining_key_budget",
        unit="usd",
        labels=(KEY,),
        combine=min,
    ),
)
NAMES = (
    *(name for counter in COUNTERS for name in counter.names),
    *(histogram.name for histogram in HISTOGRAMS),
    *(gauge.name for gauge in GAUGES),
    NOT_FOR_FREE,
)


def sample_names() -> list[str]:
    """Every name that a sample we read can have: what an endpoint is asked for, so that it sends no more."""
    counters = [name for counter in COUNTERS for name in counter.names if not name.endswith("_count")]
    found = [f"{name}_total" for name in (*counters, NOT_FOR_FREE)]
    found += [f"{histogram.name}_{part}" for histogram in HISTOGRAMS for part in ("bucket", "count", "sum")]
    return [*found, *(gauge.name for gauge in GAUGES)]
