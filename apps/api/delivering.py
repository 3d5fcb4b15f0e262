"""How well are changes delivered? The DORA measures for machines."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from apps.api.deciding import enter_to_read
from apps.api.document import Api, described
from apps.api.errors import ApiError
from apps.catalog.models import Feature, Team
from apps.deployments import exports
from apps.deployments import queries as deployments
from apps.deployments.asking import PERIODS, WITHIN, read_question
from apps.deployments.status import ChangeKind


def add_to(api: Api) -> None:
    """Give the API its address."""
    api.get(
        "/dora",
        auth=enter_to_read,
        url_name="dora",
        operation_id="dora",
        summary="How well are changes delivered?",
        description="The DORA measures of a period, in all and by kind of change, team and feature.",
        openapi_extra=described("read", answer="delivery"),
    )(dora)


def dora(
    request: HttpRequest,
    feature: str = "",
    team: str = "",
    what: str = "",
    where: str = "production",
    period: str = "30",
    within: str = "60",
    changes: bool = False,
) -> dict[str, Any]:
    """The measures; `changes` adds every change. `period` is in days, `within` in minutes."""
    _refuse_unknown("period", period, list(map(str, PERIODS)))
    _refuse_unknown("within", within, list(map(str, WITHIN)))
    _refuse_unknown("what", what, ["", *ChangeKind.values])
    _refuse_unknown("where", where, ["production", "everywhere"])
    for model, slug in ((Feature, feature), (Team, team)):
        if slug and ("\x00" in slug or not model.objects.filter(slug=slug[:80]).exists()):
            raise ApiError(404, "not_found", f"No {model._meta.verbose_name} of the catalog has this short name.")
    found = deployments.delivery(question=read_question(request.GET), at=timezone.now())
    return exports.as_json(found) if changes else exports.summary(found)


def _refuse_unknown(name: str, value: str, known: list[str]) -> None:
    if value not in known:
        raise ApiError(422, "invalid", f"“{name}” is one of: {', '.join(filter(None, known))}.")
