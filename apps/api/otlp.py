"""OTLP over HTTP: metrics in protobuf or JSON, answered in the form they came in, errors as google.rpc.Status."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from apps.api.entrance import enter
from apps.api.errors import ApiError, for_machines
from apps.api.numbers import store_numbers
from apps.api.unpacking import MOST_JSON, MOST_UNPACKED, read_packed
from apps.connectors.telemetry.messages import Status
from apps.connectors.telemetry.otlp import decode
from apps.connectors.telemetry.points import UndecodableError

BINARY, JSON = "application/x-protobuf", "application/json"
CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 9, 413: 8, 415: 3, 429: 8, 503: 14}  # of google.rpc.Code
UNKNOWN = 2

View = Callable[..., HttpResponse]


def _in_its_form(view: View) -> View:
    """A refusal as a Status, in the form in which the request came."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ApiError as error:
            status = Status(code=CODES.get(error.status, UNKNOWN), message=error.message)
            response = _answer(status, is_json=request.content_type == JSON, status=error.status)
            for name, value in error.headers.items():
                response[name] = value
            return response

    return answered


@for_machines
@require_POST
@_in_its_form
def metrics(request: HttpRequest, slug: str) -> HttpResponse:
    """Take one export of metrics; what cannot be used is told as a partial success, and nobody sends it again."""
    entry = enter(request, scopes=("push:samples",), slug=slug)
    if request.content_type not in (BINARY, JSON):
        raise ApiError(415, "unsupported_type", f"Send {BINARY} or {JSON}.")
    is_json = request.content_type == JSON
    body = read_packed(request, most=MOST_JSON if is_json else MOST_UNPACKED)
    try:
        decoded = decode(body, is_json=is_json, now=time.time())
    except UndecodableError as error:
        raise ApiError(400, "malformed", str(error)) from None
    reasons = store_numbers(source=entry.source, decoded=decoded, bytes_read=len(body))
    answer = ExportMetricsServiceResponse()
    if reasons:
        answer.partial_success.rejected_data_points = decoded.refused_points
        answer.partial_success.error_message = " ".join(reasons)[:2000]
    return _answer(answer, is_json=is_json, status=HTTPStatus.OK)


def _answer(message: Message, *, is_json: bool, status: int) -> HttpResponse:
    if is_json:
        return HttpResponse(json_format.MessageToJson(message, indent=None), content_type=JSON, status=status)
    return HttpResponse(message.SerializeToString(), content_type=BINARY, status=status)
