"""Numbered content that never changes: what was first seen under a number stays, other content is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql

from apps.connectors.records import Kind, PromptVersionRecord
from apps.core import bulk
from apps.core.bulk import Row, Upsert, array_literal
from apps.core.fitting import fit, fit_json, refuse_long, refuse_naive
from apps.events.services import NewEvent
from apps.events.status import Tone
from apps.prompts.content import content_hash, variables_in
from apps.prompts.models import Prompt, PromptVersion
from apps.prompts.services.prompts import LOCK, prompt_topics, prompts_by_external_id
from apps.prompts.services.recognizing import note_versions
from apps.sources.accepting import accept, labels_json, newest
from apps.sources.models import Source
from apps.sources.storing import Stored

LARGEST_NUMBER = 2**31 - 1
LONGEST_CONTENT = 1_000_000  # characters of a version, all together
FIRST_SIGHT = timedelta(hours=24)  # an older version that is seen for the first time is history, not news

_VERSIONS = Upsert(
    table="prompts_promptversion",
    key={"prompt_id": "bigint", "number": "integer"},
    columns={"external_id": "text", "commit_message": "text", "author": "text", "tags": "jsonb", "url": "text"},
    fixed={
        "template": "text",
        "messages": "jsonb",
        "model_config": "jsonb",
        "response_format": "jsonb",
        "variables": "varchar(120)[]",
        "content_hash": "text",
        "created_at": "timestamptz",
    },
    fresh={"first_seen_at": "%(now)s", "absences": "0"},
    also_set={"gone_at": "NULL", "absences": "0"},
    also_when="kept.gone_at IS NOT NULL OR kept.absences > 0",
    guard="kept.content_hash = excluded.content_hash",
    returning=["external_id", "prompt_id", "number", "author", "commit_message", "created_at", "url"],
)

_FOLLOW = sql.SQL(
    """
    UPDATE prompts_prompt AS prompt
    SET latest_number = GREATEST(prompt.latest_number, newest.number),
        last_changed_at = CASE prompt.latest_number WHEN 0 THEN newest.created_at
                          ELSE GREATEST(prompt.last_changed_at, newest.created_at) END,
        kind = newest.kind
    FROM (
        SELECT DISTINCT ON (version.prompt_id) version.prompt_id, version.number, version.created_at,
               CASE WHEN version.messages = '[]' THEN 'text' ELSE 'chat' END AS kind
        FROM prompts_promptversion AS version WHERE version.prompt_id = ANY(%(prompt_ids)b::bigint[])
        ORDER BY version.prompt_id, version.number DESC
    ) AS newest
    WHERE prompt.id = newest.prompt_id
    """
)


def upsert_versions(*, source: Source, records: Iterable[PromptVersionRecord], at: datetime) -> Stored:
    """Store versions of known prompts. Content that differs from what the number says already is refused."""
    stored = Stored()
    told = list(records)
    bulk.lock(space=LOCK, number=source.pk)
    prompts = prompts_by_external_id(source=source, names={record.prompt_external_id for record in told})
    known = _known_hashes(prompts.values(), {record.number for record in told})
    rows = accept(
        kind=Kind.PROMPT_VERSION, records=told, row_of=lambda record: _row(prompts, known, record), stored=stored
    )
    rows = newest(rows, key=lambda row: (row["prompt_id"], row["number"]))
    written = _VERSIONS.run(rows, now=at)
    added = [row for row in written if row["is_new"]]
    if added:
        bulk.fetch(_FOLLOW, {"prompt_ids": sorted({row["prompt_id"] for row in added})})
    by_id = {prompt.pk: prompt for prompt in prompts.values()}
    stored.changed = len(written)
    stored.changed_ids = {(Kind.PROMPT_VERSION, row["external_id"]) for row in written}
    stored.events = _events(source, added, by_id, at)
    stored.events += note_versions(added=added, prompts=by_id, at=at)
    stored.feature_ids = {pk for row in added if (pk := by_id[row["prompt_id"]].feature_id)}
    stored.topics = prompt_topics(row["prompt_id"] for row in written)
    return stored


def _known_hashes(prompts: Iterable[Prompt], numbers: Iterable[int]) -> dict[tuple[int, int], str]:
    storable = [number for number in numbers if 0 <= number <= LARGEST_NUMBER]
    found = PromptVersion.objects.order_by().filter(prompt__in=list(prompts), number__in=storable)
    return {(prompt, number): text for prompt, number, text in found.values_list("prompt_id", "number", "content_hash")}


def _row(prompts: dict[str, Prompt], known: dict[tuple[int, int], str], record: PromptVersionRecord) -> Row:
    prompt = prompts.get(record.prompt_external_id)
    if prompt is None:
        raise ValueError(f"Its prompt {fit(record.prompt_external_id, 100)} is not known.")
    if not 0 <= record.number <= LARGEST_NUMBER:
        raise ValueError(f"The number {record.number} cannot be stored.")
    content = _content(record)
    identity = (prompt.pk, record.number)
    if known.setdefault(identity, content["content_hash"]) != content["content_hash"]:
        raise ValueError(
            f"Version {record.number} of {prompt.name[:100]} says something else than when it was first seen. "
            "A version never changes, so the stored one stays; give the new text a new number."
        )
    return content | {
        "prompt_id": prompt.pk,
        "number": record.number,
        "external_id": refuse_long("The id", record.external_id, 512),
        "commit_message": fit(record.commit_message),
        "author": fit(record.author, 200),
        "tags": labels_json(record.tags),
        "url": fit(record.url, 1000),
        "created_at": refuse_naive("created_at", record.created_at),
    }


def _content(record: PromptVersionRecord) -> Row:
    """The part that never changes, cleaned first, so that the hash is of what is stored."""
    template = fit(record.template, LONGEST_CONTENT + 1)
    messages = json.loads(fit_json(list(record.messages)))
    config, shape = json.loads(fit_json(record.model_config)), json.loads(fit_json(record.response_format))
    texts = [template, *(_text_of(message) for message in messages)]
    if sum(map(len, texts)) > LONGEST_CONTENT:
        raise ValueError(f"The text is longer than {LONGEST_CONTENT:,} characters.")
    return {
        "template": template,
        "messages": fit_json(messages),
        "model_config": fit_json(config),
        "response_format": None if shape is None else fit_json(shape),
        "variables": array_literal(variables_in(texts)),
        "content_hash": content_hash(template=template, messages=messages, model_config=config, response_format=shape),
    }


def _text_of(message: dict[str, Any]) -> str:
    return str(message.get("content", ""))


def _events(source: Source, added: Sequence[Row], prompts: dict[int, Prompt], at: datetime) -> list[NewEvent]:
    """One event for each version written within the last day; versions read when a source connects are history."""
    return [
        NewEvent(
            kind="prompts:version:created",
            at=row["created_at"],
            title=f"{prompt.name[:150]} prompt: v{row['number']} was written",
            tone=Tone.INFO,
            detail=row["commit_message"],
            actor=row["author"],
            is_demo=source.is_demo,
            feature_id=prompt.feature_id,
            component_id=prompt.component_id,
            source_id=source.pk,
            subject_kind="prompt_version",
            subject_id=row["id"],
            dedupe_key=f"prompt-version:{row['id']}",
            url=row["url"],
            data={"prompt_id": prompt.pk, "number": row["number"]},
            topics=(f"prompt-{prompt.pk}",),
        )
        for row in added
        if row["created_at"] >= at - FIRST_SIGHT
        for prompt in [prompts[row["prompt_id"]]]
    ]
