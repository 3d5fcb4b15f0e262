"""What sources say about series, stored: one read for all sources of a group, and writes only for what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Final

import orjson
from django.db import transaction

from apps.connectors.records import Kind, Rejected, SeriesRecord
from apps.metrics import measures, retention
from apps.metrics.binding import server_cursor
from apps.metrics.services import cleaning, packs, partitions, primaries
from apps.metrics.services.cleaning import Pair
from apps.metrics.services.samples import write_samples
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

_COLUMNS: Final = "name, measure, unit, kind, labels, feature_id, component_id, environment_id"
_KNOWN = f"""
SELECT source_id, external_id, id, last_at, last_value, first_at, step_seconds,
       {_COLUMNS.replace("labels", "labels::text")}
FROM metrics_series JOIN unnest(%b::bigint[], %b::text[]) AS asked (source_id, external_id)
     USING (source_id, external_id)
"""  # noqa: S608 - constant names
_DESCRIBE = f"""
INSERT INTO metrics_series AS known (source_id, external_id, {_COLUMNS}, is_primary, first_seen_at)
SELECT row.source_id, row.external_id, row.name, row.measure, row.unit, row.kind, row.labels::jsonb, row.feature_id,
       row.component_id, row.environment_id, false, %b
FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[],
            %b::bigint[], %b::bigint[]) AS row (source_id, external_id, {_COLUMNS})
ON CONFLICT (source_id, external_id) DO UPDATE SET
    ({_COLUMNS}) = ROW (excluded.name, excluded.measure, excluded.unit, excluded.kind, excluded.labels,
                        excluded.feature_id, excluded.component_id, excluded.environment_id)
RETURNING source_id, external_id, id
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
Key = tuple[int, str]  # source and external id


@dataclass(frozen=True, slots=True)
class Telling:
    """What one source said of its series in one batch."""

    source: Source
    records: Sequence[SeriesRecord]
    mapper: Mapper


@dataclass(slots=True)
class _News:
    """One record on its way: what it says of its series, and its samples."""

    key: Key
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
    """Store the series of one source; `changed` counts rows truly written, so an unchanged re-poll answers 0."""
    return upsert_all_series(tellings=[Telling(source, records, mapper)], at=at)[0]


def upsert_all_series(*, tellings: Sequence[Telling], at: datetime) -> list[Stored]:
    """Store the series of many sources with a handful of statements; one outcome a telling, in their order.

    1. Clean: what cannot be believed is rejected with its reason, its neighbours go on.
    2. Describe: series that are new or say something else about themselves.
    3. Write samples, after their day partitions are there.
    4. Move `last_at` and `last_value`, forward only; choose the series that speak for a feature.
    """
    stored = [Stored() for _ in tellings]
    read = [_read(telling, at, one.rejected) for telling, one in zip(tellings, stored, strict=True)]
    news = [one for own in read for one in own]
    if not news:
        return stored
    with transaction.atomic():
        known = _known(news)
        described = {one.key for one in news if _differs(one, known.get(one.key))}
        _describe([one for one in news if one.key in described], at, news, known)
        news.sort(key=lambda one: one.id)  # everybody locks in the same order
        rows, written = packs.merge_late(_rows(news))
        partitions.ensure_partitions(days={day.astimezone(UTC).date() for day in set(rows[1])})
        written += Counter(write_samples(rows))
        moved = {one.key for one in news if _moves(one, known.get(one.key))}
        _move([one for one in news if one.key in moved])
        if sum(written.values()):
            _reopen(news, at)
        if described:
            primaries.refresh_primaries(feature_ids=_features([one for one in news if one.key in described], known))
    for own, one in zip(read, stored, strict=True):
        _sum_up(one, own, known, described, moved, written)
    return stored


