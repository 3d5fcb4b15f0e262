"""The glossary."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.metrics.measures import FAMILY_LABELS, MEASURES, Family, conversion, measure

DOCS = Path(__file__).resolve().parents[2] / "docs"
FAMILIES = {"accuracy", "safety", "latency", "engagement", "cost", "retrieval", "cache", "fallback"}


def test_the_eight_families_are_there_and_each_has_a_measure() -> None:
    assert {str(entry.family) for entry in MEASURES.values()} >= FAMILIES
    assert set(FAMILY_LABELS) == set(Family)


@pytest.mark.parametrize("slug", MEASURES)
def test_an_entry_speaks_plainly(slug: str) -> None:
    entry = MEASURES[slug]
    assert entry.meaning.endswith(".")
    assert entry.what_to_do.endswith((".", "?"))
    assert not {"p95", "p99", "SLO", "percentile"} & set(entry.label.split())


@pytest.mark.parametrize(
    ("slug", "value", "unit", "text"),
    [
        ("answered_ratio", 0.986, "", "98.6%"), ("latency_p95", 4.1, "", "4.1 s"), ("latency_p95", 0.32, "", "320 ms"),
        ("quality_score", 4.46, "score", "4.46 of 5"), ("cost_rate", 20.4, "eur", "€20.40"),
        ("cost_rate", 3.0, "usd", "$3"), ("frobs", 3.0, "bananas", "3 bananas"), ("unsafe_ratio", None, "", "–"),
    ],
)  # fmt: skip
def test_a_value_is_told_as_people_say_it(slug: str, value: float | None, unit: str, text: str) -> None:
    assert measure(slug).text(value, unit) == text


def test_what_nobody_described_still_has_a_readable_entry() -> None:
    entry = measure("frobs_per_answer")
    assert (entry.label, entry.better) == ("Frobs per answer", "neutral")
    assert "Give the query of its source a measure" in entry.what_to_do


@pytest.mark.parametrize(
    ("slug", "unit", "expected"),
    [
        ("latency_p95", "ms", (0.001, "s")), ("latency_p95", "s", (1.0, "s")), ("answered_ratio", "%", (0.01, "ratio")),
        ("cost_rate", "usd", (1.0, "usd")), ("frobs", "ms", (1.0, "ms")), ("latency_p95", "parsecs", (1.0, "parsecs")),
    ],
)  # fmt: skip
def test_units_are_brought_to_those_of_the_glossary(slug: str, unit: str, expected: tuple[float, str]) -> None:
    assert conversion(slug, unit) == expected


def test_features_add_up_as_their_measure_says() -> None:
    assert measure("cost_rate").combined([1.0, 2.0]) == 3.0
    assert measure("latency_p95").combined([1.0, 2.0]) == 2.0
    assert measure("answered_ratio").combined([1.0, 0.5]) == 0.75
    assert measure("answered_ratio").combined([]) is None


def test_worse_has_a_direction() -> None:
    assert measure("latency_p95").is_worse(4.0, 3.0)
    assert measure("answered_ratio").is_worse(0.9, 0.95)
    assert not measure("requests_rate").is_worse(9.0, 1.0)


@pytest.mark.parametrize("slug", MEASURES)
def test_the_manual_knows_every_measure(slug: str) -> None:
    line = next(line for line in (DOCS / "measures.md").read_text(encoding="utf-8").splitlines() if f"`{slug}`" in line)
    assert MEASURES[slug].label in line
    assert MEASURES[slug].meaning in line
