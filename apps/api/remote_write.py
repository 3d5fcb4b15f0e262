"""Prometheus remote write, versions 1 and 2. A 4xx makes Prometheus drop the samples, a 5xx or 429 makes it wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from apps.api.entrance import enter
from apps.api.errors import ApiError, for_machines
from apps.api.numbers import store_numbers
from apps.api.reading import read_body
from apps.api.unpacking import MOST_PACKED, MOST_UNPACKED
from apps.connectors.telemetry.points import UndecodableError
from apps.connectors.telemetry.remote_write import decode, decompress

TWO = "io.prometheus.write.v2.Request"
WRITTEN = "X-Prometheus-Remote-Write-{}-Written"


def _in_words(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A refusal as one line of text: it goes into Prometheus' log."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ApiError as error:
            headers = error.headers
            return HttpResponse(
                f"{error.message}\n", status=error.status, headers=headers, content_type="text/plain; charset=utf-8"
            )

    return answered


@for_machines
@require_POST
@_in_words
def write(request: HttpRequest, slug: str) -> HttpResponse:
    """Take one batch: 204 when it is stored, 400 with the reason when some of it never can be."""
    entry = enter(request, scopes=("push:samples",), slug=slug)
    version = 2 if TWO in request.headers.get("Content-Type", "") else 1
    if request.content_type not in ("application/x-protobuf", ""):
        raise ApiError(415, "unsupported_type", "Send application/x-protobuf, compressed with snappy.")
    body = read_body(request, most_bytes=MOST_PACKED)
    try:
        decoded = decode(decompress(body, most=MOST_UNPACKED), version=version)
    except UndecodableError as error:
        raise ApiError(400, "malformed", str(error)) from None
    reasons = store_numbers(source=entry.source, decoded=decoded, bytes_read=len(body))
    response = HttpResponse(status=204)
    if reasons:
        response = HttpResponse(" ".join(reasons)[:2000] + "\n", status=400, content_type="text/plain; charset=utf-8")
    if version == 2:
        response[WRITTEN.format("Samples")] = str(len(decoded.points) + len(decoded.parts))
        response[WRITTEN.format("Histograms")] = response[WRITTEN.format("Exemplars")] = "0"
    return response
