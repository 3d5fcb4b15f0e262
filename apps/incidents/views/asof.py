"""The portal at a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.incidents.charts import frozen_charts
from apps.incidents.forms import AsOfForm, as_local
from apps.incidents.models import Incident
from apps.incidents.queries.asof import portal_at


@require_GET
def as_of(request: HttpRequest) -> HttpResponse:
    """What ran where, where labels pointed, which alerts were open and how features were at ?at=.

    With ?incident= the numbers too, as they were frozen when it was declared.
    """
    now = timezone.now()
    at = min(_asked(request.GET.get("at", "")) or now, now)
    form = AsOfForm(initial={"at": as_local(at)})
    context = {"then": portal_at(at=at), "form": form, "at": at} | _frozen(request.GET.get("incident", ""))
    return render(request, "incidents/as_of.html", context)


def _frozen(number: str) -> dict[str, Any]:
    """The incident and its frozen numbers; nothing for what is no incident."""
    is_number = number.isdecimal() and len(number) < 19
    found = Incident.objects.select_related("snapshot").filter(pk=int(number)).first() if is_number else None
    if found is None:
        return {}
    return {"incident": found, "charts": frozen_charts(incident=found, zone=timezone.get_current_timezone())}


def _asked(text: str) -> datetime | None:
    """The moment in the address: with a zone, or by the reader's clock."""
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else timezone.make_aware(found)
    except (ValueError, OverflowError):
        return None
