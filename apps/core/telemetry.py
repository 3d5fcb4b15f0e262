"""What this web process measures about itself: how long it takes to answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram

FEATURE = "opsportal"  # the portal's own entry in the catalog; sources map by this label
REGISTRY = CollectorRegistry()
SECONDS = Histogram(
    "portal_request_seconds",
    "Time from a request's arrival at Django to the beginning of its answer.",
    ("feature",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    registry=REGISTRY,
).labels(FEATURE)
REQUESTS = Counter(
    "portal_requests", "Requests answered, by view and class of status.", ("view", "status"), registry=REGISTRY
)
UNTIMED = frozenset(  # streams and machines
    {"portal:live", "sources:telemetry", "core:healthz", "core:readyz", "sync:polling"}
)


class TelemetryMiddleware:
    """Times every request, and counts it under the name of its view, so that no address becomes a series."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        name = request.resolver_match.view_name if request.resolver_match else "none"
        if name not in UNTIMED:
            SECONDS.observe(time.perf_counter() - began)
            REQUESTS.labels(name, f"{response.status_code // 100}xx").inc()
        return response
