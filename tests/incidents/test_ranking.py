"""The ranking by cases: what speaks for a suspect, what speaks against it, and when nobody is convincing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.incidents.suspects.facts import Candidate, Case, CauseKind, Graph, Neighbour, Series, Times
from apps.incidents.suspects.kinds import delay_density, prior, priors
from apps.incidents.suspects.neighbours import neighbour_of
from apps.incidents.suspects.ranking import first_onset, rank, read_symptoms

ONSET = 1_790_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
API, INDEX, OTHER_API = 1, 2, 3
MINE, THEIRS = 10, 20
GRAPH = Graph({INDEX: [API, OTHER_API]}, {API: MINE, OTHER_API: THEIRS, INDEX: None})


def a_series(*, onset=ONSET, size=8.0, over=None, step=60.0, better="down", noise=0.05, seed=1, back=30, ahead=2):
    rng = np.random.default_rng(seed)
    times = np.arange(ONSET - back * HOUR, ONSET + ahead * HOUR, step)
    shape = (times >= onset).astype(float) if over is None else ((times >= onset) & (times < over)).astype(float)
    values = 2.0 + 0.3 * np.sin(2 * np.pi * times / DAY) + rng.normal(0, noise, len(times)) + size * noise * shape
    usual = 2.0 + 0.3 * np.sin(2 * np.pi * (np.arange(24) + 0.5) / 24)
    return Series(
        key="1", label="Wait", family="latency", better=better, times=times, values=values,
        counts=np.ones(len(times)), usual=usual, feature_id=MINE, unit="s",
    )  # fmt: skip


def a_candidate(key="a", minutes=4.0, **fields):
    at = ONSET - minutes * MINUTE
    defaults = {
        "kind": CauseKind.DEPLOYMENT,
        "title": key,
        "at": at,
        "begun_at": at,
        "component_id": API,
        "feature_id": MINE,
    }
    return Candidate(key=key, **defaults | fields)


def a_case(*candidates, noticed=40, mitigated=None, until=2.0, features=frozenset({MINE})):
    times = Times(
        impact_started_at=ONSET + noticed * MINUTE, detected_at=ONSET + noticed * MINUTE, mitigated_at=mitigated,
        until=ONSET + until * HOUR,
    )  # fmt: skip
    return Case(
        times=times, features=features, candidates=candidates, graph=GRAPH, priors=priors(), names={THEIRS: "Theirs"}
    )


def ranked(case, *series, neighbours=()):
    symptoms = list(series or [a_series()])
    read = read_symptoms(case, symptoms, around=first_onset(case, symptoms).best)
    return rank(case, read, neighbours)


@pytest.mark.parametrize("step", [60.0, 300.0, 900.0])
def test_the_onset_is_found_long_before_anybody_noticed(step):
    found = ranked(a_case(noticed=100), a_series(step=step))
    assert abs(found.onset_at - ONSET) <= step + 2 * MINUTE
    assert found.onset_low <= found.onset_at <= found.onset_high


def test_a_daily_rhythm_is_no_onset():
    found = ranked(a_case(a_candidate()), a_series(size=0.0))
    assert found.onset_text.startswith("No symptom shows a clear change")


def test_the_change_at_the_onset_stands_before_the_latest_one():
    late = a_candidate("latest", minutes=-30)
    found = ranked(a_case(a_candidate("cause"), late, noticed=40))
    assert found.suspects[0].candidate.key == "cause"
    assert found.is_convincing
    assert "4 min before the estimated onset" in found.suspects[0].reasons[0].text


def test_chances_add_up_to_one():
    found = ranked(a_case(*(a_candidate(str(n), minutes=7.0 * n) for n in range(6))))
    assert sum(one.score for one in found.suspects) + found.none_score == pytest.approx(1.0)


def test_staging_and_what_nobody_needs_stand_behind():
    staging = a_candidate("staging", minutes=1, is_elsewhere=True)
    foreign = a_candidate("foreign", minutes=1, component_id=OTHER_API, feature_id=THEIRS)
    found = ranked(a_case(a_candidate("cause", minutes=6), staging, foreign))
    assert found.suspects[0].candidate.key == "cause"
    assert found.suspects[0].score > 0.9


def test_who_got_the_same_and_stayed_healthy_speaks_against_it():
    shared = a_candidate("index", minutes=3, component_id=INDEX, feature_id=None, kind=CauseKind.INDEX)
    own = a_candidate("own", minutes=5)
    healthy = ranked(a_case(shared, own), neighbours=[Neighbour(THEIRS, None, 0.1)])
    suffering = ranked(a_case(shared, own), neighbours=[Neighbour(THEIRS, None, 9.0)])
    assert (healthy.suspects[0].candidate.key, suffering.suspects[0].candidate.key) == ("own", "index")
    texts = [reason.text for one in healthy.suspects for reason in one.reasons]
    assert "Theirs got the same and stayed healthy" in texts


def test_taken_back_and_over_speaks_for_it():
    over = ONSET + 70 * MINUTE
    undone = a_candidate("undone", minutes=12, undone_at=over - MINUTE, undone_by="it was rolled back")
    other = a_candidate("other", minutes=2)
    found = ranked(a_case(undone, other, mitigated=over, until=3.0), a_series(over=over, ahead=3))
    assert found.suspects[0].candidate.key == "undone"
    assert any("rolled back, and" in reason.text for reason in found.suspects[0].reasons)


def test_without_a_change_nearby_nobody_is_convincing():
    found = ranked(a_case(a_candidate("yesterday", minutes=26 * 60)))
    assert not found.is_convincing
    assert found.sentence.startswith("No convincing suspect")


def test_without_any_candidate_it_says_so():
    assert ranked(a_case()).sentence == "Nothing that the affected features need has changed before this."


def test_without_numbers_what_people_said_is_used():
    found = ranked(
        a_case(a_candidate("cause"), noticed=0),
        replace(a_series(), times=np.array([]), values=np.array([]), counts=np.array([])),
    )
    assert found.suspects[0].candidate.key == "cause"
    assert abs(found.onset_at - ONSET) < HOUR


def test_verdicts_teach_the_prior():
    assert prior(CauseKind.PROMPT, {CauseKind.PROMPT: (6.0, 0.0)}) > prior(CauseKind.PROMPT)
    assert prior(CauseKind.PROMPT, {CauseKind.PROMPT: (0.0, 6.0)}) < prior(CauseKind.PROMPT)


@pytest.mark.parametrize("kind", list(CauseKind))
def test_delays_are_a_density(kind):
    seconds = np.arange(0.0, 30 * HOUR, 30.0)
    density = delay_density(kind, seconds)
    assert (density > 0).all()
    assert (density * 30.0).sum() == pytest.approx(1.0, abs=0.08)
    assert delay_density(kind, np.array([-600.0]))[0] < density[0] / 100


def test_a_neighbour_that_moved_is_seen_through_its_rhythm():
    moved = neighbour_of(a_series(back=80), onset=ONSET, until=ONSET + 2 * HOUR)
    calm = neighbour_of(a_series(back=80, size=0.0), onset=ONSET, until=ONSET + 2 * HOUR)
    assert moved.moved > 5
    assert abs(calm.moved) < 3
    assert neighbour_of(a_series(back=0), onset=ONSET, until=ONSET + 2 * HOUR) is None


def test_equal_cases_are_ranked_equally():
    case = a_case(*(a_candidate(str(n), minutes=5.0) for n in range(5)))
    first, second = ranked(case), ranked(case)
    assert [one.candidate.key for one in first.suspects] == [one.candidate.key for one in second.suspects]
