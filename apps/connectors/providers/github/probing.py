"""What **Test connection** finds out: who answers, what the token may read, and how much of the budget is left."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.connectors.base import Probe, Scope
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Response
from apps.connectors.providers.github.client import GithubClient
from apps.connectors.providers.github.fetching import path_of
from apps.connectors.records import Kind

MOST_TESTED = 10  # repositories, four questions each
_REFUSED = {ErrorClass.AUTH, ErrorClass.NOT_FOUND}


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A permission of a fine-grained token, why it is needed, and the question whose answer shows it."""

    name: str
    why: str
    path: tuple[str, ...]
    kinds: frozenset[Kind]


RIGHTS = (
    Right(
        name="actions: read",
        why="read workflows, their runs and jobs",
        path=("actions", "workflows"),
        kinds=frozenset({Kind.PIPELINE, Kind.RUN, Kind.TASK_RUN}),
    ),
    Right(
        name="deployments: read",
        why="read deployments and their statuses",
        path=("deployments",),
        kinds=frozenset({Kind.DEPLOYMENT}),
    ),
    Right(name="contents: read", why="read releases", path=("releases",), kinds=frozenset({Kind.CHANGE})),
)


@dataclass(slots=True)
class _Findings:
    """`missing`: right -> repositories without it. `answer` is the latest good one, for its headers."""

    missing: dict[str, list[str]] = field(default_factory=dict)
    answer: Response | None = None
    refusal: SourceError | None = None


async def probe(client: GithubClient, *, repositories: list[str], kinds: frozenset[Kind]) -> Probe:
    """Ask for each right in each repository; raises SourceError when not one repository can be read."""
    tested, rights = repositories[:MOST_TESTED], [right for right in RIGHTS if right.kinds & kinds]
    found = _Findings()
    readable = [name for name in tested if await _may(client, found, "metadata: read", name)]
    if not readable:
        assert found.refusal is not None
        raise found.refusal
    for name in readable:
        for right in rights:
            await _may(client, found, right.name, name, *right.path)
    scopes = [_scope(found, "metadata: read", "see that the repositories exist")]
    scopes += [_scope(found, right.name, right.why) for right in rights]
    return Probe(sentence=_sentence(client, found, readable, tested), version=_version(found), scopes=tuple(scopes))


async def _may(client: GithubClient, found: _Findings, right: str, repository: str, *path: str) -> bool:
    try:
        found.answer = await client.describe(path_of(repository, *path), {"per_page": 1} if path else None)
    except SourceError as error:
        if error.error_class not in _REFUSED:
            raise
        found.refusal = found.refusal or error
        found.missing.setdefault(right, []).append(repository)
        return False
    return True


def _scope(found: _Findings, name: str, why: str) -> Scope:
    missing = found.missing.get(name, [])
    return Scope(name=name, why=f"{why}; refused for {', '.join(missing)}" if missing else why, is_granted=not missing)


def _sentence(client: GithubClient, found: _Findings, readable: list[str], tested: list[str]) -> str:
    version = _version(found)
    name = f"GitHub Enterprise Server {version}" if version else "GitHub"
    parts = [f"{name} answers; {len(readable)} of {len(tested)} repositories tested can be read"]
    if client.budget is not None:
        parts.append(f"{client.budget.remaining} of {client.budget.limit} requests are left for this hour")
    headers = found.answer.headers if found.answer else {}
    if "x-oauth-scopes" in headers:  # only classic tokens are answered with it
        granted = headers["x-oauth-scopes"][:200] or "no scopes"
        parts.append(f"the token is a classic one with {granted}; a fine-grained one can be limited to reading")
    if expires := headers.get("github-authentication-token-expiration", "")[:10]:
        parts.append(f"the token expires on {expires}")
    return "; ".join(parts) + "."


def _version(found: _Findings) -> str:
    return found.answer.headers.get("x-github-enterprise-version", "")[:40] if found.answer else ""
