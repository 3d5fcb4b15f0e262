"""How reliable pipelines are: all of them, flakiest first, and the card on the page of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.catalog.models import Team
from apps.core.listing import Column, Filter, Listing, render_listing
from apps.core.listing.declaration import Choices, Query
from apps.events import queries as events
from apps.pipelines import queries
from apps.pipelines.charts import duration_chart
from apps.pipelines.models import Pipeline
from apps.pipelines.rolled import PERIODS
from apps.pipelines.views.lists import FEATURE, SOURCE

USUAL: Final = 30


def _teams(_request: HttpRequest) -> Choices:
    return list(Team.objects.order_by("name").values_list("slug", "name"))


def _still_red(rows: Query, _value: Any) -> Query:
    return rows.filter(red_since__isnull=False)


RELIABILITY = Listing(
    name="reliability",
    noun="pipeline",
    nouns="pipelines",
    caption="Reliability of pipelines, flakiest first",
    default_sort="-flaky_rate",
    row_template="pipelines/_reliability_row.html",
    keep=("period",),
    columns=(
        Column("name", "Pipeline", value="pipeline.name", sort="pipeline__name"),
        Column("feature", "Feature", value="pipeline.feature.name"),
        Column("team", "Team", value="pipeline.feature.team.name", is_shown=False),
        Column("strip_text", "Days"),
        Column("succeeded", "Passed", is_shown=False),
        Column("failed", "Failed", sort="failed", cls="r", is_shown=False),
        Column("success_rate", "Success", sort="success_rate", cls="r"),
        Column("retried", "Hidden by retries", sort="retried", cls="r"),
        Column("flaky_rate", "Flaky", sort="flaky_rate", cls="r"),
        Column("green_median", "Time to green", sort="green_median", cls="r"),
        Column("green_count", "Turned green", is_shown=False),
        Column("took_median", "Takes", sort="took_median", cls="r"),
        Column("took_change", "Change of duration", is_shown=False),
        Column("red_since", "Red since", is_shown=False),
        Column("until", "Until", is_shown=False),
        Column("rolled_at", "Counted at", is_shown=False),
    ),
    filters=(
        Filter("q", "Name", "text", apply="pipeline__name__icontains", placeholder="Nightly evaluation …"),
        Filter("team", "Team", choices=_teams, apply="pipeline__feature__team__slug", is_multiple=True),
        Filter("feature", "Feature", choices=FEATURE.choices, apply="pipeline__feature__slug", is_multiple=True),
        Filter("source", "Source", choices=SOURCE.choices, apply="pipeline__source__slug"),
        Filter("red", "Still failing", "bool", apply=_still_red),
    ),
    empty_title="No run passed or failed in this time",
    empty_text="Runs are counted a few seconds after they end. Choose a longer time, or see which sources are heard.",
    empty_url="/sources/",
    empty_action="Go to sources",
)


@require_GET
def reliability_list(request: HttpRequest) -> HttpResponseBase:
    """Every pipeline with runs in the period; ?period= is 7, 30 or 90 days."""
    days = _period(request)
    context = {"days": days, "periods": PERIODS, "uncovered": queries.uncovered_count()}
    rows = queries.reliability(days=days)
    return render_listing(request, RELIABILITY, rows, "pipelines/reliability_list.html", context)


@require_GET
def reliability_card(request: HttpRequest, pk: int) -> HttpResponse:
    """The card of one pipeline, alone."""
    at = timezone.now()
    pipeline = get_object_or_404(queries.pipelines_in_full(at=at), pk=pk)
    return render(request, "pipelines/_reliability.html", reliability_context(request, pipeline, at))


def reliability_context(request: HttpRequest, pipeline: Pipeline, at: datetime) -> dict[str, Any]:
    """What the card shows: the figures of the period and the chart of durations with the feature's changes on it."""
    days = _period(request)
    since = at.astimezone(UTC).date() - timedelta(days=days - 1)
    start = datetime.combine(since, datetime.min.time(), tzinfo=UTC)
    feature_id, found = pipeline.feature_id, queries.days_of(pipeline_id=pipeline.pk, since=since)
    changes = events.changes_between(start=start, end=at, feature_id=feature_id) if feature_id and found else []
    zone = timezone.get_current_timezone()
    chart = duration_chart(days=found, since=since, at=at, changes=changes, zone=zone) if found else None
    reliable = queries.reliability_of(pipeline_id=pipeline.pk, days=days)
    return {"pipeline": pipeline, "days": days, "periods": PERIODS, "reliable": reliable, "chart": chart}


def _period(request: HttpRequest) -> int:
    text = request.GET.get("period", "")
    return int(text) if text in map(str, PERIODS) else USUAL
