"""People and a prompt of the portal's own, with three versions and nothing live yet."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from tests.prompts.changes.steps import make_own_prompt


def person(username: str, role: str, **fields) -> User:
    return User.objects.create_user(
        username, password="correct horse battery", role=role, full_name=username.title(), **fields
    )


@pytest.fixture
def second(db):
    """Another approver."""
    return person("second", "approver")


@pytest.fixture
def colleague(db):
    """Another engineer."""
    return person("colleague", "engineer")


@pytest.fixture
def commander(db):
    return person("commander", "commander")


@pytest.fixture
def own(db):
    return make_own_prompt()
