"""The table of cases: what people and schedulers do, and what the portal says about it. No false alarm."""

from __future__ import annotations

import pytest

from tests.pipelines.punctuality import cases_calendar, cases_clock, cases_life

CASES = cases_clock.CASES | cases_calendar.CASES | cases_life.CASES


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_judged_as_people_would(name):
    judgement, state = CASES[name]
    assert judgement.state == state, judgement.sentence
    assert judgement.sentence.endswith(".")


def test_no_case_hides_another():
    assert len(CASES) == len(cases_clock.CASES) + len(cases_calendar.CASES) + len(cases_life.CASES) > 110
