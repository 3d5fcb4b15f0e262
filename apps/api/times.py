"""Times in addresses."""

from __future__ import annotations

from datetime import datetime

from apps.api.errors import ApiError


def optional_time(text: str, field: str) -> datetime | None:
    """The time that is written, None for nothing; raises ApiError 422 for what is none or has no zone."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ApiError(
            422, "invalid", f"{field}: write a time with its zone, such as 2026-11-24T14:05:00Z.", field=field
        )
    return found
