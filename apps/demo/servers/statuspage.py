"""The public status pages of the two model vendors, in the shapes of the API v2 that such pages serve."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from apps.demo.servers.answers import Clock
from apps.demo.servers.gitlab_shapes import stamp
from apps.demo.servers.pages import route, with_etag
from apps.demo.world.dice import DAY, HOUR, World
from apps.demo.world.vendors import Maintenance, Notice, Vendor, maintenances, notices

SHOWN, LOOKS_BACK = 50, 45 * DAY
SUMMARY = {"none": "All Systems Operational", "minor": "Minor Service Outage", "major": "Partial System Outage"}


def create_statuspage(world: World, clock: Clock, vendor: Vendor) -> Starlette:
    """The page of one vendor, open to everybody."""
    pages = {"summary": _summary, "incidents": _incidents, "scheduled-maintenances": _maintenances}
    return Starlette(
        routes=[
            route(f"/api/v2/{path}.json", partial(page, vendor), world, clock, is_open=True)
            for path, page in pages.items()
        ]
    )


def _page(vendor: Vendor, now: int) -> dict[str, Any]:
    url = f"https://status.{vendor.slug}.example"
    return {"id": vendor.slug, "name": vendor.name, "url": url, "time_zone": "Etc/UTC", "updated_at": stamp(now)}


def _summary(vendor: Vendor, world: World, now: int, _request: Request) -> Any:
    is_open = [one for one in notices(world, vendor.slug, now - 2 * HOUR, now) if one.ends_at > now]
    planned = [one for one in maintenances(vendor.slug, now, now) if one.ends_at > now]
    indicator = "none" if not is_open else "major" if any(one.impact == "major" for one in is_open) else "minor"
    return {
        "page": _page(vendor, now),
        "status": {"indicator": indicator, "description": SUMMARY[indicator]},
        "components": [_component(vendor, name, is_open, planned, now) for name, _ in vendor.parts],
        "incidents": [_incident(vendor, one, now) for one in is_open],
        "scheduled_maintenances": [_maintenance(vendor, one, now) for one in planned],
    }  # fmt: skip


def _component(
    vendor: Vendor, name: str, is_open: list[Notice], planned: list[Maintenance], now: int
) -> dict[str, Any]:
    status = next(
        (one.status for one in is_open if one.part == name and _word(one, now) != "monitoring"), "operational"
    )
    if any(one.part == name and one.starts_at <= now for one in planned):
        status = "under_maintenance"
    return {
        "id": f"{vendor.slug}-{name}", "name": name, "status": status, "group": False, "group_id": None,
        "created_at": stamp(1.7e9), "updated_at": stamp(now - now % HOUR), "position": 1, "showcase": True,
    }  # fmt: skip


def _word(notice: Notice, now: int) -> str:
    return [word for at, word, _ in notice.updates if at <= now][-1]


def _incidents(vendor: Vendor, world: World, now: int, request: Request) -> Any:
    found = notices(world, vendor.slug, now - LOOKS_BACK, now)[:SHOWN]
    page = _page(vendor, found[0].ends_at if found else 0)
    return with_etag(request, {"page": page, "incidents": [_incident(vendor, one, now) for one in found]})


def _incident(vendor: Vendor, notice: Notice, now: int) -> dict[str, Any]:
    told = [update for update in notice.updates if update[0] <= now]
    part = {"id": f"{vendor.slug}-{notice.part}", "name": notice.part}
    last, word, _ = told[-1]
    return {
        "id": notice.key, "name": notice.title, "status": word, "impact": notice.impact,
        "created_at": stamp(notice.starts_at), "started_at": stamp(notice.starts_at), "updated_at": stamp(last),
        "resolved_at": stamp(last) if word == "resolved" else None,
        "shortlink": f"https://status.{vendor.slug}.example/incidents/{notice.key}", "components": [part],
        "incident_updates": [
            {"id": f"{notice.key}-{place}", "status": status, "body": body, "created_at": stamp(at),
             "display_at": stamp(at), "updated_at": stamp(at), "incident_id": notice.key, "affected_components": [part]}
            for place, (at, status, body) in reversed(list(enumerate(told)))
        ],
    }  # fmt: skip


def _maintenances(vendor: Vendor, _world: World, now: int, request: Request) -> Any:
    found = maintenances(vendor.slug, now - LOOKS_BACK, now)[:SHOWN]
    told = [_maintenance(vendor, one, now) for one in found]
    return with_etag(request, {"page": _page(vendor, 0), "scheduled_maintenances": told})


def _maintenance(vendor: Vendor, one: Maintenance, now: int) -> dict[str, Any]:
    steps = [("scheduled", one.announced_at), ("in_progress", one.starts_at), ("completed", one.ends_at)]
    told = [(word, at) for word, at in steps if at <= now]
    word, last = told[-1]
    return {
        "id": f"{vendor.slug}-{one.key}", "name": one.title, "status": word, "impact": "maintenance",
        "created_at": stamp(one.announced_at), "updated_at": stamp(last), "scheduled_for": stamp(one.starts_at),
        "scheduled_until": stamp(one.ends_at), "resolved_at": stamp(last) if word == "completed" else None,
        "shortlink": f"https://status.{vendor.slug}.example/incidents/{one.key}",
        "components": [{"id": f"{vendor.slug}-{one.part}", "name": one.part}],
        "incident_updates": [
            {"id": f"{one.key}-{step}", "status": step, "body": one.title, "created_at": stamp(at),
             "display_at": stamp(at), "updated_at": stamp(at), "affected_components": None}
            for step, at in reversed(told)
        ],
    }  # fmt: skip
