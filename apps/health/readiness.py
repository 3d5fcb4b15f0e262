"""The checks of the readiness scorecard: each a fact, why it matters in one line, and where it is mended. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from apps.metrics.families import FAMILY_LABELS, Family

WATCHED_FAMILIES: Final = tuple(one for one in Family if one not in (Family.TRAFFIC, Family.PORTAL, Family.OTHER))


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `noun`: what is missing where it fails. `mend`: what the link that mends it says."""

    key: str
    noun: str
    title: str
    why: str
    mend: str


CHECKS: Final = (
    Check(
        "owner", "a team", "A team owns it", "When it breaks, somebody must know that it is theirs.", "Choose a team"
    ),
    Check(
        "on_call",
        "somebody on call",
        "Somebody is on call",
        "Trouble at night must reach a person.",
        "Say who is on call",
    ),
    Check(
        "runbook", "a runbook", "It has a runbook", "Whoever is woken must find the first steps.", "Link the runbook"
    ),
    Check(
        "promises",
        "a promise",
        "It promises something",
        "Without a promise nobody can say that it is well.",
        "Write a promise",
    ),
    Check(
        "monitors",
        "a monitor of every family",
        "Monitors watch every family",
        "What is measured and not watched fails in silence.",
        "Add monitors",
    ),
    Check(
        "numbers",
        "a fresh number",
        "Its numbers arrive",
        "A page without fresh numbers calms people for no reason.",
        "See its numbers",
    ),
    Check(
        "objective",
        "an objective",
        "It has an objective",
        "An error budget says when to stop shipping.",
        "Set an objective",
    ),
    Check(
        "budget",
        "a budget",
        "Its cost has a budget",
        "A runaway prompt costs money before anybody notices.",
        "Set a budget",
    ),
    Check(
        "data",
        "an age limit of its data",
        "Its data have an age limit",
        "Old indexes answer confidently and wrong.",
        "Set the limit",
    ),
    Check(
        "suite",
        "a suite in the gate of its prompts",
        "A suite guards its prompts",
        "A prompt that was not tested is a guess.",
        "Add a suite to the rule",
    ),
    Check(
        "evaluated",
        "a recent evaluation",
        "It was evaluated lately",
        "Models and data move even where prompts do not.",
        "See its evaluations",
    ),
    Check(
        "rollback",
        "a tried rollback",
        "A rollback was tried",
        "The first rollback should not be the one that matters.",
        "See what is live",
    ),
)
BY_KEY: Final = {check.key: check for check in CHECKS}


def unwatched(measured: frozenset[Family], watched: frozenset[Family]) -> list[Family]:
    """The families of which something is measured and nothing is watched, in the order of pages."""
    return [one for one in WATCHED_FAMILIES if one in measured - watched]


def families_text(families: list[Family]) -> str:
    """ "Nothing watches: What does it cost?, How much does the cache save?" """
    return f"Nothing watches: {', '.join(FAMILY_LABELS[one] for one in families)}"
