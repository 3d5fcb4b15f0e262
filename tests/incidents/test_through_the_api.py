"""A whole world in the past is told through the API, an incident is declared, and its cause is found."""

from __future__ import annotations

import time

import pytest
from django.core.cache import cache

from bench.scenarios.planting import make_scenario
from bench.scenarios.rest import place_of_cause, tell
from tests.incidents.world import caller

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("seed", [2, 8, 11, 14])
def test_a_cause_told_through_the_api_is_found(admin, seed, settings):
    settings.API_PER_MINUTE = 100_000
    cache.clear()
    scenario, call = make_scenario(seed, base=time.time() - 20 * 86_400), caller(admin)
    incident = tell(scenario, call, tag=f"w{seed}")
    place, answer = place_of_cause(scenario, call, incident, tag=f"w{seed}")
    assert place == 1, answer["sentence"]
    assert answer["suspects"][0]["reasons"]
