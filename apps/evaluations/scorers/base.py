"""What a scorer is: a rule that turns one answer into a number from 0 (bad) to 1 (good), with a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Options = Mapping[str, Any]
MISSING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one case; `cost` in USD."""

    text: str
    latency_ms: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Scored:
    """One number from 0 to 1, whether that is good enough, and a few words on why."""

    value: float
    is_passed: bool
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """One kind of rule. `clean` gives the options to store, ValueError with a sentence for bad ones.

    `check` raises ValueError for an expectation that the rule cannot use; `score` is None for a judge, which asks a
    model instead.
    """

    kind: str
    label: str
    summary: str
    needs_expectation: bool
    clean: Callable[[Options], dict[str, Any]]
    check: Callable[[Any], None] = lambda _expected: None
    score: Callable[[Answer, Any, Options], Scored] | None = None


def verdict(is_passed: bool, comment: str = "") -> Scored:
    """The score of a rule that only says yes or no."""
    return Scored(1.0 if is_passed else 0.0, is_passed, comment)


def clean_number(options: Options, name: str, default: float, *, low: float = 0.0, high: float = float("inf")) -> float:
    """The number that an option gives, within its bounds."""
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        bounds = f"from {low:g}" + (f" to {high:g}" if high != float("inf") else " up")
        raise ValueError(f"{name} must be a number {bounds}.")
    return float(value)


def clean_flag(options: Options, name: str, default: bool) -> bool:
    """The yes or no that an option gives."""
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false.")
    return value


def refuse_unknown(options: Options, *known: str) -> None:
    """ValueError for an option that the rule does not have."""
    unknown = sorted(options.keys() - set(known))
    if unknown:
        raise ValueError(f"There is no option {unknown[0]}; it takes {', '.join(known) or 'none'}.")


def texts(expected: Any) -> list[str]:
    """An expectation that is one text or a list of them."""
    found = expected if isinstance(expected, list) else [expected]
    if not found or not all(isinstance(text, str) and text for text in found):
        raise ValueError("expects a text or a list of texts")
    return found


def shortened(text: str, limit: int = 120) -> str:
    """`text` for a comment."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
