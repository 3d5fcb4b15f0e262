"""Which feature or component an unknown name probably belongs to: a pure guess that says why it was made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

LIKELY = 0.45  # from here on a guess is worth showing
_WORD = re.compile(r"[a-z]+|\d+")
_EVERYWHERE = frozenset(  # words that tell nothing apart
    (
        *("the", "a", "of", "for", "and", "to", "prod", "production", "staging", "stage", "dev", "test", "nightly"),
        *("daily", "hourly", "weekly", "job", "run", "dag", "flow", "pipeline", "task", "service", "svc", "app"),
        *("api", "prompt", "v", "data", "main", "default", "latest"),
    )
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something of the catalog: `key` is "feature:12" or "component:7"; `kind` a component's kind, "" for a feature."""

    key: str
    slug: str
    name: str
    kind: str = ""
    feature: str = ""  # the name of the feature a component belongs to


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A candidate with how likely it is (0 to 1) and the reason in words."""

    candidate: Candidate
    score: float
    why: str


def suggest(
    *, kind: str, name: str, labels: Mapping[str, str], candidates: Iterable[Candidate], limit: int = 3
) -> list[Suggestion]:
    """The likeliest candidates, best first; of a feature and its component of the right kind the component wins."""
    found = [_judge(kind, name, labels, candidate) for candidate in candidates]
    likely = sorted((one for one in found if one.score >= LIKELY), key=lambda one: (-one.score, one.candidate.slug))
    return likely[:limit]


def _judge(kind: str, name: str, labels: Mapping[str, str], candidate: Candidate) -> Suggestion:
    score, why = 0.9 * _likeness(name, candidate), f"the names are alike: {candidate.name}"
    for label, value in labels.items():
        of_label = 0.8 * _likeness(value, candidate) if len(value) > 2 else 0.0
        if of_label > score:
            score, why = of_label, f"its label {label} is {value[:40]}"
    if score and candidate.kind and candidate.kind == _KINDS.get(kind):
        score += 0.1
    return Suggestion(candidate, round(score, 3), why)


_KINDS = {"pipeline": "pipeline", "prompt": "prompt", "evaluation": "evaluation_suite", "deployment": "service"}


def _likeness(text: str, candidate: Candidate) -> float:
    return max(_alike(text, candidate.slug), _alike(text, candidate.name))


def _alike(one: str, other: str) -> float:
    """Shared telling words, or the same letters in the same order; 1 for the same words."""
    ours, theirs = _words(one), _words(other)
    if not ours or not theirs:
        return 0.0
    shared = len(ours & theirs)
    by_words = shared / min(len(ours), len(theirs)) * (0.7 + 0.3 * shared / len(ours | theirs)) if shared else 0.0
    letters = SequenceMatcher(None, "".join(sorted(ours)), "".join(sorted(theirs)), autojunk=False).ratio()
    return max(by_words, letters - 0.25)


def _words(text: str) -> frozenset[str]:
    words = _WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", text[:200]).lower())
    telling = [_stem(word) for word in words if word not in _EVERYWHERE and not word.isdigit()]
    return frozenset(telling)


def _stem(word: str) -> str:
    """Plural and singular are one word."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
