"""The portal watched by itself: a source that reads the portal's own numbers, mapped to its own catalog entry."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from apps.catalog.services import ensure_portal_feature
from apps.connectors.registry import get_connector
from apps.sources.models import Source
from apps.sources.services import SourceDraft, change_source, create_source

NAME = "OpsPortal itself"
CONNECTOR = "openmetrics"
INTERVAL = 15  # seconds
METRICS = [
    {"metric": "portal_request_seconds", "measure": "portal_request_p95", "unit": "s"},
    {"metric": "portal_poll_lag_seconds", "measure": "portal_poll_lag", "unit": "s"},
    {"metric": "portal_queue_age_seconds", "measure": "portal_queue_age", "unit": "s"},
]


def portal_source() -> Source | None:
    """The source that watches the portal, if there is one."""
    return Source.objects.filter(name=NAME, connector=CONNECTOR).order_by("pk").first()


def ensure_portal_source(*, base_url: str) -> Source:
    """The source that watches the portal at `base_url`, made or moved there; a second time changes nothing."""
    ensure_portal_feature()
    draft = _draft(base_url)
    with transaction.atomic():
        source = portal_source()
        if source is None:
            return create_source(draft=draft, actor=None)
        if source.config == draft.config:
            return source
        return change_source(source=source, draft=draft, actor=None)


def _draft(base_url: str) -> SourceDraft:
    token = settings.TELEMETRY_TOKEN
    config: dict[str, Any] = {
        "url": base_url.rstrip("/") + reverse("sources:telemetry"),
        "auth": "bearer" if token else "none",
        "metrics": METRICS,
    }
    cleaned = get_connector(CONNECTOR).clean(config)
    cleaned.pop("allowed_networks", None)
    secrets = {"token": token} if token else {}
    return SourceDraft(
        name=NAME, connector=CONNECTOR, config=cleaned, secrets=secrets, interval_seconds=INTERVAL, raw_kept_days=0
    )
