"""The two lists: pipelines, and all runs of all orchestrators on one clock."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.catalog.models import Feature
from apps.core.listing import Column, Filter, Listing, render_listing
from apps.core.listing.declaration import Choices, Query
from apps.pipelines import queries
from apps.pipelines.models import Pipeline
from apps.pipelines.status import PunctualityState, RunState
from apps.sources.models import Source


def _features(_request: HttpRequest) -> Choices:
    return list(Feature.objects.order_by("name").values_list("slug", "name"))


def _sources(_request: HttpRequest) -> Choices:
    return list(Source.objects.order_by("name").values_list("slug", "name"))


def _pipelines(request: HttpRequest) -> Choices:
    return queries.pipeline_choices(chosen=request.GET.get("pipeline", ""))


def _as_told(rows: Query, _value: Any) -> Query:
    return rows  # the view asks the query for these rows


def _strip(pipeline: Pipeline) -> str:
    return pipeline.strip_text


def _is_uncovered(rows: Query, _value: Any) -> Query:
    return queries.uncovered(rows)


def _punctuality(pipeline: Pipeline) -> str:
    return pipeline.on_time.get_state_display() if pipeline.on_time else ""


def _because(pipeline: Pipeline) -> str:
    return (pipeline.on_time.sentence or pipeline.on_time.reason) if pipeline.on_time else ""


def _next_due(pipeline: Pipeline) -> Any:
    return pipeline.on_time.next_due_at if pipeline.on_time else None


FEATURE = Filter("feature", "Feature", choices=_features, apply="feature__slug", is_multiple=True)
SOURCE = Filter("source", "Source", choices=_sources, apply="source__slug")

PIPELINES = Listing(
    name="pipelines",
    noun="pipeline",
    nouns="pipelines",
    caption="Pipelines, the one that ran last first",
    default_sort="-active_at",
    row_template="pipelines/_pipeline_row.html",
    is_shared=True,
    columns=(
        Column("name", "Pipeline", sort="name"),
        Column("feature", "Feature", value="feature.name"),
        Column("recent", "Last 10 runs", value=_strip),
        Column("last_state", "State"),
        Column("active_at", "Last run", sort="active_at", cls="r"),
        Column("took", "Took", value="last_took", cls="r"),
        Column("punctuality", "Punctuality", value=_punctuality),
        Column("punctuality_text", "Punctuality in words", value=_because, is_shown=False),
        Column("next_due_at", "Next due", value=_next_due, is_shown=False),
        Column("schedule", "Schedule, next"),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains", placeholder="Nightly evaluation …"),
        FEATURE,
        Filter("state", "Last run", choices=RunState.choices, apply="last_state", is_multiple=True),
        Filter(
            "punctuality",
            "Punctuality",
            choices=PunctualityState.choices,
            apply="punctuality__state",
            is_multiple=True,
        ),
        SOURCE,
        Filter("uncovered", "Nothing expected", "bool", apply=_is_uncovered),
        Filter("paused", "Paused only", "bool", apply="is_paused"),
        Filter("gone", "Gone ones too", "bool", apply=_as_told),
    ),
    empty_title="No pipelines yet",
    empty_text="Connect an orchestrator such as Prefect or MLflow; its pipelines and runs appear at the next poll.",
    empty_url="/sources/",
    empty_action="Go to sources",
)

RUNS = Listing(
    name="runs",
    noun="run",
    nouns="runs",
    caption="Runs of all pipelines, newest first",
    default_sort="-at",
    row_template="pipelines/_run_row.html",
    is_shared=True,
    columns=(
        Column("name", "Run"),
        Column("pipeline", "Pipeline", value="pipeline.name"),
        Column("feature", "Feature", value="pipeline.feature.name"),
        Column("state", "State"),
        Column("at", "Started", sort="at", cls="r"),
        Column("took", "Took", cls="r"),
        Column("trigger", "Why", value="get_trigger_display"),
        Column("error", "First error", is_shown=False),
        Column("source", "Source", value="source.name"),
    ),
    filters=(
        Filter("q", "Text", "text", apply=queries.runs_with_text, placeholder="Pipeline, or name of a recent run"),
        Filter("state", "State", choices=RunState.choices, is_multiple=True),
        Filter("pipeline", "Pipeline", choices=_pipelines, apply="pipeline_id"),
        Filter("feature", "Feature", choices=_features, apply=queries.runs_of_features, is_multiple=True),
        Filter("source", "Source", choices=_sources, apply=queries.runs_of_source),
        Filter("since", "From", "date", apply="at__gte"),
        Filter("until", "Before", "date", apply="at__lt"),
    ),
    topic="runs",
    empty_title="No runs yet",
    empty_text="Runs appear here as soon as a connected orchestrator reports one.",
    empty_url="/sources/",
    empty_action="Go to sources",
)


@require_GET
def pipeline_list(request: HttpRequest) -> HttpResponseBase:
    """Every pipeline with the strip of its last runs."""

    def rows() -> Query:
        found = queries.pipelines(at=timezone.now())
        return found if request.GET.get("gone") == "1" else found.filter(gone_at=None)

    return render_listing(request, PIPELINES, rows, "pipelines/pipeline_list.html")


@require_GET
def run_list(request: HttpRequest) -> HttpResponseBase:
    """Every run; those planned for later are shown when one asks for the waiting ones."""

    def rows() -> Query:
        is_planned_wanted = RunState.QUEUED in request.GET.getlist("state")
        return queries.runs(at=timezone.now(), with_planned=is_planned_wanted)

    return render_listing(request, RUNS, rows, "pipelines/run_list.html")
