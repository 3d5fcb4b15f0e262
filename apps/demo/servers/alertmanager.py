"""An Alertmanager with the alerts of what lies below the features; it routes them, and knows who silenced what."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from apps.demo.servers.answers import Clock, json_answer
from apps.demo.servers.gitlab_shapes import stamp
from apps.demo.servers.pages import route
from apps.demo.servers.selectors import SelectorError, parse_selector
from apps.demo.world.dice import DAY, HOUR, MINUTE, World
from apps.demo.world.duty import Duty, Silence, duties_at, silences

KEPT = 5 * DAY  # for which ended silences are remembered
RECEIVERS = {"page": "platform-pager", "ticket": "platform-tickets", "info": "platform-chat"}


def create_alertmanager(world: World, clock: Clock) -> Starlette:
    """The application, to be mounted where Alertmanager's pages would open; it asks nobody for a key."""
    pages = {"status": _status, "alerts": _alerts, "silences": _silences}
    return Starlette(
        routes=[route(f"/api/v2/{path}", page, world, clock, is_open=True) for path, page in pages.items()]
    )


def _status(world: World, _now: int, _request: Request) -> Any:
    return {
        "cluster": {"status": "disabled", "peers": []}, "config": {"original": ""},
        "uptime": stamp(world.starts_at), "versionInfo": {"version": "0.28.1"},
    }  # fmt: skip


def _alerts(world: World, now: int, request: Request) -> Any:
    quiet = [one for one in silences(world, now - KEPT, now) if one.ends_at > now]
    found = [_alert(duty, quiet, now) for duty in duties_at(world, now)]
    try:
        wanted = [
            matcher for text in request.query_params.getlist("filter") for matcher in parse_selector(f"{{{text}}}")
        ]
    except SelectorError as error:
        return json_answer(f"bad matcher format: {error}", 400)
    return [alert for alert in found if all(matcher.accepts(alert["labels"]) for matcher in wanted)]


def _alert(duty: Duty, quiet: list[Silence], now: int) -> dict[str, Any]:
    labels = {"alertname": duty.name, "environment": "production", "severity": duty.severity, **dict(duty.labels)}
    about = f"{duty.name}/{sorted(duty.labels)}"
    silenced = [one.key for one in quiet if one.alert == duty.name and one.component == labels["component"]]
    return {
        "fingerprint": blake2b(about.encode(), digest_size=8).hexdigest(), "labels": labels,
        "annotations": {
            "summary": duty.summary,
            "runbook_url": f"https://wiki.fernway.example/runbooks/{labels['component']}",
        },
        "startsAt": stamp(duty.starts_at), "endsAt": stamp(now + 4 * MINUTE), "updatedAt": stamp(now - now % MINUTE),
        "status": {
            "state": "suppressed" if silenced else "active", "silencedBy": silenced, "inhibitedBy": [], "mutedBy": [],
        },
        "receivers": [{"name": RECEIVERS[duty.severity]}], "generatorURL": "",
    }  # fmt: skip


def _silences(world: World, now: int, _request: Request) -> Any:
    return [_silence(one, now) for one in silences(world, now - KEPT - DAY - HOUR, now)]


def _silence(one: Silence, now: int) -> dict[str, Any]:
    is_over = now >= one.ends_at
    matchers = {"alertname": one.alert, "component": one.component}
    return {
        "id": one.key, "status": {"state": "expired" if is_over else "active"}, "comment": one.comment,
        "createdBy": one.by, "startsAt": stamp(one.starts_at), "endsAt": stamp(one.ends_at),
        "updatedAt": stamp(one.starts_at),
        "matchers": [
            {"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in matchers.items()
        ],
    }  # fmt: skip
