"""What every connector returns: frozen records in one vocabulary, times aware and in UTC.

A record says what the source said, nothing more; feature, component and environment are resolved
later, by mapping. `external_id` is the source's own identity of the thing and never a display name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The kinds of record; `key` of payloads, dead letters and mapping rules."""

    PIPELINE = "pipeline"
    RUN = "run"
    TASK_RUN = "task_run"
    DEPLOYMENT = "deployment"
    PROMPT = "prompt"
    PROMPT_VERSION = "prompt_version"
    PROMPT_LABEL = "prompt_label"
    SERIES = "series"
    ALERT = "alert"
    EVALUATION = "evaluation"
    CHANGE = "change"


class RunState(StrEnum):
    """The one run vocabulary; the vendor's word stays beside it in `raw_state`."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CRASHED = "crashed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


class DeploymentState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class AlertState(StrEnum):
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Trigger(StrEnum):
    """Why a run started."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    API = "api"
    BACKFILL = "backfill"
    EVENT = "event"
    UNKNOWN = "unknown"


class SeriesKind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"


Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`raw` is the vendor's own item (JSON types), kept so that mapping can be redone later."""

    external_id: str
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRecord(Record):
    kind = Kind.PIPELINE
    name: str
    description: str = ""
    vendor_kind: str = ""  # flow, dag, job, experiment
    schedule: str = ""  # as the vendor writes it
    is_paused: bool = False
    url: str = ""
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(Record):
    """`updated_at` orders news about the same run: older news never overwrites newer."""

    kind = Kind.RUN
    pipeline_external_id: str
    name: str
    state: RunState
    raw_state: str
    updated_at: datetime
    scheduled_for: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    trigger: Trigger = Trigger.UNKNOWN
    triggered_by: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    partition_key: str = ""
    error: str = ""  # first line
    attempts: int = 1
    rows_in: int | None = None
    rows_out: int | None = None
    cost: Decimal | None = None  # in the source's currency
    url: str = ""
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRunRecord(Record):
    kind = Kind.TASK_RUN
    run_external_id: str
    name: str
    state: RunState
    raw_state: str
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int = 1
    position: int = 0  # order of the steps, from 0
    upstream: tuple[str, ...] = ()  # external ids of the task runs this one waits for
    error: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRecord(Record):
    """One revision put into one environment. `component` and `environment` are the source's own names."""

    kind = Kind.DEPLOYMENT
    component: str
    environment: str
    revision: str
    state: DeploymentState
    raw_state: str
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    deployed_by: str = ""
    description: str = ""
    is_rollback: bool = False
    url: str = ""
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRecord(Record):
    kind = Kind.PROMPT
    name: str
    description: str = ""
    url: str = ""
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptVersionRecord(Record):
    """Immutable content: `template` for text, `messages` (role, content) for chat, never both."""

    kind = Kind.PROMPT_VERSION
    prompt_external_id: str
    number: int
    created_at: datetime
    template: str = ""
    messages: tuple[Mapping[str, str], ...] = ()
    model_config: Mapping[str, Any] = field(default_factory=dict)
    response_format: Mapping[str, Any] | None = None
    commit_message: str = ""
    author: str = ""
    tags: Labels = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptLabelRecord(Record):
    """Where a label (MLflow: alias) points now, or pointed from `moved_at` on. `external_id` is `<prompt>@<label>`."""

    kind = Kind.PROMPT_LABEL
    prompt_external_id: str
    name: str
    number: int
    moved_by: str = ""
    moved_at: datetime | None = None  # None: nobody knows, so it counts from when it was seen


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRecord(Record):
    """A named stream of numbers with the samples new in this poll, oldest first.

    `measure` names an entry of the metric glossary ("latency_p95"); empty when the source does not know.
    `samples` are (time, value) pairs; values are finite floats in `unit`.
    """

    kind = Kind.SERIES
    name: str
    measure: str = ""
    unit: str = ""  # s, ratio, count, usd, score …
    series_kind: SeriesKind = SeriesKind.GAUGE
    labels: Labels = field(default_factory=dict)
    samples: tuple[tuple[datetime, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord(Record):
    """An alert as the source sees it now; one that is absent from a complete listing has resolved."""

    kind = Kind.ALERT
    name: str
    state: AlertState
    severity: str  # page, ticket, info, or the source's own word
    started_at: datetime
    summary: str = ""
    labels: Labels = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One number of an evaluation: `scorer` names it; `case` is "" when it speaks of the whole run.

    `passed` is the source's own verdict, None when it gave none; `count` says how many cases stand behind it.
    """

    scorer: str
    value: float
    case: str = ""
    passed: bool | None = None
    count: int = 1
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord(Record):
    """One execution of a named suite against one version of a prompt, or of whatever `subject` names.

    `updated_at` orders news about the same execution. `subject` and `version` are the source's own names
    ("checkout-assistant", "7"); `revision` is a commit when a build was evaluated.
    """

    kind = Kind.EVALUATION
    suite: str
    state: RunState
    raw_state: str
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    subject: str = ""
    version: str = ""
    revision: str = ""
    judge: str = ""  # the model that scored, with its version
    scores: tuple[Score, ...] = ()
    url: str = ""
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord(Record):
    """Something that was changed and that is neither a deployment nor a label move: it goes into the ledger once.

    `what` is a short word: config, flag, index, model, infrastructure, schedule, maintenance, incident …
    """

    kind = Kind.CHANGE
    what: str
    title: str
    at: datetime
    actor: str = ""
    detail: str = ""
    component: str = ""
    environment: str = ""
    before: str = ""
    after: str = ""
    url: str = ""
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One item that could not be read; it becomes a dead letter and never stops its neighbours."""

    kind: Kind
    external_id: str
    reason: str
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A *complete* enumeration of the ids of one kind, so that what is absent can be called gone.

    `scope` narrows it: for prompt versions the prompt's external id, for task runs the run's.
    """

    kind: Kind
    external_ids: frozenset[str]
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one fetch brought. `cursor` (JSON types) is stored with the records in one transaction.

    `has_more` asks for another fetch at once (a backfill goes on). `server_time` is the upstream's
    clock, from its Date header, for the skew on the sources page. `pause_seconds` asks for quiet that is no
    failure: a budget of requests is nearly used up, and nothing is asked until then.
    """

    records: tuple[Record, ...] = ()
    cursor: Mapping[str, Any] = field(default_factory=dict)
    rejected: tuple[Rejected, ...] = ()
    listings: tuple[Listing, ...] = ()
    has_more: bool = False
    server_time: datetime | None = None
    pause_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteVersion:
    """What a connector is asked to do: add a version to a prompt, once.

    `commit_message` holds `marker`, by which a version that is there already is known again. `base_number` is the
    newest version that its author knew; another one there now means that somebody else wrote as well.
    """

    prompt_external_id: str
    prompt_name: str
    base_number: int
    marker: str
    commit_message: str
    template: str = ""
    messages: tuple[Mapping[str, str], ...] = ()
    model_config: Mapping[str, Any] = field(default_factory=dict)
    response_format: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLabel:
    """What a connector is asked to do: point a label of a prompt at a version. Repeating it changes nothing.

    `from_number` is where the label should point before, None where it should not be there yet.
    """

    prompt_external_id: str
    label: str
    number: int
    version_external_id: str
    from_number: int | None
