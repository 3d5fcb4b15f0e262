"""The pages about outbound events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.catalog.models import Feature
from apps.core.listing import render_listing
from apps.notifications import following, letters, listings, queries, services, trial
from apps.notifications.forms import ReplayForm, SubscriptionForm
from apps.notifications.models import Delivery, Subscription
from apps.sources import queries as sources

SCHEMA = Path(__file__).parent / "schema" / "event.json"
either = require_http_methods(["GET", "HEAD", "POST"])


@login_not_required  # no secret, and a validator has no session
@require_GET
def schema(_request: HttpRequest) -> HttpResponse:
    """The JSON Schema of what is sent."""
    return HttpResponse(SCHEMA.read_bytes(), content_type="application/schema+json")


@require_GET
@requires("subscription:read")
def subscription_list(request: HttpRequest) -> HttpResponseBase:
    """Every subscription with how its receiver does."""
    context = {
        "disabled": queries.disabled_subscriptions(),
        "has_worker": sources.has_worker(at=sources.database_time()),
    }
    rows = queries.subscriptions()
    return render_listing(request, listings.SUBSCRIPTIONS, rows, "notifications/subscription_list.html", context)


@never_cache
@either
@requires("subscription:change")
def subscription_create(request: HttpRequest) -> HttpResponse:
    """The form of a new subscription; then its secret, this once."""
    form = SubscriptionForm(request.POST if request.method == "POST" else None, user=_user(request))
    if request.method == "POST" and form.is_valid() and form.draft is not None:
        subscription, secret = services.create_subscription(draft=form.draft, actor=_user(request))
        return _secret_page(request, subscription, secret, is_new=True)
    return _form_page(request, form)


@either
@requires("subscription:change")
def subscription_change(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of a subscription that is there."""
    subscription = _subscription(pk)
    data = request.POST if request.method == "POST" else None
    form = SubscriptionForm(data, user=_user(request), subscription=subscription)
    if request.method == "POST" and form.is_valid() and form.draft is not None:
        services.change_subscription(subscription=subscription, draft=form.draft, actor=_user(request))
        messages.success(request, "Saved; it counts from the next event on.")
        return redirect(subscription)
    return _form_page(request, form)


@require_GET
@requires("subscription:read")
def subscription_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One subscription: how it does, what it asks for, and its delivery log."""
    return _detail_page(request, _subscription(pk), ReplayForm())


@require_GET
@requires("subscription:read")
def subscription_head(request: HttpRequest, pk: int) -> HttpResponse:
    """How the receiver does now."""
    return render(request, "notifications/_head.html", _now(_subscription(pk)))


@require_POST
@requires("subscription:change")
def subscription_test(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send a test event and say what came back."""
    subscription = _subscription(pk)
    answer = trial.send_test(subscription=subscription, at=sources.database_time())
    is_good = answer.outcome.is_good
    services.note_test(subscription=subscription, sentence=answer.sentence, is_good=is_good, actor=_user(request))
    if not request.headers.get("HX-Request"):
        (messages.success if is_good else messages.error)(request, answer.sentence)
        return redirect(subscription)
    return render(request, "notifications/_test.html", {"subscription": subscription, "answer": answer})


@never_cache
@require_POST
@requires("subscription:change")
def subscription_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret, shown this once."""
    subscription = _subscription(pk)
    at = sources.database_time()
    secret = services.rotate_secret(subscription=subscription, at=at, actor=_user(request))
    return _secret_page(request, _subscription(pk), secret, is_new=False)


@require_POST
@requires("subscription:change")
def subscription_pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop sending."""
    subscription = _subscription(pk)
    services.pause_subscription(subscription=subscription, actor=_user(request))
    messages.success(request, f"{subscription} is paused; what happens meanwhile waits.")
    return redirect(subscription)


@require_POST
@requires("subscription:change")
def subscription_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on sending, with what happened meanwhile or without it."""
    subscription, skips = _subscription(pk), request.POST.get("missed") == "skip"
    at = sources.database_time()
    services.resume_subscription(subscription=subscription, at=at, skips_missed=skips, actor=_user(request))
    rest = "from now on" if skips else "with everything that happened meanwhile"
    messages.success(request, f"{subscription} gets events again, {rest}.")
    return redirect(subscription)


@either
@requires("subscription:remove")
def subscription_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask once more; then remove it."""
    subscription = _subscription(pk)
    if request.method == "POST":
        services.remove_subscription(subscription=subscription, actor=_user(request))
        messages.success(request, f"{subscription} is removed; nothing is sent there any more.")
        return redirect("notifications:subscription-list")
    context = {"subscription": subscription, **queries.waiting_counts(subscription=subscription)}
    return render(request, "notifications/subscription_remove.html", context)


