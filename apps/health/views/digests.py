"""The weekly digest: what a person wants, how it looks, and the link that ends it."""

from __future__ import annotations

from datetime import date
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.health import queries, services
from apps.health.forms import DigestForm
from apps.health.models import DigestWish


@require_http_methods(["GET", "HEAD", "POST"])
@requires("portal:read")
def digest(request: HttpRequest) -> HttpResponse:
    """Whether and of what a person wants the week by mail."""
    user = cast(User, request.user)
    wish = DigestWish.objects.filter(pk=user.pk).first()
    told = {"is_wanted": wish.is_wanted, "teams": wish.teams.all(), "features": wish.features.all()} if wish else {}
    form = DigestForm(request.POST if request.method == "POST" else None, initial=told)
    if form.is_bound and form.is_valid():
        services.choose_digest(user=user, at=timezone.now(), **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("health:digest")
    return render(request, "health/digest.html", {"form": form}, status=422 if form.is_bound else 200)


@require_GET
@never_cache
def digest_preview(request: HttpRequest) -> HttpResponse:
    """The newest week as the mail tells it, or the one before `?week=`, a Monday; it needs no mail server."""
    week = queries.week_of(user=cast(User, request.user), monday=_monday(request), at=timezone.now())
    return render(request, "health/digest_preview.html", {"week": week})


def _monday(request: HttpRequest) -> date | None:
    try:
        found = parse_date(request.GET.get("week", ""))
    except ValueError:
        return None
    return found if found and found.weekday() == 0 else None


@csrf_exempt  # mail programs post it by themselves (RFC 8058); the signed link is the proof
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def digest_stop(request: HttpRequest, token: str) -> HttpResponse:
    """Ends the digest of whoever the link was sent to; looking at the link does nothing."""
    if request.method != "POST":
        return render(request, "health/digest_stop.html", {"token": token})
    is_known = services.stop_digest(token=token, at=timezone.now())
    context = {"is_over": is_known, "is_wrong": not is_known}
    return render(request, "health/digest_stop.html", context, status=200 if is_known else 404)
