"""The evaluation gate: how long 10,000 cases take, and how often it is wrong over seeded trials."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.random import Generator
from scipy import special, stats

from apps.evaluations.gating import CaseScore, GateRequirement, RunFact, Scores, State, SuiteFact, judge_gate, picks
from apps.evaluations.gating.significance import Floats, largest_loss, p_worse
from bench import again
from bench.results import Result
from bench.stage import Stage
from bench.timing import Options

CASES, SCORERS = 10_000, 5
SECONDS_GOAL = 5.0
TRIALS = 1_000
MARGIN, ALPHA = 0.10, 0.05
NOW = datetime(2026, 11, 24, tzinfo=UTC)
Pairs = Callable[[Generator, int, float], tuple[Floats, Floats]]  # cases and true loss -> live, candidate


def measure(_stage: Stage, options: Options) -> Iterator[Result]:
    """Needs no database: the rules are pure."""
    yield Result(
        what=f"gate over {CASES:,} cases and {SCORERS} scorers",
        ours=_median([_seconds() for _ in range(options.pairs)]) * 1_000,
        against="a plain paired t test of the same scores",
        theirs=_median([_plain_seconds() for _ in range(options.pairs)]) * 1_000,
        unit="ms",
    )
    trials = TRIALS // 4 if options.is_quick else TRIALS
    for name, pairs in (("0/1 scores", binary), ("judged scores", graded), ("rare total losses", rare)):
        for cases in (30, 100, 400):
            wrong = rate(pairs, cases=cases, loss=MARGIN, trials=trials)
            yield Result(
                what=f"false pass, {name}, {cases} cases, the whole margin lost",
                ours=100 * wrong,
                against="alpha",
                theirs=100 * ALPHA,
                unit="%",
            )
            missed = 1 - rate(pairs, cases=cases, loss=0.0, trials=trials)
            yield Result(
                what=f"false fail, {name}, {cases} cases, nothing lost",
                ours=100 * missed,
                against="a plain paired t test",
                theirs=100 * (1 - rate(pairs, cases=cases, loss=0.0, trials=trials, passes=_plain)),
                unit="%",
            )
    yield from again.measure(trials * 6 // 10)


def rate(
    pairs: Pairs, *, cases: int, loss: float, trials: int, passes: Callable[[Floats, Floats], bool] | None = None
) -> float:
    """The share of seeded trials in which the candidate is let through."""
    random = np.random.default_rng(20_261_124)
    decide = passes or _ours
    return sum(decide(candidate, live) for live, candidate in _draws(pairs, random, cases, loss, trials)) / trials


def _draws(pairs: Pairs, random: Generator, cases: int, loss: float, trials: int) -> Iterator[tuple[Floats, Floats]]:
    for _ in range(trials):
        yield pairs(random, cases, loss)


def binary(random: Generator, cases: int, loss: float) -> tuple[Floats, Floats]:
    """Right or wrong; a tenth of the cases turns either way, and `loss` more of them from right to wrong."""
    draw = random.random(cases)
    live = np.where(draw < 0.05 + loss, 1.0, np.where(draw < 0.10 + loss, 0.0, (random.random(cases) < 0.8) * 1.0))
    candidate = np.where(draw < 0.05 + loss, 0.0, np.where(draw < 0.10 + loss, 1.0, live))
    return live, candidate


def graded(random: Generator, cases: int, loss: float) -> tuple[Floats, Floats]:
    """From 0 to 1 as a judge gives them; the noise of both is their own."""
    base = random.uniform(0.35, 0.75, cases)
    return base + random.uniform(-0.2, 0.2, cases), base - loss + random.uniform(-0.2, 0.2, cases)


def rare(random: Generator, cases: int, loss: float) -> tuple[Floats, Floats]:
    """Most cases stay as they were to the last bit; `loss` of them drop from 1 to 0."""
    live = np.ones(cases)
    return live, np.where(random.random(cases) < loss, 0.0, live)


def _ours(candidate: Floats, live: Floats) -> bool:
    weights, scale = np.ones(len(live)), largest_loss(candidate, live)
    return p_worse(candidate - live, weights, margin=MARGIN, scale=scale) < ALPHA


def _plain(candidate: Floats, live: Floats) -> bool:
    """A paired t test against the margin as people write it."""
    differences = candidate - live
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    if not error:
        return bool(differences.mean() > -MARGIN)
    return bool(special.stdtr(len(differences) - 1, -(differences.mean() + MARGIN) / error) < ALPHA)


def _scores(random: Generator) -> Scores:
    values = random.random((SCORERS, CASES))
    return {
        f"scorer-{n}": {f"case-{i}": CaseScore(float(value), value > 0.5) for i, value in enumerate(row)}
        for n, row in enumerate(values)
    }


def _seconds() -> float:
    random = np.random.default_rng(1)
    scores = {(1,): _scores(random), (2,): _scores(random)}
    runs = [RunFact(id=number, state="succeeded", finished_at=NOW) for number in (1, 2)]
    suite = SuiteFact(
        id=1,
        name="golden",
        cases={f"case-{i}": 1.0 + i % 3 for i in range(CASES)},
        candidate=runs[:1],
        baseline=runs[1:],
    )
    need = GateRequirement(suite_id=1)
    began = time.perf_counter()
    pair = picks(need, suite, candidate="2", baseline="1", at=NOW)
    verdict = judge_gate(requirements=[(need, suite, pair)], scores=scores)
    assert verdict.state in (State.PASSED, State.FAILED)
    return time.perf_counter() - began


def _plain_seconds() -> float:
    random = np.random.default_rng(1)
    pairs = [(random.random(CASES), random.random(CASES)) for _ in range(SCORERS)]
    began = time.perf_counter()
    for ours, theirs in pairs:
        stats.ttest_rel(ours, theirs)
    return time.perf_counter() - began


def _median(values: list[float]) -> float:
    return float(np.median(values))
