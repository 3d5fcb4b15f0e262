"""A question to the gate out of an address. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from apps.evaluations.gating import GateRequirement


class Parameters(Protocol):
    """What Django's QueryDict offers."""

    def get(self, key: str, default: str) -> str | None: ...

    def getlist(self, key: str) -> list[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GateQuestion:
    subject: str
    candidate: str
    baseline: str | None
    requirements: tuple[GateRequirement, ...]


def question_of(parameters: Parameters) -> GateQuestion:
    """The question that an address asks; ValueError with a sentence for what cannot be understood."""
    subject, candidate = parameters.get("subject", "") or "", parameters.get("candidate", "") or ""
    if not subject or not candidate:
        raise ValueError("Name the subject and the candidate version.")
    usual = GateRequirement(suite_id=0)
    lowest = parameters.get("lowest_mean", "") or ""
    return GateQuestion(
        subject=subject,
        candidate=candidate,
        baseline=parameters.get("baseline", "") or None,
        requirements=tuple(
            GateRequirement(
                suite_id=int(_number(suite, "suite")),
                lowest_mean=_number(lowest, "lowest_mean") if lowest else None,
                margin=_number(parameters.get("margin", "") or usual.margin, "margin"),
                alpha=_number(parameters.get("alpha", "") or usual.alpha, "alpha"),
                least_cases=int(_number(parameters.get("least_cases", "") or usual.least_cases, "least_cases")),
                expires_after_hours=int(_number(parameters.get("hours", "") or usual.expires_after_hours, "hours")),
                judge=parameters.get("judge", "") or "",
            )
            for suite in parameters.getlist("suite")
        ),
    )


def _number(text: str | float, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number.") from None
    if not -1e9 < value < 1e9:
        raise ValueError(f"{name} must be a number.")
    return value
