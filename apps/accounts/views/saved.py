"""Saved views: the tabs above every list, and the page where they are renamed, shared and removed."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import queries, services
from apps.accounts.forms import ViewForm
from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.accounts.saved import name_of, split_address


@never_cache
@require_GET
def view_tabs(request: HttpRequest) -> HttpResponse:
    """The views of the list that the reader has open, for the place above it."""
    return render(request, "accounts/_view_tabs.html", _tabs(request, request.headers.get("HX-Current-URL", "")))


@never_cache
@require_GET
def view_list(request: HttpRequest) -> HttpResponse:
    """One's own views and the shared ones; ?at= is a list whose filters are to be saved."""
    user = cast(User, request.user)
    context = _tabs(request, request.GET.get("at", "")) | {"views": queries.views_for(user=user)}
    return render(request, "accounts/view_list.html", context)


@require_POST
@requires("view:save")
def view_save(request: HttpRequest) -> HttpResponse:
    """Save the filters of a list."""
    form = ViewForm(request.POST)
    address = request.POST.get("at", "")
    if not form.is_valid():
        messages.error(request, "A view needs a name of up to 60 characters.")
        return redirect(_back(address))
    try:
        view = services.save_view(owner=cast(User, request.user), address=address, **form.cleaned_data)
    except services.ViewError as error:
        messages.error(request, str(error))
        return redirect(_back(address))
    messages.success(request, f"Saved as “{view.name}”.")
    return redirect(view)


@require_POST
@requires("view:save")
def view_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename, share or keep for oneself."""
    form = ViewForm(request.POST)
    if not form.is_valid():
        return _answer(request, "A view needs a name of up to 60 characters.", is_good=False)
    return _try(request, services.change_view, view_id=pk, actor=request.user, **form.cleaned_data)


@require_POST
@requires("view:save")
def view_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a view."""
    return _try(request, services.remove_view, view_id=pk, actor=request.user)


@require_POST
@requires("view:save")
def view_default(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the list with this view, or no longer."""
    is_default = request.POST.get("on") == "1"
    return _try(request, services.set_default_view, view_id=pk, user=request.user, is_default=is_default)


def _tabs(request: HttpRequest, address: str) -> dict[str, Any]:
    """The list of an address with its views; nothing for an address that is no list of ours."""
    parts = urlsplit(address) if len(address) < 5000 and "[" not in address else urlsplit("")
    local = f"{parts.path}?{parts.query}"
    try:
        path, query = split_address(local)
    except ValueError:
        return {"at": ""}
    user = cast(User, request.user)
    tabs = queries.view_tabs(user=user, path=path, query=query)
    everything = f"{path}?view=all" if path in user.default_views else path
    is_saved = any(tab.is_current for tab in tabs)
    return {
        "at": f"{path}?{query}",
        "list_name": name_of(path),
        "tabs": tabs,
        "everything": everything,
        "is_everything": not query,
        "may_save": bool(query) and not is_saved,
    }


def _try(request: HttpRequest, service: Any, **values: Any) -> HttpResponse:
    try:
        service(**values)
    except services.ViewError as error:
        return _answer(request, str(error), is_good=False)
    return _answer(request, "Saved.", is_good=True)


def _answer(request: HttpRequest, text: str, *, is_good: bool) -> HttpResponse:
    (messages.success if is_good else messages.error)(request, text)
    return redirect("accounts:view-list")


def _back(address: str) -> str:
    is_ours = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_ours else "accounts:view-list"
