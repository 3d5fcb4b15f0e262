"""The form of a GitLab source, and its rules."""

from __future__ import annotations

import re
from typing import Any

from apps.connectors.base import Field, FieldType
from apps.connectors.cleaning import ALLOWED_NETWORKS, WEBHOOK_SECRET
from apps.connectors.errors import ConfigError
from apps.connectors.records import Kind

MOST_PROJECTS = 100
_PIECE = r"(?!\.{1,2}(?:/|$))[\w.+-]{1,255}"
_NAME = re.compile(rf"\d{{1,18}}|{_PIECE}(?:/{_PIECE})+")

FIELDS: tuple[Field, ...] = (
    Field(
        name="url",
        label="GitLab URL",
        type=FieldType.URL,
        placeholder="https://gitlab.com",
        help="The address of GitLab as in the browser, without /api/v4.",
    ),
    Field(
        name="projects",
        label="Projects",
        type=FieldType.LINES,
        placeholder="acme/shop/checkout",
        help="One a line, as its full path or its number; 100 at most.",
    ),
    Field(
        name="token",
        label="Token",
        type=FieldType.SECRET,
        help="A personal, group or project access token with the scope read_api and the role Reporter. Stored "
        "encrypted, never shown again.",
    ),
    Field(
        name="group_by",
        label="Pipelines",
        type=FieldType.CHOICE,
        default="source",
        choices=(
            ("source", "One for what starts them (push, schedule, merge request …)"),
            ("name", "One for each workflow name; without a name, by what starts them"),
            ("project", "One for each project"),
        ),
        help="GitLab has one definition a project; this says what counts as a pipeline of its own here.",
    ),
    Field(
        name="include_runs",
        label="Read pipelines",
        type=FieldType.BOOLEAN,
        default=True,
        help="GitLab's pipelines as runs; that is one request for each.",
    ),
    Field(
        name="include_jobs",
        label="Read jobs",
        type=FieldType.BOOLEAN,
        default=True,
        help="The jobs of every run too, which also tell why it failed; that is one more request for each.",
    ),
    Field(
        name="include_deployments",
        label="Read deployments",
        type=FieldType.BOOLEAN,
        default=True,
        help="Deployments to environments.",
    ),
    Field(
        name="include_releases",
        label="Read releases",
        type=FieldType.BOOLEAN,
        default=True,
        help="Releases as changes.",
    ),
    Field(
        name="backfill_days",
        label="Backfill",
        type=FieldType.INTEGER,
        default=30,
        help="How many days of past runs, deployments and releases the first polls read.",
    ),
    WEBHOOK_SECRET,
    ALLOWED_NETWORKS,
)


def clean_projects(names: list[str]) -> list[str]:
    """Each once, in order."""
    if not names:
        raise ConfigError("projects", "Name at least one project by its full path or its number.")
    found = list(dict.fromkeys(name.strip("/") for name in names))
    for name in found:
        if not _NAME.fullmatch(name):
            raise ConfigError("projects", f"“{name[:100]}” is no project; write group/project or its number.")
    if len(found) > MOST_PROJECTS:
        raise ConfigError("projects", f"{MOST_PROJECTS} projects are enough for one source; add another.")
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
