"""The smallest valid rows; a test names only what it is about."""

from __future__ import annotations

from itertools import count
from typing import Any

from apps.catalog.models import Component, Environment, Feature, Team
from apps.sources.models import Source, SourceState

_number = count(1)


def make_team(**fields: Any) -> Team:
    n = next(_number)
    return Team.objects.create(**{"slug": f"team-{n}", "name": f"Team {n}"} | fields)


def make_environment(**fields: Any) -> Environment:
    n = next(_number)
    return Environment.objects.create(**{"slug": f"env-{n}", "name": f"Environment {n}", "rank": n} | fields)


def make_feature(**fields: Any) -> Feature:
    n = next(_number)
    return Feature.objects.create(**{"slug": f"feature-{n}", "name": f"Feature {n}"} | fields)


def make_component(**fields: Any) -> Component:
    n = next(_number)
    return Component.objects.create(**{"slug": f"component-{n}", "name": f"Component {n}", "kind": "service"} | fields)


def make_source(**fields: Any) -> Source:
    """A source with its state row, as the form makes them; `connector="push", is_polled=False` is one that reports."""
    n = next(_number)
    defaults = {"slug": f"source-{n}", "name": f"Source {n}", "connector": "prometheus", "config": {}}
    source = Source.objects.create(**defaults | fields)
    SourceState.objects.create(source=source)
    return source
