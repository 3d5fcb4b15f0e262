"""Pages of evaluations."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from apps.core.listing import render_listing
from apps.evaluations import listings, queries
from apps.evaluations.models import EvaluationSuite
from apps.evaluations.views.orders import progress_context
from apps.events import queries as events


@require_GET
def run_list(request: HttpRequest) -> HttpResponseBase:
    """Every execution of every suite."""
    return render_listing(request, listings.RUNS, queries.runs(), "evaluations/run_list.html")


@require_GET
def run_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One execution: its numbers, its cases, and what happened to it."""
    run = get_object_or_404(queries.runs().defer(None), pk=pk)
    against = queries.comparable(run=run, wanted=request.GET.get("against", ""))
    context = {
        **(progress_context(run) if run.is_ours else {}),
        "run": run,
        "against": against,
        "summary": [{"scorer": name, **numbers} for name, numbers in run.summary.items()],
        "events": events.events_of(subject_kind="evaluation", subject_id=pk),
        "shows_demo": run.source.is_demo,
    }
    rows = queries.scores_of(run=run, against=against)
    return render_listing(request, listings.SCORES, rows, "evaluations/run_detail.html", context)


@require_GET
def suite_list(request: HttpRequest) -> HttpResponseBase:
    """Every suite, the one that ran last first."""
    return render_listing(request, listings.SUITES, queries.suites(), "evaluations/suite_list.html")


@require_GET
def suite_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One suite: how its numbers developed, and its executions."""
    suites = EvaluationSuite.objects.select_related("feature", "source", "setup__endpoint")
    suite = get_object_or_404(suites, pk=pk)
    ours = {"versions": queries.versions_of(suite), "schedules": queries.schedules_of(suite)} if suite.is_ours else {}
    context = {**ours, "suite": suite, "trends": queries.trends(suite=suite), "shows_demo": suite.source.is_demo}
    listing = replace(listings.RUNS, filters=listings.OF_ONE_SUITE, caption=f"Executions of {suite}, newest first")
    return render_listing(
        request, listing, queries.runs().filter(suite=suite), "evaluations/suite_detail.html", context
    )


@require_GET
def feature_runs(request: HttpRequest, feature_id: int) -> HttpResponse:
    """The newest executions for a feature, for other pages to embed."""
    rows = queries.runs_of_feature(feature_id=feature_id)
    return render(request, "evaluations/_feature_runs.html", {"rows": rows, "feature_id": feature_id})
