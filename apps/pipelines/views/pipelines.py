"""One pipeline: its grid of runs and steps, and the parts of it that refresh themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.pipelines import queries
from apps.pipelines.charts import grid_of
from apps.pipelines.ghosts import with_ghosts
from apps.pipelines.history import ghosts_of, history_of
from apps.pipelines.models import Pipeline, Run
from apps.pipelines.views.punctuality import punctuality_context
from apps.pipelines.views.reliability import reliability_context


@require_GET
def pipeline_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one pipeline; ?run= selects the run on the time axis."""
    at = timezone.now()
    pipeline = get_object_or_404(queries.pipelines_in_full(at=at), pk=pk)
    context = _grid(request, pipeline, at) | {"shows_demo": pipeline.source.is_demo}
    context |= punctuality_context(pipeline, at, context["history"]) | reliability_context(request, pipeline, at)
    return render(request, "pipelines/pipeline_detail.html", context)


@require_GET
def pipeline_grid(request: HttpRequest, pk: int) -> HttpResponse:
    """The grid, the facts of the selected run and the other pipelines, alone."""
    at = timezone.now()
    pipeline = get_object_or_404(queries.pipelines_in_full(at=at), pk=pk)
    return render(request, "pipelines/_pipeline_grid.html", _grid(request, pipeline, at))


@require_GET
def pipeline_row(request: HttpRequest, pk: int) -> HttpResponse:
    """One row of the list, alone."""
    row = get_object_or_404(queries.pipelines(at=timezone.now()), pk=pk)
    return render(request, "pipelines/_pipeline_row.html", {"row": row})


@require_GET
def feature_runs(request: HttpRequest, feature_id: int) -> HttpResponse:
    """The latest run of each pipeline of a feature, for other pages to embed."""
    rows = queries.pipelines_of_feature(feature_id=feature_id, at=timezone.now())
    return render(request, "pipelines/_feature_runs.html", {"rows": rows, "feature_id": feature_id})


def _grid(request: HttpRequest, pipeline: Pipeline, at: datetime) -> dict[str, Any]:
    runs = queries.last_runs(pipeline_id=pipeline.pk, at=at)
    wanted = request.GET.get("run", "")
    selected = _selected(pipeline, runs, wanted)
    grid, history = None, history_of(pipeline=pipeline, at=at)
    ghosts = ghosts_of(history, runs)
    ghost = next((one for one in ghosts if str(one.slot) == request.GET.get("slot")), None)
    if selected is not None:
        steps = queries.task_runs_of(run_ids=[run.pk for run in {*runs, selected}])
        zone = timezone.get_current_timezone()
        grid = grid_of(runs=runs, task_runs=steps, selected=selected, now=at, zone=zone)
        moments = [run.at for run in runs]
        grid = with_ghosts(grid, at=moments, ghosts=ghosts, chosen=ghost, now=at, zone=zone)
    others = queries.other_pipelines(pipeline=pipeline, at=at)
    found = {"pipeline": pipeline, "grid": grid, "run": selected, "chosen": wanted, "others": others}
    return found | {"ghost": ghost, "history": history}


def _selected(pipeline: Pipeline, runs: list[Run], wanted: str) -> Run | None:
    """The run the address asks for, else the newest."""
    if not wanted:
        return runs[-1] if runs else None
    if not wanted.isdecimal() or len(wanted) > 18:
        raise Http404("There is no such run.")
    found = next((run for run in runs if run.pk == int(wanted)), None)
    return found or get_object_or_404(Run, pk=int(wanted), pipeline=pipeline)
