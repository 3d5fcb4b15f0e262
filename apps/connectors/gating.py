"""A system that asks before it deploys, and what it is told: values alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GateQuestion:
    """May this be deployed? `callback_url` is where the vendor wants its answer; it is checked before it is used.

    `installation` names what the vendor lets us answer as (GitHub: the installation of the App).
    """

    repository: str
    environment: str
    callback_url: str
    installation: str = ""
    revision: str = ""
    reference: str = ""
    asked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnswer:
    """Yes, no, or only a word (`may` is None) while nobody can know."""

    may: bool | None
    comment: str


class AnswerRefusedError(Exception):
    """The vendor no longer takes an answer, or the question was not its own: asking again is of no use."""
