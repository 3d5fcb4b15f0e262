"""The answer is the expected text."""

from __future__ import annotations

from typing import Any

from apps.evaluations.scorers.base import (
    Answer,
    Options,
    Scored,
    Scorer,
    clean_flag,
    refuse_unknown,
    shortened,
    texts,
    verdict,
)


def clean(options: Options) -> dict[str, Any]:
    refuse_unknown(options, "ignore_case")
    return {"ignore_case": clean_flag(options, "ignore_case", False)}


def check(expected: Any) -> None:
    texts(expected)


def score(answer: Answer, expected: Any, options: Options) -> Scored:
    """White space at both ends never counts; one of several expected texts is enough."""
    got = answer.text.strip()
    wanted = [text.strip() for text in texts(expected)]
    if options.get("ignore_case"):
        return verdict(got.casefold() in {text.casefold() for text in wanted}, f"Got “{shortened(got)}”.")
    return verdict(got in wanted, f"Got “{shortened(got)}”.")


EXACT = Scorer(
    kind="exact",
    label="Exact text",
    summary="The answer is the expected text, or one of several.",
    needs_expectation=True,
    clean=clean,
    check=check,
    score=score,
)
