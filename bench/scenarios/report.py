"""How often the true cause was the first suspect, by kind, beside the naive answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.incidents.suspects.facts import Ranking
from bench.scenarios.records import Scenario


@dataclass(frozen=True, slots=True)
class Score:
    """One scenario judged: the place of the true cause (1 is first, 0 is absent), and what the naive answer found."""

    kind: str
    place: int
    naive_place: int
    says_none: bool
    top_score: float
    onset_error: float
    traits: dict[str, object]


def judge(scenario: Scenario, ranking: Ranking) -> Score:
    """Where the true cause stands."""
    truth = scenario.truth
    assert truth is not None
    ids = {slug: place + 1 for place, slug in enumerate(scenario.world.parts)}
    hits = [
        one.candidate.key == truth.cause
        or (
            truth.kind == "pipeline"
            and one.candidate.kind == "pipeline"
            and one.candidate.component_id == ids[truth.cause]
        )
        for one in ranking.suspects
    ]
    place = hits.index(True) + 1 if True in hits else 0
    return Score(
        truth.kind, place, _naive(scenario), not ranking.is_convincing,
        ranking.suspects[0].score if ranking.suspects else 0.0, abs(ranking.onset_at - truth.onset), scenario.traits,
    )  # fmt: skip


def _naive(scenario: Scenario) -> int:
    """The place of the true cause when the latest change to anything that the features need comes first."""
    truth = scenario.truth
    assert truth is not None
    near = {slug for slug in scenario.world.parts if set(scenario.world.reach(slug)) & set(scenario.declared)}
    told = [
        (act.at, act.id)
        for act in scenario.acts
        if act.component in near and act.environment == "production" and act.at <= scenario.detected_at
    ]
    told += [
        (run.finished_at, run.pipeline)
        for run in scenario.runs
        if run.state == "failed" and run.pipeline in near and run.finished_at <= scenario.detected_at
    ]
    order = list(dict.fromkeys(name for _, name in sorted(told, reverse=True)))
    return order.index(truth.cause) + 1 if truth.cause in order else 0


def table(scores: Sequence[Score]) -> str:
    """The figures as text."""
    lines = [f"{'cause':12} {'n':>4} {'top-1':>7} {'top-3':>7} {'naive-1':>8} {'naive-3':>8} {'said none':>10}"]
    caused = [score for score in scores if score.kind != "none"]
    kinds = sorted({score.kind for score in caused})
    lines += [_line(kind, [score for score in caused if score.kind == kind]) for kind in kinds]
    if caused:
        lines.append(_line("all causes", caused))
    none = [score for score in scores if score.kind == "none"]
    if none:
        right = sum(score.says_none for score in none) / len(none)
        lines.append(f"{'no cause':12} {len(none):4} “no convincing suspect” said rightly: {right:.1%}")
    if caused:
        wrong = sum(score.says_none for score in caused) / len(caused)
        lines.append(f"“no convincing suspect” said though there was a cause: {wrong:.1%}")
        errors = sorted(score.onset_error for score in caused)
        lines.append(f"onset off by {errors[len(errors) // 2] / 60:.1f} min in the median")
        lines += _calibration(scores)
    return "\n".join(lines)


def _calibration(scores: Sequence[Score]) -> list[str]:
    lines = ["the first suspect's score, and how often it was the cause:"]
    for low in (0.0, 0.3, 0.5, 0.7, 0.9):
        high = {0.0: 0.3, 0.3: 0.5, 0.5: 0.7, 0.7: 0.9, 0.9: 1.01}[low]
        some = [score for score in scores if low <= score.top_score < high]
        if some:
            right = sum(score.place == 1 for score in some) / len(some)
            mean = sum(score.top_score for score in some) / len(some)
            lines.append(f"  {mean:5.0%} said, {right:5.0%} true, n={len(some)}")
    return lines


def _line(name: str, scores: Sequence[Score]) -> str:
    def share(test: list[bool]) -> str:
        return f"{sum(test) / len(test):.1%}"

    return (
        f"{name:12} {len(scores):4} {share([s.place == 1 for s in scores]):>7}"
        f" {share([0 < s.place <= 3 for s in scores]):>7}"
        f" {share([s.naive_place == 1 for s in scores]):>8} {share([0 < s.naive_place <= 3 for s in scores]):>8}"
        f" {share([s.says_none for s in scores]):>10}"
    )
