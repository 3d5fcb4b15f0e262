"""The buttons of a change request: each takes a form, calls one service, and shows the page again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.prompts import queries
from apps.prompts.forms import NoteForm, RemarkForm, ReviewForm, TimeForm
from apps.prompts.models import ChangeRequest, Comment
from apps.prompts.services import change_requests as changes
from apps.prompts.services.change_requests import ChangeInvalidError, ChangeRefusedError
from apps.prompts.status import ReviewVerdict
from apps.prompts.views.changes import layout_of, render_change

DECISIONS: dict[str, tuple[Callable[..., Any], str]] = {
    "approve": (changes.approve_change, "You approved this revision."),
    "changes": (changes.request_changes, "The author is asked for changes."),
    "reject": (changes.reject_change, "The change is rejected."),
}


def carry(request: HttpRequest, pk: int, *, form: forms.Form, work: Callable[..., Any], done: str) -> HttpResponse:
    """Call `work` with who and when; a refusal shows the page again with its sentence and its status."""
    change = get_object_or_404(queries.change_requests(), pk=pk)
    try:
        if not form.is_valid():
            raise ChangeInvalidError(" ".join(str(text) for texts in form.errors.values() for text in texts))
        found = work(actor=cast(User, request.user), at=timezone.now())
    except ChangeRefusedError as refusal:
        return render_change(request, queries.change_requests().get(pk=change.pk), refusal=refusal)
    messages.success(request, done)
    return redirect(_thread_url(request, change, found) if isinstance(found, Comment) else change)


def _thread_url(request: HttpRequest, change: ChangeRequest, remark: Comment) -> str:
    """Back to the thread, in the layout that the reader had."""
    return f"{change.get_absolute_url()}?diff={layout_of(request.POST)}#remark-{remark.parent_id or remark.pk}"


@require_POST
def change_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve, ask for changes, or reject."""
    form = NoteForm(request.POST)
    service, done = DECISIONS.get(request.POST.get("do", ""), DECISIONS["approve"])

    def work(**by: Any) -> Any:
        values = form.cleaned_data
        return service(change_id=pk, seen_hash=values["seen_hash"], note=values["note"], **by)

    return carry(request, pk, form=form, work=work, done=done)


@require_POST
def change_submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it for review."""

    def work(**by: Any) -> Any:
        return changes.submit_change(change_id=pk, **by)

    return carry(request, pk, form=NoteForm(request.POST), work=work, done="It waits for review.")


@require_POST
def change_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw it."""
    form = NoteForm(request.POST)

    def work(**by: Any) -> Any:
        return changes.cancel_change(change_id=pk, reason=form.cleaned_data["note"], **by)

    return carry(request, pk, form=form, work=work, done="The change is withdrawn.")


@require_POST
def change_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Plan when it is applied."""
    form = TimeForm(request.POST)

    def work(**by: Any) -> Any:
        return changes.schedule_change(change_id=pk, apply_at=form.cleaned_data["apply_at"], **by)

    return carry(request, pk, form=form, work=work, done="The plan is saved.")


@require_POST
def change_roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the label back to where it was."""
    form = NoteForm(request.POST)

    def work(**by: Any) -> Any:
        return changes.roll_back_change(change_id=pk, reason=form.cleaned_data["note"], **by)

    return carry(request, pk, form=form, work=work, done="It is rolled back.")


@require_POST
def change_break_glass(request: HttpRequest, pk: int) -> HttpResponse:
    """Out without approval."""
    form = NoteForm(request.POST)

    def work(**by: Any) -> Any:
        return changes.break_glass(change_id=pk, reason=form.cleaned_data["note"], **by)

    done = "It goes out without approval. Somebody else has to review it within a day."
    return carry(request, pk, form=form, work=work, done=done)


@require_POST
def change_review_glass(request: HttpRequest, pk: int) -> HttpResponse:
    """Review a broken glass afterwards."""
    form = ReviewForm(request.POST)

    def work(**by: Any) -> Any:
        verdict = ReviewVerdict(form.cleaned_data["verdict"])
        return changes.review_broken_glass(change_id=pk, verdict=verdict, note=form.cleaned_data["note"], **by)

    return carry(request, pk, form=form, work=work, done="Your review is kept.")


@require_POST
def change_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a remark or an answer."""
    form = RemarkForm(request.POST)

    def work(**by: Any) -> Any:
        values = form.cleaned_data
        return changes.add_comment(change_id=pk, body=values["body"], pin=form.pin, parent_id=values["parent"], **by)

    return carry(request, pk, form=form, work=work, done="Your remark is there for everybody.")


@require_POST
def comment_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Resolve a thread, or take it up again."""
    comment = get_object_or_404(Comment, pk=pk)
    is_open = request.POST.get("do") == "reopen"
    service = changes.reopen_comment if is_open else changes.resolve_comment

    def work(**by: Any) -> Any:
        return service(comment_id=pk, **by)

    done = "The thread is open again." if is_open else "The thread is resolved."
    return carry(request, comment.change_id, form=NoteForm(request.POST), work=work, done=done)
