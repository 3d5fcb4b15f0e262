"""A source's configuration checked against the fields of its connector: one clear sentence for each mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.connectors.address import parse_networks
from apps.connectors.base import Field, FieldType
from apps.connectors.documents import parse_document
from apps.connectors.errors import ConfigError
from apps.connectors.http import check_url
from apps.connectors.webhook import SECRET_NAME

MAX_TEXT = 2000

ALLOWED_NETWORKS = Field(
    name="allowed_networks",
    label="Allowed networks",
    type=FieldType.LINES,
    required=False,
    help="Internal networks this source may be reached in, one CIDR a line (10.20.0.0/16). "
    "Private, loopback and link-local addresses are closed unless they are listed here or for the whole portal.",
)


WEBHOOK_SECRET = Field(
    name=SECRET_NAME,
    label="Webhook secret",
    type=FieldType.SECRET,
    required=False,
    help="What the system signs its webhooks with. While you change it, enter the new and the old one with a blank "
    "between them. Stored encrypted, never shown again.",
)


def clean_fields(fields: Sequence[Field], config: Mapping[str, Any], *, may_have_query: bool = False) -> dict[str, Any]:
    """The configuration with defaults filled in and types put right; secrets are not part of it.

    `may_have_query`: URLs are complete addresses and may end in “?…”.
    Raises ConfigError naming the first field that is missing, unknown or of the wrong kind.
    """
    known = {field.name: field for field in fields if field.type is not FieldType.SECRET}
    for name in config:
        if name not in known:
            raise ConfigError(str(name), f"“{name}” is not a setting of this connector; remove it.")
    cleaned = {name: _clean(field, config.get(name), may_have_query) for name, field in known.items()}
    if "allowed_networks" in cleaned:
        parse_networks(cleaned["allowed_networks"])
    return cleaned


def integer_between(config: Mapping[str, Any], name: str, low: int, high: int) -> None:
    """Raise ConfigError unless the number lies between the two, both included."""
    if not low <= config[name] <= high:
        raise ConfigError(name, f"Enter a number from {low} to {high}.")


def _clean(field: Field, value: Any, may_have_query: bool) -> Any:
    if value is None or value == "":
        if field.required and field.default is None:
            raise ConfigError(field.name, f"{field.label} is needed.")
        return [] if field.type is FieldType.LINES and field.default is None else field.default
    match field.type:
        case FieldType.URL:
            return _url(field, value, may_have_query)
        case FieldType.INTEGER:
            return _integer(field, value)
        case FieldType.BOOLEAN:
            return _boolean(field, value)
        case FieldType.CHOICE:
            return _choice(field, value)
        case FieldType.LINES:
            return _lines(field, value)
        case FieldType.YAML:
            return parse_document(field.name, value) if isinstance(value, str) else value
        case _:
            return _text(field, value)


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ConfigError(field.name, f"{field.label} must be a text.")
    text = str(value).strip()
    if len(text) > MAX_TEXT:
        raise ConfigError(field.name, f"{field.label} is longer than {MAX_TEXT} characters.")
    return text


def _url(field: Field, value: Any, may_have_query: bool) -> str:
    address = check_url(_text(field, value), field=field.name)
    if may_have_query:
        return str(address)
    if address.query_string:
        raise ConfigError(field.name, "Enter the URL without “?” and what follows.")
    return str(address).rstrip("/")


def _integer(field: Field, value: Any) -> int:
    try:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError
        return int(value)
    except (ValueError, TypeError, OverflowError):
        raise ConfigError(field.name, f"{field.label} must be a whole number.") from None


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in ("true", "false", "yes", "no", "on", "off"):
        raise ConfigError(field.name, f"{field.label} must be yes or no.")
    return word in ("true", "yes", "on")


def _choice(field: Field, value: Any) -> str:
    text = _text(field, value)
    if text not in {key for key, _ in field.choices}:
        raise ConfigError(field.name, f"{field.label} must be one of: {', '.join(key for key, _ in field.choices)}.")
    return text


def _lines(field: Field, value: Any) -> list[str]:
    if isinstance(value, str):
        value = value.splitlines()
    if not isinstance(value, list | tuple) or not all(isinstance(line, str | int | float) for line in value):
        raise ConfigError(field.name, f"{field.label} must be a list, one entry a line.")
    return [text for line in value if (text := str(line).strip())]
