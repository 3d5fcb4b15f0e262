"""Deployments put where the rules say now."""

from __future__ import annotations

from apps.connectors.records import Kind
from apps.core import bulk
from apps.deployments.services.deployments import LOCK, known_as
from apps.sources.identity.remapping import Table, moved, remap_table
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

_DEPLOYMENTS = Table(
    table="deployments_deployment",
    kind=Kind.DEPLOYMENT,
    name="kept.component_name",
    extra={"environment_name": "kept.environment_name"},
    known_as=lambda row: known_as(row["name"], row["environment_name"], row["labels"]),
)


def remap(*, source: Source, mapper: Mapper) -> Stored:
    """The deployments of a source that moved."""
    bulk.lock(space=LOCK, number=source.pk)
    return moved(remap_table(_DEPLOYMENTS, source=source, mapper=mapper), topics={"deployments"})
