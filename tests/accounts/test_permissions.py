"""One table says who may do what; views and templates read the same one."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template

from apps.accounts.models import Role, User
from apps.accounts.permissions import MAY, may

HANDS_ON = {Role.ENGINEER, Role.APPROVER, Role.COMMANDER, Role.ADMIN}
EXPECTED = {
    "portal:read": set(Role),
    "source:poll": HANDS_ON,
    "source:change": HANDS_ON,
    "source:remove": {Role.ADMIN},
    "subscription:read": HANDS_ON,
    "subscription:change": HANDS_ON,
    "subscription:remove": {Role.ADMIN},
    "catalog:change": HANDS_ON,
    "catalog:remove": {Role.ADMIN},
    "membership:change": {Role.ADMIN},
    "user:change": {Role.ADMIN},
    "audit:read": {Role.ADMIN},
}


def test_every_action_is_in_this_test():
    assert set(EXPECTED) <= set(MAY)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", EXPECTED)
def test_a_role_may_exactly_what_the_table_says(action, role):
    assert may(User(username="x", role=role), action) is (role in EXPECTED[action])


@pytest.mark.parametrize("action", EXPECTED)
def test_nobody_without_an_active_account_may_anything(action):
    assert not may(AnonymousUser(), action)
    assert not may(User(username="x", role=Role.ADMIN, is_active=False), action)


def test_an_unknown_action_is_a_bug():
    with pytest.raises(KeyError):
        may(User(username="x", role=Role.ADMIN), "catalog:chnage")


@pytest.mark.parametrize(("role", "shown"), [(Role.ENGINEER, "yes"), (Role.VIEWER, "no")])
def test_templates_ask_the_same_table(role, shown):
    template = Template('{% load permissions %}{% if user|may:"catalog:change" %}yes{% else %}no{% endif %}')
    assert template.render(Context({"user": User(username="x", role=role)})) == shown
