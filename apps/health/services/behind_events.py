"""What it is called in the ledger when a feature's answers may be old, and when they no longer are."""

from __future__ import annotations

from apps.catalog.models import Feature
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.health.models import FeatureHealth

_BEHIND = "health:data:behind"
_CURRENT = "health:data:current"


def data_event(feature: Feature, row: FeatureHealth, before: FeatureHealth | None) -> NewEvent | None:
    """The news of a turn, once each way; another reason or another age while it lasts is none."""
    was_behind, is_behind = bool(before and before.data_because), bool(row.data_because)
    if was_behind == is_behind:
        return None
    kind, tone, said = (
        (_BEHIND, Tone.WARN, f"answers may be old, because {row.data_because}")
        if is_behind
        else (_CURRENT, Tone.OK, "what its answers are made from is current again")
    )
    return NewEvent(
        kind=kind,
        at=min(row.data_since or row.evaluated_at, row.evaluated_at) if is_behind else row.evaluated_at,
        title=f"{feature.name}: {said}",
        tone=tone,
        is_demo=feature.is_demo,
        feature_id=feature.pk,
        subject_kind="feature",
        subject_id=feature.pk,
        dedupe_key=f"{kind}:{feature.pk}:{row.version}",
        data={"as_of": row.data_as_of.isoformat() if row.data_as_of else None, "version": row.version},
        topics=("overview", "data"),
    )
