"""May this deploy? The answer for pipelines that ask before they put something live."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from apps.api.document import Api, described
from apps.api.entrance import let_in
from apps.api.errors import ApiError
from apps.catalog.models import Environment, Feature
from apps.health import queries as health


def enter_to_read(request: HttpRequest) -> Any:
    """The token of whoever asks; raises ApiError."""
    return let_in(request, scopes=["read"])


def add_to(api: Api) -> None:
    """Give the API its address."""
    api.get(
        "/deployments/may",
        auth=enter_to_read,
        url_name="may-deploy",
        operation_id="may-deploy",
        summary="May this deploy?",
        description="What speaks against a deployment of a feature into an environment now.",
        openapi_extra=described("read", answer="decision"),
    )(may_deploy)


def may_deploy(request: HttpRequest, feature: str, environment: str) -> dict[str, Any]:
    """Yes or no with every reason; `feature` and `environment` are short names of the catalog."""
    at = timezone.now()
    found = health.obstacles(feature=_entry(Feature, feature), environment=_entry(Environment, environment), at=at)
    return {
        "may": not found,
        "feature": feature,
        "environment": environment,
        "at": at.isoformat(),
        "reasons": [
            {
                "kind": one.kind,
                "text": one.text,
                "since": one.since.isoformat(),
                "url": request.build_absolute_uri(one.path),
            }
            for one in found
        ],
    }


def _entry(model: type[Any], slug: str) -> Any:
    found = model.objects.filter(slug=slug[:80]).first() if "\x00" not in slug else None
    if found is None:
        raise ApiError(404, "not_found", f"No {model._meta.verbose_name} of the catalog has this short name.")
    return found
