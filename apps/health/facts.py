"""What the roll-up judges: plain values, gathered by `queries`, with nothing of the framework in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

FRESH_FOR_STEPS: Final = 3  # a number is old after so many expected intervals
SHORTEST_FRESH: Final = timedelta(seconds=60)
CLOCK_TOLERANCE: Final = timedelta(minutes=5)  # how far ahead of ours a source's clock may be


class Status(StrEnum):
    """The judgement; the values are those of `status.HealthStatus`."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    STALE = "stale"
    UNKNOWN = "unknown"
    PAUSED = "paused"


# How bad it is to be in a status; paused stands aside because people chose it.
BADNESS: Final = {
    Status.PAUSED: 0,
    Status.HEALTHY: 0,
    Status.UNKNOWN: 1,
    Status.STALE: 2,
    Status.DEGRADED: 3,
    Status.DOWN: 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFact:
    """Where numbers come from. `error` is the last failure in one sentence, "" when the last poll was good."""

    name: str
    slug: str = ""
    is_stale: bool = False
    is_enabled: bool = True
    is_catching_up: bool = False
    last_success_at: datetime | None = None
    stale_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseFact:
    """A promise and what was measured: `mean` of its window (`count` samples), the newest value, last week's mean.

    `interval`: seconds after which news is expected. `broken_since`: the first sample of the unbroken run of bad ones.
    `was_broken`: the judgement before this one.
    """

    measure: str
    comparison: Literal["at_most", "at_least"]
    limit: float
    fails_at: float | None = None
    window_minutes: int = 15
    label: str = ""
    unit: str = ""
    mean: float | None = None
    count: int = 0
    last: float | None = None
    last_at: datetime | None = None
    usual: float | None = None
    interval: float = 60.0
    broken_since: datetime | None = None
    was_broken: bool = False
    source: SourceFact | None = None
    series_id: int | None = None

    @property
    def value(self) -> float | None:
        """The window's mean; the newest value when measurements are rarer than windows."""
        return self.mean if self.count and self.mean is not None else self.last

    @property
    def stale_at(self) -> datetime | None:
        """When its newest number is too old to be believed."""
        if self.last_at is None:
            return None
        return self.last_at + max(SHORTEST_FRESH, timedelta(seconds=FRESH_FOR_STEPS * self.interval))

    def is_outside(self, value: float, limit: float | None = None) -> bool:
        """Whether a value lies on the wrong side of a limit, by default the promised one."""
        bound = self.limit if limit is None else limit
        slack = abs(bound) * 1e-9  # sums of floats
        return value > bound + slack if self.comparison == "at_most" else value < bound - slack


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFact:
    """A pipeline the feature needs. `has_failed`: its last finished run did; None when none has finished yet.

    `is_direct`: of the feature itself, else it is reached through a dependency. `component`: the part it feeds.
    `late`: a run that was expected did not come in time, `late_because` in a sentence.
    `feeds_data`: answers are made from what it makes, which goes up to `data_as_of`.
    """

    id: int
    name: str
    has_failed: bool | None
    component: str = ""
    is_direct: bool = True
    is_paused: bool = False
    failed_since: datetime | None = None
    last_run_at: datetime | None = None
    late: Literal["", "late", "missed"] = ""
    late_since: datetime | None = None
    late_because: str = ""
    feeds_data: bool = False
    data_as_of: datetime | None = None
    source: SourceFact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFact:
    """An alert that fires."""

    id: int
    name: str
    since: datetime
    severity: str = ""
    summary: str = ""
    source: SourceFact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFact:
    """Whether what was tested is what runs. `has_wrong_embedder`: in production an index is searched wrongly."""

    slug: str
    is_same: bool
    text: str
    since: datetime
    at: datetime
    has_wrong_embedder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFact:
    """How old the data of a part are: `state` and `text` as `datasets.judge` found them.

    `as_of`: up to when they go. `cause_id` and `because`: the pipeline that should have refreshed them, and what became
    of it.
    """

    id: int
    slug: str
    name: str
    state: Literal["fresh", "warn", "fail", "unknown"]
    text: str
    at: datetime
    as_of: datetime | None = None
    since: datetime | None = None
    cause_id: int | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFacts:
    """Everything known about one feature."""

    feature_id: int = 0
    name: str = "This feature"
    is_retired: bool = False
    promises: tuple[PromiseFact, ...] = ()
    pipelines: tuple[PipelineFact, ...] = ()
    alerts: tuple[AlertFact, ...] = ()
    datasets: tuple[DataFact, ...] = ()
    made_of: SetFact | None = None
    sources: tuple[SourceFact, ...] = field(default=())
