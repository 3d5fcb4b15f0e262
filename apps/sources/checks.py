"""System checks: the field keys are keys, and they open what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from apps.sources.rotation import unreadable_owners
from apps.sources.secrets import SecretsError, check_keys


@register(Tags.security)
def field_keys_are_keys(**_: Any) -> list[CheckMessage]:
    """An error when OPSPORTAL_FIELD_KEYS cannot be used at all."""
    try:
        check_keys()
    except SecretsError as error:
        return [Error(str(error), id="sources.E001")]
    return []


@register(Tags.database)
def stored_credentials_can_be_read(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """An error naming the sources whose credentials no key opens; run with `check --database default`."""
    if not databases:
        return []
    try:
        names = unreadable_owners()
    except (DatabaseError, SecretsError):
        return []  # not migrated yet, or told by the check above
    if not names:
        return []
    hint = "Add the key they were written with to OPSPORTAL_FIELD_KEYS, or enter the credentials again."
    return [Error(f"The credentials of {', '.join(names)} cannot be decrypted.", hint=hint, id="sources.E002")]
