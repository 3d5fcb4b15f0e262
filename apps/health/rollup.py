"""The roll-up: everything known about one feature in, one status with one sentence and its reasons out. Pure.

1. Nobody watches (retired, or every source switched off): paused.
2. Every fact is judged by its own rule. Old or missing numbers decide nothing.
3. The worst trouble among what is fresh decides: a promise worse than its failing point is down; a broken promise, a
   failed pipeline, data that are too old, an alert that calls people or an index that is searched with a wrong embedder
   is degraded.
4. Without trouble: healthy only if something that tells how the feature does is fresh (a promise; its pipelines where
   nothing is promised). Otherwise stale when it was known before, unknown when it never was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.health import rules, wording
from apps.health.behind import Behind, behind_of
from apps.health.facts import BADNESS, FeatureFacts, SourceFact, Status
from apps.health.reasons import Reason, Rule
from apps.health.wording import Trouble

TROUBLE: Final = (Status.DOWN, Status.DEGRADED)
_ORDER: Final = {"bad": 0, "warn": 1, "mute": 2, "info": 3, "ok": 4}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer. `since_hint`: when it began as far as the facts show; `stale_at`: when it will age by itself.

    `oldest_input_at` is the age of the page: that of its oldest input, never of its newest. `behind`: what its answers
    are made from may be old.
    """

    status: Status
    sentence: str
    since_hint: datetime | None = None
    reasons: tuple[Reason, ...] = ()
    oldest_input_at: datetime | None = None
    stale_at: datetime | None = None
    behind: Behind | None = None


def roll_up(facts: FeatureFacts, at: datetime) -> Judgement:
    """The judgement of one feature at one time."""
    if facts.is_retired:
        return _paused("This feature is retired; nobody watches it.", facts)
    if facts.sources and not any(source.is_enabled for source in facts.sources):
        return _paused("Watching is paused: every source of this feature is switched off.", facts)
    reasons = _reasons(facts, at)
    status = _status(facts, reasons)
    return Judgement(
        status=status,
        sentence=_sentence(status, facts, reasons),
        since_hint=_since(status, reasons),
        reasons=tuple(sorted(reasons, key=lambda one: (_ORDER[one.tone], one.key))),
        oldest_input_at=min((one.at for one in reasons if one.at), default=None),
        stale_at=min(_deadlines(facts, at), default=None),
        behind=behind_of(facts),
    )


def _reasons(facts: FeatureFacts, at: datetime) -> list[Reason]:
    found = [rules.judge_promise(promise, at) for promise in facts.promises]
    found += [rules.judge_pipeline(pipeline) for pipeline in facts.pipelines]
    found += [rules.judge_dataset(fact) for fact in facts.datasets]
    found += [rules.judge_alert(alert) for alert in facts.alerts]
    found += [rules.judge_set(facts.made_of)] if facts.made_of else []
    found += [reason for source in facts.sources if (reason := rules.judge_source(source))]
    if not facts.promises:
        found.append(
            Reason(
                key="promises",
                rule=Rule.NOTHING_PROMISED,
                text="No promise says yet how good this feature must be.",
                rule_text="Promises come from the catalog; with at least one, its numbers are judged.",
                tone="info",
            )
        )
    return found


def _status(facts: FeatureFacts, reasons: Sequence[Reason]) -> Status:
    worst = max((one.effect for one in reasons if one.effect in TROUBLE), key=_badness, default=None)
    if worst:
        return worst
    rules_met = {one.rule for one in reasons}
    if facts.promises:
        is_known, was_known = Rule.PROMISE_KEPT in rules_met, Rule.NUMBER_OLD in rules_met
    else:
        is_known = Rule.PIPELINE_PASSED in rules_met
        was_known = any(fact.has_failed is not None for fact in facts.pipelines)
    return Status.HEALTHY if is_known else Status.STALE if was_known else Status.UNKNOWN


def _badness(status: Status | None) -> int:
    return BADNESS[status] if status else -1


def _sentence(status: Status, facts: FeatureFacts, reasons: Sequence[Reason]) -> str:
    kept_keys = {one.key for one in reasons if one.rule is Rule.PROMISE_KEPT}
    kept = [fact for fact in facts.promises if f"promise:{fact.measure}" in kept_keys]
    if status in TROUBLE:
        return wording.troubled(list(_troubles(status, facts, reasons)), kept)
    if status is Status.HEALTHY:
        return wording.fine(kept, doubt=_doubt(reasons))
    return _stale_sentence(facts) if status is Status.STALE else _unknown_sentence(facts)


def _doubt(reasons: Sequence[Reason]) -> str:
    silent = [one.source for one in reasons if one.rule is Rule.SOURCE_SILENT]
    if silent:
        return f"{silent[0]} does not answer"
    return "some numbers are old" if any(one.rule is Rule.NUMBER_OLD for one in reasons) else ""


def _troubles(status: Status, facts: FeatureFacts, reasons: Sequence[Reason]) -> Iterator[Trouble]:
    """What demands this very status; lesser trouble stays in the reasons."""
    demanding = {one.key for one in reasons if one.effect is status}
    yield from (wording.trouble(fact) for fact in facts.promises if f"promise:{fact.measure}" in demanding)
    yield from (Trouble(rules.firing(fact)) for fact in facts.alerts if f"alert:{fact.id}" in demanding)
    if facts.made_of and "set" in demanding:
        yield Trouble(wording.clause(facts.made_of.text))
    told = [fact for fact in facts.pipelines if f"pipeline:{fact.id}" in demanding]
    yield from (Trouble(rules.troubled_pipeline(fact)) for fact in told)
    causes = {fact.id for fact in told}  # data that are old because of them are the same trouble
    old = (fact for fact in facts.datasets if f"data:{fact.id}" in demanding and fact.cause_id not in causes)
    yield from (Trouble(rules.old_data(fact)) for fact in old)


def _stale_sentence(facts: FeatureFacts) -> str:
    silent = sorted((source for source in facts.sources if source.is_stale), key=_longest_silent)
    if silent:
        return rules.silence(silent[0])
    if any(not source.is_enabled for source in facts.sources):
        return "Nothing new is heard: the source of its numbers is paused."
    return "The sources answer, but the numbers of this feature have stopped arriving."


def _longest_silent(source: SourceFact) -> tuple[float, str]:
    return (source.last_success_at.timestamp() if source.last_success_at else 0.0, source.name)


def _unknown_sentence(facts: FeatureFacts) -> str:
    reading = [source.name for source in facts.sources if source.is_catching_up]
    if reading:
        return f"Not known yet: the past of {reading[0]} is still being read."
    if not facts.promises:
        return "Nothing is promised yet, so there is nothing to judge it by."
    return "Nothing is known yet: no source has sent a number for its promises."


def _since(status: Status, reasons: Sequence[Reason]) -> datetime | None:
    times = [one.since for one in reasons if one.effect is status and one.since]
    if not times:
        return None
    return max(times) if status is Status.STALE else min(times)


def _deadlines(facts: FeatureFacts, at: datetime) -> Iterator[datetime]:
    """When each input that is fresh now will be old."""
    times = [fact.stale_at for fact in facts.promises] + [source.stale_at for source in facts.sources]
    yield from (time for time in times if time and time > at)


def _paused(sentence: str, facts: FeatureFacts) -> Judgement:
    why = "It is marked retired in the catalog." if facts.is_retired else "People paused its sources."
    reason = Reason(key="paused", rule=Rule.PAUSED, text=sentence, rule_text=why, tone="mute", effect=Status.PAUSED)
    return Judgement(Status.PAUSED, sentence, reasons=(reason,))
