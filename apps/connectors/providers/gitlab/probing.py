"""What **Test connection** finds out: who answers, what the token may do, and what it may read in each project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from apps.connectors.base import Probe, Scope
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.providers.gitlab.client import GitlabClient
from apps.connectors.records import Kind
from apps.connectors.values import list_or_empty, optional_text

MOST_TESTED = 10  # projects, up to four questions each
_REFUSED = {ErrorClass.AUTH, ErrorClass.NOT_FOUND, ErrorClass.REDIRECT}
_WORDS = {"read_api", "api"}
RIGHTS = (
    ("pipelines", "read pipelines and their jobs; the role Reporter is enough", Kind.RUN),
    ("deployments", "read deployments; the role Reporter is enough", Kind.DEPLOYMENT),
    ("releases", "read releases", Kind.CHANGE),
)


async def probe(client: GitlabClient, *, projects: list[str], kinds: frozenset[Kind]) -> Probe:
    """Ask for each right in each project; raises SourceError when not one project can be read."""
    token = await _ask_self(client, "personal_access_tokens/self")
    version = optional_text(await _ask_self(client, "version"), "version", limit=40)
    missing: dict[str, list[str]] = {}
    refusals: list[SourceError] = []

    async def may(right: str, project: str, rest: str = "") -> bool:
        path = f"projects/{quote(project, safe='')}"
        try:
            await (client.page(f"{path}/{rest}", {"per_page": 1}) if rest else client.item(path))
        except SourceError as error:
            if error.error_class not in _REFUSED:
                raise
            refusals.append(error)
            missing.setdefault(right, []).append(project)
            return False
        return True

    tested = projects[:MOST_TESTED]
    readable = [project for project in tested if await may("project", project)]
    if not readable:
        raise refusals[0]
    wanted = [(right, why) for right, why, kind in RIGHTS if kind in kinds]
    for project in readable:
        for right, _ in wanted:
            await may(right, project, right)
    scopes = [_scope(missing, right, why) for right, why in [("project", "see that the projects exist"), *wanted]]
    return Probe(
        sentence=_sentence(version, token, len(readable), len(tested)),
        version=version,
        scopes=(*_token_scopes(token), *scopes),
    )


async def _ask_self(client: GitlabClient, path: str) -> Mapping[str, Any]:
    """What the server says of itself or of the token; {} when this token or this version cannot know."""
    try:
        return await client.item(path)
    except SourceError as error:
        if error.error_class not in _REFUSED:
            raise
        return {}


def _token_scopes(token: Mapping[str, Any]) -> list[Scope]:
    found = {word for word in list_or_empty(token.get("scopes")) if isinstance(word, str)}
    return [Scope(name="read_api", why="ask the API at all", is_granted=bool(found & _WORDS))] if found else []


def _scope(missing: Mapping[str, list[str]], name: str, why: str) -> Scope:
    refused = missing.get(name, [])
    return Scope(name=name, why=f"{why}; refused for {', '.join(refused)}" if refused else why, is_granted=not refused)


def _sentence(version: str, token: Mapping[str, Any], readable: int, tested: int) -> str:
    name = f"GitLab {version}" if version else "GitLab"
    parts = [f"{name} answers; {readable} of {tested} projects tested can be read"]
    words = {word for word in list_or_empty(token.get("scopes")) if isinstance(word, str)}
    if "api" in words:
        parts.append("the token may write; one with read_api is enough")
    if expires := optional_text(token, "expires_at", limit=10):
        parts.append(f"the token expires on {expires}")
    return "; ".join(parts) + "."
