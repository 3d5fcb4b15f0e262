"""Shared pieces of text that a prompt takes in by `{{> name}}`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_REFERENCE = re.compile(r"\{\{>\s*([^\s{}][^{}]{0,510}?)\s*\}\}")
DEEPEST = 5


def snippets_in(texts: Iterable[str]) -> list[str]:
    """The names that are taken in, each once, in the order they first appear."""
    return list(dict.fromkeys(name for text in texts for name in _REFERENCE.findall(text)))


def expand(text: str, find: Callable[[str], str | None], *, depth: int = 0) -> str:
    """The text with every snippet put in; one that `find` does not know, or that lies too deep, stays as written."""

    def put_in(match: re.Match[str]) -> str:
        found = find(match[1]) if depth < DEEPEST else None
        return match[0] if found is None else expand(found, find, depth=depth + 1)

    return _REFERENCE.sub(put_in, text)
