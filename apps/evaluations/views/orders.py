"""Executions of our own suites: begun, watched, stopped and taken up again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.permissions import requires
from apps.evaluations import queries, services
from apps.evaluations.forms import RunForm
from apps.evaluations.models import CaseResult, EvaluationRun
from apps.evaluations.status import OrderReason
from apps.evaluations.targets import Target
from apps.evaluations.views.suites import either, own_suite, user_of
from apps.sources import queries as sources


@never_cache
@either
@requires("suite:run")
def run_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Run a suite against a text that is entered here."""
    suite = own_suite(pk)
    form = RunForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        values = form.cleaned_data
        warmth = values["temperature"]
        parameters: dict[str, Any] = {} if warmth is None else {"temperature": warmth}
        target = Target(version=values["version"], messages=form.messages(), parameters=parameters)
        try:
            return redirect(
                services.start_run(
                    suite=suite,
                    subject=values["subject"],
                    target=target,
                    reason=OrderReason.MANUAL,
                    actor=user_of(request),
                    at=sources.database_time(),
                )
            )
        except services.OrderError as error:
            form.add_error(None, str(error))
    context = {"form": form, "suite": suite}
    return render(request, "evaluations/run_start.html", context, status=422 if form.is_bound else 200)


@require_GET
def run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far an execution has come; asks again by itself until it is over, and then shows the page anew."""
    run = _own_run(pk)
    response = render(request, "evaluations/_run_progress.html", progress_context(run))
    if request.GET.get("was") == "open" and run.order.due_at is None:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@requires("suite:run")
def run_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop it."""
    run = _own_run(pk)
    if services.cancel_run(run=run, actor=user_of(request), at=sources.database_time()):
        messages.success(request, "It stops after the cases that are under way.")
    return redirect(run)


@require_POST
@requires("suite:run")
def run_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on where it broke off."""
    run = _own_run(pk)
    if services.resume_run(run=run, actor=user_of(request), at=sources.database_time()):
        messages.success(request, "It goes on with the cases that have no answer yet.")
    return redirect(run)


@require_GET
def answer_detail(request: HttpRequest, pk: int, result_pk: int) -> HttpResponse:
    """One case of one execution: what was asked, what came back, and what the scorers said."""
    results = CaseResult.objects.select_related("case", "order__run__suite")
    result = get_object_or_404(results, pk=result_pk, order_id=pk)
    context = {"result": result, "run": result.order.run, "asked": queries.asked_of(result=result)}
    return render(request, "evaluations/answer_detail.html", context)


def progress_context(run: EvaluationRun) -> dict[str, Any]:
    """What the progress of an execution of ours shows."""
    at = timezone.now()
    return {"run": run, "order": run.order, "progress": queries.progress_of(order=run.order, at=at)}


def _own_run(pk: int) -> EvaluationRun:
    return get_object_or_404(queries.runs().filter(order__isnull=False).select_related("order__endpoint"), pk=pk)
