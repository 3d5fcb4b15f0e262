"""Monitors and alerts for machines: lists, single ones, setting a monitor, acknowledging an alert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.models import ApiToken
from apps.api.document import Api, described
from apps.api.entrance import let_in
from apps.api.errors import ApiError
from apps.api.reading import read_body, read_object
from apps.metrics.models import Series
from apps.monitors import queries, services
from apps.monitors.models import Alert, Monitor
from apps.monitors.rules import KINDS, ParameterError, make_rule

PAGE: Final = 100
_SEVERITIES: Final = ("critical", "warning", "info")
_EXAMPLE: Final = {
    "name": "Answers are slow",
    "series": 42,
    "kind": "threshold",
    "parameters": {"direction": "above", "alert": 3.0, "warn": 2.5, "minutes": 15},
    "severity": "critical",
    "renotify_minutes": 60,
}


def add_to(api: Api) -> None:
    """Give the API its addresses."""
    for path, name, summary, view in (
        ("/monitors", "list-monitors", "List monitors", list_monitors),
        ("/monitors/{pk}", "get-monitor", "One monitor", get_monitor),
        ("/alerts", "list-alerts", "List alerts, newest first", list_alerts),
        ("/alerts/{pk}", "get-alert", "One alert with the rule that broke", get_alert),
    ):
        add_address(api.get, path, name, summary, view, ("read",))
    add_address(api.post, "/monitors", "set-monitor", "Set a monitor", set_monitor, ("watch",), body=_EXAMPLE)
    path, summary = "/alerts/{pk}/acknowledge", "Say that you look at an alert"
    add_address(api.post, path, "acknowledge-alert", summary, acknowledge, ("watch",), body={"note": "Rolling back"})


def list_monitors(request: HttpRequest, after: int = 0) -> dict[str, Any]:
    """At most a hundred a page, by number; `next` is the `after` of the next page."""
    return _page(request, queries.monitors().order_by("pk"), after, _monitor)


def get_monitor(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Its rule, its state, why."""
    return _monitor(request, the_one(queries.monitors(), pk))


def list_alerts(request: HttpRequest, before: int = 0, open_only: bool = False) -> dict[str, Any]:
    """At most a hundred a page, newest first; `next` is the `before` of the next page."""
    rows = queries.alerts().order_by("-pk")
    if before > 0:
        rows = rows.filter(pk__lt=before)
    if open_only:
        rows = rows.filter(resolved_at=None)
    found = list(rows[:PAGE])
    items = [_alert(request, one) for one in found]
    return {"items": items, "next": found[-1].pk if len(found) == PAGE else None}


def get_alert(request: HttpRequest, pk: int) -> dict[str, Any]:
    """The alert with the rule and its inputs as they were when it opened."""
    alert = the_one(queries.alerts().defer(None), pk)
    return _alert(request, alert) | {"inputs": alert.inputs, "labels": alert.labels}


def set_monitor(request: HttpRequest) -> dict[str, Any]:
    """A new monitor; the parameters are those of its kind."""
    token, given = token_of(request), read_object(read_body(request))
    series = Series.objects.filter(pk=whole(given, "series")).select_related("feature", "source").first()
    if series is None:
        raise ApiError(422, "invalid", "No series has this number.", field="series")
    kind, parameters, severity = given.get("kind"), given.get("parameters", {}), given.get("severity", "warning")
    if not isinstance(kind, str) or kind not in KINDS or not isinstance(parameters, dict):
        raise ApiError(422, "invalid", f"The kind is one of {', '.join(KINDS)}, with its parameters.", field="kind")
    known = {one.name for one in KINDS[kind].parameters}
    if unknown := sorted(set(map(str, parameters)) - known):
        raise ApiError(422, "invalid", f"This kind has no parameter {unknown[0][:40]}.", field="parameters")
    try:
        make_rule(kind, parameters)
    except (ParameterError, ValueError) as error:
        raise ApiError(422, "invalid", f"{str(error).rstrip('.')}.", field="parameters") from None
    name = str(given.get("name", "")).strip()
    if not 0 < len(name) <= 120 or "\x00" in name or severity not in _SEVERITIES:
        raise ApiError(422, "invalid", "It needs a name of up to 120 characters and a known severity.", field="name")
    monitor = services.create_monitor(
        actor=token.user,
        series=series,
        at=timezone.now(),
        name=name,
        kind=kind,
        parameters=parameters,
        severity=severity,
        renotify_minutes=whole(given, "renotify_minutes", 0),
    )
    return _monitor(request, the_one(queries.monitors(), monitor.pk))


