"""Rules: what it takes to move a label."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.prompts.forms import PolicyForm
from apps.prompts.models import ApprovalPolicy
from apps.prompts.services import policies


@require_GET
def policy_list(request: HttpRequest) -> HttpResponse:
    """Every rule; there are few, so they are not a list with pages."""
    rows = ApprovalPolicy.objects.prefetch_related("teams").select_related("changed_by")
    return render(request, "prompts/policy_list.html", {"rows": rows, "tab": "rules"})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("policy:change")
def policy_change(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new rule, or one that changes."""
    policy = get_object_or_404(ApprovalPolicy, pk=pk) if pk else ApprovalPolicy()
    before = policies.facts_of(policy)
    form = PolicyForm(request.POST if request.method == "POST" else None, instance=policy)
    if form.is_bound and form.is_valid():
        policy.gate = form.gate
        policies.save_policy(
            policy=policy,
            teams=form.cleaned_data["teams"],
            before=before,
            actor=cast(User, request.user),
            at=timezone.now(),
        )
        messages.success(request, "The rule is saved. Requests that are in review keep what was asked of them.")
        return redirect("prompts:policy-list")
    context = {"form": form, "policy": policy}
    return render(request, "prompts/policy_change.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires("policy:change")
def policy_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rule away."""
    policy = get_object_or_404(ApprovalPolicy, pk=pk)
    policies.remove_policy(policy_id=policy.pk, actor=cast(User, request.user))
    messages.success(request, "The rule is gone; its labels are not protected any more.")
    return redirect("prompts:policy-list")
