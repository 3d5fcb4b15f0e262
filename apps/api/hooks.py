"""Webhooks of vendors: no token and no session, the signature is the credential."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from apps.api.errors import ApiError, for_machines
from apps.api.reading import read_body
from apps.connectors.webhook import WebhookError
from apps.sources import queries as sources
from apps.sources.ringing import NoWebhookError, ring


@for_machines
@require_POST
def hook(request: HttpRequest, slug: str) -> HttpResponse:
    """202 once the delivery is noted and the source is due; a repeated one is answered the same and does nothing."""
    body = read_body(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        verdict = ring(slug=slug, headers=headers, body=body, at=sources.database_time())
    except NoWebhookError as error:
        raise ApiError(404, "no_webhook", str(error)) from None
    except WebhookError as refusal:
        raise ApiError(401, "bad_signature", str(refusal)) from None
    return JsonResponse({"status": verdict.value if verdict else "known"}, status=202)
