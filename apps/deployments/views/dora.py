"""How well changes are delivered: the DORA measures, and people's word on what a change is blamed for."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.catalog.models import Feature, Team
from apps.deployments import exports, queries, services
from apps.deployments.asking import PERIODS, WITHIN, Question, read_question
from apps.deployments.status import ChangeKind, LinkState

SHOWN = 25  # changes with failures on the page; the export has all


@require_GET
def dora(request: HttpRequest) -> HttpResponse:
    """The page; ?format=csv and ?format=json give every change of the period."""
    question = read_question(request.GET)
    delivery = queries.delivery(question=question, at=timezone.now())
    match request.GET.get("format"):
        case "csv":
            return _download(HttpResponse(exports.as_csv(delivery), content_type="text/csv; charset=utf-8"), "csv")
        case "json":
            return _download(JsonResponse(exports.as_json(delivery)), "json")
    context = {"delivery": delivery, "measures": delivery.measures, "shown": delivery.failed[:SHOWN]}
    return render(request, "deployments/dora.html", context | _choices(question))


@require_POST
@requires("failure:decide")
def link_decide(request: HttpRequest, change_id: int, cause_id: int) -> HttpResponse:
    """Confirm that trouble was a change's fault, or cut the link."""
    text = request.POST.get("state", "")
    try:
        services.decide_link(
            change_id=change_id,
            cause_id=cause_id,
            state=LinkState(text if text in LinkState.values else LinkState.INFERRED),
            actor=cast(User, request.user),
            reason=request.POST.get("reason", "")[:1000],
            at=timezone.now(),
        )
        messages.success(request, "The link is confirmed." if text == LinkState.CONFIRMED else "The link is cut.")
    except services.LinkError as error:
        messages.error(request, str(error))
    return redirect(_back(request))


def _choices(question: Question) -> dict[str, Any]:
    return {
        "question": question,
        "periods": PERIODS,
        "days": question.days,
        "bounds": WITHIN.items(),
        "kinds": ChangeKind.choices,
        "features": Feature.objects.order_by("name").values_list("slug", "name"),
        "teams": Team.objects.order_by("name").values_list("slug", "name"),
    }


def _download(response: HttpResponse, kind: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="delivery.{kind}"'
    response["Cache-Control"] = "no-store"
    return response


def _back(request: HttpRequest) -> str:
    """The page with the filters it had, and nowhere else."""
    there = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(there, allowed_hosts=None) and there.startswith("/")
    return there if is_ours else reverse("deployments:dora")
