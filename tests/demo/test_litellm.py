"""The demo's LiteLLM as the connector reads it: what is counted only grows, and grows as the features are used."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from apps.connectors.records import SeriesRecord
from apps.demo.servers.litellm import RESTARTS_AT, sums_of
from apps.demo.servers.pages import KEY
from apps.demo.world.company import FEATURES
from apps.demo.world.dice import DAY, HOUR, World
from apps.demo.world.incidents import incidents_between
from apps.demo.world.usage import pieces
from tests.demo.asking import ask
from tests.demo.polling import Town

NAME = "Fernway LiteLLM"


def numbers(town: Town, at: int) -> dict[str, float]:
    """The numbers between the minute before a time and that time."""
    town.at = at - 60
    first = town.poll(NAME)
    town.at = at
    found = town.poll(NAME, first.cursor).of(SeriesRecord).values()
    return {one.name: one.samples[-1][1] for one in found}


def test_every_model_has_its_numbers(town: Town, now: int) -> None:
    found = numbers(town, now)
    for model in {feature.model for feature in FEATURES}:
        assert found[f"requests_rate requested_model={model}"] > 0
        assert 0 < found[f"cost_rate requested_model={model}"] < 100
        assert 0.9 < found[f"answered_ratio requested_model={model}"] <= 1
        assert 0.1 < found[f"latency_p50 requested_model={model}"] < found[f"latency_p95 requested_model={model}"] < 30


def test_spending_adds_up_to_what_the_features_cost(world: World, now: int) -> None:
    hour = now // HOUR
    for feature in FEATURES:
        spent = (
            sums_of(world, feature.slug, hour * HOUR)["cost"] - sums_of(world, feature.slug, (hour - 1) * HOUR)["cost"]
        )
        assert spent == pytest.approx(sum(piece.cost for piece in pieces(world, feature.slug, hour - 1)))


def test_counters_only_grow_until_the_restart(world: World, now: int) -> None:
    restart = (now - RESTARTS_AT) // DAY * DAY + RESTARTS_AT
    track = [sums_of(world, "search-answers", at) for at in range(restart + 60, restart + 3 * HOUR, 97)]
    for earlier, later in itertools.pairwise(track):
        assert all(later[key] >= earlier[key] for key in earlier)
    assert sums_of(world, "search-answers", restart + DAY + 1)["requests"] < track[-1]["requests"]


def test_trouble_of_a_vendor_shows_in_its_model(town: Town, world: World, now: int) -> None:
    incident = next(
        one for one in reversed(incidents_between(world, now - 9 * DAY, now))
        if one.kind == "provider_errors" and one.feature == "invoice-reader"
    )  # fmt: skip
    name = "answered_ratio requested_model=reader-2"
    during, after = numbers(town, incident.ends_at - 90), numbers(town, incident.ends_at + 20 * 60)
    assert during[name] < after[name] - 0.01


def test_only_what_is_asked_for_is_told(town: Town) -> None:
    only: dict[str, Any] = {"name[]": "litellm_spend_metric_total", "key": KEY}
    text = ask(town.app, "/litellm/metrics/", **only).text
    assert "litellm_spend_metric_total{" in text
    assert "latency" not in text
    assert ask(town.app, "/litellm/metrics/").status == 401


def test_the_same_time_tells_the_same(town: Town) -> None:
    assert town.poll(NAME).records == town.poll(NAME).records
