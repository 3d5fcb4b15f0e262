"""How a generic source wants to be asked: the headers that carry the credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from apps.connectors.auth import AUTH_FIELDS, auth_headers, basic_header, bearer_header, clean_auth
from apps.connectors.base import Field, FieldType
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Http

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(  # what the door itself decides, or what would lead the question elsewhere
    {"host", "connection", "te", "trailer", "upgrade", "expect", "range", "user-agent", "accept-encoding"}
)
_OUR_FAMILIES = ("content-", "transfer-", "if-", "proxy-")
_SECRET = frozenset({"authorization", "cookie"})

FIELDS = (
    Field(
        name="auth",
        label="Authentication",
        type=FieldType.CHOICE,
        default="none",
        choices=(
            ("none", "None"),
            ("basic", "User and password"),
            ("bearer", "Bearer token"),
            ("header", "A header with a secret"),
            ("oauth2", "OAuth 2 client credentials"),
        ),
        help="How this server, or the proxy before it, wants to be asked.",
    ),
    *AUTH_FIELDS[1:],
    Field(
        name="header_name",
        label="Header",
        required=False,
        default="",
        placeholder="X-Api-Key",
        help="The name of the header that holds the secret.",
    ),
    Field(
        name="header_value",
        label="Value of the header",
        type=FieldType.SECRET,
        required=False,
        help="Stored encrypted, never shown again.",
    ),
    Field(
        name="token_url",
        label="Token URL",
        type=FieldType.URL,
        required=False,
        default="",
        placeholder="https://login.example.com/oauth2/token",
        help="Where an access token is asked for with every poll; it is kept in memory only.",
    ),
    Field(name="client_id", label="Client ID", required=False, default="", help="The name of the client."),
    Field(
        name="client_secret",
        label="Client secret",
        type=FieldType.SECRET,
        required=False,
        help="Stored encrypted, never shown again.",
    ),
    Field(name="scope", label="Scope", required=False, default="", help="What the token is for, if the server asks."),
    Field(
        name="client_auth",
        label="The client shows itself",
        type=FieldType.CHOICE,
        default="basic",
        choices=(("basic", "By user and password"), ("form", "In the form")),
        help="How the token server wants the client ID and the secret.",
    ),
)


def clean(config: Mapping[str, Any]) -> None:
    """Raise ConfigError when the chosen way lacks something that is no secret, or a header is not usable."""
    clean_auth(config)
    if config["auth"] == "header":
        if not config["header_name"]:
            raise ConfigError("header_name", "Authentication by a header needs its name, like X-Api-Key.")
        _check_name(config["header_name"], "header_name")
    if config["auth"] == "oauth2":
        for name, what in (("token_url", "a token URL"), ("client_id", "a client ID")):
            if not config[name]:
                raise ConfigError(name, f"OAuth 2 client credentials need {what}.")
    extra_headers(config)


def extra_headers(config: Mapping[str, Any]) -> dict[str, str]:
    """The headers of the form, by name; raises ConfigError for one that cannot be sent or that holds a secret."""
    headers: dict[str, str] = {}
    for line in config["headers"]:
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not value:
            raise ConfigError("headers", f"“{line[:60]}” is no header; write it like X-Tenant: search.")
        _check_name(name, "headers")
        if name.lower() in _SECRET:
            raise ConfigError("headers", f"“{name}” holds a secret; choose an authentication instead.")
        _check_value(value, "headers")
        headers[name] = value
    return headers


async def credentials(http: Http, config: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    """The headers that carry the credentials; for OAuth 2 after asking for a token. Raises SourceError."""
    way = config["auth"]
    if way == "header":
        value = _secret(secrets, "header_value", "The value of the header").strip()
        _check_value(value, "header_value")
        return {config["header_name"]: value}
    if way == "oauth2":
        return bearer_header(await _token(http, config, secrets), field="token_url")
    return auth_headers(config, secrets)


async def _token(http: Http, config: Mapping[str, Any], secrets: Mapping[str, str]) -> str:
    """An access token (RFC 6749, 4.4); it is protected from showing up in any message."""
    client, secret = config["client_id"], _secret(secrets, "client_secret", "Client secret")
    form = {"grant_type": "client_credentials", **({"scope": config["scope"]} if config["scope"] else {})}
    headers: dict[str, str] = {}
    if config["client_auth"] == "basic":
        headers = basic_header(f"{quote_plus(client)}:{quote_plus(secret)}")
    else:
        form |= {"client_id": client, "client_secret": secret}
    try:
        answer = (await http.post_json(config["token_url"], form=form, headers=headers)).data
    except SourceError as error:
        if error.error_class is ErrorClass.REJECTED:  # 400 invalid_client, invalid_scope
            raise SourceError(ErrorClass.AUTH, f"No access token: {error.message}", is_permanent=True) from None
        raise
    token = answer.get("access_token") if isinstance(answer, Mapping) else None
    if not isinstance(token, str) or not token:
        raise SourceError(ErrorClass.SCHEMA, "The token server answers without an access_token; check the token URL.")
    http.protect([token])
    return token


def _secret(secrets: Mapping[str, str], name: str, label: str) -> str:
    value = secrets.get(name, "")
    if not value:
        raise ConfigError(name, f"{label} is needed for the chosen authentication.")
    return value


def _check_name(name: str, field: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ConfigError(field, f"“{name[:60]}” is no name of a header; write it like X-Tenant.")
    if name.lower() in _OURS or name.lower().startswith(_OUR_FAMILIES):
        raise ConfigError(field, f"“{name}” is set by the portal itself; remove it.")


def _check_value(value: str, field: str) -> None:
    if not value.isprintable() or not value.isascii():
        raise ConfigError(field, "The value of a header holds line breaks or odd characters; enter it again.")
