"""From what was read to what was stored, with refusals of the whole source in the one shape."""

from __future__ import annotations

from collections.abc import Sequence

from apps.api.errors import ApiError
from apps.connectors.records import Record, Rejected
from apps.sources.models import Source, SourceState
from apps.sync.pushing import PushRefusedError, Told, store_push


def push(
    *, source: Source, records: Sequence[Record] = (), rejected: Sequence[Rejected] = (), bytes_read: int = 0
) -> list[Told]:
    """`store_push` for a request: raises ApiError 409 for a source that takes no reports, 404 for one that is gone."""
    try:
        return store_push(source=source, records=records, rejected=rejected, bytes_read=bytes_read)
    except PushRefusedError as refusal:
        raise ApiError(409, "takes_no_reports", str(refusal)) from None
    except SourceState.DoesNotExist:
        raise ApiError(404, "no_source", "No source has this short name; it may have been removed.") from None
