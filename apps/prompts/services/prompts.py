"""Names under which versions are kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from apps.connectors.records import Kind, PromptRecord
from apps.core import bulk
from apps.core.bulk import Row, Upsert
from apps.core.fitting import fit, is_storable, refuse_long
from apps.prompts.models import Prompt
from apps.sources.accepting import accept, labels_json, newest
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

LOCK = "prompts"  # one writer a source for prompts, versions and labels together
TOPICS = 200  # more prompts than this ring only the list

_PROMPTS = Upsert(
    table="prompts_prompt",
    key={"source_id": "bigint", "external_id": "text"},
    columns={
        "name": "text",
        "folder": "text",
        "description": "text",
        "labels": "jsonb",
        "url": "text",
        "component_id": "bigint",
        "feature_id": "bigint",
    },
    fresh={
        "kind": "'text'",
        "first_seen_at": "%(now)s",
        "last_changed_at": "%(now)s",
        "latest_number": "0",
        "absences": "0",
    },
    also_set={"gone_at": "NULL", "absences": "0"},
    also_when="kept.gone_at IS NOT NULL OR kept.absences > 0",
    returning=["external_id", "feature_id"],
)


def upsert_prompts(*, source: Source, records: Iterable[PromptRecord], mapper: Mapper, at: datetime) -> Stored:
    """Store what the source says of its prompts; one that was gone is back."""
    stored = Stored()
    rows = accept(kind=Kind.PROMPT, records=records, row_of=lambda record: _row(source, record, mapper), stored=stored)
    if not rows:
        return stored
    bulk.lock(space=LOCK, number=source.pk)
    written = _PROMPTS.run(newest(rows, key=lambda row: row["external_id"]), now=at)
    stored.changed = len(written)
    stored.changed_ids = {(Kind.PROMPT, row["external_id"]) for row in written}
    stored.feature_ids = {row[name] for row in written for name in ("feature_id", "old_feature_id") if row[name]}
    stored.topics = prompt_topics(row["id"] for row in written)
    return stored


def prompts_by_external_id(*, source: Source, names: Iterable[str]) -> dict[str, Prompt]:
    """The prompts that versions and labels speak of."""
    wanted = {name for name in names if is_storable(name)}
    return {prompt.external_id: prompt for prompt in Prompt.objects.filter(source=source, external_id__in=wanted)}


def prompt_topics(ids: Iterable[int]) -> set[str]:
    """What pages should refetch when these prompts changed."""
    names = [f"prompt-{pk}" for pk in sorted(set(ids))]
    return {"prompts", *names[:TOPICS]} if names else set()


def _row(source: Source, record: PromptRecord, mapper: Mapper) -> Row:
    place = mapper.resolve(kind=Kind.PROMPT, name=record.name, labels=record.labels, raw=record.raw)
    name = fit(record.name or record.external_id, 512)
    return {
        "source_id": source.pk,
        "external_id": refuse_long("The id", record.external_id, 512),
        "name": name,
        "folder": name.rpartition("/")[0][:300],
        "description": fit(record.description),
        "labels": labels_json(record.labels),
        "url": fit(record.url, 1000),
        "component_id": place.component_id,
        "feature_id": place.feature_id,
    }
