"""What templates ask about a source."""

from __future__ import annotations

from datetime import datetime

from django import template

from apps.sources.backfills import backfill_of
from apps.sources.condition import Condition, judge_source
from apps.sources.failures import advice
from apps.sources.models import Source

register = template.Library()
register.simple_tag(backfill_of)
register.simple_tag(advice, name="what_to_do")


@register.filter
def oldest_first(newest_first: list[float | None]) -> list[float | None]:
    """The values of a sparkline out of those of the newest polls."""
    return newest_first[::-1]


@register.simple_tag
def condition_of(source: Source, at: datetime) -> Condition:
    """The status of a source that was read with its state, with its sentence."""
    return judge_source(source=source, state=source.state, at=at)
