"""The answer is similar enough to the expected text: Indel similarity of characters, or of sorted words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rapidfuzz import fuzz, utils

from apps.evaluations.scorers.base import Answer, Options, Scored, Scorer, clean_number, refuse_unknown, texts

_METHODS: Final[dict[str, Callable[..., float]]] = {
    "characters": fuzz.ratio,
    "words": fuzz.token_sort_ratio,
    "shared_words": fuzz.token_set_ratio,
}


def clean(options: Options) -> dict[str, Any]:
    refuse_unknown(options, "method", "least")
    method = options.get("method", "words")
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}.")
    return {"method": method, "least": clean_number(options, "least", 0.7, high=1.0)}


def check(expected: Any) -> None:
    texts(expected)


def score(answer: Answer, expected: Any, options: Options) -> Scored:
    """The best similarity to one of the expected texts; case and punctuation do not count."""
    method = _METHODS[options.get("method", "words")]
    value = max(method(answer.text, text, processor=utils.default_process) for text in texts(expected)) / 100.0
    return Scored(value, value >= options.get("least", 0.7))


SIMILARITY = Scorer(
    kind="similarity",
    label="Similarity",
    summary="The answer is similar to the expected text, or to one of several.",
    needs_expectation=True,
    clean=clean,
    check=check,
    score=score,
)