@require_POST
@requires("subscription:change")
def replay_span(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send everything of a span again."""
    subscription, form = _subscription(pk), ReplayForm(request.POST)
    if not subscription.is_enabled:
        messages.error(request, "Resume it first; while it is paused nothing is sent.")
        return redirect(subscription)
    if not form.is_valid():
        return _detail_page(request, subscription, form)
    span = {"start": form.cleaned_data["start"], "end": form.cleaned_data["end"]}
    services.request_replay(subscription=subscription, actor=_user(request), **span)
    messages.success(request, "The events of that time are being queued again.")
    return redirect(subscription)


@require_GET
@requires("subscription:read")
def replay_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the last replay stands; asks again by itself until it is over."""
    subscription = _subscription(pk)
    context = {"subscription": subscription, "replay": queries.last_replay(subscription=subscription)}
    return render(request, "notifications/_replay_progress.html", context)


@require_POST
@requires("subscription:change")
def delivery_replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Send one event again."""
    delivery = get_object_or_404(Delivery.objects.select_related("subscription__state", "event"), pk=pk)
    if services.replay_delivery(delivery=delivery, at=sources.database_time(), actor=_user(request)):
        messages.success(request, "The event is queued again, under the same id.")
    else:
        messages.info(request, "This event is being sent right now.")
    return redirect(delivery.subscription)


def _now(subscription: Subscription) -> dict[str, Any]:
    counts = queries.waiting_counts(subscription=subscription)
    return {"subscription": subscription, "topic": f"subscription-{subscription.pk}", **counts}


def _detail_page(request: HttpRequest, subscription: Subscription, form: ReplayForm) -> HttpResponseBase:
    context = {
        **_now(subscription),
        "names": queries.names_of_filters(subscription=subscription),
        "replay": queries.last_replay(subscription=subscription),
        "replay_form": form,
    }
    rows = queries.deliveries_of(subscription=subscription)
    listing = listings.delivery_listing(topic=f"subscription-{subscription.pk}")
    response = render_listing(request, listing, rows, "notifications/subscription_detail.html", context)
    response.status_code = 422 if form.is_bound and form.errors else response.status_code
    return response


def _form_page(request: HttpRequest, form: SubscriptionForm) -> HttpResponse:
    status = 422 if form.is_bound and form.errors else 200
    context = {"form": form, "subscription": form.subscription}
    return render(request, "notifications/subscription_form.html", context, status=status)


def _secret_page(request: HttpRequest, subscription: Subscription, secret: str, *, is_new: bool) -> HttpResponse:
    context = {"subscription": subscription, "secret": secret, "is_new": is_new}
    return render(request, "notifications/subscription_secret.html", context)


def _subscription(pk: int) -> Subscription:
    return get_object_or_404(queries.subscriptions(), pk=pk)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


@require_GET
def updates(request: HttpRequest) -> HttpResponse:
    """What the reader gets by mail about incidents, and how to end that."""
    user = _user(request)
    context = {
        "followed": following.followed_by(user=user),
        "features": Feature.objects.filter(is_retired=False).order_by("name"),
        "is_mail_set": letters.is_mail_set(),
        "is_reachable": bool(user.email),
    }
    return render(request, "notifications/updates.html", context)


@never_cache
@either
def follow(request: HttpRequest) -> HttpResponse:
    """The button for updates by mail, of ?feature= or of everything; a POST presses it."""
    user, slug = _user(request), request.GET.get("feature", "") or request.POST.get("feature", "")
    feature = get_object_or_404(Feature, slug=slug) if slug else None
    if request.method == "POST":
        if request.POST.get("to") == "on":
            following.follow(user=user, feature=feature, at=timezone.now())
        else:
            following.unfollow(user=user, feature=feature)
        if not request.htmx:  # type: ignore[attr-defined]
            return redirect("notifications:updates")
    context = {"feature": feature, "is_on": following.is_following(user=user, feature=feature)}
    return render(request, "notifications/_follow.html", context)
