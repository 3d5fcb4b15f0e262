"""Writing a prompt of the portal's own."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.prompts import queries, services
from apps.prompts.content import as_text
from apps.prompts.forms import PromptForm, VersionForm
from apps.prompts.forms.wording import initial_of
from apps.prompts.models import Prompt
from apps.prompts.services.change_requests import ChangeInvalidError, ChangeRefusedError
from apps.prompts.status import Truth


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("prompt:write")
def prompt_create(request: HttpRequest) -> HttpResponse:
    """A new prompt with its first version."""
    form = PromptForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        names = ("name", "description", "feature", "commit_message", "tags", "override_reason")
        values = {name: form.cleaned_data[name] for name in names}
        actor, at = cast(User, request.user), timezone.now()
        try:
            version = services.create_prompt(wording=form.wording, actor=actor, at=at, **values)
            return redirect(version.prompt)
        except ChangeRefusedError as refusal:
            _explain(form, refusal)
    return render(request, "prompts/prompt_write.html", {"form": form}, status=422 if form.is_bound else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("prompt:write")
def version_write(request: HttpRequest, pk: int) -> HttpResponse:
    """The next version of a prompt, beginning from the newest."""
    rows = Prompt.objects.select_related("source").filter(Q(source=None) | Q(truth=Truth.PORTAL))
    prompt = get_object_or_404(rows, pk=pk)
    latest = queries.find_version(prompt_id=prompt.pk, number=prompt.latest_number)
    text = as_text(template=latest.template, messages=latest.messages) if latest else ""
    form = VersionForm(request.POST if request.method == "POST" else None, initial=initial_of(latest, text))
    if form.is_bound and form.is_valid():
        try:
            return redirect(_write(request, prompt, form))
        except ChangeRefusedError as refusal:
            _explain(form, refusal)
    context = {"form": form, "prompt": prompt}
    return render(request, "prompts/prompt_write.html", context, status=422 if form.is_bound else 200)


def _write(request: HttpRequest, prompt: Prompt, form: VersionForm) -> str:
    """Keep it, or send it to the system that keeps the prompt; the page to go on with."""
    given: dict[str, Any] = {name: form.cleaned_data[name] for name in ("commit_message", "override_reason")}
    given |= {"prompt": prompt, "wording": form.wording, "actor": cast(User, request.user), "at": timezone.now()}
    if prompt.source is not None:
        services.write_upstream(**given)
        messages.success(request, f"It is on its way to {prompt.source.name}, which gives it a number.")
        return prompt.get_absolute_url()
    version = services.add_version(tags=form.cleaned_data["tags"], **given)
    messages.success(request, f"Version {version.number} is saved. No label points at it yet.")
    return f"{prompt.get_absolute_url()}?v={version.number}"


def _explain(form: VersionForm, refusal: ChangeRefusedError) -> None:
    """The sentence beside the field that it is about; each finding of the scan on its own line."""
    if isinstance(refusal, services.FoundSomethingError):
        for finding in refusal.findings:
            form.add_error("text", str(finding))
        form.add_error("override_reason", "If all of them are false alarms, say why and save again.")
        return
    field = refusal.field if isinstance(refusal, ChangeInvalidError) else ""
    field = {"template": "text", "messages": "text"}.get(field, field)
    form.add_error(field if field in form.fields else None, str(refusal))
