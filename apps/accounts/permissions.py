"""Who may do what: one table, read by views, commands and templates alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from apps.accounts.models import Role, User

EVERYBODY = frozenset(Role)
HANDS_ON = frozenset({Role.ENGINEER, Role.APPROVER, Role.COMMANDER, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})

MAY: dict[str, frozenset[Role]] = {
    "portal:read": EVERYBODY,
    "source:poll": HANDS_ON,
    "source:change": HANDS_ON,
    "source:remove": ADMINS,
    "source:push": HANDS_ON,  # by a token of the person
    "token:create": HANDS_ON,
    "token:revoke-any": ADMINS,
    "subscription:read": HANDS_ON,  # addresses of receivers may hold tokens
    "subscription:change": HANDS_ON,
    "subscription:remove": ADMINS,
    "catalog:change": HANDS_ON,
    "catalog:remove": ADMINS,
    "announcement:write": HANDS_ON,
    "expectation:change": HANDS_ON,
    "hold:change": HANDS_ON,
    "freeze:change": HANDS_ON,
    "failure:decide": HANDS_ON,
    "view:save": EVERYBODY,
    "view:share": HANDS_ON,
    "view:change-any": ADMINS,  # of the shared ones
    "suite:change": HANDS_ON,
    "suite:run": HANDS_ON,  # it costs money
    "endpoint:change": HANDS_ON,
    "endpoint:open-network": ADMINS,  # to the portal, as with sources
    "prompt:write": HANDS_ON,
    "change:propose": HANDS_ON,
    "change:comment": HANDS_ON,
    "change:approve": frozenset({Role.APPROVER, Role.ADMIN}),  # and that role in a team that is asked; never authors
    "change:apply": HANDS_ON,
    "change:roll-back": HANDS_ON,
    "change:break-glass": frozenset({Role.COMMANDER, Role.ADMIN}),
    "change:cancel-any": ADMINS,
    "policy:change": ADMINS,
    "budget:change": HANDS_ON,
    "monitor:change": HANDS_ON,
    "alert:acknowledge": HANDS_ON,
    "incident:respond": HANDS_ON,  # declare, write, post updates, judge suspects
    "incident:lead": frozenset({Role.COMMANDER, Role.APPROVER, Role.ADMIN}),  # anywhere; the commander of one leads it
    "membership:change": ADMINS,  # a role in a team grants rights
    "user:change": ADMINS,
    "audit:read": ADMINS,
}


def may(user: User | AnonymousUser, action: str) -> bool:
    """Whether `user` may do `action`; an unknown action is a bug and raises KeyError."""
    roles = MAY[action]
    return isinstance(user, User) and user.is_active and (user.is_superuser or Role(user.role) in roles)


View = Callable[..., HttpResponseBase]


def requires(action: str) -> Callable[[View], View]:
    """A view decorator: people who may not do `action` get 403 with a sentence that says who may."""
    allowed = " or ".join(sorted(str(role.label) for role in MAY[action]))

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not may(request.user, action):
                raise PermissionDenied(f"Your role does not allow this; it takes {allowed}. Ask an administrator.")
            return view(request, *args, **kwargs)

        return guarded

    return decorate
