"""The Alertmanager source's form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from apps.connectors.auth import AUTH_FIELDS, clean_auth
from apps.connectors.base import Field, FieldType
from apps.connectors.cleaning import ALLOWED_NETWORKS, WEBHOOK_SECRET, clean_fields
from apps.connectors.errors import ConfigError

_MATCHER = re.compile(r'^\s*("[^"]+"|[^\s=!~"{},]+)\s*(=~|!~|!=|=)')

FIELDS = (
    Field(
        name="url",
        label="URL",
        type=FieldType.URL,
        placeholder="https://alertmanager.example.com",
        help="Where Alertmanager's pages open; with its path prefix, without /api/v2.",
    ),
    *AUTH_FIELDS,
    Field(
        name="matchers",
        label="Matchers",
        type=FieldType.LINES,
        required=False,
        placeholder='team="search"\nseverity=~"page|critical"',
        help="Which alerts to read, one matcher a line; all must match. Empty reads every alert.",
    ),
    Field(
        name="receiver",
        label="Receiver",
        required=False,
        default="",
        help="Only alerts that are routed to this receiver; a regular expression for the whole name.",
    ),
    Field(
        name="silences",
        label="Read silences",
        type=FieldType.BOOLEAN,
        default=True,
        help="Put silences into the ledger: who silenced what, why and until when.",
    ),
    WEBHOOK_SECRET,
    ALLOWED_NETWORKS,
)


def clean(config: Mapping[str, Any]) -> dict[str, Any]:
    """The checked configuration; raises ConfigError."""
    cleaned = clean_fields(FIELDS, config)
    clean_auth(cleaned)
    cleaned["url"] = cleaned["url"].removesuffix("/api/v2")
    for number, matcher in enumerate(cleaned["matchers"], start=1):
        if not _MATCHER.match(matcher):
            raise ConfigError("matchers", f'Line {number} is no matcher; write it like severity="page".')
    try:
        re.compile(cleaned["receiver"])
    except re.error:
        raise ConfigError("receiver", "This is no regular expression; enter the receiver's name.") from None
    return cleaned
