"""Prompts put where the rules say now; their versions and labels go with them."""

from __future__ import annotations

from apps.connectors.records import Kind
from apps.core import bulk
from apps.prompts.services.prompts import LOCK, prompt_topics
from apps.sources.identity.remapping import Table, moved, remap_table
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

_PROMPTS = Table(table="prompts_prompt", kind=Kind.PROMPT, has_environment=False)


def remap(*, source: Source, mapper: Mapper) -> Stored:
    """The prompts of a source that moved."""
    bulk.lock(space=LOCK, number=source.pk)
    rows = remap_table(_PROMPTS, source=source, mapper=mapper)
    return moved(rows, topics=prompt_topics(row["id"] for row in rows))
