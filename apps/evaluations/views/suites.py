"""Suites of our own: made, changed, filled from files or by hand, exported."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.core.listing import render_listing
from apps.evaluations import casefile, listings, queries, services
from apps.evaluations.forms import CaseForm, ImportForm, ScheduleForm, SuiteForm
from apps.evaluations.models import Case, EvaluationSuite, SuiteSchedule
from apps.evaluations.scorers.registry import SCORERS
from apps.evaluations.services import SuiteError

either = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@either
@requires("suite:change")
def suite_create(request: HttpRequest) -> HttpResponse:
    """A new suite, still without cases."""
    form = SuiteForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            suite = services.create_suite(draft=form.draft(), actor=user_of(request), at=timezone.now())
            messages.success(request, f"“{suite}” is made; give it cases.")
            return redirect("evaluations:case-import", suite.pk)
        except SuiteError as error:
            refuse(form, error)
    return _form_page(request, form, None)


@never_cache
@either
@requires("suite:change")
def suite_change(request: HttpRequest, pk: int) -> HttpResponse:
    """What a suite is called, where it belongs and runs, and what scores it."""
    suite = own_suite(pk)
    form = SuiteForm(request.POST if request.method == "POST" else None, suite=suite)
    if form.is_bound and form.is_valid():
        try:
            number = services.change_suite(suite=suite, draft=form.draft(), actor=user_of(request), at=timezone.now())
            messages.success(request, f"Saved; its newest version is {number}.")
            return redirect(suite)
        except SuiteError as error:
            refuse(form, error)
    return _form_page(request, form, suite)


@never_cache
@either
@requires("suite:change")
def case_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Cases out of a file: all of them, or a sentence for each line that is wrong."""
    suite = own_suite(pk)
    form = ImportForm(request.POST or None, request.FILES or None)
    if form.is_bound and form.is_valid():
        values = form.cleaned_data
        try:
            count = services.import_cases(
                suite=suite,
                text=values["content"],
                is_jsonl=values["kind"] == "jsonl",
                replaces=values["replaces"],
                file=values["origin"],
                actor=user_of(request),
                at=timezone.now(),
            )
            messages.success(request, f"{suite} has {count:,} cases now.")
            return redirect(suite)
        except SuiteError as error:
            refuse(form, error)
    context = {"form": form, "suite": suite}
    return render(request, "evaluations/case_import.html", context, status=422 if form.is_bound else 200)


@never_cache
@either
@requires("suite:change")
def case_add(request: HttpRequest, pk: int) -> HttpResponse:
    """One case by hand."""
    suite = own_suite(pk)
    form = CaseForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        fields: dict[str, Any] = form.fields_of_case()
        try:
            case = services.add_case(suite=suite, origin="by hand", actor=user_of(request), at=timezone.now(), **fields)
            messages.success(request, f"The case {case} is in.")
            return redirect("evaluations:case-list", suite.pk)
        except SuiteError as error:
            refuse(form, error)
    context = {"form": form, "suite": suite}
    return render(request, "evaluations/case_add.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires("suite:change")
def case_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a case out of the next version; old executions keep it."""
    case = get_object_or_404(Case.objects.select_related("suite"), pk=pk)
    if services.end_case(suite=case.suite, key=case.key, actor=user_of(request), at=timezone.now()):
        messages.success(request, f"The case {case} is no longer in the suite.")
    return redirect("evaluations:case-list", case.suite_id)


@require_GET
def case_list(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The cases of a suite as it is now."""
    suite = own_suite(pk)
    rows = _cases(suite)
    return render_listing(request, listings.CASES, rows, "evaluations/case_list.html", {"suite": suite})


@require_GET
def case_export(request: HttpRequest, pk: int, kind: str) -> StreamingHttpResponse:  # noqa: ARG001
    """All cases as a file that can be imported again."""
    suite = own_suite(pk)
    cases = queries.current_cases(suite)
    lines = casefile.write_csv(cases) if kind == "csv" else casefile.write_jsonl(cases)
    response = StreamingHttpResponse(lines, content_type="text/csv" if kind == "csv" else "application/x-ndjson")
    response["Content-Disposition"] = f'attachment; filename="suite-{suite.pk}.{kind}"'
    return response


@never_cache
@either
@requires("suite:change")
def schedule_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """When a suite runs by itself, and against what."""
    suite = own_suite(pk)
    form = ScheduleForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            services.plan_schedule(suite=suite, actor=user_of(request), at=timezone.now(), **form.cleaned_data)
            messages.success(request, "It runs by itself from now on.")
            return redirect(suite)
        except SuiteError as error:
            refuse(form, error)
    context = {"form": form, "suite": suite}
    return render(request, "evaluations/schedule_plan.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires("suite:change")
def schedule_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop running a suite by itself."""
    schedule = get_object_or_404(SuiteSchedule.objects.select_related("suite"), pk=pk)
    if services.remove_schedule(schedule=schedule, actor=user_of(request), at=timezone.now()):
        messages.success(request, "It no longer runs by itself.")
    return redirect(schedule.suite)


@require_POST
@requires("suite:run")
def schedule_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Do not wait for its time."""
    schedule = get_object_or_404(SuiteSchedule.objects.select_related("suite"), pk=pk)
    services.hurry_schedule(schedule=schedule, at=timezone.now())
    messages.success(request, f"{schedule} begins in a moment.")
    return redirect(schedule.suite)


def own_suite(pk: int) -> EvaluationSuite:
    """A suite that the portal runs itself; 404 for any other."""
    suites = EvaluationSuite.objects.filter(setup__isnull=False)
    return get_object_or_404(suites.select_related("setup__endpoint", "feature", "source"), pk=pk)


def user_of(request: HttpRequest) -> User:
    """Who asks; the permission was checked before."""
    assert isinstance(request.user, User)
    return request.user


def refuse(form: SuiteForm | ImportForm | CaseForm | ScheduleForm, error: SuiteError) -> None:
    """Show every sentence above the form."""
    for sentence in error.errors:
        form.add_error(None, sentence)


def _cases(suite: EvaluationSuite) -> QuerySet[Case]:
    return Case.objects.filter(suite=suite, until__isnull=True)


def _form_page(request: HttpRequest, form: SuiteForm, suite: EvaluationSuite | None) -> HttpResponse:
    context = {"form": form, "suite": suite, "scorers": SCORERS.values()}
    return render(request, "evaluations/suite_form.html", context, status=422 if form.is_bound else 200)
