"""The LiteLLM source's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.connectors.auth import bearer_header
from apps.connectors.base import Field, FieldType
from apps.connectors.cleaning import ALLOWED_NETWORKS, clean_fields

FIELDS = (
    Field(
        name="url",
        label="URL",
        type=FieldType.URL,
        placeholder="https://litellm.example.com",
        help="Where the proxy answers; with its path prefix, without /metrics.",
    ),
    Field(
        name="api_key",
        label="API key",
        type=FieldType.SECRET,
        required=False,
        help="The master key or another key that may read /metrics; empty if the proxy asks for none. "
        "Stored encrypted, never shown again.",
    ),
    Field(
        name="split",
        label="Tell apart",
        type=FieldType.CHOICE,
        default="all",
        choices=(
            ("all", "Model, team and key"),
            ("model_team", "Model and team"),
            ("model_key", "Model and key"),
            ("model", "Model"),
            ("team", "Team"),
            ("key", "Key"),
            ("none", "Nothing: one number for the whole proxy"),
        ),
        help="What gets a number of its own. Keys and teams go by their alias; users are never told apart.",
    ),
    ALLOWED_NETWORKS,
)


def clean(config: Mapping[str, Any]) -> dict[str, Any]:
    """The checked configuration; raises ConfigError."""
    cleaned = clean_fields(FIELDS, config)
    cleaned["url"] = cleaned["url"].removesuffix("/metrics")
    return cleaned


def headers(secrets: Mapping[str, str]) -> dict[str, str]:
    """The header with the key, if there is one; raises ConfigError when it cannot be one."""
    key = secrets.get("api_key", "")
    return bearer_header(key, field="api_key") if key else {}
