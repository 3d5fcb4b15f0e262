"""Where our own suites are run: kept by people, with the key encrypted; another host loses the stored key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.text import slugify

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.evaluations.models import EvaluationEndpoint
from apps.sources.secrets import encrypt_secrets
from apps.sources.services import hosts_of

OWNER = "evaluationendpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDraft:
    """What people decide about an endpoint; an empty `api_key` keeps the stored one."""

    name: str
    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    concurrency: int = 4
    requests_per_minute: int = 600
    cost_limit: Decimal = Decimal(5)
    input_price: Decimal = Decimal(0)
    output_price: Decimal = Decimal(0)
    allowed_networks: Sequence[str] = ()
    is_enabled: bool = True


def create_endpoint(
    *, draft: EndpointDraft, actor: User | None, at: datetime, is_demo: bool = False
) -> EvaluationEndpoint:
    """The new endpoint."""
    with transaction.atomic():
        slug = _free_slug(draft.name)
        endpoint = EvaluationEndpoint(slug=slug, created_by=actor, created_at=at, is_demo=is_demo)
        _fill(endpoint, draft)
        endpoint.save()
        _keep_key(endpoint, draft.api_key)  # bound to the id, so only now
        record_audit(actor=actor, action="endpoint:add", subject=endpoint, after=_audited(draft))
    return endpoint


def change_endpoint(*, endpoint: EvaluationEndpoint, draft: EndpointDraft, actor: User | None) -> EvaluationEndpoint:
    """The endpoint as changed; executions under way go on with what they began with until their next turn."""
    with transaction.atomic():
        endpoint = EvaluationEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        is_elsewhere = hosts_of({"url": endpoint.base_url}) != hosts_of({"url": draft.base_url})
        _fill(endpoint, draft)
        if is_elsewhere:
            endpoint.secrets = b""
        endpoint.save()
        if draft.api_key:
            _keep_key(endpoint, draft.api_key)
        record_audit(actor=actor, action="endpoint:change", subject=endpoint, after=_audited(draft))
    return endpoint


def _fill(endpoint: EvaluationEndpoint, draft: EndpointDraft) -> None:
    endpoint.name, endpoint.base_url, endpoint.model = draft.name, draft.base_url.rstrip("/"), draft.model
    endpoint.concurrency, endpoint.requests_per_minute = draft.concurrency, draft.requests_per_minute
    endpoint.cost_limit = draft.cost_limit
    endpoint.input_price, endpoint.output_price = draft.input_price, draft.output_price
    endpoint.allowed_networks, endpoint.is_enabled = list(draft.allowed_networks), draft.is_enabled


def _keep_key(endpoint: EvaluationEndpoint, key: str) -> None:
    endpoint.secrets = encrypt_secrets(endpoint.pk, {"api_key": key}, owner=OWNER) if key else b""
    endpoint.save(update_fields=["secrets"])


def _audited(draft: EndpointDraft) -> dict[str, object]:
    """What the audit log shows: of the key only that one was entered."""
    return {
        "name": draft.name,
        "base_url": draft.base_url,
        "model": draft.model,
        "api_key": "entered" if draft.api_key else "kept",
        "cost_limit": str(draft.cost_limit),
        "allowed_networks": list(draft.allowed_networks),
    }


def _free_slug(name: str) -> str:
    base = slugify(name)[:70] or "endpoint"
    taken = set(EvaluationEndpoint.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | {"add"}
    slug, number = base, 2
    while slug in taken:
        slug, number = f"{base}-{number}", number + 1
    return slug
