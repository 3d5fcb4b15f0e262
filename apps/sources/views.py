"""The pages about sources."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.connectors.base import Connector
from apps.connectors.registry import CONNECTORS
from apps.core.listing import render_listing
from apps.sources import listings, offering, previewing, probing, queries, rows, services
from apps.sources.forms import SourceForm
from apps.sources.identity import queries as identity
from apps.sources.models import Source
from apps.sources.ringing_view import shown_webhook

either = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def source_list(request: HttpRequest) -> HttpResponseBase:
    """Every source with how it is doing."""
    at = queries.database_time()
    context = {"at": at, "has_worker": queries.has_worker(at=at), "waiting": identity.unmatched_count()}
    listing = listings.source_listing(at=at)
    return render_listing(request, listing, rows.source_rows(at=at), "sources/source_list.html", context)


@require_GET
@requires("source:change")
def source_add(request: HttpRequest) -> HttpResponse:
    """What can be connected."""
    query = request.GET.get("q", "")[:100]
    return render(request, "sources/source_add.html", {"query": query, "shelves": offering.shelves(query)})


@require_GET
@requires("source:change")
def source_help(request: HttpRequest, connector: str) -> HttpResponse:
    """The documentation of a connector."""
    kind = _kind(connector)
    text = offering.help_text(kind)
    if text is None:
        raise Http404("The documentation of this connector is not installed here.")
    return render(request, "sources/source_help.html", {"kind": offering.offer_of(kind), "text": text})


@either
@requires("source:change")
def source_create(request: HttpRequest, connector: str) -> HttpResponse:
    """The form of a new source."""
    form = SourceForm(_sent(request), kind=_kind(connector), user=_user(request))
    if request.method == "POST" and form.is_valid() and form.draft is not None:
        source = services.create_source(draft=form.draft, actor=_user(request))
        begins = "its first poll begins now" if source.is_polled else "it counts as heard with its first report"
        messages.success(request, f"{source.name} is connected; {begins}.")
        return redirect(source)
    return _form_page(request, form)


@either
@requires("source:change")
def source_change(request: HttpRequest, slug: str) -> HttpResponse:
    """The form of a source that is there."""
    source = _source(slug)
    form = SourceForm(_sent(request), kind=_kind(source.connector), user=_user(request), source=source)
    if request.method == "POST" and form.is_valid() and form.draft is not None:
        services.change_source(source=source, draft=form.draft, actor=_user(request))
        messages.success(request, "Saved; the next poll begins now." if source.is_polled else "Saved.")
        return redirect(source)
    return _form_page(request, form)


@require_POST
@requires("source:change")
def source_test_new(request: HttpRequest, connector: str) -> HttpResponse:
    """Whether a source that is not saved yet would answer."""
    return _test(request, SourceForm(request.POST, kind=_kind(connector), user=_user(request)))


@require_POST
@requires("source:change")
def source_test(request: HttpRequest, slug: str) -> HttpResponse:
    """Whether a source would answer with what the form says now; stored secrets go to the stored host only."""
    source = _source(slug)
    return _test(request, SourceForm(request.POST, kind=_kind(source.connector), user=_user(request), source=source))


@require_POST
@requires("source:change")
def source_preview_new(request: HttpRequest, connector: str) -> HttpResponse:
    """What a source that is not saved yet would bring."""
    return _preview(request, _kind(connector), source=None)


@require_POST
@requires("source:change")
def source_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """What a source would bring with what the form says now."""
    source = _source(slug)
    return _preview(request, _kind(source.connector), source=source)


@require_GET
def source_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One source: how it is, what it brings, what depends on it."""
    source = _source(slug)
    return render(request, "sources/source_detail.html", _detail(source))


@require_GET
def source_head(request: HttpRequest, slug: str) -> HttpResponse:
    """How the source is now."""
    return render(request, "sources/_source_head.html", _now(_source(slug)))


@require_GET
def source_health(request: HttpRequest, slug: str) -> HttpResponse:
    """How reading it goes, and what it grants."""
    source = _source(slug)
    return render(request, "sources/_source_health.html", {**_now(source), **_health(source)})


