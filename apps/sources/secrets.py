"""Credentials at rest: encrypted with the first of the field keys, bound to the row they belong to.

A row that keeps some has a binary field `secrets`; a source is one, and what lies above may have others.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db.models import Model

UNREADABLE = (
    "The stored credentials cannot be decrypted with OPSPORTAL_FIELD_KEYS. "
    "Add the key they were written with to that setting, or enter the credentials again."
)
BAD_KEYS = "OPSPORTAL_FIELD_KEYS must hold one or more Fernet keys (32 bytes in URL-safe base64), newest first."


class SecretsError(Exception):
    """The credentials cannot be read; the text says what to do and holds nothing of them."""


def encrypt_secrets(owner_id: int, values: Mapping[str, str], *, owner: str = "source") -> bytes:
    """The bytes to store: the values with their owner's id inside, so that a row swapped by hand is refused.

    owner: the name of the owner's model, in lowercase.
    """
    return _box().encrypt(orjson.dumps({owner: owner_id, "values": dict(values)})) if values else b""


def decrypt_secrets(owner: Model) -> dict[str, str]:
    """The credentials of `owner`, {} if it has none; raises SecretsError for a wrong key or another owner's bytes."""
    stored, kind = bytes(getattr(owner, "secrets", b"")), owner._meta.model_name or ""
    if not stored:
        return {}
    try:
        content = orjson.loads(_box().decrypt(stored))
    except InvalidToken:
        raise SecretsError(UNREADABLE) from None
    if content.get(kind) != owner.pk:
        raise SecretsError(f"The stored credentials belong to another {kind}; enter the credentials again.")
    return dict(content["values"])


def rotate_secrets(stored: bytes) -> bytes:
    """The same secret under the newest key; raises SecretsError when no key fits."""
    try:
        return _box().rotate(stored)
    except InvalidToken:
        raise SecretsError(UNREADABLE) from None


def is_newest_key(stored: bytes) -> bool:
    """Whether the newest key already opens it, so that an interrupted rotation can go on where it stopped."""
    try:
        Fernet(settings.FIELD_KEYS[0]).decrypt(stored)
    except InvalidToken:
        return False
    return True


def check_keys() -> None:
    """Raises SecretsError unless the field keys can be used."""
    if not settings.FIELD_KEYS:
        raise SecretsError(BAD_KEYS)
    _box()


def _box() -> MultiFernet:
    return _make_box(tuple(settings.FIELD_KEYS))


@lru_cache(maxsize=4)
def _make_box(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except (ValueError, TypeError):
        raise SecretsError(BAD_KEYS) from None
