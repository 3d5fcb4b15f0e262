"""What a gate requires, what is known of its suites, and what a verdict says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

SAFETY: Final = "safety"  # the tag of a case that must pass by itself


class State(StrEnum):
    """Of a gate, and of one reason; the values are those of `status.GateState`."""

    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"
    EXPIRED = "expired"
    NOT_REQUIRED = "not_required"


class Standing(StrEnum):
    """How the candidate stands against the baseline on one scorer; the values are those of `status.GateStanding`."""

    BETTER = "better"
    NO_WORSE = "no_worse"
    UNCERTAIN = "uncertain"
    WORSE = "worse"
    TOO_LOW = "too_low"
    ALONE = "alone"  # there is no baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequirement:
    """One suite that must speak for a version before it goes live."""

    suite_id: int
    scorers: tuple[str, ...] = ()  # () is every scorer that the suite has
    lowest_mean: float | None = None  # of the candidate, whatever the baseline reaches
    margin: float = 0.10  # how much of the mean may be lost against the baseline, in the score's own unit
    alpha: float = 0.05  # how often a candidate that loses the whole margin may pass
    least_cases: int = 30
    expires_after_hours: int = 7 * 24
    judge: str = ""  # results of another judge do not count; "" is the one that the suite pins

    def __post_init__(self) -> None:
        """ValueError with a sentence for what makes no sense."""
        if not 0.0 < self.alpha < 0.5:
            raise ValueError("Alpha must lie between 0 and 0.5; 0.05 is usual.")
        if self.margin < 0.0:
            raise ValueError("The margin must not be negative.")
        if self.least_cases < 2:
            raise ValueError("A comparison needs at least 2 cases.")
        if self.expires_after_hours < 1:
            raise ValueError("Results must count for at least one hour.")

    def as_json(self) -> dict[str, Any]:
        """What a policy stores; `from_json` reads it."""
        return asdict(self) | {"scorers": list(self.scorers)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """A requirement out of a stored policy; unknown names are left out, ValueError for what makes no sense."""
        known = {one.name for one in fields(cls)}
        return cls(**{**{k: v for k, v in data.items() if k in known}, "scorers": tuple(data.get("scorers") or ())})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFact:
    """One execution of a suite against one version, without its scores."""

    id: int
    state: str
    finished_at: datetime | None = None
    judge: str = ""
    suite_version: int = 0  # 0 for an imported one, which has no versions
    version: str = ""  # of what was evaluated
    means: Mapping[str, float] = field(default_factory=dict)  # scorer -> mean over all cases, for people to read


@dataclass(frozen=True, slots=True)
class CaseScore:
    """What one scorer gave one case; a mean over several runs, all or nothing in each unless it was ever `graded`."""

    value: float
    is_passed: bool | None = None
    graded: bool | None = None  # None: as the value looks

    @property
    def is_graded(self) -> bool:
        """Whether there is anything between right and wrong."""
        return self.value not in (0.0, 1.0) if self.graded is None else self.graded


Scores = Mapping[str, Mapping[str, CaseScore]]  # scorer -> case -> score
Pool = tuple[int, ...]  # executions whose scores count together, case by case


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFact:
    """What is known of a required suite: its cases now, and the executions that may count, newest first.

    `cases` maps each case to its weight; empty for an imported suite, whose cases are those of its scores. `applies`
    names the cases of each scorer that is not for all of them.
    """

    id: int
    name: str
    version: int = 0
    judge: str = ""
    cases: Mapping[str, float] = field(default_factory=dict)
    safety: frozenset[str] = frozenset()
    applies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    candidate: Sequence[RunFact] = ()
    baseline: Sequence[RunFact] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReason:
    """One sentence of the verdict, and the executions that it rests on."""

    suite_id: int
    suite: str
    sentence: str
    state: State
    run_ids: tuple[int, ...] = ()

    @property
    def is_ok(self) -> bool:
        return self.state is State.PASSED


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """One scorer in the table of the page; None where there is no baseline. The interval is at level 1 - 2·alpha."""

    suite_id: int
    suite: str
    scorer: str
    cases: int
    baseline: float | None
    candidate: float
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None  # that it is as good as this though it loses the whole margin
    p_different: float | None
    method: str
    standing: Standing
    is_ok: bool
    runs: int = 1  # of the candidate, whose scores are averaged case by case


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRun:
    """One execution of a required suite, whether it counts or not; `why_not` is "" for one that does."""

    suite: str
    run: RunFact
    is_live: bool  # it speaks of the baseline
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """May it go live? `state` with the reasons for it, the table beneath, and every execution that there was."""

    state: State
    reasons: tuple[GateReason, ...] = ()
    rows: tuple[GateRow, ...] = ()
    runs: tuple[GateRun, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the version may go live."""
        return self.state in (State.PASSED, State.NOT_REQUIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """The execution that speaks for now, or why none does, and all that count together with it, newest first."""

    run: RunFact | None
    state: State
    sentence: str = ""
    pool: tuple[RunFact, ...] = ()

    @property
    def run_ids(self) -> tuple[int, ...]:
        """The executions whose scores count."""
        return tuple(run.id for run in self.pool)
