"""Alerts put where the rules say now."""

from __future__ import annotations

from apps.connectors.records import Kind
from apps.core import bulk
from apps.monitors.services.alerts import LOCK
from apps.sources.identity.remapping import Table, moved, remap_table
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

_ALERTS = Table(table="monitors_alert", kind=Kind.ALERT)


def remap(*, source: Source, mapper: Mapper) -> Stored:
    """The alerts of a source that moved, past ones too."""
    bulk.lock(space=LOCK, number=source.pk)
    return moved(remap_table(_ALERTS, source=source, mapper=mapper), topics={"alerts"})
