"""API tokens: everybody's own, and for administrators all of them."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import queries, services
from apps.accounts.forms import TokenForm
from apps.accounts.lists import token_listing
from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.accounts.scopes import SCOPES
from apps.core.listing import render_listing


@require_safe
def token_list(request: HttpRequest) -> HttpResponseBase:
    """The tokens that somebody may see, with what each one opens."""
    at = timezone.now()
    rows = queries.tokens_of(_user(request))
    return render_listing(request, token_listing(at=at), rows, "accounts/token_list.html", {"at": at})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("token:create")
def token_create(request: HttpRequest) -> HttpResponse:
    """A new token; it stands on the answer and nowhere else."""
    form = TokenForm(request.POST if request.method == "POST" else None, initial=_wanted(request))
    if form.is_bound and form.is_valid():
        token, text = services.create_token(user=_user(request), at=timezone.now(), **form.cleaned_data)
        return render(request, "accounts/token_shown.html", {"token": token, "text": text})
    return render(request, "accounts/token_create.html", {"form": form}, status=422 if form.is_bound else 200)


@require_POST
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """End a token: one's own, or as an administrator anybody's."""
    token = get_object_or_404(queries.tokens_of(_user(request)), pk=token_id)
    is_news = services.revoke_token(token_id=token.pk, actor=_user(request), at=timezone.now())
    messages.success(request, f"{token.name} {'opens nothing any more' if is_news else 'was revoked before'}.")
    return redirect("accounts:token-list")


def _wanted(request: HttpRequest) -> dict[str, Any]:
    """What the page that led here asks for."""
    scopes = [scope for scope in request.GET.getlist("scope") if scope in SCOPES]
    return {"scopes": scopes, "sources": request.GET.get("source", "")[:80], "days": 90}


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
