"""Webhooks of vendors: no token and no session, the signature is the credential."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from apps.api.errors import ApiError, for_machines
from apps.api.reading import read_body
from apps.connectors.webhook import Delivery, WebhookError
from apps.deployments import services as deployments
from apps.sources import queries as sources
from apps.sources.models import Source
from apps.sources.ringing import NoWebhookError, check, take
from apps.sources.status import Ringing


@for_machines
@require_POST
def hook(request: HttpRequest, slug: str) -> HttpResponse:
    """202 once the delivery is noted and the source is due; a repeated one is answered the same and does nothing."""
    body = read_body(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    at = sources.database_time()
    try:
        source, delivery = check(slug=slug, headers=headers, body=body, at=at)
    except NoWebhookError as error:
        raise ApiError(404, "no_webhook", str(error)) from None
    except WebhookError as refusal:
        raise ApiError(401, "bad_signature", str(refusal)) from None
    verdict = _keep(source, delivery, at)
    return JsonResponse({"status": verdict.value if verdict else "known"}, status=202)


def _keep(source: Source, delivery: Delivery, at: datetime) -> Ringing | None:
    """Note the delivery, and with it what it asks."""
    if delivery.question is None:
        return take(source=source, delivery=delivery, at=at)
    with transaction.atomic():
        verdict = take(source=source, delivery=delivery, at=at)
        if verdict:
            deployments.ask_gate(source=source, delivery_id=delivery.delivery_id, question=delivery.question, at=at)
    return verdict
