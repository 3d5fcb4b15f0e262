"""What sources say about series, stored: one read, and writes only for what is new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Final

import orjson
from django.db import transaction

from apps.connectors.records import Kind, Rejected, SeriesRecord
from apps.metrics import measures
from apps.metrics.binding import server_cursor
from apps.metrics.services import cleaning, partitions, primaries
from apps.metrics.services.cleaning import Pair
from apps.metrics.services.samples import write_samples
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

_COLUMNS: Final = "name, measure, unit, kind, labels, feature_id, component_id, environment_id"
_KNOWN = f"""
SELECT external_id, id, last_at, last_value, first_at, step_seconds, {_COLUMNS}
FROM metrics_series WHERE source_id = %b AND external_id = ANY(%b::text[])
"""  # noqa: S608 - constant names
_DESCRIBE = f"""
INSERT INTO metrics_series AS known (source_id, external_id, {_COLUMNS}, is_primary, first_seen_at)
SELECT %b, row.external_id, row.name, row.measure, row.unit, row.kind, row.labels::jsonb, row.feature_id,
       row.component_id, row.environment_id, false, %b
FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bigint[],
            %b::bigint[]) AS row (external_id, {_COLUMNS})
ON CONFLICT (source_id, external_id) DO UPDATE SET
    ({_COLUMNS}) = ROW (excluded.name, excluded.measure, excluded.unit, excluded.kind, excluded.labels,
                        excluded.feature_id, excluded.component_id, excluded.environment_id)
RETURNING external_id, id
"""  # noqa: S608 - constant names
# Forward only, and never by a sample that lies behind what is known.
_MOVE = """
UPDATE metrics_series AS known SET
    first_at = least(known.first_at, news.first_at),
    last_value = CASE WHEN known.last_at > news.last_at THEN known.last_value ELSE news.last_value END,
    step_seconds = CASE WHEN known.last_at > news.last_at THEN known.step_seconds
                        ELSE coalesce(news.step, known.step_seconds) END,
    last_at = greatest(known.last_at, news.last_at)
FROM unnest(%b::bigint[], %b::timestamptz[], %b::timestamptz[], %b::float8[], %b::float8[])
     AS news (id, first_at, last_at, last_value, step)
