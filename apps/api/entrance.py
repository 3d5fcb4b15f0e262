"""Who knocks, and whether the door opens: every request of a machine comes through here, whatever it carries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts.models import ApiToken
from apps.accounts.scopes import SCOPES
from apps.api.errors import ApiError
from apps.api.throttling import spend
from apps.evaluations import house
from apps.sources import queries as sources
from apps.sources.models import Source

PUSH_SCOPES = tuple(key for key in SCOPES if key.startswith("push:"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A request that may go on: whose token it carries, and the source it speaks of."""

    token: ApiToken
    source: Source


def enter(request: HttpRequest, *, scopes: Sequence[str], slug: str) -> Entry:
    """The way in for a request that carries a token with one of `scopes` and speaks of the source `slug`.

    Raises ApiError: 401 without a good token, 429 when it asks too often, 403 when it may not, 404 without the source.
    A session of a person opens nothing here, so no page of another site can make a browser report.
    """
    token = let_in(request, scopes=scopes)
    if token.sources and slug not in token.sources:
        raise ApiError(403, "wrong_source", "This token is for other sources; make one for this source.")
    if slug in house.SLUGS and tuple(scopes) != ("read",):
        raise ApiError(403, "own_source", "This is the portal itself; nobody else reports in its name.")
    try:
        return Entry(token, sources.get_source(slug=slug))
    except Source.DoesNotExist:
        raise ApiError(404, "no_source", "No source has this short name; it may have been removed.") from None


def let_in(
    request: HttpRequest,
    *,
    scopes: Sequence[str],
    read: Callable[[HttpRequest], str] | None = None,
    is_counted: bool = True,
) -> ApiToken:
    """The token of a request that speaks of no source; raises ApiError 401, 429 or 403.

    `read` finds the token where it is no bearer token. What is not counted costs nothing of the minute's budget.
    """
    at, text = timezone.now(), (read or _bearer)(request)
    try:
        token = accounts.check_token(text=text, at=at)
    except accounts.TokenRefusedError as refusal:
        raise _unauthorized(str(refusal)) from None
    if is_counted:
        spend(token=token, at=at)
    _check_scopes(token, scopes)
    return token


def _bearer(request: HttpRequest) -> str:
    """The token of the Authorization header, the only place where one is looked for."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise _unauthorized("Send an API token in the header “Authorization: Bearer …”.")
    return text.strip()


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, "unauthorized", message, headers={"WWW-Authenticate": "Bearer"})


def _check_scopes(token: ApiToken, scopes: Sequence[str]) -> None:
    if any(accounts.may_use(token=token, scope=scope) for scope in scopes):
        return
    if any(scope in token.scopes for scope in scopes):
        message = "The person whose token this is may not do this any more. Ask an administrator about the role."
    else:
        message = f"This token lacks the scope {scopes[0]}. Make one that has it, in the portal under API tokens."
    raise ApiError(403, "forbidden", message)
