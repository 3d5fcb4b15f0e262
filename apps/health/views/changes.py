"""What every family together says of a change request: the risk line, and applying it."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.models import User
from apps.health import queries
from apps.prompts.models import ChangeRequest
from apps.prompts.services import change_requests as changes


@require_GET
def change_risks(request: HttpRequest, pk: int) -> HttpResponse:
    """The risk line, for the page of the request to embed."""
    change = get_object_or_404(ChangeRequest.objects.select_related("prompt__feature"), pk=pk)
    return render(request, "health/_change_risks.html", {"risks": queries.risks(change=change, at=timezone.now())})


@require_POST
def change_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Carry an approved change out, unless a freeze or anything else stands in the way."""
    change, at = get_object_or_404(ChangeRequest, pk=pk), timezone.now()
    try:
        freezes = queries.freezes_of(change=change, at=at)
        changes.apply_change(change_id=pk, actor=cast(User, request.user), at=at, obstacles=freezes)
        messages.success(request, "It is applied, or on its way to the system that owns the prompt.")
    except changes.ChangeRefusedError as refusal:
        messages.error(request, str(refusal))
    return redirect(change)