@require_GET
def source_progress(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the poll stands; asks again by itself until it is over."""
    return render(request, "sources/_source_progress.html", _now(_source(slug)))


@require_GET
def source_recent(request: HttpRequest, slug: str) -> HttpResponse:
    """The last polls and what could not be read."""
    return render(request, "sources/_source_recent.html", _recent(_source(slug)))


@require_POST
@requires("source:poll")
def source_poll(request: HttpRequest, slug: str) -> HttpResponse:
    """Poll now."""
    source = _source(slug)
    services.request_poll(source=source, at=queries.database_time(), actor=_user(request))
    if request.headers.get("HX-Request"):
        return render(request, "sources/_source_progress.html", _now(_source(slug)))
    return redirect(source)


@require_POST
@requires("source:change")
def source_pause(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop polling."""
    return _set_paused(request, slug, is_paused=True)


@require_POST
@requires("source:change")
def source_resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Go on polling."""
    return _set_paused(request, slug, is_paused=False)


@either
@requires("source:remove")
def source_remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask once more, saying what goes with the source; then remove it."""
    source = _source(slug)
    if request.method == "POST":
        services.remove_source(source=source, actor=_user(request))
        messages.success(request, f"{source.name} and everything that came from it are removed.")
        return redirect("sources:source-list")
    context = {
        "source": source,
        "brought": queries.what_it_brings(source=source),
        "features": queries.features_behind(source=source),
    }
    return render(request, "sources/source_remove.html", context)


@require_GET
def poll_list(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Every poll that is still remembered."""
    source = _source(slug)
    polls = queries.polls_of(source=source)
    return render_listing(request, listings.POLLS, polls, "sources/poll_list.html", {"source": source})


@require_GET
def letter_list(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Every record that could not be read."""
    source = _source(slug)
    letters = queries.letters_of(source=source)
    return render_listing(request, listings.LETTERS, letters, "sources/letter_list.html", {"source": source})


def _now(source: Source) -> dict[str, Any]:
    at = queries.database_time()
    progress = queries.poll_progress(source=source, at=at)
    return {"source": source, "topic": f"source-{source.pk}", "at": at, "progress": progress}


def _health(source: Source) -> dict[str, Any]:
    return {"coverage": queries.coverage_of(source=source), "letter_count": queries.letter_count(source=source)}


def _recent(source: Source) -> dict[str, Any]:
    topic = {"source": source, "topic": f"source-{source.pk}"}
    return {**topic, **queries.recent_polls(source=source), **queries.recent_letters(source=source)}


def _detail(source: Source) -> dict[str, Any]:
    return {
        **_now(source),
        **_recent(source),
        **_health(source),
        **shown_webhook(source),
        "kind": offering.offer_of(kind) if (kind := CONNECTORS.get(source.connector)) else None,
        "brought": queries.what_it_brings(source=source),
        "features": queries.features_behind(source=source),
        "shows_demo": source.is_demo,
    }


def _set_paused(request: HttpRequest, slug: str, *, is_paused: bool) -> HttpResponse:
    source = _source(slug)
    services.set_paused(source=source, is_paused=is_paused, actor=_user(request))
    again = "polled again" if source.is_polled else "listened to again"
    messages.success(request, f"{source.name} is {'paused' if is_paused else again}.")
    return redirect(source)


def _form_page(
    request: HttpRequest,
    form: SourceForm,
    *,
    answer: probing.Answer | None = None,
    preview: previewing.Shown | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "kind": offering.offer_of(form.kind),
        "source": form.source,
        "answer": answer,
        "preview": preview,
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "sources/source_form.html", context, status=status)


def _test(request: HttpRequest, form: SourceForm) -> HttpResponse:
    """The answer alone beside the form, or without scripts the whole form with it; nothing is saved either way."""
    answer = probing.test_connection(draft=form.draft_with_secrets()) if form.is_valid() else None
    is_as_stored = form.source is not None and form.draft is not None and form.draft.config == form.source.config
    if answer and answer.is_good and form.source and is_as_stored:
        services.note_scopes(source=form.source, scopes=answer.scopes, at=queries.database_time())
    if not request.headers.get("HX-Request"):
        return _form_page(request, form, answer=answer)
    return render(request, "sources/_source_answer.html", {"form": form, "answer": answer})


def _preview(request: HttpRequest, kind: type[Connector], *, source: Source | None) -> HttpResponse:
    """The tables alone below the form, or without scripts the whole form with them; nothing is saved either way."""
    if not kind.has_preview:
        raise Http404("This connector has no preview.")
    form = SourceForm(request.POST, kind=kind, user=_user(request), source=source, is_unfinished=True)
    preview = previewing.preview_source(draft=form.draft_with_secrets()) if form.is_valid() else None
    if not request.headers.get("HX-Request"):
        return _form_page(request, form, preview=preview)
    return render(request, "sources/_source_preview.html", {"form": form, "preview": preview})


def _source(slug: str) -> Source:
    try:
        return queries.get_source(slug=slug)
    except Source.DoesNotExist:
        raise Http404("No source has this address; it may have been removed.") from None


def _kind(key: str) -> type[Connector]:
    if key not in CONNECTORS:
        raise Http404("This version has no such connector.")
    return CONNECTORS[key]


def _sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
