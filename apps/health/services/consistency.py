"""Judging whether what was tested is what runs, and keeping every set that ever ran under one id."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.catalog.models import Feature
from apps.events import services as events
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.health import queries
from apps.health.consistency import Finding, Judged, Place, Verdict, judge, split
from apps.health.models import FeatureConsistency
from apps.health.services import bundles, locks
from apps.health.status import SetStatus

_TURNS: Final = {
    Verdict.CONSISTENT: ("health:set:consistent", Tone.OK),
    Verdict.BEHIND: ("health:set:behind", Tone.INFO),
    Verdict.MIXED: ("health:set:mixed", Tone.WARN),
    Verdict.UNKNOWN: ("health:set:unknown", Tone.INFO),
}


def refresh_consistency(*, feature_ids: Collection[int], at: datetime) -> int:
    """Judge the sets of the features and keep the answers; returns for how many people read something new."""
    if not feature_ids:
        return 0
    with transaction.atomic():
        locks.hold(feature_ids=feature_ids)
        features = Feature.objects.in_bulk(list(feature_ids))
        before = FeatureConsistency.objects.in_bulk(list(features))
        places = queries.places_of(feature_ids=list(features))
        promoted = bundles.record_stays(features=features, places=places, at=at)
        judged = _judge(places)
        rows = [_row(features[pk], judged[pk], before.get(pk), at) for pk in sorted(features)]
        _write(rows)
        turned = [event for row in rows for event in _events(row, before.get(row.pk))]
        events.record_events(events=[*promoted, *turned])
        changed = [row.pk for row in rows if _is_read_anew(row, before.get(row.pk))]
        events.ring(topics={"consistency", *(f"feature-{pk}" for pk in changed)} if changed else set())
    return len(changed)


def _judge(places: Mapping[int, list[Place]]) -> dict[int, Judged]:
    first = {pk: judge(found) for pk, found in places.items()}
    tested = {pk: split(places[pk])[0] for pk, judged in first.items() if judged.verdict is Verdict.MIXED}
    past = queries.past_sets(wanted={pk: place.id for pk, place in tested.items() if place})
    return {pk: judge(places[pk], past[pk]) if pk in past else judged for pk, judged in first.items()}


def _row(feature: Feature, judged: Judged, before: FeatureConsistency | None, at: datetime) -> FeatureConsistency:
    since = before.since if before and before.status == judged.verdict else min(judged.since or at, at)
    return FeatureConsistency(
        feature=feature,
        status=SetStatus(judged.verdict).value,
        sentence=judged.sentence,
        since=since,
        findings=[_stored(finding) for finding in judged.findings],
        has_wrong_embedder=any(one.rule == "embedder" and one.is_live for one in judged.findings),
        judged_at=at,
    )


def _stored(finding: Finding) -> dict[str, Any]:
    return asdict(finding) | {"since": finding.since.isoformat()}


def _write(rows: Sequence[FeatureConsistency]) -> None:
    columns = ["status", "sentence", "since", "findings", "has_wrong_embedder", "judged_at"]
    FeatureConsistency.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["feature"], update_fields=columns
    )


def _is_read_anew(row: FeatureConsistency, before: FeatureConsistency | None) -> bool:
    return before is None or (before.status, before.sentence, before.findings) != (
        row.status,
        row.sentence,
        row.findings,
    )


def _events(row: FeatureConsistency, before: FeatureConsistency | None) -> list[NewEvent]:
    """The news of a turn; what is found when a feature is judged for the first time is news only if it is grave."""
    found = []
    if row.has_wrong_embedder != (before.has_wrong_embedder if before else False):
        kind, tone = ("wrong", Tone.BAD) if row.has_wrong_embedder else ("right", Tone.OK)
        title = "its index is searched with the embedder it was built with again" if kind == "right" else row.sentence
        found.append(_event(row, "health:embedder:wrong" if kind == "wrong" else "health:embedder:right", tone, title))
    elif before and before.status != row.status:
        found.append(_event(row, *_TURNS[Verdict(row.status)], row.sentence))
    return found


def _event(row: FeatureConsistency, kind: str, tone: Tone, said: str) -> NewEvent:
    feature = row.feature
    return NewEvent(
        kind=kind,
        at=row.since if tone is not Tone.OK else row.judged_at,
        title=f"{feature.name}: {said}".rstrip("."),
        tone=tone,
        detail=row.sentence,
        is_demo=feature.is_demo,
        feature_id=feature.pk,
        subject_kind="feature",
        subject_id=feature.pk,
        dedupe_key=f"{kind}:{feature.pk}:{int(row.judged_at.timestamp() * 1000)}",
        data={"findings": row.findings[:20]},
    )
