"""The lists of people, of deeds and of API tokens."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse_lazy

from apps.accounts.models import AuditEntry, Role
from apps.core.listing import Column, Filter, Listing


def _by_name(queryset: Any, text: str) -> Any:
    return queryset.filter(Q(username__icontains=text) | Q(full_name__icontains=text) | Q(email__icontains=text))


def _of_object(queryset: Any, text: str) -> Any:
    kind, _, object_id = text.partition(":")
    return queryset.filter(object_kind=kind, object_id=object_id)


def _until(queryset: Any, day: Any) -> Any:
    return queryset.filter(at__lt=day + timedelta(days=1))


def _both_sides(row: AuditEntry) -> str:
    return json.dumps({"before": row.before, "after": row.after}, ensure_ascii=False)


PEOPLE = Listing(
    name="people",
    noun="person",
    nouns="people",
    caption="People, by user name",
    default_sort="username",
    row_template="accounts/_user_row.html",
    columns=(
        Column("username", "Person", sort="username"),
        Column("full_name", "Name", sort="full_name", cls="desk"),
        Column("role", "Role", value="get_role_display", sort="role"),
        Column("is_active", "May sign in", sort="is_active"),
        Column("last_login", "Last sign-in", sort="last_login", cls="r"),
        Column("email", "Email", sort="email"),
    ),
    filters=(
        Filter("q", "Name or email", "text", apply=_by_name),
        Filter("role", "Role", choices=Role.choices, is_multiple=True),
        Filter("out", "Locked out only", "bool", apply=lambda queryset, _: queryset.filter(is_active=False)),
    ),
    empty_title="Nobody here",
    empty_text="Let the first person in.",
    empty_action="Let somebody in",
    empty_url=reverse_lazy("accounts:user-create"),  # type: ignore[arg-type]  # a lazy text is drawn like a text
)

AUDIT = Listing(
    name="audit",
    noun="entry",
    nouns="entries",
    caption="Who did what, newest first",
    default_sort="-at",
    row_template="accounts/_audit_row.html",
    columns=(
        Column("action", "Deed"),
        Column("actor_label", "Who"),
        Column("object_label", "To what"),
        Column("differences", "Before and after", csv=_both_sides),
        Column("reason", "Reason"),
        Column("origin", "From", value="get_origin_display"),
        Column("request_id", "Request"),
        Column("at", "When", sort="at", cls="r"),
    ),
    filters=(
        Filter("q", "To what", "text", apply="object_label__icontains"),
        Filter("who", "Who", "text", apply="actor_label__icontains"),
        Filter("action", "Deed", "text", apply="action__icontains", placeholder="Deed, such as catalog:change"),
        Filter("origin", "From", choices=AuditEntry.Origin.choices),
        Filter("since", "From day", "date", apply="at__gte"),
        Filter("until", "Until day", "date", apply=_until),
        Filter("of", "One object", "text", apply=_of_object, placeholder="One object, such as catalog.feature:7"),
        Filter("request", "One request", "text", apply="request_id"),
    ),
    empty_title="No deed was recorded yet",
    empty_text="Every change that somebody makes in the portal is written here, and nobody can change it afterwards.",
)


def token_listing(*, at: datetime) -> Listing:
    """The list of API tokens as they are at `at`."""
    return Listing(
        name="tokens",
        noun="token",
        nouns="tokens",
        caption="API tokens, newest first",
        default_sort="-created_at",
        row_template="accounts/_token_row.html",
        columns=(
            Column("name", "Token", sort="name"),
            Column("state", "State", value=lambda row: row.state_at(at).value),
            Column("user", "Of", value="user.username", sort="user__username"),
            Column("scopes", "May", csv=lambda row: " ".join(row.scopes)),
            Column("sources", "Only sources", csv=lambda row: " ".join(row.sources)),
            Column("last_used_at", "Last used", sort="last_used_at", cls="r"),
            Column("expires_at", "Valid until", sort="expires_at", cls="r"),
            Column("created_at", "Made", sort="created_at", is_shown=False),
            Column("revoked_at", "Revoked", is_shown=False),
            Column("end", "End it", value=lambda _: "", cls="r"),
        ),
        filters=(
            Filter("q", "Name", "text", apply="name__icontains"),
            Filter("of", "Person", "text", apply="user__username__icontains"),
            Filter("ended", "Without ended ones", "bool", apply=lambda rows, _: _still_valid(rows, at)),
        ),
        empty_title="No token yet",
        empty_text="A token lets a system or a script report to the portal by itself, without anybody signing in.",
        empty_action="Make a token",
        empty_url=reverse_lazy("accounts:token-create"),  # type: ignore[arg-type]  # a lazy text is drawn like a text
    )


def _still_valid(rows: Any, at: datetime) -> Any:
    return rows.filter(revoked_at=None, expires_at__gt=at, user__is_active=True)
