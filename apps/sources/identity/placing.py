"""The names that sources use, looked at anew: where would a rule put them, and where do all rules put them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from apps.sources.identity import rules
from apps.sources.identity.naming import place_again
from apps.sources.identity.rules import Rule, Thing
from apps.sources.mapping import Mapper
from apps.sources.models import ExternalName, RawRecord, Source

CHUNK = 2_000
MOST_LOOKED_AT = 20_000  # names that a preview compares
MOST_SHOWN = 50


def place_names(*, source: Source, mapper: Mapper) -> None:
    """Note for every name of a source where the rules put it now."""
    rows = list(ExternalName.objects.filter(source=source).order_by("pk"))
    for start in range(0, len(rows), CHUNK):
        moved = []
        for row in rows[start : start + CHUNK]:
            raw = _item(row) if mapper.looks_into_items(row.kind) else None
            place = mapper.resolve(kind=row.kind, name=row.name, labels=row.labels, raw=raw, is_noted=False)
            new = (place.component_id, place.feature_id, place.environment_id)
            if new != (row.component_id, row.feature_id, row.environment_id):
                moved.append((row.pk, new))
        if moved:
            place_again(rows=moved)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would match: how many names, and the first of them with where they lie now."""

    count: int
    rows: Sequence[ExternalName]
    is_cut: bool  # there are more names than were looked at


def preview(*, rule: Rule) -> Preview:
    """Which known names the rule fits, as if it stood alone."""
    found = list(_known(rule)[: MOST_LOOKED_AT + 1])
    fitting = [row for row in found[:MOST_LOOKED_AT] if _fits(rule, row)]
    return Preview(len(fitting), fitting[:MOST_SHOWN], len(found) > MOST_LOOKED_AT)


def _fits(rule: Rule, row: ExternalName) -> bool:
    return rules.fit(rule, _thing(row, with_item=bool(rule.payload))) is not None


def _known(rule: Rule) -> QuerySet[ExternalName]:
    rows = ExternalName.objects.select_related("source", "component", "feature").order_by("kind", "name", "pk")
    if rule.kind:
        rows = rows.filter(kind=rule.kind)
    return rows.filter(source_id=rule.source_id) if rule.source_id else rows


def _thing(row: ExternalName, *, with_item: bool) -> Thing:
    return Thing(row.source_id, row.kind, row.name, row.labels, _item(row) if with_item else None)


def _item(row: ExternalName) -> dict[str, object] | None:
    """The source's own item behind a name, where it is still kept: records are mostly called by their name."""
    found = RawRecord.objects.filter(source_id=row.source_id, kind=row.kind, external_id=row.name).first()
    return found.payload if found else None
