"""The JSON Schema of a catalog file; `docs/catalog.md` says the same in words."""

from __future__ import annotations

from typing import Any, Final

SLUG_PATTERN: Final = r"^[-a-zA-Z0-9_]+$"
KINDS: Final = (
    "service", "pipeline", "prompt", "model", "index", "cache", "datastore", "evaluation_suite", "gateway",
    "client_app", "provider",
)  # fmt: skip

SLUG: Final[dict[str, Any]] = {"type": "string", "pattern": SLUG_PATTERN, "maxLength": 80}
MAYBE_SLUG: Final[dict[str, Any]] = SLUG | {"type": ["string", "null"]}
NAME: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 120}
ADDRESS: Final[dict[str, Any]] = {"type": "string", "pattern": r"^(https?://\S+)?$", "maxLength": 200}
TEXT: Final[dict[str, Any]] = {"type": "string", "maxLength": 200}


def _entry(required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def _list(entry: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": entry}


def _section(entry: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": entry}  # a heading with nothing below it is fine


TEAM = _entry(["slug", "name"], slug=SLUG, name=NAME, channel=TEXT, on_call=TEXT, time_zone=TEXT, timezone=TEXT)
ENVIRONMENT = _entry(
    ["slug", "name"],
    slug=SLUG,
    name=NAME,
    rank={"type": "integer", "minimum": 0, "maximum": 32_767},
    is_production={"type": "boolean"},
)
PROMISE = _entry(
    ["measure"],
    measure={"type": "string", "pattern": SLUG_PATTERN, "maxLength": 60},
    at_most={"type": "number"},
    at_least={"type": "number"},
    fails_at={"type": ["number", "null"]},
    window_minutes={"type": "integer", "minimum": 1, "maximum": 10_080},
    label={"type": "string", "maxLength": 120},
)
FEATURE = _entry(
    ["slug", "name"],
    slug=SLUG,
    name=NAME,
    summary=TEXT,
    team=MAYBE_SLUG,
    tier={"type": "integer", "minimum": 1, "maximum": 4},
    runbook_url=ADDRESS,
    channel=TEXT,
    promises=_list(PROMISE),
    is_demo={},  # said by some files, decided by the command alone
)
FRESHNESS = _entry(
    [],
    warn_after_hours={"type": ["number", "null"], "minimum": 0},
    fail_after_hours={"type": ["number", "null"], "minimum": 0},
    due_by={"type": "string", "maxLength": 100},
    time_zone=TEXT,
) | {"type": ["object", "null"]}
COMPONENT = _entry(
    ["slug", "name", "kind"],
    slug=SLUG,
    name=NAME,
    kind={"type": "string", "enum": list(KINDS)},
    feature=MAYBE_SLUG,
    team=MAYBE_SLUG,
    url=ADDRESS,
    external_names=_list({"type": "string", "minLength": 1, "maxLength": 300}),
    is_critical={"type": "boolean"},
    freshness=FRESHNESS,
)
DEPENDENCY = _entry(["from", "to"], **{"from": SLUG, "to": SLUG})

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "OpsPortal catalog",
} | _entry(
    [],
    teams=_section(TEAM),
    environments=_section(ENVIRONMENT),
    features=_section(FEATURE),
    components=_section(COMPONENT),
    dependencies=_section(DEPENDENCY),
)
