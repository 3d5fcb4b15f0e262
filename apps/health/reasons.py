"""A reason: one rule applied to its inputs, told so that a person can check it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from apps.health.facts import Status

Tone = Literal["ok", "info", "warn", "bad", "mute"]


class Rule(StrEnum):
    """What was applied."""

    PROMISE_KEPT = "promise-kept"
    PROMISE_BROKEN = "promise-broken"
    PROMISE_FAILED = "promise-failed"
    NUMBER_OLD = "number-old"
    NUMBER_MISSING = "number-missing"
    PIPELINE_PASSED = "pipeline-passed"
    PIPELINE_FAILED = "pipeline-failed"
    PIPELINE_LATE = "pipeline-late"
    PIPELINE_UNKNOWN = "pipeline-unknown"
    DATA_FRESH = "data-fresh"
    DATA_AGING = "data-aging"
    DATA_OLD = "data-old"
    DATA_UNKNOWN = "data-unknown"
    ALERT_FIRING = "alert-firing"
    SET_SAME = "set-same"
    SET_DIFFERS = "set-differs"
    EMBEDDER_DIFFERS = "embedder-differs"
    SOURCE_SILENT = "source-silent"
    PAUSED = "paused"
    NOTHING_PROMISED = "nothing-promised"


@dataclass(frozen=True, slots=True)
class Input:
    """One value that went into the rule."""

    name: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """`effect`: the status it demands, None when it only explains. `at`: its newest input; `since`: when it began.

    `subject` says what the page links to: ("series", 7), ("pipeline", 3), ("alert", 9), ("source", "prometheus"),
    ("set", "search-answers"), ("data", "help-center-index").
    """

    key: str
    rule: Rule
    text: str
    rule_text: str
    tone: Tone
    effect: Status | None = None
    inputs: tuple[Input, ...] = ()
    source: str = ""
    since: datetime | None = None
    at: datetime | None = None
    subject: tuple[str, int | str] | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON types, times in ISO 8601."""
        return {
            "key": self.key,
            "rule": str(self.rule),
            "text": self.text,
            "rule_text": self.rule_text,
            "tone": self.tone,
            "effect": str(self.effect) if self.effect else "",
            "inputs": [{"name": one.name, "text": one.text, "at": _iso(one.at)} for one in self.inputs],
            "source": self.source,
            "since": _iso(self.since),
            "at": _iso(self.at),
            "subject": list(self.subject) if self.subject else None,
        }


def from_json(stored: Mapping[str, Any]) -> Reason:
    """The reason that `to_json` wrote."""
    subject = stored["subject"]
    return Reason(
        key=stored["key"],
        rule=Rule(stored["rule"]),
        text=stored["text"],
        rule_text=stored["rule_text"],
        tone=stored["tone"],
        effect=Status(stored["effect"]) if stored["effect"] else None,
        inputs=tuple(Input(one["name"], one["text"], _time(one["at"])) for one in stored["inputs"]),
        source=stored["source"],
        since=_time(stored["since"]),
        at=_time(stored["at"]),
        subject=(subject[0], subject[1]) if subject else None,
    )


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
