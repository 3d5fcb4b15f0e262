"""Length, latency and cost of an answer against a limit: 1 within it, and beyond it the less the further."""

from __future__ import annotations

from typing import Any

from apps.evaluations.scorers.base import Answer, Options, Scored, Scorer, clean_number, refuse_unknown


def within(value: float, limit: float, words: str) -> Scored:
    """1 up to the limit, then limit / value."""
    is_within = value <= limit
    return Scored(1.0 if is_within else limit / value, is_within, words)


def clean_length(options: Options) -> dict[str, Any]:
    refuse_unknown(options, "least", "most")
    least = clean_number(options, "least", 0)
    most = clean_number(options, "most", 2_000, low=1)
    if least > most:
        raise ValueError("least must not be more than most.")
    return {"least": least, "most": most}


def score_length(answer: Answer, _expected: Any, options: Options) -> Scored:
    """Of the text without white space at its ends, in characters."""
    length = len(answer.text.strip())
    words = f"{length:,} characters."
    if length < options["least"]:
        return Scored(length / options["least"], False, words)
    return within(length, options["most"], words)


def clean_latency(options: Options) -> dict[str, Any]:
    refuse_unknown(options, "most_ms")
    return {"most_ms": clean_number(options, "most_ms", 3_000, low=1)}


def score_latency(answer: Answer, _expected: Any, options: Options) -> Scored:
    return within(answer.latency_ms, options["most_ms"], f"{answer.latency_ms:,.0f} ms.")


def clean_cost(options: Options) -> dict[str, Any]:
    refuse_unknown(options, "most_usd")
    return {"most_usd": clean_number(options, "most_usd", 0.01, low=1e-9)}


def score_cost(answer: Answer, _expected: Any, options: Options) -> Scored:
    return within(answer.cost, options["most_usd"], f"${answer.cost:.6f}.")


LENGTH = Scorer(
    kind="length",
    label="Length",
    summary="The answer has at least and at most so many characters.",
    needs_expectation=False,
    clean=clean_length,
    score=score_length,
)
LATENCY = Scorer(
    kind="latency",
    label="Latency",
    summary="The answer came within so many milliseconds.",
    needs_expectation=False,
    clean=clean_latency,
    score=score_latency,
)
COST = Scorer(
    kind="cost",
    label="Cost",
    summary="The answer cost at most so many US dollars.",
    needs_expectation=False,
    clean=clean_cost,
    score=score_cost,
)
