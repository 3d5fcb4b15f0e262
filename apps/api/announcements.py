"""CloudEvents with CDEvents in them, and notifications of Alertmanager: other systems' words, stored as reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts import services as accounts
from apps.accounts.models import ApiToken
from apps.api.entrance import enter
from apps.api.errors import ApiError, for_machines
from apps.api.nouns import NOUNS
from apps.api.reading import MOST_ITEMS, read_body
from apps.api.repeating import Answer
from apps.api.storing import report
from apps.connectors.body import parse_json
from apps.connectors.cdevents import Said, read_event
from apps.connectors.cloud_events import NoEventError, read_events
from apps.connectors.errors import SourceError
from apps.connectors.providers.alertmanager.notification import alert_items
from apps.sources.models import Source

BY_PATH = {noun.path: noun for noun in NOUNS}
ORDER = ("runs", "task-runs", "deployments", "changes")  # parents before children
SCOPES = ("push:changes", "push:runs", "push:deployments")


@for_machines
@require_POST
def events(request: HttpRequest, slug: str) -> HttpResponse:
    """Take one CloudEvent or a batch; all of it is stored in one transaction, what cannot be is refused alone."""
    entry = enter(request, scopes=SCOPES, slug=slug)
    body = read_body(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        found = read_events(headers, body)
    except NoEventError as error:
        raise ApiError(400, "malformed", str(error)) from None
    said = [read_event(event, now=timezone.now()) for event in found]
    _check_scopes(entry.token, said)
    return _store(entry.source, said, len(body)).response()


@for_machines
@require_POST
def alertmanager(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a notification: every alert in it as it is now, firing or resolved."""
    entry = enter(request, scopes=("push:alerts",), slug=slug)
    body = read_body(request)
    try:
        message = parse_json(body)
    except SourceError as error:
        raise ApiError(400, "malformed", error.message.replace("The answer", "The body", 1)) from None
    items = alert_items(message) if isinstance(message, dict) else []
    if not 0 < len(items) <= MOST_ITEMS:
        text = f"This is no notification of Alertmanager: it has a list “alerts” of 1 to {MOST_ITEMS:,}."
        raise ApiError(422, "invalid", text, field="alerts")
    return report(source=entry.source, noun=BY_PATH["alerts"], items=items, bytes_read=len(body)).response()


def _check_scopes(token: ApiToken, said: Iterable[Said]) -> None:
    for scope in sorted({BY_PATH[one.path].scope for one in said}):
        if not accounts.may_use(token=token, scope=scope):
            raise ApiError(403, "forbidden", f"This token lacks the scope {scope}, which one of these events needs.")


def _store(source: Source, said: Iterable[Said], bytes_read: int) -> Answer:
    """One report a kind. What a batch says of one thing is put together first, oldest first."""
    things: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for one in sorted(said, key=lambda one: str(one.item.get("updated_at", ""))):
        together = things.setdefault(one.path, {})
        together[one.key] = {**together.get(one.key, {}), **one.item}
    results: list[Any] = []
    counts: dict[str, int] = {}
    status = 200
    with transaction.atomic():
        for path in sorted(things, key=ORDER.index):
            items = list(things[path].values())
            answer = report(source=source, noun=BY_PATH[path], items=items, bytes_read=bytes_read)
            told = parse_json(answer.body.encode())
            bytes_read, status = 0, max(status, answer.status)
            results += [{**one, "kind": path, "index": len(results) + one["index"]} for one in told["results"]]
            counts = {name: counts.get(name, 0) + count for name, count in told["counts"].items()}
    return Answer.of(status, {"results": results, "counts": counts})
