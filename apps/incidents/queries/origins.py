"""Where each suspect came from: the source and its own id there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.deployments.models import Deployment
from apps.events.models import Event
from apps.incidents.suspects.facts import Suspect
from apps.monitors.models import Alert
from apps.pipelines.models import Pipeline, Run
from apps.prompts.models import Prompt
from apps.sources.models import Source


@dataclass(frozen=True, slots=True)
class Origin:
    """The source's slug, the id under which it knows the thing, and what the ledger keeps of it."""

    source: str = ""
    external_id: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def origins_of(suspects: Iterable[Suspect]) -> dict[str, Origin]:
    """By the key of the suspect; seven queries at most."""
    candidates = [one.candidate for one in suspects]
    events = Event.objects.in_bulk([one.event_id for one in candidates if one.event_id])
    ids = _ids([one.key for one in candidates])
    slugs = dict(Source.objects.values_list("pk", "slug"))
    names = {
        **_external(Deployment, "deployment", ids),
        **_external(Run, "run", ids),
        **_external(Alert, "alert", ids),
        **_external(Pipeline, "late", ids),
    }
    prompts = Prompt.objects.in_bulk(
        {event.data["prompt_id"] for event in events.values() if "prompt_id" in event.data}
    )
    found = {}
    for one in candidates:
        event = events.get(one.event_id or 0)
        kind, number = _parsed(one.key)
        source_id, external_id = names.get((kind, number), (event.source_id if event else None, ""))
        if event is not None and not external_id:
            external_id = _of_event(event, prompts)
        found[one.key] = Origin(slugs.get(source_id or 0, ""), external_id, event.data if event else {})
    return found


def _parsed(key: str) -> tuple[str, int]:
    kind, number, *_ = key.split("-")
    return kind, int(number)


def _ids(keys: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for kind, number in map(_parsed, keys):
        found.setdefault(kind, []).append(number)
    return found


def _external(model: Any, kind: str, ids: dict[str, list[int]]) -> dict[tuple[str, int], tuple[int, str]]:
    if kind not in ids:
        return {}
    rows = model.objects.filter(pk__in=ids[kind]).values_list("pk", "source_id", "external_id")
    return {(kind, pk): (source, external_id) for pk, source, external_id in rows}


def _of_event(event: Event, prompts: dict[int, Prompt]) -> str:
    """A label move is named by the version that it went to; a reported change carries its id in the key."""
    if prompt := prompts.get(event.data.get("prompt_id", 0)):
        return f"{prompt.external_id}:{event.data.get('to')}"
    prefix = f"change:{event.source_id}:"
    key = event.dedupe_key or ""
    return key.removeprefix(prefix) if key.startswith(prefix) else ""
