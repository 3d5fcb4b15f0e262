"""What is asked of the DORA measures, out of an address: pure but for the words of its kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from apps.deployments.status import ChangeKind

PERIODS: Final = (7, 30, 90)  # days
WITHIN: Final = {15: "15 minutes", 60: "1 hour", 240: "4 hours", 1440: "24 hours"}
USUAL_PERIOD: Final = 30
USUAL_WITHIN: Final = 60


@dataclass(frozen=True, slots=True)
class Question:
    """`feature`, `team` are slugs and `what` a kind of change, "" for all; else only production counts."""

    days: int = USUAL_PERIOD
    feature: str = ""
    team: str = ""
    what: str = ""
    is_everywhere: bool = False
    minutes: int = USUAL_WITHIN

    @property
    def within(self) -> timedelta:
        """How long after a change trouble is held to be its fault."""
        return timedelta(minutes=self.minutes)

    @property
    def within_text(self) -> str:
        return WITHIN[self.minutes]


def read_question(params: Mapping[str, str]) -> Question:
    """The question of an address; what cannot be read is left at its usual value."""
    what = params.get("what", "")
    return Question(
        days=_one_of(params.get("period", ""), PERIODS, USUAL_PERIOD),
        feature=_slug(params.get("feature", "")),
        team=_slug(params.get("team", "")),
        what=what if what in ChangeKind.values else "",
        is_everywhere=params.get("where") == "everywhere",
        minutes=_one_of(params.get("within", ""), tuple(WITHIN), USUAL_WITHIN),
    )


def _one_of(text: str, known: tuple[int, ...], usual: int) -> int:
    return int(text) if text in map(str, known) else usual


def _slug(text: str) -> str:
    return text[:80] if text.isprintable() else ""
