"""What people tell about a feature in plain words."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import may, requires
from apps.catalog.models import ComponentKind, Feature
from apps.health import queries, services
from apps.health.forms import AnnouncementForm
from apps.health.models import Announcement


@require_GET
def announcements(request: HttpRequest, slug: str) -> HttpResponse:
    """What holds now and what held before, with a form for those who may write one."""
    feature = get_object_or_404(Feature, slug=slug)
    return _page(request, feature, AnnouncementForm() if may(cast(User, request.user), "announcement:write") else None)


@require_http_methods(["POST"])
@requires("announcement:write")
def announce(request: HttpRequest, slug: str) -> HttpResponse:
    """A new announcement."""
    feature, at = get_object_or_404(Feature, slug=slug), timezone.now()
    form = AnnouncementForm(request.POST, at=at)
    if not form.is_valid():
        return _page(request, feature, form, status=422)
    services.announce(feature=feature, actor=cast(User, request.user), at=at, **form.cleaned_data)
    messages.success(request, "Everybody who opens the page reads it now.")
    return redirect(feature)


@require_POST
@requires("announcement:write")
def announcement_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes one back before its time."""
    said = get_object_or_404(Announcement.objects.select_related("feature"), pk=pk)
    is_done = services.withdraw_announcement(announcement=said, actor=cast(User, request.user), at=timezone.now())
    messages.success(request, "It is taken back." if is_done else "It was over already.")
    return redirect("health:announcements", slug=said.feature.slug)


@require_GET
def announced(request: HttpRequest, slug: str) -> HttpResponse:
    """What holds now, for the feature's page to embed."""
    feature = get_object_or_404(Feature, slug=slug)
    context = {"feature": feature, "announced": queries.announced(feature_id=feature.pk, at=timezone.now())}
    return render(request, "health/_announced.html", context | {"topic": f"feature-{feature.pk}"})


@require_GET
def providers_of_feature(request: HttpRequest, feature_id: int) -> HttpResponse:
    """The providers that a feature needs and how they do, for its page to embed."""
    feature = get_object_or_404(Feature, pk=feature_id)
    found = queries.dependency_map(feature=feature)
    rows = [row for row in found.rows if row.component.kind == ComponentKind.PROVIDER]
    return render(request, "health/_providers.html", {"rows": rows, "feature": feature})


def _page(request: HttpRequest, feature: Feature, form: AnnouncementForm | None, status: int = 200) -> HttpResponse:
    at = timezone.now()
    context = {
        "feature": feature,
        "form": form,
        "announced": queries.announced(feature_id=feature.pk, at=at),
        "past": queries.past_announcements(feature_id=feature.pk, at=at),
        "shows_demo": feature.is_demo,
    }
    return render(request, "health/announcements.html", context, status=status)
