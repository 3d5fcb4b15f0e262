"""The first number of the answer lies near the expected one."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from apps.evaluations.scorers.base import Answer, Options, Scored, Scorer, clean_number, refuse_unknown, verdict

_NUMBER: Final = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?")


def clean(options: Options) -> dict[str, Any]:
    refuse_unknown(options, "absolute", "relative")
    return {"absolute": clean_number(options, "absolute", 0.0), "relative": clean_number(options, "relative", 0.0)}


def check(expected: Any) -> None:
    _wanted(expected)


def _wanted(expected: Any) -> float:
    """The expected number; one out of a CSV file is a text."""
    try:
        value = math.nan if isinstance(expected, bool | None) else float(expected)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("expects a number")
    return value


def score(answer: Answer, expected: Any, options: Options) -> Scored:
    """Off by at most `absolute`, or by `relative` of what is expected, whichever is more."""
    wanted = _wanted(expected)
    found = _NUMBER.search(answer.text)
    if found is None:
        return verdict(False, "The answer has no number.")
    got = float(found[0].replace(",", ""))
    allowed = max(float(options.get("absolute", 0.0)), abs(wanted) * float(options.get("relative", 0.0)))
    return verdict(math.isclose(got, wanted, rel_tol=1e-9, abs_tol=allowed), f"Got {got:g}, expected {wanted:g}.")


NUMERIC = Scorer(
    kind="numeric",
    label="Number",
    summary="The first number of the answer is the expected one, within a tolerance.",
    needs_expectation=True,
    clean=clean,
    check=check,
    score=score,
)
