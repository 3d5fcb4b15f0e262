"""How often a version that loses the whole margin gets through if it is run again and again until it passes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from apps.evaluations.gating import level
from apps.evaluations.gating.significance import Floats, p_worse
from bench.results import Result

MARGIN, ALPHA, LOOKS = 0.10, 0.05, 20
SEED = 7
ANSWERS = ("coins of one weight", "coins of their own weight", "always the same answer")


def measure(trials: int) -> Iterator[Result]:
    """The chance of at least one pass in 20 looks: by all runs together, beside the newest run alone."""
    random = np.random.default_rng(SEED)
    strict = np.array([level(ALPHA, runs) for runs in range(1, LOOKS + 1)])
    for answers in ANSWERS:
        for cases in (40, 200):
            looks = [_looks(random, answers, cases) for _ in range(trials)]
            pooled, newest = (np.array([look[side] for look in looks]) for side in (0, 1))
            yield Result(
                what=f"false pass within {LOOKS} runs, {answers}, {cases} cases",
                ours=100 * float((pooled < strict).any(1).mean()),
                against="the newest run counts",
                theirs=100 * float((newest < ALPHA).any(1).mean()),
                unit="%",
            )


def _looks(random: Generator, answers: str, cases: int) -> tuple[list[float], list[float]]:
    """The p-values after each run: of all together, and of the newest."""
    live, proposed = _chances(random, answers, cases)
    before = (random.random(cases) < live).astype(float)
    runs = (random.random((LOOKS, cases)) < proposed).astype(float)
    together = np.cumsum(runs, axis=0) / np.arange(1, LOOKS + 1)[:, None]
    return [_p(row, before) for row in together], [_p(row, before) for row in runs]


def _p(scores: Floats, before: Floats) -> float:
    return p_worse(scores - before, np.ones(len(before)), margin=MARGIN)


def _chances(random: Generator, answers: str, cases: int) -> tuple[Floats, Floats]:
    """How likely each case is answered right: by the live version, and by one that loses the margin on average."""
    if answers == ANSWERS[0]:
        return np.full(cases, 0.85), np.full(cases, 0.75)
    if answers == ANSWERS[1]:
        live = random.beta(3.0, 0.53, cases)
        return live, live * (1.0 - MARGIN * 3.53 / 3.0)
    return np.ones(cases), np.where(random.random(cases) < MARGIN, 0.0, 1.0)
