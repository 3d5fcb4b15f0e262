"""What people see before a source is saved: one page, mapped as far as it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from apps.connectors.base import Preview
from apps.connectors.errors import SourceError
from apps.connectors.merging import merge
from apps.connectors.providers.http.client import Page
from apps.connectors.providers.http.mapping import RecordMapping
from apps.connectors.providers.http.normalize import Read, describe, read_answer
from apps.connectors.providers.http.paging import next_position
from apps.connectors.records import Batch, Kind, Rejected

_COUNTED_BY_ASKING = ("none", "page", "offset")  # ways of paging that tell nothing about the next page


def look_at(page: Page, mappings: Sequence[RecordMapping], config: Mapping[str, Any]) -> Preview:
    """The first page as records; what goes wrong with one mapping, or with the next page, is said beside the rest."""
    read, has_more, remarks = Read(), False, []
    for mapping in mappings:
        try:
            read.add(read_answer(page.answer, [mapping], at=page.server_time or datetime.now(UTC)))
        except SourceError as error:
            remarks.append(error.message)
    if not mappings:
        remarks.append(f"Nothing is mapped yet; the answer is {describe(page.answer)}.")
    try:
        has_more = leads_on(page, read, config)
    except SourceError as error:
        remarks.append(error.message)
    kind = mappings[0].kind if mappings else Kind.RUN
    bad = tuple(Rejected(kind=kind, external_id="", reason=reason, raw=row) for reason, row in page.bad)
    firsts = [one.raw for one in read.records[:1]] + [one.raw for one in read.rejected[:1]]
    batch = Batch(records=merge(read.records), rejected=(*read.rejected, *bad), server_time=page.server_time)
    sample = firsts[0] if firsts else page.answer
    return Preview(batch=batch, sample=sample, remark=" ".join(remarks), has_more=has_more)


def summarise(page: Page, mappings: Sequence[RecordMapping], config: Mapping[str, Any]) -> str:
    """The page in a sentence or two; raises SourceError when a mapping finds nothing."""
    if not mappings:
        return f"The source answers with {describe(page.answer)}. Nothing is mapped yet."
    read = read_answer(page.answer, mappings, at=page.server_time or datetime.now(UTC))
    unreadable = len(read.rejected) + len(page.bad)
    said = f"The source answers. Of the first page {_counted(len(read.records), 'record')} can be read"
    said += f", {_counted(unreadable, 'item')} cannot; the preview says why." if unreadable else "."
    return f"{said}{' More pages follow.' if leads_on(page, read, config) else ''}"


def leads_on(page: Page, read: Read, config: Mapping[str, Any]) -> bool:
    """Whether the source speaks of another page; raises SourceError when it lies where nothing is read."""
    if config["paging"] in _COUNTED_BY_ASKING:
        return False
    return next_position(config, None, page, items=read.items) is not None


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
