"""What a system may report, one class a kind of thing; the OpenAPI document shows these very classes."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from apps.connectors.providers.push.fields import Count, Finite, Id, Item, Labels, Link, Name, Text, Time

RunWord = Literal["queued", "running", "succeeded", "failed", "crashed", "cancelled", "skipped", "unknown"]
DeploymentWord = Literal["queued", "running", "succeeded", "failed", "cancelled", "unknown"]
Alias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
ShortWord = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
UPDATED = "When this was so; older news never overwrites newer. Left out, the moment of the report."


class PipelineItem(Item):
    """A definition of repeatable work. Only needed for what a run does not say: place, schedule, description."""

    external_id: Id
    name: Name = ""
    description: Text = ""
    kind: Name = Field("", description="What the system calls it: job, workflow, DAG.")
    schedule: Name = ""
    is_paused: bool = False
    url: Link = ""
    labels: Labels = {}


class RunItem(Item):
    """One execution. Report it again under the same id when its state changes; what is left out stays as it was."""

    external_id: Id
    pipeline: Id = Field(description="The id of its pipeline; an unknown one is made.")
    state: RunWord
    name: Name = ""
    updated_at: Time | None = Field(None, description=UPDATED)
    scheduled_for: Time | None = None
    started_at: Time | None = None
    finished_at: Time | None = None
    trigger: Literal["schedule", "manual", "api", "backfill", "event", "unknown"] = "unknown"
    triggered_by: Name = ""
    parameters: dict[str, Any] = {}
    revision: Name = Field("", description="The commit, tag or build that ran.")
    partition_key: Name = ""
    error: Text = ""
    attempts: Count = 1
    rows_in: Count | None = None
    rows_out: Count | None = None
    cost: Decimal | None = Field(None, ge=0, lt=10**10)
    url: Link = ""
    labels: Labels = {}


class TaskRunItem(Item):
    """One step of a run that was reported before, or in an earlier request."""

    external_id: Id
    run: Id = Field(description="The id of its run.")
    name: Name = ""
    state: RunWord
    updated_at: Time | None = Field(None, description=UPDATED)
    started_at: Time | None = None
    finished_at: Time | None = None
    attempts: Count = 1
    position: Count = Field(0, description="The order of the steps, from 0.")
    upstream: list[Id] = Field([], max_length=100, description="The ids of the steps this one waits for.")
    error: Text = ""
    url: Link = ""


class DeploymentItem(Item):
    """One revision put into one environment; report it again under the same id when its state changes."""

    external_id: Id
    component: Id
    environment: Id
    revision: Id
    state: DeploymentWord = "succeeded"
    updated_at: Time | None = Field(None, description=UPDATED)
    started_at: Time | None = None
    finished_at: Time | None = None
    deployed_by: Name = ""
    description: Text = ""
    is_rollback: bool = False
    url: Link = ""
    labels: Labels = {}


class Message(Item):
    """One message of a chat prompt."""

    role: ShortWord
    content: str


class PromptVersionItem(Item):
    """Numbered content that never changes: a text or messages. The same number with other content is refused."""

    prompt: Id
    number: Annotated[int, Field(ge=0, lt=2**31)]
    template: str = ""
    messages: list[Message] = Field([], max_length=1000)
    model: dict[str, Any] = Field({}, description="The settings of the model: name, temperature and so on.")
    response_format: dict[str, Any] | None = None
    commit_message: Text = ""
    author: Name = ""
    created_at: Time | None = None
    tags: Labels = {}
    aliases: list[Alias] = Field(
        [], max_length=50, description="Labels of the prompt, such as production, that point here from now on."
    )
    moved_at: Time | None = Field(
        None, description="When the labels in `aliases` were put here. Left out, the moment of the report."
    )
    description: Text = Field("", description="Of the prompt.")
    url: Link = ""
    labels: Labels = {}

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if bool(self.template) == bool(self.messages):
            raise ValueError("give either template or messages")
        return self


class ScoreItem(Item):
    """One number of an evaluation; without `case` it speaks of the whole run."""

    scorer: Id
    value: Finite
    case: Name = ""
    passed: bool | None = None
    count: Annotated[int, Field(ge=1)] = 1
    comment: Text = ""


class EvaluationItem(Item):
    """One execution of a suite against one version of a prompt, or of whatever `subject` names."""

    external_id: Id
    suite: Id
    state: RunWord = "succeeded"
    updated_at: Time | None = Field(None, description=UPDATED)
    started_at: Time | None = None
    finished_at: Time | None = None
    subject: Name = ""
    version: Name = ""
    revision: Name = ""
    judge: Name = Field("", description="The model that scored, with its version.")
    scores: list[ScoreItem] = Field([], max_length=10_000)
    url: Link = ""
    labels: Labels = {}


class SampleItem(Item):
    """Numbers of one series: one `value` (at `at`, else now), or `samples` of [time, value]."""

    name: Id
    external_id: Name = Field("", description="Left out, name and labels are the identity of the series.")
    measure: Annotated[str, StringConstraints(max_length=60)] = Field(
        "", description="An entry of the glossary of measures, such as latency_p95."
    )
    unit: Annotated[str, StringConstraints(max_length=20)] = ""
    kind: Literal["gauge", "counter"] = "gauge"
    value: Finite | None = None
    at: Time | None = None
    samples: list[tuple[Time, Finite]] = Field([], max_length=10_000)
    labels: Labels = {}

    @model_validator(mode="after")
    def _has_numbers(self) -> Self:
        if (self.value is None) == (not self.samples):
            raise ValueError("give either value or samples")
        return self


class AlertItem(Item):
    """An alert as it is now; report it again as resolved when it is over."""

    external_id: Id
    name: Id
    state: Literal["pending", "firing", "resolved"]
    severity: ShortWord = "ticket"
    started_at: Time | None = None
    summary: Text = ""
    url: Link = ""
    labels: Labels = {}


class ChangeItem(Item):
    """Something else that was changed, told once: configuration, a flag, an index, a model, maintenance."""

    external_id: Id
    what: ShortWord = Field(description="A short word: config, flag, index, model, maintenance …")
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    at: Time | None = None
    actor: Name = ""
    detail: Text = ""
    component: Name = ""
    environment: Name = ""
    before: Name = ""
    after: Name = ""
    url: Link = ""
    labels: Labels = {}
