"""Why something cannot be done, in a sentence for people."""

from __future__ import annotations


class IncidentError(Exception):
    """The verb does not fit the state, or a value does not fit another."""


class ConflictError(IncidentError):
    """Somebody else was faster; nothing was written."""
