"""What the page of a source shows of its webhook: how to set it up, and what came lately."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.sources import queries
from apps.sources.models import Source, WebhookDelivery
from apps.sources.ringing import webhook_of, webhook_secrets

SHOWN = 10


def shown_webhook(source: Source) -> dict[str, Any]:
    """`webhook_help` "" for a source that cannot be rung at; `deliveries` newest first."""
    webhook = webhook_of(source)
    if webhook is None:
        return {"webhook_help": ""}
    return {
        "webhook_help": webhook.help,
        "has_webhook_secret": bool(webhook_secrets(source)),
        "deliveries": list(WebhookDelivery.objects.filter(source=source)[:SHOWN]),
    }


@require_GET
def source_webhook(request: HttpRequest, slug: str) -> HttpResponse:
    """The card again, when something rang."""
    try:
        source = queries.get_source(slug=slug)
    except Source.DoesNotExist:
        raise Http404("No source has this address; it may have been removed.") from None
    context = {"source": source, "topic": f"source-{source.pk}", **shown_webhook(source)}
    return render(request, "sources/_source_webhook.html", context)
