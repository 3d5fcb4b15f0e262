"""Secrets in an answer: some servers echo the headers they were asked with."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

VEIL = "•••"
_SHORTEST = 6  # a shorter one would spoil ordinary words


def veiled(value: Any, secrets: Iterable[str]) -> Any:
    """The same JSON with every text cleared of the secrets, plain or in base64, whole or after a word like Bearer."""
    forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
    return _cleared(value, sorted(forms, key=len, reverse=True)) if forms else value


def _forms(secret: str) -> tuple[str, ...]:
    secret = secret.strip()
    last = secret.rpartition(" ")[2]
    return secret, last, base64.b64encode(secret.encode()).decode()


def _cleared(value: Any, forms: list[str]) -> Any:
    if isinstance(value, str):
        for form in forms:
            value = value.replace(form, VEIL)
        return value
    if isinstance(value, list):
        return [_cleared(entry, forms) for entry in value]
    if isinstance(value, Mapping):
        return {_cleared(name, forms): _cleared(entry, forms) for name, entry in value.items()}
    return value
