"""Suites and their executions put where the rules say now."""

from __future__ import annotations

from apps.connectors.records import Kind
from apps.core import bulk
from apps.evaluations import house
from apps.evaluations.services.evaluations import LOCK, known_as
from apps.sources.identity.remapping import Table, moved, remap_table
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

_SUITES = Table(
    table="evaluations_evaluationsuite",
    kind=Kind.EVALUATION,
    has_labels=False,
    has_environment=False,
    has_items=False,
    known_as=lambda row: known_as(row["name"], {}),
)
_RUNS = Table(
    table="evaluations_evaluationrun",
    kind=Kind.EVALUATION,
    name="(SELECT suite.name FROM evaluations_evaluationsuite AS suite WHERE suite.id = kept.suite_id)",
    known_as=lambda row: known_as(row["name"], row["labels"]),
)


def remap(*, source: Source, mapper: Mapper) -> Stored:
    """The suites and executions of a source that moved; people alone say where suites of ours belong."""
    if source.slug in house.SLUGS:
        return Stored()
    bulk.lock(space=LOCK, number=source.pk)
    rows = [*remap_table(_SUITES, source=source, mapper=mapper), *remap_table(_RUNS, source=source, mapper=mapper)]
    return moved(rows, topics={"evaluations"})
