"""What auditors ask for: the evidence of one change, and the report of duties."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.prompts import queries

SPANS = (30, 90, 365)


@require_GET
def duties(request: HttpRequest) -> HttpResponse:
    """The report; ?days= looks further back, ?format=json is for machines."""
    at, asked = timezone.now(), request.GET.get("days", "")
    days = int(asked) if asked in map(str, SPANS) else SPANS[1]
    found = queries.duties(since=at - timedelta(days=days), at=at)
    if request.GET.get("format") == "json":
        return JsonResponse({"days": days, "made_at": at.isoformat(), "duties": [_as_json(duty) for duty in found]})
    context = {"duties": found, "days": days, "spans": SPANS, "tab": "duties"}
    return render(request, "prompts/duties.html", context)


@require_GET
def evidence_json(_request: HttpRequest, pk: int) -> HttpResponse:
    """The evidence pack of one request for machines."""
    return _file(JsonResponse(_evidence(pk)), f"change-{pk}.json")


@require_GET
def evidence_pdf(_request: HttpRequest, pk: int) -> HttpResponse:
    """The same on paper."""
    from apps.prompts import evidence_pdf as paper  # 39 MB that only this page needs

    return _file(HttpResponse(paper.evidence_pdf(_evidence(pk)), content_type="application/pdf"), f"change-{pk}.pdf")


def _evidence(pk: int) -> dict[str, Any]:
    change = get_object_or_404(queries.change_requests(), pk=pk)
    return queries.evidence(change=change, at=timezone.now())


def _file(response: HttpResponse, name: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _as_json(duty: queries.Duty) -> dict[str, Any]:
    breaches = [
        {"sentence": one.sentence, "at": one.at.isoformat(), "explanation": one.explanation} for one in duty.breaches
    ]
    return {"key": duty.key, "question": duty.question, "open": duty.open, "breaches": breaches}
