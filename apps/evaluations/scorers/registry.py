"""Every kind of scorer: a dict one can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apps.evaluations.scorers.base import MISSING, Answer, Scored, Scorer
from apps.evaluations.scorers.contains import CONTAINS
from apps.evaluations.scorers.exact import EXACT
from apps.evaluations.scorers.json_schema import JSON_SCHEMA
from apps.evaluations.scorers.judge import JUDGE, pinned_name
from apps.evaluations.scorers.limits import COST, LATENCY, LENGTH
from apps.evaluations.scorers.numeric import NUMERIC
from apps.evaluations.scorers.regex import REGEX
from apps.evaluations.scorers.similarity import SIMILARITY

SCORERS: dict[str, Scorer] = {
    "exact": EXACT,
    "contains": CONTAINS,
    "regex": REGEX,
    "json_schema": JSON_SCHEMA,
    "numeric": NUMERIC,
    "length": LENGTH,
    "latency": LATENCY,
    "cost": COST,
    "similarity": SIMILARITY,
    "judge": JUDGE,
}
MOST_SCORERS = 10  # of one suite

Setting = Mapping[str, Any]  # {"name", "kind", "options", "only"}: `only` names tags, [] is every case


def clean_scorers(settings: object) -> list[dict[str, Any]]:
    """The scorers of a suite as they are stored; ValueError with a sentence that names the bad one."""
    if not isinstance(settings, list) or not settings:
        raise ValueError("A suite needs at least one scorer.")
    if len(settings) > MOST_SCORERS:
        raise ValueError(f"A suite has at most {MOST_SCORERS} scorers.")
    cleaned = [_clean(setting) for setting in settings]
    names = [one["name"] for one in cleaned]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"Two scorers are called {twice}; give each a name of its own.")
    if sum(one["kind"] == JUDGE.kind for one in cleaned) > 1:
        raise ValueError("A suite has at most one judge, so that its results say who judged.")
    return cleaned


def _clean(setting: object) -> dict[str, Any]:
    if not isinstance(setting, dict):
        raise ValueError("A scorer is an object such as {“kind”: “exact”}.")
    kind = setting.get("kind")
    scorer = SCORERS.get(kind) if isinstance(kind, str) else None
    if scorer is None:
        raise ValueError(f"There is no scorer {kind}; there are {', '.join(SCORERS)}.")
    unknown = sorted(setting.keys() - {"name", "kind", "options", "only"})
    if unknown:
        raise ValueError(f"{kind}: {unknown[0]} is unknown; a scorer has name, kind, options and only.")
    name, only, options = setting.get("name") or kind, setting.get("only") or [], setting.get("options") or {}
    if not isinstance(name, str) or len(name) > 60:
        raise ValueError(f"{kind}: the name must be a text of at most 60 characters.")
    if not isinstance(only, list) or not all(isinstance(tag, str) for tag in only):
        raise ValueError(f"{name}: only must be a list of tags.")
    if not isinstance(options, dict):
        raise ValueError(f"{name}: options must be an object.")
    try:
        return {"name": name, "kind": kind, "options": scorer.clean(options), "only": only}
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def judge_of(settings: Iterable[Setting]) -> str:
    """Who judges, "" without a judge."""
    return next((pinned_name(one["options"]) for one in settings if one["kind"] == JUDGE.kind), "")


def applies(setting: Setting, tags: Iterable[str]) -> bool:
    """Whether the scorer is meant for a case with these tags."""
    return not setting["only"] or bool(set(setting["only"]) & set(tags))


def expected_by(setting: Setting, expected: Any) -> Any:
    """What a case expects of this scorer: its part if the case names scorers, else the whole; MISSING without any.

    {"contains": "refund", "length": …} names scorers, by name or by kind.
    """
    if isinstance(expected, dict):
        for key in (setting["name"], setting["kind"]):
            if key in expected:
                return expected[key]
        return expected if setting["kind"] == JUDGE.kind else MISSING
    return MISSING if expected is None else expected


def check_case(settings: Iterable[Setting], expected: Any, tags: Iterable[str]) -> None:
    """ValueError with a sentence when a scorer that is meant for the case has nothing to compare with."""
    tags = list(tags)
    for setting in settings:
        scorer = SCORERS[setting["kind"]]
        if not scorer.needs_expectation or not applies(setting, tags):
            continue
        part = expected_by(setting, expected)
        if part is MISSING:
            raise ValueError(f"The scorer {setting['name']} needs something expected, and the case gives nothing.")
        try:
            scorer.check(part)
        except ValueError as error:
            raise ValueError(f"The scorer {setting['name']} {error}.") from None


def score_case(setting: Setting, answer: Answer, expected: Any) -> Scored:
    """The score of one rule that is no judge."""
    scorer = SCORERS[setting["kind"]]
    assert scorer.score is not None
    part = expected_by(setting, expected)
    return scorer.score(answer, None if part is MISSING else part, setting["options"])
