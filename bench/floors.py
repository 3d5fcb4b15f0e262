"""The addresses of the portal, and beside them the least that Django can do for the same rows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import Context, engines
from django.urls import path
from django.utils import timezone

from apps.pipelines import queries as pipelines
from apps.portal import pages
from apps.portal.ranges import range_of
from opsportal.urls import urlpatterns as ours

ROWS = 50
PIPELINES = """<table>{% for row in rows %}<tr><td><a href="/pipelines/{{ row.pk }}/">{{ row.name }}</a></td>
<td>{{ row.source.name }}</td><td>{{ row.feature.name }}</td><td>{{ row.last_state }}</td>
<td>{% for run in row.recent_runs %}<i class="{{ run.state }}"></i>{% endfor %}</td>
<td>{{ row.last_run_at|date:"Y-m-d H:i" }}</td><td>{{ row.first_seen_at|date:"Y-m-d H:i" }}</td>
<td>{{ row.next_at|date:"Y-m-d H:i" }}</td><td>{{ row.schedule }}</td></tr>{% endfor %}</table>"""
OVERVIEW = """<h1>{{ lead }}</h1>{% for item in items %}<p>{{ item.title }} {{ item.detail }}</p>{% endfor %}
{% for one in kpis %}<p>{{ one.label }} {{ one.value|floatformat:2 }} {{ one.unit }} {{ one.delta }}</p>{% endfor %}
<table>{% for row in rows %}<tr><td><a href="/features/{{ row.feature.slug }}/">{{ row.feature.name }}</a></td>
<td>{{ row.status }}</td><td>{% for one in row.strip %}<i class="{{ one }}"></i>{% endfor %}</td>
<td>{{ row.answered.value|floatformat:2 }}</td><td>{{ row.wait.value|floatformat:2 }}</td>
<td>{{ row.thumbs.value|floatformat:2 }}</td><td>{{ row.cost|floatformat:2 }}</td>
<td>{{ row.change.title }} {{ row.change.at|date:"Y-m-d H:i" }}</td></tr>{% endfor %}</table>
{% for one in changes %}<p>{{ one.title }} {{ one.at|date:"Y-m-d H:i" }}</p>{% endfor %}
{% for run in runs %}<p>{{ run.pipeline.name }} {{ run.state }} {{ run.at|date:"Y-m-d H:i" }}</p>{% endfor %}"""


def empty(_request: HttpRequest) -> HttpResponse:
    """Nothing, through the same middleware and session."""
    return HttpResponse("ok")


def stock_pipelines(_request: HttpRequest) -> HttpResponse:
    """The rows of the pipeline list, asked for alike, in a plain table of stock tags."""
    rows = pipelines.pipelines(at=timezone.now()).filter(gone_at=None).order_by("-active_at", "-id")[:ROWS]
    return HttpResponse(_stock["pipelines"].render(Context({"rows": rows})))


def stock_overview(_request: HttpRequest) -> HttpResponse:
    """What the overview says, asked for alike, in stock tags; its charts are left out."""
    at = timezone.now()
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    asked = {"at": at, "midnight": midnight, "span": range_of(""), "slug": ""}
    found: dict[str, Any] = {}
    for name, part in pages.PARTS.items():
        if name != "chart":
            found |= part(asked)
    return HttpResponse(_stock["overview"].render(Context(found)))


_django = engines["django"].engine  # type: ignore[attr-defined]  # this backend has one
_stock = {"pipelines": _django.from_string(PIPELINES), "overview": _django.from_string(OVERVIEW)}
urlpatterns = [
    path("floor/empty/", empty),
    path("floor/pipelines/", stock_pipelines),
    path("floor/overview/", stock_overview),
    *ours,
]
