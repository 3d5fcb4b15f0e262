"""Changes that a source reports: each goes into the ledger once, whatever tells it again."""

from __future__ import annotations

from collections.abc import Sequence

from apps.connectors.records import ChangeRecord, Kind
from apps.events.queries import known_keys
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.sources.mapping import COMPONENT_LABEL, ENVIRONMENT_LABEL, Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

KIND = "source:change:reported"


def record_changes(*, source: Source, records: Sequence[ChangeRecord], mapper: Mapper) -> Stored:
    """The events of `records`, oldest first; one that the ledger has already tells nothing twice."""
    events = [_event(source, record, mapper) for record in sorted(records, key=lambda record: record.at)]
    known = known_keys(keys=[event.dedupe_key for event in events if event.dedupe_key])
    new = {record.external_id for record in records if _key(source, record) not in known}
    return Stored(
        changed=len(new),
        events=events,
        feature_ids={event.feature_id for event in events if event.feature_id},
        changed_ids={(Kind.CHANGE, external_id) for external_id in new},
    )


def _key(source: Source, record: ChangeRecord) -> str:
    return f"change:{source.pk}:{record.external_id}"[:200]


def _event(source: Source, record: ChangeRecord, mapper: Mapper) -> NewEvent:
    named = {COMPONENT_LABEL: record.component, ENVIRONMENT_LABEL: record.environment}
    labels = {**record.labels, **{name: value for name, value in named.items() if value}}
    name = record.component or record.what
    place = mapper.resolve(kind=record.kind, name=name, labels=labels, raw=record.raw, is_noted=bool(record.component))
    return NewEvent(
        kind=KIND,
        at=record.at,
        title=record.title,
        tone=Tone.INFO,
        detail=record.detail,
        actor=record.actor,
        is_change=True,
        is_demo=source.is_demo,
        feature_id=place.feature_id,
        component_id=place.component_id,
        environment_id=place.environment_id,
        source_id=source.pk,
        subject_kind="source",
        subject_id=source.pk,
        dedupe_key=_key(source, record),
        url=record.url,
        data={"what": record.what, "before": record.before, "after": record.after, "component": record.component},
    )
