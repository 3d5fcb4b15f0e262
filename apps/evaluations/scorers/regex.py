"""The answer matches a regular expression, within a time limit."""

from __future__ import annotations

from typing import Any

from apps.evaluations.scorers.base import Answer, Options, Scored, Scorer, refuse_unknown, verdict
from apps.evaluations.scorers.patience import check_pattern, is_found


def clean(options: Options) -> dict[str, Any]:
    refuse_unknown(options)
    return {}


def score(answer: Answer, expected: Any, _options: Options) -> Scored:
    """A pattern that takes too long fails its case, with a comment."""
    try:
        return verdict(is_found(expected, answer.text))
    except TimeoutError as error:
        return verdict(False, str(error))


REGEX = Scorer(
    kind="regex",
    label="Regular expression",
    summary="The expected pattern is found in the answer; Python's syntax, two seconds a case.",
    needs_expectation=True,
    clean=clean,
    check=check_pattern,
    score=score,
)
