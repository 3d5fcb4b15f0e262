"""Incidents to test with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.incidents import services
from tests.factories import make_feature


@pytest.fixture
def feature(db):
    return make_feature(slug="search", name="Search Answers", tier=1)


@pytest.fixture
def at(db):
    return timezone.now()


@pytest.fixture
def incident(author, feature, at):
    """An incident that began an hour ago and is commanded by the author."""
    draft = services.Declaration(
        title="Answers cite the wrong documents",
        features=[feature],
        clocks=services.Clocks(impact_started_at=at - timedelta(hours=1), detected_at=at - timedelta(minutes=20)),
    )
    return services.declare(draft=draft, actor=author, at=at - timedelta(minutes=10))
