"""CloudEvents over HTTP, in all three modes, read with the project's own SDK after a strict look at the JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_binary_event
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat

from apps.connectors.body import parse_json
from apps.connectors.errors import SourceError
from apps.connectors.values import first_line

BATCH, STRUCTURED = "application/cloudevents-batch+json", "application/cloudevents+json"
MOST_EVENTS = 500
_BAD = (BaseCloudEventException, ValueError, TypeError, AttributeError, KeyError, OverflowError)


class NoEventError(ValueError):
    """The request holds no usable CloudEvents; the text says why."""


def read_events(headers: Mapping[str, str], body: bytes) -> list[BaseCloudEvent]:
    """The events of a request, one but for a batch; raises NoEventError. `headers` have names in lowercase."""
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == BATCH:
        values = _json(body)
        if not isinstance(values, list) or len(values) > MOST_EVENTS:
            raise NoEventError(f"A batch is a JSON list of up to {MOST_EVENTS} events.")
        return [_structured(value) for value in values]
    if kind == STRUCTURED:
        return [_structured(_json(body))]
    if "ce-specversion" in headers:
        return [_binary(headers, body, kind)]
    raise NoEventError(f"This is no CloudEvent: send {STRUCTURED}, {BATCH}, or the headers ce-id, ce-source, ce-type.")


def _structured(value: Any) -> BaseCloudEvent:
    if not isinstance(value, dict):
        raise NoEventError("An event is a JSON object.")
    try:
        return JSONFormat().read(None, orjson.dumps(value))
    except _BAD as error:
        raise _unusable(error) from None


def _binary(headers: Mapping[str, str], body: bytes, kind: str) -> BaseCloudEvent:
    if body and (kind.endswith("json") or not kind):
        body = orjson.dumps(_json(body))
    wanted = {name: value for name, value in headers.items() if name.startswith("ce-") or name == "content-type"}
    try:
        return from_binary_event(HTTPMessage(headers=wanted, body=body))
    except _BAD as error:
        raise _unusable(error) from None


def _unusable(error: Exception) -> NoEventError:
    reason = first_line(str(error))[:300].rstrip(".") or type(error).__name__
    return NoEventError(f"An event is not a valid CloudEvent: {reason}.")


def _json(body: bytes) -> Any:
    try:
        return parse_json(body)
    except SourceError as error:
        raise NoEventError(error.message.replace("The answer", "The body", 1)) from None
