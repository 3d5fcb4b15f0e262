"""Two prompts to fetch: one that the portal owns, with labels, and one of a source."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.prompts.models import Prompt, PromptVersion
from tests.api.asking import make_token
from tests.factories import make_source
from tests.prompts.serving import make_prompt


@pytest.fixture
def owned(db) -> Prompt:
    """The portal's own `search/answers`: production at 1, staging at 2."""
    return make_prompt("search/answers", labels={"production": 1, "staging": 2})


@pytest.fixture
def told(db) -> Prompt:
    """`search/answers` of a source, where no rule protects labels: production at 1, staging at 2."""
    return make_prompt("search/answers", source=make_source(slug="mlflow"), labels={"production": 1, "staging": 2})


@pytest.fixture
def chat(db) -> PromptVersion:
    """A chat prompt `greeting` with a placeholder."""
    messages = [{"role": "system", "content": "Be kind to {{name}}."}, {"role": "placeholder", "content": "history"}]
    return make_prompt("greeting", labels={"production": 1}, versions=1, messages=messages).versions.get()


@pytest.fixture
def machine(db) -> User:
    return User.objects.create_user("machine", password="correct horse battery", role="engineer")


@pytest.fixture
def token(machine) -> str:
    """A token that may fetch prompts and nothing else."""
    return make_token(machine, "prompt:read", at=timezone.now())
