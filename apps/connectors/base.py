"""The contract of a connector: fields for the form, a probe for the button, a fetch for the poll."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from apps.connectors.gating import GateAnswer, GateQuestion
from apps.connectors.http import Http
from apps.connectors.records import Batch, Kind, MoveLabel, WriteVersion
from apps.connectors.webhook import Webhook


class FieldType(StrEnum):
    TEXT = "text"
    URL = "url"
    SECRET = "secret"  # noqa: S105 - a kind of input, not a password
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    LINES = "lines"  # one entry a line -> list[str]
    YAML = "yaml"  # a small document -> JSON types


class Group(StrEnum):
    """What a connector is chosen for; the headings of the “connect a source” page, in this order."""

    PIPELINES = "Pipelines"
    DEPLOYMENTS = "Deployments"
    PROMPTS = "Prompts and evaluations"
    METRICS = "Metrics and alerts"
    VENDORS = "Vendors"
    OTHER = "Anything else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input of a source's form. `name` is the key in `config` (or in `secrets` when SECRET)."""

    name: str
    label: str
    type: FieldType = FieldType.TEXT
    help: str = ""
    required: bool = True
    default: Any = None
    choices: tuple[tuple[str, str], ...] = ()
    placeholder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One right the connector needs at the source, and whether the probe found it granted."""

    name: str
    why: str
    is_granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The answer of **Test connection**: `sentence` in plain words ("Prometheus 3.1 answers; 214 series match")."""

    sentence: str
    version: str = ""
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """How far a backfill has come: `sentence` in plain words; `share` of it from 0 to 1, None where nobody can know."""

    sentence: str
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a source would bring: one page of it, mapped and not stored.

    `sample` is the source's own first item, or what it sent when nothing was found in it; `remark` says in sentences
    what is odd; no secret may be in any of them.
    """

    batch: Batch
    sample: Any = None
    remark: str = ""
    has_more: bool = False


class Connector(ABC):
    """One configured conversation with one external system. Made anew for every poll; keeps no state."""

    key: ClassVar[str]  # "prometheus"
    name: ClassVar[str]  # "Prometheus"
    summary: ClassVar[str]  # one line for the "add a source" page
    kinds: ClassVar[frozenset[Kind]]
    fields: ClassVar[tuple[Field, ...]]
    group: ClassVar[Group] = Group.OTHER  # what it is chosen for
    default_interval: ClassVar[int] = 30  # seconds
    webhook: ClassVar[Webhook | None] = None  # how it can ring us, if it can
    is_polled: ClassVar[bool] = True  # False: it is told, and never asks
    has_preview: ClassVar[bool] = False  # whether `preview` shows records before the source is saved
    moves_labels: ClassVar[bool] = False  # whether `push` can carry an approved change out there
    writes_versions: ClassVar[bool] = False  # whether `write` can add a version of a prompt there
    docs: ClassVar[str] = ""  # "docs/connectors/prometheus.md"

    def __init__(self, *, config: Mapping[str, Any], secrets: Mapping[str, str], http: Http) -> None:
        """Raises ConfigError when the stored configuration cannot work (any more)."""
        self.config = self.clean(config)
        self.secrets = secrets
        self.http = http
        http.protect(secrets.values())

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """`config` checked and completed with defaults; raises ConfigError naming the field."""
        return dict(config)

    @classmethod
    def progress(cls, cursor: Mapping[str, Any]) -> Backfill | None:  # noqa: ARG003 - for those that override it
        """How far the reading of the past has come, out of a stored cursor alone; None when that does not say."""
        return None

    @abstractmethod
    async def probe(self) -> Probe:
        """Ask the source who it is and what we may read; raises SourceError."""

    async def preview(self) -> Preview:
        """One page as it would be read, for **Preview** on the form; raises SourceError. Only with `has_preview`."""
        raise NotImplementedError

    async def answer(self, question: GateQuestion, told: GateAnswer, *, at: datetime) -> None:
        """Tell the source whether it may deploy. It may be told twice, so that must be safe.

        Raises SourceError, AnswerRefusedError when no answer is wanted any more. Only where a webhook asks.
        """
        raise NotImplementedError

    @abstractmethod
    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        """Everything new since `cursor` ({} at first); raises SourceError. Idempotent by external id."""

    async def push(self, move: MoveLabel) -> None:
        """Move a label there, unless it points at neither end of the move; raises SourceError. With `moves_labels`."""
        raise NotImplementedError

    async def write(self, version: WriteVersion) -> None:
        """Add a version there unless its marker is there already; raises SourceError. With `writes_versions`."""
        raise NotImplementedError
