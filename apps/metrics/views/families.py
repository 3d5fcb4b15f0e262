"""All numbers of one feature on one page: the eight families, one cursor over every chart, split as one likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.catalog.models import Feature
from apps.core.parts import as_of, part
from apps.core.ui.figures import plotly_figure
from apps.metrics import exports, queries
from apps.metrics.measures import FAMILY_LABELS, Family, Measure, of_family
from apps.metrics.models import Series
from apps.metrics.queries import Part
from apps.metrics.ranges import COMPARISONS, RANGES
from apps.metrics.splits import Split, split_of
from apps.metrics.views.drawing import Asked, Picture, lettered, mark_toggles, pictures

SHOWN: Final = tuple(family for family in Family if family not in (Family.PORTAL, Family.OTHER))


@dataclass(frozen=True, slots=True)
class Number:
    """One measure: its chart, its parts; without a series it says what to connect."""

    measure: Measure
    series: Series | None
    picture: Picture | None
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class FamilyPart:
    """One family; `missing` are the measures that nobody sends."""

    family: Family
    label: str
    numbers: list[Number]
    missing: list[Measure]
    spread: float | None = None  # how many times longer than usual the slowest wait


@require_GET
def feature_measures(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; `?by=` splits, `?format=csv` is what is drawn."""
    feature, asked = get_object_or_404(Feature, slug=slug), Asked.of(request)
    series = queries.feature_series(feature_id=feature.pk)
    markers = asked.markers(feature.pk)
    primary = [one for one in series if one.is_primary]
    promises = {promise.measure: promise for promise in feature.promises.all()}
    drawn = pictures(primary, asked, markers, promises, sync=f"feature-{feature.pk}")
    if request.GET.get("format") == "csv":
        return _download(feature, primary, drawn)
    split = split_of(request.GET.get("by", ""))
    context = {
        "feature": feature,
        "span": asked.span,
        "families": _families(primary, drawn, _parts(series, split, asked)),
        "split": split,
        "splits": queries.possible_splits(series),
        "toggles": mark_toggles(asked, markers),
        "marked": lettered(asked, markers),
        "left_out": markers.left_out,
        "ranges": RANGES,
        "comparisons": COMPARISONS,
    }
    return render(request, "metrics/feature_measures.html", context)


@require_GET
def feature_figures(request: HttpRequest, slug: str) -> HttpResponse:
    """Every chart of the page as a Plotly figure, in one answer: measure -> figure; kept while nothing changes."""
    asked = Asked.of(request)

    def draw() -> str:
        feature = get_object_or_404(Feature, slug=slug)
        primary = [one for one in queries.feature_series(feature_id=feature.pk) if one.is_primary]
        promises = {promise.measure: promise for promise in feature.promises.all()}
        drawn = pictures(primary, asked, asked.markers(feature.pk), promises, sync=f"feature-{feature.pk}")
        return orjson.dumps({measure: plotly_figure(picture.chart) for measure, picture in drawn.items()}).decode()

    key = ("figures", request.get_full_path())
    kept = part(key, draw, data=as_of(request).data, asks_again=asked.span.is_closed(timezone.now()))
    return HttpResponse(kept.markup, content_type="application/json")


def _parts(series: list[Series], split: Split | None, asked: Asked) -> dict[str, list[Part]]:
    if split is None:
        return {}
    span = asked.span
    earlier = span.start - span.shift if span.is_compared else None
    return queries.parts(series=series, split=split, start=span.start, end=span.end, earlier=earlier)


def _families(primary: list[Series], drawn: Mapping[str, Picture], parts: Mapping[str, list[Part]]) -> list[FamilyPart]:
    known = {one.measure: one for one in primary}
    return [_family(family, known, drawn, parts) for family in SHOWN]


def _family(
    family: Family, known: Mapping[str, Series], drawn: Mapping[str, Picture], parts: Mapping[str, list[Part]]
) -> FamilyPart:
    entries = of_family(family)
    numbers = [
        Number(entry, known[entry.slug], drawn[entry.slug], parts.get(entry.slug, []))
        for entry in entries
        if entry.slug in known
    ]
    missing = [entry for entry in entries if entry.slug not in known]
    return FamilyPart(family, FAMILY_LABELS[family], numbers, missing, _spread(family, known))


def _spread(family: Family, known: Mapping[str, Series]) -> float | None:
    """The slowest 1% over the median, from the newest values."""
    usual, slowest = (known.get(slug) for slug in ("latency_p50", "latency_p99"))
    if family is not Family.LATENCY or not usual or not slowest or not usual.last_value or slowest.last_value is None:
        return None
    return slowest.last_value / usual.last_value


def _download(feature: Feature, primary: list[Series], drawn: Mapping[str, Picture]) -> HttpResponse:
    rows: list[tuple[Any, Any]] = [(one, drawn[one.measure].points) for one in primary]
    response = HttpResponse(exports.many_as_csv(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{feature.slug}-measures.csv"'
    response["Cache-Control"] = "no-store"
    return response
