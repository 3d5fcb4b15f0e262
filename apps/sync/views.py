"""Whether anything is polled: for a machine outside, and for the banner of every page."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.sync.deadman.watch import watch


@require_GET
@login_not_required
def polling(_request: HttpRequest) -> HttpResponse:
    """200 while sources are polled, 503 when they are not, with the reason; for a monitor outside."""
    try:
        verdict = watch.judge()
    except DatabaseError as error:
        return JsonResponse({"status": "unknown", "sentence": f"The database: {type(error).__name__}."}, status=503)
    answer = {
        "status": verdict.life.value,
        "sentence": verdict.sentence,
        "last_sign_at": _text(verdict.since),
        "limit_seconds": verdict.limit,
    }
    return JsonResponse(answer, status=503 if verdict.is_silent else 200)


@require_GET
def silence(request: HttpRequest) -> HttpResponse:
    """The inside of the banner as it is at this moment, nothing while all is well."""
    verdict = watch.judge()
    return render(request, "sync/_silence_text.html", {"silence": verdict if verdict.is_silent else None})


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
