"""API tokens: made and shown once, checked with every request, revoked for good."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import ApiToken, AuditEntry, User
from apps.accounts.permissions import may
from apps.accounts.scopes import SCOPES
from apps.accounts.services.audit import record_audit
from apps.accounts.status import TokenState

PREFIX = "opsp_"
SHOWN = 9  # characters of a token that stay readable, the prefix included
LONGEST_DAYS = 365
USE_NOTED_EVERY = timedelta(minutes=1)
REFUSALS = {
    TokenState.EXPIRED: "This token has expired. Make a new one in the portal under API tokens.",
    TokenState.REVOKED: "This token was revoked. Make a new one in the portal under API tokens.",
    TokenState.ASLEEP: "The person whose token this is may not sign in any more. Use the token of somebody else.",
}


class TokenRefusedError(Exception):
    """The token opens nothing; the text says why and what to do, and never holds the token."""


def create_token(
    *, user: User, name: str, scopes: Sequence[str], sources: Sequence[str] = (), days: int, at: datetime,
    folders: Sequence[str] = (), origin: AuditEntry.Origin = AuditEntry.Origin.PAGE,
) -> tuple[ApiToken, str]:  # fmt: skip
    """The new token's row, and the token itself, which nobody can read again.

    Raises ValueError for an unknown scope and for a life of more than a year.
    """
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise ValueError(f"There is no scope {unknown[0]}.")
    if not scopes or not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"A token needs a scope and lives from 1 to {LONGEST_DAYS} days.")
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            digest=digest_of(text),
            hint=text[:SHOWN],
            scopes=sorted(set(scopes)),
            sources=sorted(set(sources)),
            folders=sorted(set(folders)),
            created_at=at,
            expires_at=at + timedelta(days=days),
        )
        expires = {"expires_at": token.expires_at.isoformat()}
        after = {"scopes": token.scopes, "sources": token.sources, "folders": token.folders} | expires
        record_audit(actor=user, action="token:create", subject=token, after=after, origin=origin)
    return token, text


def revoke_token(*, token_id: int, actor: User, at: datetime) -> bool:
    """Make the token worthless from now on; False when that was so already."""
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().get(pk=token_id)
        if token.revoked_at is not None:
            return False
        token.revoked_at = at
        token.save(update_fields=["revoked_at"])
        record_audit(actor=actor, action="token:revoke", subject=token, before={"of": token.user.get_username()})
    return True


def check_token(*, text: str, at: datetime) -> ApiToken:
    """The token behind `text` with its person, its use noted; raises TokenRefusedError."""
    token = ApiToken.objects.select_related("user").filter(digest=digest_of(text)).first()
    if token is None:
        raise TokenRefusedError("This token is not known. Check that it was copied whole.")
    if refusal := REFUSALS.get(token.state_at(at)):
        raise TokenRefusedError(refusal)
    _note_use(token, at)
    return token


def note_uses(*, token_ids: Collection[int], at: datetime) -> int:
    """Write for many tokens at once that they were used; returns for how many that was news."""
    old = Q(last_used_at=None) | Q(last_used_at__lte=at - USE_NOTED_EVERY)
    return ApiToken.objects.filter(old, pk__in=token_ids).update(last_used_at=at)


def may_use(*, token: ApiToken, scope: str) -> bool:
    """Whether the token carries the scope and its person may still do what stands behind it."""
    return scope in token.scopes and may(token.user, SCOPES[scope].action)


def digest_of(text: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _note_use(token: ApiToken, at: datetime) -> None:
    """Write when it was last used, but not with every request; without a word if another request just did."""
    if token.last_used_at is not None and token.last_used_at > at - USE_NOTED_EVERY:
        return
    note_uses(token_ids=[token.pk], at=at)
