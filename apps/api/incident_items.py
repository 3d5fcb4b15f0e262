"""What a machine may say of an incident; the OpenAPI document shows these very classes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from apps.connectors.providers.push.fields import Item, Name, Text, Time

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Slug = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Severity = Literal["sev1", "sev2", "sev3", "sev4"]
Kind = Literal["outage", "degradation", "quality", "safety", "cost", "data", "other"]
State = Literal["investigating", "identified", "monitoring", "resolved", "dismissed"]
Cause = Literal["prompt", "data", "retrieval", "model", "deploy", "config", "capacity", "unknown"]


class IncidentItem(Item):
    """A disruption that people respond to. Times may lie in the past; left out, they are the moment of the request."""

    title: Title
    features: list[Slug] = Field(min_length=1, max_length=200, description="Short names of the catalog.")
    components: list[Slug] = Field([], max_length=200)
    severity: Severity = "sev3"
    kind: Kind = "degradation"
    visibility: Literal["internal", "responders"] = "internal"
    summary: Text = ""
    impact_started_at: Time | None = Field(None, description="As far as people know; the ranking estimates it anew.")
    detected_at: Time | None = None
    acknowledged_at: Time | None = None
    mitigated_at: Time | None = None
    resolved_at: Time | None = None


class IncidentChangeItem(Item):
    """What is different now; what is left out stays. `state` moves it, with the clocks that go with the state."""

    title: Title | None = None
    features: list[Slug] | None = Field(None, min_length=1, max_length=200)
    components: list[Slug] | None = Field(None, max_length=200)
    severity: Severity | None = None
    kind: Kind | None = None
    visibility: Literal["internal", "responders"] | None = None
    summary: Text | None = None
    cause_class: Cause | None = None
    state: State | None = None
    note: Text = Field("", description="Why the state moves; it stands on the timeline.")
    impact_started_at: Time | None = None
    detected_at: Time | None = None
    acknowledged_at: Time | None = None
    mitigated_at: Time | None = None
    resolved_at: Time | None = None


class EntryItem(Item):
    """Something for the timeline."""

    text: Words
    kind: Literal["note", "symptom", "finding", "decision", "action"] = "note"
    at: Time | None = None
    until: Time | None = None
    is_pinned: bool = False


class UpdateItem(Item):
    """What everybody is told, in plain words; `brief` is one sentence for those who read nothing else."""

    text: Words
    brief: Annotated[str, StringConstraints(max_length=300)] = ""
    at: Time | None = None


class VerdictItem(Item):
    """What a person found out about a suspect, by its key."""

    suspect: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    verdict: Literal["cause", "contributed", "cleared"]
    note: Text = ""


class SourceItem(Item):
    """A system that reports by itself."""

    name: Name = ""


ITEMS = (IncidentItem, IncidentChangeItem, EntryItem, UpdateItem, VerdictItem, SourceItem)
EXAMPLES = {
    IncidentItem: {
        "title": "Answers cite the wrong documents",
        "features": ["search-answers"],
        "severity": "sev2",
        "impact_started_at": "2026-11-24T13:05:00Z",
        "detected_at": "2026-11-24T14:12:00Z",
    },
    IncidentChangeItem: {"state": "resolved", "cause_class": "prompt", "note": "Rolled back to v12."},
    EntryItem: {"text": "Support reports wrong refund dates.", "kind": "symptom", "at": "2026-11-24T14:02:00Z"},
    UpdateItem: {"text": "We know the cause and are taking the change back.", "brief": "Fix under way."},
    VerdictItem: {"suspect": "event-4711", "verdict": "cause", "note": "v13 asked to be reassuring."},
    SourceItem: {"name": "CI"},
}  # fmt: skip
