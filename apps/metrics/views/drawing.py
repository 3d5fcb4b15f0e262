"""What an address asks of charts (stretch, comparison, marks), and the charts it gets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from django.http import HttpRequest
from django.utils import timezone

from apps.catalog.models import Promise
from apps.core.ui.chart_marks import letters
from apps.core.ui.charts import LineChart
from apps.metrics import queries
from apps.metrics.charts import mark, series_chart
from apps.metrics.markers import LOOKS, MarkFamily, chosen, toggled
from apps.metrics.models import Series
from apps.metrics.queries import Marker, Markers, Points
from apps.metrics.ranges import Span, read_span

DRAWN = 240  # stretches of a picture drawn here
ZOOMED = 1000  # of one that people zoom into


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says."""

    span: Span
    families: frozenset[MarkFamily]
    zone: tzinfo

    @classmethod
    def of(cls, request: HttpRequest) -> Asked:
        """Everything has a default; what cannot be read is one."""
        zone = timezone.get_current_timezone()
        span = read_span(request.GET.dict(), at=timezone.now(), zone=zone)
        return cls(span, chosen(request.GET.getlist("marks")), zone)

    def markers(self, feature_id: int | None) -> Markers:
        """The marks of a feature's charts."""
        if feature_id is None:
            return Markers()
        span = self.span
        return queries.markers_between(feature_id=feature_id, start=span.start, end=span.end, families=self.families)


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with what it was drawn from."""

    chart: LineChart
    points: Points
    span: Span
    promise: Promise | None
    markers: Markers


@dataclass(frozen=True, slots=True)
class MarkToggle:
    """One family of marks that can be switched; `value` is what `?marks=` says then."""

    label: str
    mark: str
    count: int
    is_on: bool
    value: str


def mark_toggles(asked: Asked, markers: Markers) -> list[MarkToggle]:
    """The families that occur in the stretch, or are switched off."""
    return [
        MarkToggle(
            look.label,
            look.mark,
            markers.counts.get(family, 0),
            family in asked.families,
            toggled(asked.families, family),
        )
        for family, look in LOOKS.items()
        if markers.counts.get(family) or family not in asked.families
    ]


def lettered(asked: Asked, markers: Markers) -> list[tuple[str, str, Marker]]:
    """(letter on the charts, look of its badge, marker), oldest first."""
    drawn = letters([mark(one) for one in markers.rows], asked.span.start.timestamp(), asked.span.end.timestamp())
    return [(one.text, one.mark.kind, marker) for one, marker in zip(drawn, markers.rows, strict=True)]


def picture(series: Series, asked: Asked, *, buckets: int = DRAWN) -> Picture:
    """The chart of one series alone."""
    span = asked.span
    points = queries.series_points(series=series, start=span.start, end=span.end, buckets=buckets)
    before = None
    if span.is_compared:
        start, end = span.start - span.shift, span.end - span.shift
        before = queries.series_points(series=series, start=start, end=end, buckets=buckets)
    promise = Promise.objects.filter(feature=series.feature, measure=series.measure).first()
    return _picture(series, asked, points, before, promise, asked.markers(series.feature_id), "")


def pictures(
    series: Collection[Series], asked: Asked, markers: Markers, promises: Mapping[str, Promise], *, sync: str
) -> dict[str, Picture]:
    """measure -> chart, for many series with a fixed number of queries; they share one cursor."""
    span = asked.span
    points = queries.points_of(series=series, start=span.start, end=span.end, buckets=DRAWN)
    before: dict[int, Points] = {}
    if span.is_compared:
        start, end = span.start - span.shift, span.end - span.shift
        before = queries.points_of(series=series, start=start, end=end, buckets=DRAWN)
    return {
        one.measure: _picture(one, asked, points[one.pk], before.get(one.pk), promises.get(one.measure), markers, sync)
        for one in series
    }


def _picture(
    series: Series,
    asked: Asked,
    points: Points,
    before: Points | None,
    promise: Promise | None,
    markers: Markers,
    sync: str,
) -> Picture:
    chart = series_chart(
        series=series,
        span=asked.span,
        points=points,
        before=before,
        markers=markers,
        promise=promise,
        zone=asked.zone,
        height=140 if sync else 200,
        sync=sync,
    )
    return Picture(chart, points, asked.span, promise, markers)
