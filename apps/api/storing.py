"""From the body of a report to what was stored of it, item by item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import OperationalError
from django.utils import timezone

from apps.api.errors import ApiError, waited_too_long
from apps.api.nouns import Noun
from apps.api.repeating import Answer
from apps.connectors.providers.push.normalize import ReadItem, key_of, read_items
from apps.connectors.records import Record, Rejected
from apps.sources.models import Source, SourceState
from apps.sync.pushing import Fate, PushRefusedError, Told, store_push


def report(*, source: Source, noun: Noun, items: Sequence[Any], bytes_read: int) -> Answer:
    """Read and store the items; the answer has a result for each, in their order."""
    known = noun.known(source, [key_of(item) for item in items])
    read = read_items(noun.reader, items, at=timezone.now(), known=known)
    records = [record for item in read for record in item.records]
    rejected = [item.rejected for item in read if item.rejected is not None]
    told = iter(push(source=source, records=records, rejected=rejected, bytes_read=bytes_read))
    fates = [_fate(item, [next(told) for _ in item.records]) for item in read]
    return answer_of(fates, [item.external_id for item in read])


def push(
    *, source: Source, records: Sequence[Record] = (), rejected: Sequence[Rejected] = (), bytes_read: int = 0
) -> list[Told]:
    """`store_push` for a request.

    Raises ApiError: 409 for a source that takes no reports, 404 for one that is gone, 503 when others keep it busy.
    """
    try:
        return store_push(source=source, records=records, rejected=rejected, bytes_read=bytes_read)
    except PushRefusedError as refusal:
        raise ApiError(409, "takes_no_reports", str(refusal)) from None
    except SourceState.DoesNotExist:
        raise ApiError(404, "no_source", "No source has this short name; it may have been removed.") from None
    except OperationalError as error:
        if not waited_too_long(error):
            raise
        message = "Other reports to this source are being stored; send this one again in a few seconds."
        raise ApiError(503, "busy", message, headers={"Retry-After": "2"}) from None


def answer_of(fates: Sequence[Told], external_ids: Sequence[str] = ()) -> Answer:
    """200, or 207 when something was refused, with a result for each and how many there are of each."""
    results = [
        {"index": index, "external_id": external_id, "status": told.fate.value}
        | ({"error": told.reason} if told.reason else {})
        for index, (told, external_id) in enumerate(zip(fates, external_ids, strict=True))
    ]
    counted = Counter(told.fate for told in fates)
    counts = {fate.value: counted[fate] for fate in Fate}
    return Answer.of(207 if counted[Fate.REFUSED] else 200, {"results": results, "counts": counts})


def _fate(item: ReadItem, told: Sequence[Told]) -> Told:
    """The fate of an item out of those of its records: refused before stored before unchanged."""
    if item.rejected is not None:
        return Told(Fate.REFUSED, item.rejected.reason)
    for fate in (Fate.REFUSED, Fate.STORED):
        if found := next((one for one in told if one.fate is fate), None):
            return found
    return Told(Fate.UNCHANGED)
