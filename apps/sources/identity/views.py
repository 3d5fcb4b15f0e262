"""Pages of identity mapping: the rules, the names that wait, one click to place one."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.catalog.models import Component
from apps.core.listing import render_listing
from apps.sources.identity import listings, placing, queries, services
from apps.sources.identity.forms import RuleForm
from apps.sources.models import ExternalName, MappingRule

either = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    """The rules in the order in which they are tried."""
    context = {"rules": list(queries.rules()), "waiting": queries.unmatched_count(), "job": queries.last_remapping()}
    return render(request, "sources/identity/rule_list.html", context)


@require_GET
def progress(request: HttpRequest) -> HttpResponse:
    """Where the pass over what is stored stands."""
    return render(request, "sources/identity/_progress.html", {"job": queries.last_remapping()})


@require_GET
def name_list(request: HttpRequest) -> HttpResponseBase:
    """The names that wait for a place, or all of them."""
    rows = queries.names() if request.GET.get("state") else queries.unmatched()
    context = {"waiting": queries.unmatched_count(), "job": queries.last_remapping()}
    return render_listing(request, listings.NAMES, rows, "sources/identity/name_list.html", context)


@either
@requires("source:change")
def rule_create(request: HttpRequest) -> HttpResponse:
    """A new rule; `?name=` fills in what is known of a name that waits."""
    form = RuleForm(request.POST or None, name=_name(request.GET.get("name", "")))
    if request.method == "POST" and form.is_valid() and form.draft is not None:
        services.create_rule(draft=form.draft, actor=_user(request))
        messages.success(request, "The rule is in use; everything stored is looked at anew.")
        return redirect("sources:rule-list")
    return _form_page(request, form, None)


@either
@requires("source:change")
def rule_change(request: HttpRequest, pk: int) -> HttpResponse:
    """A rule that is there."""
    rule = get_object_or_404(queries.rules(), pk=pk)
    form = RuleForm(request.POST or None, rule=rule)
    if request.method == "POST" and form.is_valid() and form.draft is not None:
        services.change_rule(rule=rule, draft=form.draft, actor=_user(request))
        messages.success(request, "Saved; everything stored is looked at anew.")
        return redirect("sources:rule-list")
    return _form_page(request, form, rule)


@require_POST
@requires("source:change")
def rule_preview(request: HttpRequest) -> HttpResponse:
    """What the rule would match as it is typed; nothing is saved."""
    form = RuleForm(request.POST)
    preview = placing.preview(rule=form.rule) if form.is_valid() else None
    if not request.headers.get("HX-Request"):
        return _form_page(request, form, None, preview)
    return render(request, "sources/identity/_preview.html", {"form": form, "preview": preview})


@require_POST
@requires("source:change")
def rule_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """The rule goes, and what it had placed is looked at anew."""
    rule = get_object_or_404(MappingRule, pk=pk)
    services.remove_rule(rule=rule, actor=_user(request))
    messages.success(request, f"The rule for {rule} is gone.")
    return redirect("sources:rule-list")


@require_POST
@requires("source:change")
def rule_move(request: HttpRequest, pk: int, way: str) -> HttpResponse:
    """The rule is tried one place earlier or later."""
    if way not in ("up", "down"):
        raise Http404("A rule moves up or down.")
    services.move_rule(rule=get_object_or_404(MappingRule, pk=pk), is_up=way == "up", actor=_user(request))
    return redirect("sources:rule-list")


@require_POST
@requires("source:change")
def remap(request: HttpRequest) -> HttpResponse:
    """Look at everything stored anew, after the catalog was changed."""
    services.request_remapping(reason="Asked for by hand", actor=_user(request))
    messages.success(request, "Everything stored is looked at anew.")
    return redirect("sources:rule-list")


@require_POST
@requires("source:change")
def name_map(request: HttpRequest, pk: int) -> HttpResponse:
    """One click: this name belongs to that component or feature."""
    name = get_object_or_404(queries.names(), pk=pk)
    target = queries.find_target(request.POST.get("target", ""))
    if target is None:
        raise Http404("This component or feature is not in the catalog; it may have been removed.")
    component, feature = (target, None) if isinstance(target, Component) else (None, target)
    services.map_name(name=name, component=component, feature=feature, actor=_user(request))
    messages.success(request, f"{name.name} belongs to {target.name} now; its history follows within seconds.")
    return redirect("sources:name-list")


@require_POST
@requires("source:change")
def name_ignore(request: HttpRequest, pk: int) -> HttpResponse:
    """Nobody waits for this name, or somebody does again."""
    name = get_object_or_404(ExternalName, pk=pk)
    services.set_ignored(name=name, is_ignored=request.POST.get("ignored") == "1", actor=_user(request))
    return redirect("sources:name-list")


def _form_page(
    request: HttpRequest, form: RuleForm, rule: MappingRule | None, preview: placing.Preview | None = None
) -> HttpResponse:
    status = 422 if form.is_bound and form.errors else 200
    context = {"form": form, "rule": rule, "preview": preview}
    return render(request, "sources/identity/rule_form.html", context, status=status)


def _name(pk: str) -> ExternalName | None:
    return queries.names().filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) <= 18 else None


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
