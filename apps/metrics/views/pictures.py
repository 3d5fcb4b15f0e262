"""One series over time: page, figure for zooming, and the card that feature pages fetch."""

from __future__ import annotations

import orjson
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from apps.catalog.models import Feature
from apps.core.ui.figures import plotly_figure
from apps.metrics import exports, measures, queries
from apps.metrics.models import Series
from apps.metrics.ranges import COMPARISONS, RANGES
from apps.metrics.views.drawing import ZOOMED, Asked, Picture, mark_toggles, picture


@require_GET
def series_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One series: picture, changes, numbers, meaning; `?format=csv|json` is what is drawn, `?explore=1` zooms."""
    series, asked = get_object_or_404(_rows(), pk=pk), Asked.of(request)
    drawn = picture(series, asked)
    if request.GET.get("format") in ("csv", "json"):
        return _download(series, drawn, request.GET["format"])
    context = {
        "series": series,
        "picture": drawn,
        "ranges": RANGES,
        "comparisons": COMPARISONS,
        "toggles": mark_toggles(asked, drawn.markers),
        "is_explored": request.GET.get("explore") == "1",
        "figure_url": f"{reverse('metrics:series-figure', args=[series.pk])}?{request.GET.urlencode()}",
        "percentiles": _percentiles(series, asked),
        "shows_demo": series.source.is_demo,
    }
    return render(request, "metrics/series_detail.html", context)


@require_GET
def series_figure(request: HttpRequest, pk: int) -> HttpResponse:
    """The same chart as a Plotly figure, finer, for whoever zooms."""
    series = get_object_or_404(_rows(), pk=pk)
    figure = plotly_figure(picture(series, Asked.of(request), buckets=ZOOMED).chart)
    return HttpResponse(orjson.dumps(figure), content_type="application/json")


@require_GET
def feature_chart(request: HttpRequest, feature_id: int, measure: str) -> HttpResponse:
    """The inside of a card: one measure of one feature with last week, promise and changes."""
    feature = get_object_or_404(Feature, pk=feature_id)
    series = queries.primary_series(feature_id=feature_id, measure=measure)
    context = {
        "feature": feature,
        "series": series,
        "measure": measures.measure(measure),
        "ranges": RANGES,
        "picture": picture(series, Asked.of(request)) if series else None,
    }
    return render(request, "metrics/_feature_chart.html", context)


def _percentiles(series: Series, asked: Asked) -> list[tuple[str, float | None]]:
    """What half, 95 and 99 of 100 observations did not exceed; nothing for numbers that are no observations."""
    if not series.entry.is_observed:
        return []
    sketch = queries.sketch_between(series=series, start=asked.span.start, end=asked.span.end)
    return [(label, sketch.quantile(share)) for label, share in (("Half", 0.5), ("95%", 0.95), ("99%", 0.99))]


def _rows() -> QuerySet[Series]:
    return Series.objects.select_related("feature", "source", "environment", "component")


def _download(series: Series, drawn: Picture, kind: str) -> HttpResponse:
    is_csv = kind == "csv"
    body = exports.as_csv(series, drawn.points) if is_csv else exports.as_json(series, drawn.points, drawn.span)
    response = HttpResponse(body, content_type="text/csv; charset=utf-8" if is_csv else "application/json")
    response["Content-Disposition"] = f'attachment; filename="{slugify(series.name)[:60] or "series"}.{kind}"'
    response["Cache-Control"] = "no-store"
    return response
