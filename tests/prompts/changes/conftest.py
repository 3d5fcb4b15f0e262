"""People and a prompt of the portal's own, with three versions and nothing live yet."""

from __future__ import annotations

import pytest

from tests.prompts.changes.steps import make_own_prompt, make_person
from tests.prompts.records import NOW


@pytest.fixture(autouse=True)
def _it_is_now(time_machine):
    """Pages and the API read the clock; votes of these tests are given at `NOW` and lapse after a week."""
    time_machine.move_to(NOW)


@pytest.fixture
def second(db):
    """Another approver."""
    return make_person("second", "approver")


@pytest.fixture
def colleague(db):
    """Another engineer."""
    return make_person("colleague", "engineer")


@pytest.fixture
def commander(db):
    return make_person("commander", "commander")


@pytest.fixture
def own(db):
    return make_own_prompt()
