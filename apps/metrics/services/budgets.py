"""What a feature may cost in a month, set by people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_audit
from apps.catalog.models import Feature
from apps.core.ui.formats import number_text
from apps.events.services import NewEvent, record_events
from apps.metrics.models import Budget


def set_budget(*, feature_id: int, amount: float | None, unit: str, actor: User, at: datetime) -> bool:
    """Whether anything changed; no `amount` removes the budget."""
    with transaction.atomic():
        feature = Feature.objects.select_for_update().get(pk=feature_id)
        known = Budget.objects.filter(feature=feature).first()
        before = _facts(known)
        after = {"amount": amount, "unit": unit} if amount is not None else None
        if before == after:
            return False
        if amount is None:
            Budget.objects.filter(feature=feature).delete()
        else:
            values = {"amount": amount, "unit": unit, "set_by": str(actor), "set_at": at}
            Budget.objects.update_or_create(feature=feature, defaults=values)
        record_audit(actor=actor, action="budget:set", subject=feature, before=before, after=after)
        record_events(events=[_event(feature, before, after, actor, at)])
    return True


def _facts(budget: Budget | None) -> dict[str, Any] | None:
    return {"amount": budget.amount, "unit": budget.unit} if budget else None


def _event(
    feature: Feature, before: dict[str, Any] | None, after: dict[str, Any] | None, actor: User, at: datetime
) -> NewEvent:
    text = number_text(after["amount"], after["unit"]) if after else ""
    return NewEvent(
        kind="metrics:budget:set",
        at=at,
        title=f"{feature.name} may cost {text} a month" if after else f"{feature.name} has no budget any more",
        actor=str(actor),
        feature_id=feature.pk,
        subject_kind="feature",
        subject_id=feature.pk,
        data={
            "amount": after["amount"] if after else None,
            "unit": (after or before or {}).get("unit", ""),
            "before": before["amount"] if before else None,
        },
    )
