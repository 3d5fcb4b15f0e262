"""The portal at a moment."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.incidents.forms import AsOfForm, as_local
from apps.incidents.queries.asof import portal_at


@require_GET
def as_of(request: HttpRequest) -> HttpResponse:
    """What ran where, where labels pointed, which alerts were open and how features were at ?at=."""
    now = timezone.now()
    at = min(_asked(request.GET.get("at", "")) or now, now)
    form = AsOfForm(initial={"at": as_local(at)})
    return render(request, "incidents/as_of.html", {"then": portal_at(at=at), "form": form, "at": at})


def _asked(text: str) -> datetime | None:
    """The moment in the address: with a zone, or by the reader's clock."""
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else timezone.make_aware(found)
    except (ValueError, OverflowError):
        return None
