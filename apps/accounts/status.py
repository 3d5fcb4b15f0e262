"""The words for an API token, each with its look."""

from __future__ import annotations

from apps.core.ui.status import StatusChoices


class TokenState(StatusChoices):
    """Whether a token still opens anything."""

    VALID = "valid", "Valid", "ok"
    EXPIRED = "expired", "Expired", "late"
    REVOKED = "revoked", "Revoked", "skip"
    ASLEEP = "asleep", "Person locked out", "skip"
