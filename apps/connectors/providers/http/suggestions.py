"""Help for whoever mistyped a name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """“; did you mean X?” without the question mark's sentence, or "" when nothing is near."""
    names = sorted(known)
    close = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"; did you mean “{close[0]}”" if close else ""


def listed(names: Iterable[str]) -> str:
    """The names in a sentence, sorted."""
    return ", ".join(sorted(names))
