"""The answer contains what it should, and nothing of what it must not."""

from __future__ import annotations

from typing import Any

from apps.evaluations.scorers.base import Answer, Options, Scored, Scorer, clean_flag, refuse_unknown, shortened, texts


def clean(options: Options) -> dict[str, Any]:
    refuse_unknown(options, "ignore_case")
    return {"ignore_case": clean_flag(options, "ignore_case", True)}


def _parts(expected: Any) -> tuple[list[str], list[str]]:
    if not isinstance(expected, dict):
        return texts(expected), []
    if not expected or expected.keys() - {"all", "none"}:
        raise ValueError("expects a text, a list of texts, or {“all”: […], “none”: […]}")
    return (
        texts(expected["all"]) if "all" in expected else [],
        texts(expected["none"]) if "none" in expected else [],
    )


def check(expected: Any) -> None:
    _parts(expected)


def score(answer: Answer, expected: Any, options: Options) -> Scored:
    """The share of the wanted texts that are there; 0 as soon as one of the forbidden ones is."""
    wanted, forbidden = _parts(expected)
    fold = str.casefold if options.get("ignore_case", True) else str
    text = fold(answer.text)
    found = [part for part in forbidden if fold(part) in text]
    if found:
        return Scored(0.0, False, f"Contains “{shortened(found[0])}”, which it must not.")
    missing = [part for part in wanted if fold(part) not in text]
    value = 1.0 - len(missing) / len(wanted) if wanted else 1.0
    return Scored(value, not missing, f"Lacks “{shortened(missing[0])}”." if missing else "")


CONTAINS = Scorer(
    kind="contains",
    label="Contains",
    summary="The answer contains every expected text, and none of the forbidden ones.",
    needs_expectation=True,
    clean=clean,
    check=check,
    score=score,
)
