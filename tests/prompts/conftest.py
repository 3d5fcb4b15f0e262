"""What tests of prompts ask for: a source that told of a prompt with three versions some time ago."""

from __future__ import annotations

import pytest

from apps.prompts import services
from apps.prompts.models import Prompt
from apps.sources.mapping import Mapper
from apps.sources.models import SourceState
from tests.factories import make_source
from tests.prompts.records import a_prompt, a_version, days_ago


@pytest.fixture
def source(db):
    return make_source(name="Fernway MLflow", connector="mlflow")


@pytest.fixture
def prompt(source):
    """The prompt `search-answers` with versions 1 to 3, known since two days."""
    services.upsert_prompts(source=source, records=[a_prompt()], mapper=Mapper(source), at=days_ago(2))
    services.upsert_versions(source=source, records=[a_version(n) for n in (1, 2, 3)], at=days_ago(2))
    SourceState.objects.filter(source=source).update(last_success_at=days_ago(1))
    return Prompt.objects.get()