def acknowledge(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Repeating it changes nothing; what is over stays as it is."""
    token, given = token_of(request), read_object(read_body(request))
    the_one(Alert.objects.all(), pk)
    note = str(given.get("note", ""))[:1000].replace("\x00", "")
    services.acknowledge_alert(alert_id=pk, actor=token.user, note=note, at=timezone.now())
    return _alert(request, the_one(queries.alerts(), pk))


def add_address(
    register: Any,
    path: str,
    name: str,
    summary: str,
    view: Callable[..., Any],
    scopes: tuple[str, ...],
    *,
    body: dict[str, Any] | None = None,
) -> None:
    """One address with its scopes, and how the documentation tells of it."""
    extra = described(*scopes, answer="object")
    if body is not None:
        content = {"application/json": {"schema": {"type": "object"}, "example": body}}
        extra["requestBody"] = {"required": name != "acknowledge-alert", "content": content}
    register(
        path,
        auth=lambda request: let_in(request, scopes=scopes),
        url_name=name,
        operation_id=name,
        summary=summary,
        description=(view.__doc__ or "").split("\n")[0],
        openapi_extra=extra,
    )(view)


def token_of(request: HttpRequest) -> ApiToken:
    """The token that was let in."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # what let_in returned
    return token


def the_one(rows: QuerySet[Any], pk: int) -> Any:
    """The row with this number; 404 with a sentence when there is none."""
    found = rows.filter(pk=pk).first() if 0 < pk < 2**63 else None
    if found is None:
        raise ApiError(404, "not_found", "Nothing has this number; it may have been removed.")
    return found


def whole(given: dict[str, Any], name: str, default: int | None = None) -> int:
    """A whole number out of a body; 422 for anything else."""
    value = given.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ApiError(422, "invalid", f"{name} is a whole number.", field=name)
    return value


def _page(
    request: HttpRequest, rows: QuerySet[Any], after: int, shape: Callable[[HttpRequest, Any], dict[str, Any]]
) -> dict[str, Any]:
    found = list(rows.filter(pk__gt=max(0, min(after, 2**62)))[:PAGE])
    return {"items": [shape(request, one) for one in found], "next": found[-1].pk if len(found) == PAGE else None}


def _monitor(request: HttpRequest, one: Monitor) -> dict[str, Any]:
    return {
        "id": one.pk,
        "name": one.name,
        "series": {"id": one.series_id, "name": one.series.name},
        "feature": one.series.feature.slug if one.series.feature else None,
        "kind": one.kind,
        "parameters": one.parameters,
        "severity": one.severity,
        "renotify_minutes": one.renotify_minutes,
        "is_enabled": one.is_enabled,
        "state": one.condition.state,
        "why": one.condition.why,
        "value": one.condition.value,
        "evaluated_at": iso(one.condition.evaluated_at),
        "url": address_of(request, one),
    }


def _alert(request: HttpRequest, one: Alert) -> dict[str, Any]:
    return {
        "id": one.pk,
        "name": one.name,
        "state": one.state,
        "severity": one.severity,
        "summary": one.summary,
        "feature": one.feature.slug if one.feature else None,
        "source": one.source.slug,
        "monitor": one.monitor_id,
        "opened_at": iso(one.opened_at),
        "resolved_at": iso(one.resolved_at),
        "acknowledged_at": iso(one.acknowledged_at),
        "acknowledged_by": one.acknowledged_by,
        "url": address_of(request, one),
    }


def iso(at: datetime | None) -> str | None:
    """A time as the API writes it."""
    return at.isoformat() if at else None


def address_of(request: HttpRequest, one: Model) -> str:
    """The page for people."""
    return request.build_absolute_uri(one.get_absolute_url())  # type: ignore[attr-defined]
