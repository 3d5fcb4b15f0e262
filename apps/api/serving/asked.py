"""What a request for a prompt says, read from the ASGI scope without Django. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

PREFIXES = ("/api/v1/prompts/", "/api/public/v2/prompts/")


@dataclass(slots=True)
class Asked:
    """`address` is everything that decides the answer but the caller's key; the rest are headers as they came."""

    address: bytes
    key: str
    authorization: bytes
    if_none_match: bytes


def read(scope: Mapping[str, Any], *, is_https: bool) -> Asked | None:
    """What is asked; None for whatever is better left to Django."""
    authorization = if_none_match = forwarded = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            if authorization:
                return None
            authorization = value
        elif name == b"if-none-match":
            if if_none_match:
                return None
            if_none_match = value
        elif name == b"x-forwarded-proto":
            forwarded = value
    if not authorization or (is_https and forwarded != b"https"):
        return None
    query: bytes = scope["query_string"]
    path: bytes = scope["path"].encode()
    if b"key=" not in query:
        return Asked(path + b"?" + query, "", authorization, if_none_match)
    rest, key = [], None
    for part in query.split(b"&"):
        if not part.startswith(b"key="):
            rest.append(part)
        elif key is None:
            key = unquote_plus(part[4:].decode("latin-1"), errors="replace")
        else:
            return None
    return Asked(path + b"?" + b"&".join(rest), key or "", authorization, if_none_match)