WHERE known.id = news.id
"""
_REOPEN = """
UPDATE metrics_series AS known SET rolled_until = date_trunc('hour', news.first_at, 'UTC')
FROM unnest(%b::bigint[], %b::timestamptz[]) AS news (id, first_at)
WHERE known.id = news.id AND known.rolled_until > date_trunc('hour', news.first_at, 'UTC')
"""

Description = tuple[str, str, str, str, dict[str, str], int | None, int | None, int | None]


@dataclass(slots=True)
class _News:
    """One record on its way: what it says of its series, and its samples."""

    external_id: str
    description: Description
    pairs: list[Pair]
    id: int = 0

    @property
    def feature_id(self) -> int | None:
        return self.description[5]


@dataclass(frozen=True, slots=True)
class _Known:
    """The row as it stands."""

    id: int
    last_at: datetime | None
    last_value: float | None
    first_at: datetime | None
    step_seconds: float | None
    description: Description


def upsert_series(*, source: Source, records: Sequence[SeriesRecord], mapper: Mapper, at: datetime) -> Stored:
    """Store series and their samples; `changed` counts rows truly written, so an unchanged re-poll answers 0.

    1. Clean: what cannot be believed is rejected with its reason, its neighbours go on.
    2. Describe: series that are new or say something else about themselves.
    3. Write samples, after their day partitions are there.
    4. Move `last_at` and `last_value`, forward only; choose the series that speak for a feature.
    """
    stored = Stored()
    news = _read(records, mapper, at, stored.rejected)
    if not news:
        return stored
    with transaction.atomic():
        known = _known(source, news)
        described = [one for one in news if _differs(one, known.get(one.external_id))]
        _describe(source, described, at, news, known)
        news.sort(key=lambda one: one.id)  # everybody locks in the same order
        partitions.ensure_partitions(days={pair[0].astimezone(UTC).date() for one in news for pair in one.pairs})
        written = write_samples(_rows(news))
        moved = [one for one in news if _moves(one, known.get(one.external_id))]
        _move(moved)
        if written:
            _reopen(news, at)
        if described:
            primaries.refresh_primaries(feature_ids=_features(described, known))
    touched = moved if moved or not written else [one for one in news if one.pairs]
    stored.changed = len(described) + written
    stored.changed_ids = {(Kind.SERIES, one.external_id) for one in [*described, *touched]}
    stored.feature_ids = _features([*described, *touched], known)
    stored.topics = {f"feature-{feature_id}" for feature_id in stored.feature_ids}
    return stored


def _read(records: Sequence[SeriesRecord], mapper: Mapper, at: datetime, rejected: list[Rejected]) -> list[_News]:
    window = cleaning.Window.around(at, partitions.kept_days())
    news: dict[str, _News] = {}
    for record in records:
        if reason := cleaning.unusable(record):
            rejected.append(_rejected(record, reason))
            continue
        factor, unit = measures.conversion(record.measure, record.unit)
        pairs, refused = cleaning.clean_samples(record, window, factor)
        if refused:
            rejected.append(refused)
        earlier = news.get(record.external_id)
        if earlier:
            pairs = sorted({**dict(earlier.pairs), **dict(pairs)}.items())
        news[record.external_id] = _News(record.external_id, _description(record, unit, mapper), pairs)
    return list(news.values())


def _rejected(record: SeriesRecord, reason: str) -> Rejected:
    """In a form that any row can hold, whatever is wrong with the record."""
    name, external_id = (text.replace("\x00", "")[:512] for text in (record.name, record.external_id))
    return Rejected(kind=Kind.SERIES, external_id=external_id, reason=reason, raw={"name": name})


def _description(record: SeriesRecord, unit: str, mapper: Mapper) -> Description:
    place = mapper.resolve(kind="series", name=record.name, labels=record.labels)
    labels = {str(key): str(value) for key, value in record.labels.items()}
    kind = str(record.series_kind)
    where = (place.feature_id, place.component_id, place.environment_id)
    return (record.name, record.measure, unit, kind, labels, *where)


def _known(source: Source, news: Sequence[_News]) -> dict[str, _Known]:
    with server_cursor() as cursor:
        cursor.execute(_KNOWN, [source.pk, [one.external_id for one in news]])
        return {row[0]: _known_row(row) for row in cursor}


def _known_row(row: Sequence[Any]) -> _Known:
    labels = orjson.loads(row[10]) if isinstance(row[10], str | bytes) else row[10]
    description = (row[6], row[7], row[8], row[9], labels, row[11], row[12], row[13])
    return _Known(row[1], row[2], row[3], row[4], row[5], description)


def _differs(one: _News, known: _Known | None) -> bool:
    return known is None or known.description != one.description


def _describe(
    source: Source, described: Sequence[_News], at: datetime, news: Sequence[_News], known: dict[str, _Known]
) -> None:
    """Write the descriptions that are new, and give every record the id of its row."""
    ids = {external_id: row.id for external_id, row in known.items()}
    if described:
        ordered = sorted(described, key=lambda one: one.external_id)
        columns: list[list[Any]] = [[one.external_id for one in ordered]]
        columns += [list(column) for column in zip(*(one.description for one in ordered), strict=True)]
        columns[5] = [orjson.dumps(labels).decode() for labels in columns[5]]
        with server_cursor() as cursor:
            cursor.execute(_DESCRIBE, [source.pk, at, *columns])
            ids |= dict(cursor.fetchall())
    for one in news:
        one.id = ids[one.external_id]


def _rows(news: Sequence[_News]) -> tuple[list[int], list[datetime], list[float]]:
    """The samples of all records as three columns, by series and time."""
    ids: list[int] = []
    times: list[datetime] = []
    values: list[float] = []
    for one in news:
        if one.pairs:
            new_times, new_values = zip(*one.pairs, strict=True)
            ids.extend(repeat(one.id, len(one.pairs)))
            times.extend(new_times)
            values.extend(map(float, new_values))  # an array is of one type
    return ids, times, values


def _moves(one: _News, known: _Known | None) -> bool:
    """Whether its samples reach before the first or beyond the last that is known, or correct the last."""
    if not one.pairs:
        return False
    if known is None or known.last_at is None or known.first_at is None:
        return True
    (first, _), (last, value) = one.pairs[0], one.pairs[-1]
    return first < known.first_at or last > known.last_at or (last == known.last_at and value != known.last_value)


def _move(moved: Sequence[_News]) -> None:
    if not moved:
        return
    columns = (
        [one.id for one in moved],
        [one.pairs[0][0] for one in moved],
        [one.pairs[-1][0] for one in moved],
        [float(one.pairs[-1][1]) for one in moved],
        [cleaning.usual_step(one.pairs) for one in moved],
    )
    with server_cursor() as cursor:
        cursor.execute(_MOVE, columns)


def _reopen(news: Sequence[_News], at: datetime) -> None:
    """Samples of an hour that is over may have changed what was rolled up of it."""
    this_hour = at.replace(minute=0, second=0, microsecond=0)
    late = [one for one in news if one.pairs and one.pairs[0][0] < this_hour]
    if late:
        with server_cursor() as cursor:
            cursor.execute(_REOPEN, [[one.id for one in late], [one.pairs[0][0] for one in late]])


def _features(news: Iterable[_News], known: dict[str, _Known]) -> set[int]:
    """The features of these records, and those that they belonged to until now."""
    rows = list(news)
    before = {known[one.external_id].description[5] for one in rows if one.external_id in known}
    return {feature_id for feature_id in {one.feature_id for one in rows} | before if feature_id is not None}