def _sum_up(
    stored: Stored,
    news: Sequence[_News],
    known: dict[Key, _Known],
    described: set[Key],
    moved: set[Key],
    written: Mapping[int, int],
) -> None:
    """What one source's part of the group came to."""
    rows = sum(written.get(one.id, 0) for one in news)
    fresh = [one for one in news if one.key in described]
    touched = [one for one in news if one.key in moved]
    touched = touched if touched or not rows else [one for one in news if one.pairs]
    stored.changed = len(fresh) + rows
    stored.changed_ids = {(Kind.SERIES, one.key[1]) for one in [*fresh, *touched]}
    stored.feature_ids = _features([*fresh, *touched], known)
    stored.topics = {f"feature-{feature_id}" for feature_id in stored.feature_ids}


def _read(telling: Telling, at: datetime, rejected: list[Rejected]) -> list[_News]:
    window = cleaning.Window.around(at, retention.sample_days())
    news: dict[Key, _News] = {}
    for record in telling.records:
        if reason := cleaning.unusable(record):
            rejected.append(_rejected(record, reason))
            continue
        factor, unit = measures.conversion(record.measure, record.unit)
        pairs, refused = cleaning.clean_samples(record, window, factor)
        if refused:
            rejected.append(refused)
        key = (telling.source.pk, record.external_id)
        if earlier := news.get(key):
            pairs = sorted({**dict(earlier.pairs), **dict(pairs)}.items())
        news[key] = _News(key, _description(record, unit, telling.mapper), pairs)
    return list(news.values())


def _rejected(record: SeriesRecord, reason: str) -> Rejected:
    """In a form that any row can hold, whatever is wrong with the record."""
    name, external_id = (text.replace("\x00", "")[:512] for text in (record.name, record.external_id))
    return Rejected(kind=Kind.SERIES, external_id=external_id, reason=reason, raw={"name": name})


def _description(record: SeriesRecord, unit: str, mapper: Mapper) -> Description:
    place = mapper.resolve(kind=Kind.SERIES, name=record.name, labels=record.labels, raw=record.raw)
    labels = {str(key): str(value) for key, value in record.labels.items()}
    kind = str(record.series_kind)
    where = (place.feature_id, place.component_id, place.environment_id)
    return (record.name, record.measure, unit, kind, labels, *where)


def _known(news: Sequence[_News]) -> dict[Key, _Known]:
    with server_cursor() as cursor:
        cursor.execute(_KNOWN, [[one.key[0] for one in news], [one.key[1] for one in news]], binary=True)
        return {(row[0], row[1]): _known_row(row[2:]) for row in cursor}


def _known_row(row: Sequence[Any]) -> _Known:
    description = (row[5], row[6], row[7], row[8], orjson.loads(row[9]), row[10], row[11], row[12])
    return _Known(row[0], row[1], row[2], row[3], row[4], description)


def _differs(one: _News, known: _Known | None) -> bool:
    return known is None or known.description != one.description


def _describe(described: Sequence[_News], at: datetime, news: Sequence[_News], known: dict[Key, _Known]) -> None:
    """Write the descriptions that are new, and give every record the id of its row."""
    ids = {key: row.id for key, row in known.items()}
    if described:
        ordered = sorted(described, key=lambda one: one.key)
        columns: list[list[Any]] = [[one.key[0] for one in ordered], [one.key[1] for one in ordered]]
        columns += [list(column) for column in zip(*(one.description for one in ordered), strict=True)]
        columns[6] = [orjson.dumps(labels).decode() for labels in columns[6]]
        with server_cursor() as cursor:
            cursor.execute(_DESCRIBE, [at, *columns])
            ids |= {(source_id, external_id): pk for source_id, external_id, pk in cursor.fetchall()}
    for one in news:
        one.id = ids[one.key]


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


def _features(news: Iterable[_News], known: dict[Key, _Known]) -> set[int]:
    """The features of these records, and those that they belonged to until now."""
    rows = list(news)
    before = {known[one.key].description[5] for one in rows if one.key in known}
    return {feature_id for feature_id in {one.feature_id for one in rows} | before if feature_id is not None}
