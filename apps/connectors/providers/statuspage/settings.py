"""The status page's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.connectors.auth import AUTH_FIELDS, clean_auth
from apps.connectors.base import Field, FieldType
from apps.connectors.cleaning import ALLOWED_NETWORKS, clean_fields, integer_between

_NO_CREDENTIALS = (
    "A public status page needs no credentials: leave this at None. Only for a page behind a proxy that asks for them."
)

FIELDS = (
    Field(
        name="url",
        label="Status page",
        type=FieldType.URL,
        placeholder="https://status.example.com",
        help="The address at which people read the page. Public pages need no account and no key.",
    ),
    Field(
        name="components",
        label="Components",
        type=FieldType.LINES,
        required=False,
        placeholder="API\nChat*",
        help="Names of the page's components to follow, one a line, * stands for anything. Empty follows all.",
    ),
    Field(
        name="backfill_days",
        label="Backfill",
        type=FieldType.INTEGER,
        default=30,
        help="How many days of past incidents and maintenance the first poll tells; pages show the newest 50 of each.",
    ),
    replace(AUTH_FIELDS[0], help=_NO_CREDENTIALS),
    *AUTH_FIELDS[1:],
    ALLOWED_NETWORKS,
)


def clean(config: Mapping[str, Any]) -> dict[str, Any]:
    """The checked configuration; an address of the API becomes that of the page. Raises ConfigError."""
    cleaned = clean_fields(FIELDS, config)
    clean_auth(cleaned)
    integer_between(cleaned, "backfill_days", 0, 400)
    cleaned["url"] = cleaned["url"].partition("/api/v2")[0]
    return cleaned
