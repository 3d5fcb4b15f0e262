"""The body of a request: capped before anything is read into memory, and JSON without surprises."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.api.errors import TOO_LARGE, ApiError
from apps.connectors.body import parse_json
from apps.connectors.errors import SourceError

MOST_BYTES = 2**20
MOST_ITEMS = 1_000


def read_body(request: HttpRequest, *, most_bytes: int = MOST_BYTES) -> bytes:
    """The raw body; raises ApiError 413 above the cap, whether the length was announced or not."""
    announced = request.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise TOO_LARGE
    body = request.read(most_bytes + 1)
    if len(body) > most_bytes:
        raise TOO_LARGE
    return body


def read_object(body: bytes) -> dict[str, Any]:
    """The body as one JSON object, {} where it is empty; raises ApiError 400 or 422."""
    try:
        value = parse_json(body) if body.strip() else {}
    except SourceError as error:
        raise ApiError(400, "malformed", error.message.replace("The answer", "The body", 1)) from None
    if not isinstance(value, dict):
        raise ApiError(422, "invalid", "Send one JSON object.")
    return value


def read_items(body: bytes) -> list[Any]:
    """The entries of {"items": […]}; raises ApiError 400 for what is no JSON, 422 for another shape."""
    try:
        value = parse_json(body)
    except SourceError as error:
        raise ApiError(400, "malformed", error.message.replace("The answer", "The body", 1)) from None
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise ApiError(422, "invalid", 'Send {"items": [ … ]}, one entry for each thing you report.', field="items")
    if not items or len(items) > MOST_ITEMS:
        raise ApiError(422, "invalid", f"Send from 1 to {MOST_ITEMS:,} items at once.", field="items")
    return items
