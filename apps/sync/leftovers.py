"""What a poll leaves beside the records: the vendor's own items, and letters about those that could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from apps.connectors.records import Kind, Record, Rejected
from apps.sources.models import DeadLetter

MOST_BYTES_OF_A_LETTER = 4_096
LONGEST_ID = 512

Key = tuple[int, str, str]  # source, kind, external id


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """The records of one source's batch, and those that were rejected."""

    source_id: int
    secrets: tuple[str, ...]  # never to be written down, even when the source echoes them
    keeps_raw: bool
    records: Sequence[Record]
    rejected: Sequence[Rejected]


RAW = """
INSERT INTO sources_rawrecord AS raw (source_id, kind, external_id, payload, seen_at)
SELECT source_id, kind, external_id, payload, %(at)s
  FROM unnest(%(sources)s::bigint[], %(kinds)s::text[], %(ids)s::text[], %(payloads)s::jsonb[])
       AS fresh (source_id, kind, external_id, payload)
ON CONFLICT (source_id, kind, external_id) DO UPDATE SET payload = excluded.payload, seen_at = excluded.seen_at
 WHERE raw.payload IS DISTINCT FROM excluded.payload OR raw.seen_at < excluded.seen_at - interval '1 day'
"""
LETTERS = """
INSERT INTO sources_deadletter AS letter
       (source_id, kind, external_id, reason, payload, first_seen_at, last_seen_at, count)
SELECT source_id, kind, external_id, reason, payload, %(at)s, %(at)s, 1
  FROM unnest(%(sources)s::bigint[], %(kinds)s::text[], %(ids)s::text[], %(reasons)s::text[], %(payloads)s::jsonb[])
       AS fresh (source_id, kind, external_id, reason, payload)
ON CONFLICT (source_id, kind, external_id) DO UPDATE
   SET reason = excluded.reason, payload = excluded.payload, last_seen_at = excluded.last_seen_at,
       count = letter.count + 1
"""
HEALED = """
DELETE FROM sources_deadletter letter
 USING unnest(%(sources)s::bigint[], %(kinds)s::text[], %(ids)s::text[]) AS good (source_id, kind, external_id)
 WHERE letter.source_id = good.source_id AND letter.kind = good.kind AND letter.external_id = good.external_id
"""


def write_leftovers(*, leftovers: Iterable[Leftover], at: datetime) -> None:
    """Keep raw items (rewritten only if they changed) and dead letters; a record that went well loses its letter."""
    raw: dict[Key, str] = {}
    letters: dict[Key, tuple[str, str]] = {}
    good: set[Key] = set()
    everything = list(leftovers)
    lettered = _lettered({left.source_id for left in everything})
    for left in everything:
        bad = {_key(left.source_id, item.kind, item.external_id) for item in left.rejected}
        for item in left.rejected:
            payload = _payload(item.raw, left.secrets, MOST_BYTES_OF_A_LETTER)
            letters[_key(left.source_id, item.kind, item.external_id)] = (_text(item.reason, left.secrets), payload)
        has_letters = left.source_id in lettered
        for record in left.records:
            kind: Kind = record.kind  # type: ignore[attr-defined]  # all have one
            is_kept = left.keeps_raw and record.raw and kind is not Kind.SERIES
            if not (is_kept or has_letters):
                continue
            key = _key(left.source_id, kind, record.external_id)
            if key not in bad:
                good.add(key)
            if is_kept:
                raw[key] = _payload(record.raw, left.secrets, None)
    _write(RAW, sorted(raw), at, payloads=[raw[key] for key in sorted(raw)])
    _write(HEALED, sorted(key for key in good if key[0] in lettered), at)
    found = [letters[key] for key in sorted(letters)]
    _write(LETTERS, sorted(letters), at, reasons=[reason for reason, _ in found], payloads=[text for _, text in found])


def _lettered(source_ids: set[int]) -> set[int]:
    """Which of the sources have letters at all: nearly none, so nearly nothing can have healed."""
    found = DeadLetter.objects.order_by().filter(source_id__in=source_ids).values_list("source_id", flat=True)
    return set(found.distinct())


def _write(statement: str, keys: Sequence[Key], at: datetime, **columns: list[str]) -> None:
    if not keys:
        return
    sources, kinds, ids = (list(column) for column in zip(*keys, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(statement, {"sources": sources, "kinds": kinds, "ids": ids, "at": at, **columns})


def _key(source_id: int, kind: Kind, external_id: str) -> Key:
    return source_id, str(kind), _storable(external_id)[:LONGEST_ID]


def _payload(raw: Mapping[str, Any], secrets: Sequence[str], limit: int | None) -> str:
    """JSON that PostgreSQL takes: no NUL, no lone surrogate, no secret, and cut when it is longer than `limit`."""
    text = _json(raw)
    if any(_json(secret)[1:-1] in text for secret in secrets):
        text = _json(_redacted(orjson.loads(text), secrets))
    if limit is not None and len(text.encode()) > limit:
        text = _json({"cut": text.encode()[: limit // 2].decode(errors="ignore")})
    return text


def _json(value: Any) -> str:
    try:
        text = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (orjson.JSONEncodeError, UnicodeError):
        text = orjson.dumps({"unreadable": _storable(repr(value))[:1_000]}).decode()
    return text.replace("\\u0000", "\\ufffd")


def _redacted(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        return _text(value, secrets)
    if isinstance(value, list):
        return [_redacted(item, secrets) for item in value]
    if isinstance(value, dict):
        return {_text(key, secrets): _redacted(item, secrets) for key, item in value.items()}
    return value


def _text(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "•••")
    return _storable(text)


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()
