"""Reads about people and the audit log."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.accounts.models import ApiToken, AuditEntry, SavedView, User
from apps.accounts.permissions import may
from apps.accounts.saved import is_same

MOST_TABS = 30


@dataclass(frozen=True, slots=True)
class Tab:
    """One saved view as its reader sees it."""

    view: SavedView
    is_current: bool
    is_default: bool
    is_own: bool
    may_change: bool


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


def view_tabs(*, user: User, path: str, query: str) -> list[Tab]:
    """The views of one list that this person may see; the one whose filters are open is marked."""
    rows = _seen_by(user).filter(path=path).order_by("name", "pk")[:MOST_TABS]
    return [_tab(row, user, is_current=is_same(row.query, query)) for row in rows]


def views_for(*, user: User) -> list[Tab]:
    """All views this person may see, by list."""
    return [_tab(row, user) for row in _seen_by(user).order_by("path", "name", "pk")[:500]]


def _seen_by(user: User) -> QuerySet[SavedView]:
    return SavedView.objects.filter(Q(owner=user) | Q(is_shared=True)).select_related("owner")


def _tab(row: SavedView, user: User, *, is_current: bool = False) -> Tab:
    is_own = row.owner_id == user.pk
    return Tab(
        view=row,
        is_current=is_current,
        is_default=user.default_views.get(row.path) == row.pk,
        is_own=is_own,
        may_change=is_own or (row.is_shared and may(user, "view:change-any")),
    )
