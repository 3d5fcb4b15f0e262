"""Reads about people and the audit log."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.models import ApiToken, AuditEntry, User
from apps.accounts.permissions import may


def people() -> QuerySet[User]:
    """Everybody."""
    return User.objects.all()


def audit_entries() -> QuerySet[AuditEntry]:
    """The whole audit log, with who did it."""
    return AuditEntry.objects.select_related("actor")


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """The tokens this person may see: the own ones, and for an administrator everybody's."""
    tokens = ApiToken.objects.select_related("user")
    return tokens if may(user, "token:revoke-any") else tokens.filter(user=user)
