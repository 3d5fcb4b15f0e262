"""The demo's monitors and objectives: set once, when everything that they watch is there."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from apps.demo.watching import OBJECTIVES, WATCHES, set_monitors
from apps.monitors.models import Monitor, Slo
from apps.monitors.rules import make_rule
from tests.factories import make_feature, make_source
from tests.metrics.factories import every, make_series


def _come(needed: set[tuple[str, str]]) -> None:
    source, features = make_source(is_demo=True), {}
    for slug, measure in sorted(needed):
        features.setdefault(slug, None)
        features[slug] = features[slug] or make_feature(slug=slug)
        samples = every(300, [0.95] * 3, until=timezone.now())
        make_series(source=source, feature=features[slug], measure=measure, samples=samples)


@pytest.mark.django_db
def test_they_are_set_once_and_not_before_everything_has_come() -> None:
    needed = {(one.feature, one.measure) for one in (*WATCHES, *OBJECTIVES)}
    assert set_monitors(at=timezone.now()) == 0
    _come(needed)
    assert set_monitors(at=timezone.now()) == len(WATCHES) + len(OBJECTIVES)
    assert set_monitors(at=timezone.now()) == 0
    assert Monitor.objects.filter(is_demo=True).count() == len(WATCHES)
    Monitor.objects.all().delete()
    Slo.objects.all().delete()
    assert set_monitors(at=timezone.now()) == 0  # whoever removed them meant it


@pytest.mark.parametrize("watch", WATCHES, ids=lambda watch: watch.kind)
def test_every_rule_can_be_made(watch: Any) -> None:
    assert make_rule(watch.kind, watch.parameters)
