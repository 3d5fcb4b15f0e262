"""Pipelines put where the rules say now; their runs go with them."""

from __future__ import annotations

from apps.connectors.records import Kind
from apps.core import bulk
from apps.pipelines.services.pipelines import LOCK, pipeline_topics
from apps.sources.identity.remapping import Table, moved, remap_table
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

_PIPELINES = Table(table="pipelines_pipeline", kind=Kind.PIPELINE)


def remap(*, source: Source, mapper: Mapper) -> Stored:
    """The pipelines of a source that moved."""
    bulk.lock(space=LOCK, number=source.pk)
    rows = remap_table(_PIPELINES, source=source, mapper=mapper)
    return moved(rows, topics=pipeline_topics([row["id"] for row in rows]))
