"""The form of a GitHub source, and its rules."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from apps.connectors.base import Field, FieldType
from apps.connectors.cleaning import ALLOWED_NETWORKS, WEBHOOK_SECRET
from apps.connectors.errors import ConfigError
from apps.connectors.records import Kind

MOST_REPOSITORIES = 100
_NAME = re.compile(r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,100}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")

FIELDS: tuple[Field, ...] = (
    Field(
        name="url",
        label="API URL",
        type=FieldType.URL,
        placeholder="https://api.github.com",
        help="https://api.github.com, or https://github.example.com/api/v3 for an Enterprise Server.",
    ),
    Field(
        name="repositories",
        label="Repositories",
        type=FieldType.LINES,
        placeholder="acme/checkout",
        help="One a line, as owner/name; 100 at most.",
    ),
    Field(
        name="token",
        label="Token",
        type=FieldType.SECRET,
        help="A fine-grained token with read access to actions, contents, deployments and metadata, or a classic one "
        "with the scope repo. Stored encrypted, never shown again.",
    ),
    Field(
        name="include_runs",
        label="Read workflow runs",
        type=FieldType.BOOLEAN,
        default=True,
        help="Workflows as pipelines, with their runs.",
    ),
    Field(
        name="include_jobs",
        label="Read jobs",
        type=FieldType.BOOLEAN,
        default=True,
        help="The jobs of every run too; that is one request a run.",
    ),
    Field(
        name="include_deployments",
        label="Read deployments",
        type=FieldType.BOOLEAN,
        default=True,
        help="Deployments with their statuses; that is one or two requests for each.",
    ),
    Field(
        name="include_releases",
        label="Read releases",
        type=FieldType.BOOLEAN,
        default=True,
        help="Published releases as changes.",
    ),
    Field(
        name="backfill_days",
        label="Backfill",
        type=FieldType.INTEGER,
        default=30,
        help="How many days of past runs, deployments and releases the first polls read.",
    ),
    Field(
        name="reserve",
        label="Requests left to others",
        type=FieldType.INTEGER,
        default=500,
        help="Polling pauses until the hour is over when fewer requests than this are left, because everything that "
        "uses the same account shares its limit.",
    ),
    Field(
        name="app_id",
        label="GitHub App",
        required=False,
        placeholder="123456",
        help="Only for a deployment protection rule: the App ID of the GitHub App that answers for this portal.",
    ),
    Field(
        name="app_private_key",
        label="Private key of the App",
        type=FieldType.SECRET,
        required=False,
        help="The whole .pem file that GitHub made for the App. Stored encrypted, never shown again.",
    ),
    WEBHOOK_SECRET,
    ALLOWED_NETWORKS,
)


def api_url(url: str) -> str:
    """The API's address: what people take from the address bar becomes what the API listens on."""
    parts = urlsplit(url)
    if parts.hostname in ("github.com", "www.github.com"):
        return "https://api.github.com"
    if parts.path in ("", "/") and not (parts.hostname or "").startswith("api."):
        return f"{url.rstrip('/')}/api/v3"
    return url


def clean_repositories(names: list[str]) -> list[str]:
    """Each once, in order; GitHub does not tell upper and lower case apart."""
    if not names:
        raise ConfigError("repositories", "Name at least one repository as owner/name.")
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigError("repositories", f"“{name[:100]}” is not a repository; write it as owner/name.")
    found = list({name.lower(): name for name in reversed(names)}.values())[::-1]
    if len(found) > MOST_REPOSITORIES:
        raise ConfigError("repositories", f"{MOST_REPOSITORIES} repositories are enough for one source; add another.")
    return found


def kinds_read(config: dict[str, Any]) -> frozenset[Kind]:
    """The kinds of record that the form asks for; raises ConfigError for none at all."""
    kinds = {Kind.PIPELINE, Kind.RUN} if config["include_runs"] else set()
    kinds |= {Kind.TASK_RUN} if config["include_runs"] and config["include_jobs"] else set()
    kinds |= {Kind.DEPLOYMENT} if config["include_deployments"] else set()
    kinds |= {Kind.CHANGE} if config["include_releases"] else set()
    if not kinds:
        raise ConfigError("include_runs", "Choose at least one thing to read.")
    return frozenset(kinds)
