"""Series put where the rules say now; their samples go with them."""

from __future__ import annotations

from apps.connectors.records import Kind
from apps.metrics.services import primaries
from apps.sources.identity.remapping import Table, moved, remap_table
from apps.sources.mapping import Mapper
from apps.sources.models import Source
from apps.sources.storing import Stored

_SERIES = Table(table="metrics_series", kind=Kind.SERIES)


def remap(*, source: Source, mapper: Mapper) -> Stored:
    """The series of a source that moved; which of them speak for their features is chosen anew."""
    stored = moved(remap_table(_SERIES, source=source, mapper=mapper))
    if stored.changed:
        primaries.refresh_primaries(feature_ids=stored.feature_ids)
    stored.topics = {f"feature-{feature_id}" for feature_id in stored.feature_ids}
    return stored
