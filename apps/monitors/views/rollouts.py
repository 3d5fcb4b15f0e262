"""A rollout of a prompt with the monitors and objectives that guard it."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.monitors import queries, services
from apps.monitors.forms import RolloutForm
from apps.prompts.models import PromptLabel
from apps.prompts.services.change_requests import ChangeRefusedError


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("change:apply")
def rollout_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a share of the callers get another version under a label."""
    rows = PromptLabel.objects.select_related("prompt__component", "version", "rollout__version", "rollout__watch")
    label = get_object_or_404(rows, pk=pk)
    form = RolloutForm(request.POST if request.method == "POST" else None, initial=_initial(label))
    if form.is_bound and form.is_valid():
        values = form.cleaned_data
        try:
            services.roll_out(label_id=pk, actor=cast(User, request.user), at=timezone.now(), **values)
            messages.success(request, f"{values['percent']} % get v{values['number']} as {label.name}.")
            return redirect(label.prompt)
        except ChangeRefusedError as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "label": label, "prompt": label.prompt}
    return render(request, "monitors/rollout_change.html", context, status=422 if form.is_bound else 200)


def _initial(label: PromptLabel) -> dict[str, Any]:
    rollout = getattr(label, "rollout", None)
    watch = getattr(rollout, "watch", None)
    if rollout is None or watch is None:
        return {"percent": 10, "guards": queries.default_guards(prompt=label.prompt)}
    guards = [one.key for one in watch.guards.all()]
    how = {"guards": guards, "on_alert": watch.on_alert, "soak_minutes": watch.soak_minutes}
    return {"number": rollout.version.number, "percent": rollout.percent} | how
