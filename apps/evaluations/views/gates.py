"""The verdict of a gate as a fragment that other pages fetch by its name."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.evaluations import queries
from apps.evaluations.asking import question_of


@require_GET
def gate_table(request: HttpRequest) -> HttpResponse:
    """?subject=&candidate=&baseline=&suite=1&suite=2 with margin, alpha, least_cases, hours and judge if wanted."""
    try:
        question = question_of(request.GET)
    except ValueError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    verdict = queries.gate_verdict(
        requirements=question.requirements,
        candidate=question.candidate,
        baseline=question.baseline,
        subject=question.subject,
        at=timezone.now(),
    )
    return render(request, "evaluations/_gate.html", {"verdict": verdict, "url": request.get_full_path()})
