"""Which rows of the ledger are worth a mark on a chart, and what kind of change each is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from apps.core.ui.charts import MarkKind


class MarkFamily(StrEnum):
    """What people tick to see it on a chart; the order is that of the page."""

    DEPLOYMENT = "deployment"
    PROMPT = "prompt"
    MODEL = "model"
    INDEX = "index"
    CONFIGURATION = "configuration"
    PIPELINE = "pipeline"
    PROVIDER = "provider"
    MAINTENANCE = "maintenance"
    INCIDENT = "incident"


class Look(NamedTuple):
    """How a family is called and drawn."""

    label: str
    mark: MarkKind


LOOKS: Final[dict[MarkFamily, Look]] = {
    MarkFamily.DEPLOYMENT: Look("Deployments", "deploy"),
    MarkFamily.PROMPT: Look("Prompts", "prompt"),
    MarkFamily.MODEL: Look("Models", "deploy"),
    MarkFamily.INDEX: Look("Indexes", "deploy"),
    MarkFamily.CONFIGURATION: Look("Configuration", "config"),
    MarkFamily.PIPELINE: Look("Failed pipelines", "alert"),
    MarkFamily.PROVIDER: Look("Provider trouble", "incident"),
    MarkFamily.MAINTENANCE: Look("Maintenance and freezes", "config"),
    MarkFamily.INCIDENT: Look("Incidents", "incident"),
}
TROUBLES: Final = (  # kinds that nobody changed and that still explain a bend
    "pipelines:run:failed",
    "pipelines:run:crashed",
    "pipelines:punctuality:missed",
)
INCIDENTS: Final = "incidents:incident:"
CHANGES: Final = frozenset(MarkFamily) - {MarkFamily.PIPELINE, MarkFamily.PROVIDER, MarkFamily.INCIDENT}
_STARTED: Final = "deployments:deployment:started"  # the outcome follows and gets the mark
_BACK: Final = ("rolled-back", "rolled back")
_BY_COMPONENT: Final = {"model": MarkFamily.MODEL, "index": MarkFamily.INDEX, "prompt": MarkFamily.PROMPT}
_BY_WORD: Final = {
    "model": MarkFamily.MODEL,
    "embedder": MarkFamily.MODEL,
    "index": MarkFamily.INDEX,
    "prompt": MarkFamily.PROMPT,
    "maintenance": MarkFamily.MAINTENANCE,
    "silence": MarkFamily.MAINTENANCE,
    "incident": MarkFamily.PROVIDER,
    "release": MarkFamily.DEPLOYMENT,
}


def family_of(kind: str, *, what: str = "", component_kind: str = "", is_change: bool = True) -> MarkFamily | None:
    """The family of an event, None when it gets no mark; `what` is the word of a reported change."""
    app = kind.partition(":")[0]
    if kind in TROUBLES:
        return MarkFamily.PIPELINE
    if kind.startswith(INCIDENTS):
        return MarkFamily.INCIDENT
    if not is_change or kind == _STARTED:
        return None
    if kind.startswith("deployments:freeze:"):
        return MarkFamily.MAINTENANCE
    if app == "prompts":
        return MarkFamily.PROMPT
    if app in ("deployments", "health"):
        return _BY_COMPONENT.get(component_kind, MarkFamily.DEPLOYMENT)
    return _BY_WORD.get(what.casefold()) or _BY_COMPONENT.get(component_kind, MarkFamily.CONFIGURATION)


def is_rollback(kind: str, title: str) -> bool:
    """Whether it brought back something earlier."""
    return any(word in text for word in _BACK for text in (kind, title))


def is_sequel(family: MarkFamily, *, before: str, after: str) -> bool:
    """Whether it goes on with trouble of a provider or with maintenance that has a mark already, or will get one."""
    if family is MarkFamily.PROVIDER:
        return bool(before)
    return family is MarkFamily.MAINTENANCE and after in ("announced", "finished")


def chosen(asked: Iterable[str]) -> frozenset[MarkFamily]:
    """The families that an address asks for: all of them unless it names some; "none" is none."""
    words = {word.strip() for text in asked for word in text.split(",")} - {""}
    known = frozenset(family for family in MarkFamily if family in words)
    return known if known or "none" in words else frozenset(MarkFamily)


def toggled(shown: frozenset[MarkFamily], family: MarkFamily) -> str:
    """What an address says when `family` is switched: "" for all, "none", or the names."""
    now = shown ^ {family}
    if now == frozenset(MarkFamily):
        return ""
    return ",".join(one for one in MarkFamily if one in now) or "none"
