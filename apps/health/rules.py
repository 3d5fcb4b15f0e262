"""One rule for each kind of fact: a fact and a time in, a reason out. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import isfinite
from typing import Final

from apps.core.ui.formats import duration
from apps.health import wording
from apps.health.facts import (
    CLOCK_TOLERANCE,
    AlertFact,
    DataFact,
    PipelineFact,
    PromiseFact,
    SetFact,
    SourceFact,
    Status,
)
from apps.health.reasons import Input, Reason, Rule, Tone

PAGING: Final = frozenset({"page", "critical", "crit", "emergency", "high", "error", "p1", "sev1"})
_STALE_RULE: Final = "A number older than three of its usual intervals is old: it is shown, but it decides nothing."
_SOURCE_RULE: Final = "A source that has been silent for three of its intervals is stale, and so are its numbers."
_PIPELINE_RULE: Final = "A pipeline of this feature, or of a part it depends on, whose last finished run failed."
_LATE_RULE: Final = "A pipeline of this feature, or of a part it depends on, whose expected run did not come in time."
_SET_RULE: Final = "The revisions that were tested together, compared with those that run in production."
_EMBEDDER_RULE: Final = "An index must be searched with the embedder it was built with; equal dimensions are no proof."
_DATA_RULE: Final = (
    "Data older than their component may be (see the catalog): first told, then the feature is degraded."
)
_OF_DATA: Final[dict[str, tuple[Rule, Tone, Status | None]]] = {
    "fresh": (Rule.DATA_FRESH, "ok", None),
    "warn": (Rule.DATA_AGING, "info", None),
    "fail": (Rule.DATA_OLD, "warn", Status.DEGRADED),
    "unknown": (Rule.DATA_UNKNOWN, "mute", None),
}
_ALERT_RULE: Final = "An alert of this feature that fires and calls people (severity page or critical)."


def judge_promise(fact: PromiseFact, at: datetime) -> Reason:
    """Kept, broken, failed, too old to tell, or never measured."""
    value = fact.value
    if fact.last_at is None or value is None:
        return _missing(fact, "has not been measured yet")
    if not (isfinite(value) and isfinite(fact.limit)):
        return _missing(fact, "cannot be judged: the value or the limit is not a number")
    if fact.last_at > at + CLOCK_TOLERANCE:
        return _old(fact, "carries a time in the future, so nobody knows how old it is")
    if fact.source and not fact.source.is_enabled:
        return _old(fact, f"is old: {fact.source.name} is paused")
    if fact.source and fact.source.is_catching_up and is_stale(fact, at):
        return _missing(fact, f"is not known yet: the past of {fact.source.name} is still being read")
    if fact.source and fact.source.is_stale:
        return _old(fact, f"is old: {fact.source.name} does not answer")
    if is_stale(fact, at):
        return _old(fact, f"has stopped arriving; it is expected every {duration(fact.interval)}")
    return _broken(fact, value) if is_broken(fact, value) else _kept(fact)


def is_stale(fact: PromiseFact, at: datetime) -> bool:
    """Whether the newest number is too old by its own rhythm."""
    return fact.stale_at is not None and at > fact.stale_at


def is_broken(fact: PromiseFact, value: float) -> bool:
    """By the window's mean; a promise that was broken is kept again when the newest value is inside as well."""
    if fact.is_outside(value):
        return True
    return fact.was_broken and fact.last is not None and isfinite(fact.last) and fact.is_outside(fact.last)


def judge_pipeline(fact: PipelineFact) -> Reason:
    """Passed, failed, or not known."""
    where = f", part {fact.component}" if fact.component else ""
    is_blind = fact.source is not None and (fact.source.is_stale or not fact.source.is_enabled)
    if fact.late and not (fact.has_failed or fact.is_paused or is_blind):
        return _late(fact)
    if fact.has_failed is None or fact.is_paused or is_blind:
        why = "is not heard of" if is_blind else "is paused" if fact.is_paused else "has not finished a run"
        return _of_pipeline(fact, Rule.PIPELINE_UNKNOWN, f"the pipeline “{fact.name}”{where} {why}", "mute")
    if fact.has_failed:
        return _of_pipeline(fact, Rule.PIPELINE_FAILED, troubled_pipeline(fact), "warn", Status.DEGRADED)
    return _of_pipeline(fact, Rule.PIPELINE_PASSED, f"the pipeline “{fact.name}”{where} passed its last run", "ok")


def troubled_pipeline(fact: PipelineFact) -> str:
    """ "the pipeline “Nightly index” failed, on which it depends through Help center index".

    For one that failed, is late or missed a run, with what it means where answers are made from its data.
    """
    told = _through(fact, trouble_of(fact))
    return wording.old_data(told) if fact.feeds_data else told


def trouble_of(fact: PipelineFact) -> str:
    """ "failed", "is late" or "missed a run"."""
    if fact.has_failed or not fact.late:
        return "failed"
    return "is late" if fact.late == "late" else "missed a run"


def _through(fact: PipelineFact, verb: str) -> str:
    where = "" if fact.is_direct or not fact.component else f", on which it depends through {fact.component}"
    return f"the pipeline “{fact.name}” {verb}{where}"


def _late(fact: PipelineFact) -> Reason:
    clause = f"{troubled_pipeline(fact)}: {fact.late_because}".rstrip(".: ")
    found = _of_pipeline(fact, Rule.PIPELINE_LATE, clause, "warn", Status.DEGRADED)
    return replace(found, rule_text=_LATE_RULE, since=fact.late_since)


def judge_dataset(fact: DataFact) -> Reason:
    """Fresh, aging, too old or not known; only data that are too old change the status."""
    rule, tone, effect = _OF_DATA[fact.state]
    return Reason(
        key=f"data:{fact.id}",
        rule=rule,
        text=wording.sentence(f"“{fact.name}”: {fact.text}"),
        rule_text=_DATA_RULE,
        tone=tone,
        effect=effect,
        inputs=(Input("Its data go up to", "" if fact.as_of else "not known", fact.as_of),),
        since=fact.since if fact.state in ("warn", "fail") else None,
        at=fact.at,
        subject=("data", fact.slug),
    )


def old_data(fact: DataFact) -> str:
    """ "answers may be old, because “Help center index” was not refreshed in time"."""
    return wording.old_data(fact.because or wording.not_refreshed(fact.name))


def judge_alert(fact: AlertFact) -> Reason:
    """An alert that fires; only one that calls people changes the status."""
    is_heard = fact.source is None or (fact.source.is_enabled and not fact.source.is_stale)
    calls = fact.severity.lower() in PAGING
    summary = f": {fact.summary}" if fact.summary else ""
    return Reason(
        key=f"alert:{fact.id}",
        rule=Rule.ALERT_FIRING,
        text=wording.sentence(f"{firing(fact)}{summary}"[:300]),
        rule_text=_ALERT_RULE,
        tone="mute" if not is_heard else "warn" if calls else "info",
        effect=Status.DEGRADED if calls and is_heard else None,
        inputs=(Input("Severity", fact.severity or "none"),),
        source=fact.source.name if fact.source else "",
        since=fact.since,
        at=fact.source.last_success_at if fact.source else None,
        subject=("alert", fact.id),
    )


def firing(fact: AlertFact) -> str:
    """ "the alert “SearchErrors” fires"."""
    return f"the alert “{fact.name}” fires"


def judge_source(fact: SourceFact) -> Reason | None:
    """Why its numbers are old; None while it answers."""
    if fact.is_enabled and not fact.is_stale:
        return None
    return Reason(
        key=f"source:{fact.slug or fact.name}",
        rule=Rule.SOURCE_SILENT,
        text=silence(fact),
        rule_text=_SOURCE_RULE,
        tone="mute",
        effect=Status.STALE,
        inputs=(Input("Last good answer", "" if fact.last_success_at else "never", fact.last_success_at),),
        source=fact.name,
        since=fact.last_success_at,
        at=fact.last_success_at,
        subject=("source", fact.slug) if fact.slug else None,
    )


def judge_set(fact: SetFact) -> Reason:
    """Only an index that is searched with another embedder changes the status; production that lags is information."""
    rule = Rule.EMBEDDER_DIFFERS if fact.has_wrong_embedder else Rule.SET_SAME if fact.is_same else Rule.SET_DIFFERS
    return Reason(
        key="set",
        rule=rule,
        text=fact.text,
        rule_text=_EMBEDDER_RULE if fact.has_wrong_embedder else _SET_RULE,
        tone="warn" if fact.has_wrong_embedder else "ok" if fact.is_same else "info",
        effect=Status.DEGRADED if fact.has_wrong_embedder else None,
        since=fact.since,
        at=fact.at,
        subject=("set", fact.slug),
    )


def silence(fact: SourceFact) -> str:
    """ "Prometheus does not answer: credentials refused."."""
    if not fact.is_enabled:
        return f"{fact.name} is paused, so nothing new is heard."
    said = "has never answered" if fact.last_success_at is None else "does not answer"
    error = fact.error.strip().rstrip(".")
    return f"{fact.name} {said}{f': {error}' if error else ''}."


def _kept(fact: PromiseFact) -> Reason:
    return _of_promise(fact, Rule.PROMISE_KEPT, wording.sentence(wording.kept(fact)), "ok", None)


def _broken(fact: PromiseFact, value: float) -> Reason:
    has_failed = fact.fails_at is not None and fact.is_outside(value) and fact.is_outside(value, fact.fails_at)
    compared = wording.compared(fact).removeprefix("people wait ")
    text = wording.broken(fact) + (f"; that is {compared}" if compared else "")
    if has_failed:
        return _of_promise(fact, Rule.PROMISE_FAILED, wording.sentence(text), "bad", Status.DOWN)
    return _of_promise(fact, Rule.PROMISE_BROKEN, wording.sentence(text), "warn", Status.DEGRADED)


def _missing(fact: PromiseFact, why: str) -> Reason:
    text = f"“{wording.label(fact)}” {why}."
    return _of_promise(fact, Rule.NUMBER_MISSING, text, "mute", None)


def _old(fact: PromiseFact, why: str) -> Reason:
    text = f"“{wording.label(fact)}” {why}."
    return _of_promise(fact, Rule.NUMBER_OLD, text, "mute", Status.STALE)


def _of_promise(fact: PromiseFact, rule: Rule, text: str, tone: Tone, effect: Status | None) -> Reason:
    is_trouble = effect in (Status.DEGRADED, Status.DOWN)
    return Reason(
        key=f"promise:{fact.measure}",
        rule=rule,
        text=text,
        rule_text=_STALE_RULE if rule is Rule.NUMBER_OLD else wording.rule(fact),
        tone=tone,
        effect=effect,
        inputs=tuple(_inputs(fact)),
        source=fact.source.name if fact.source else "",
        since=fact.broken_since if is_trouble else fact.last_at if effect is Status.STALE else None,
        at=fact.last_at,
        subject=("series", fact.series_id) if fact.series_id else None,
    )


def _inputs(fact: PromiseFact) -> list[Input]:
    minutes = fact.window_minutes
    mean = wording.value_text(fact, fact.mean) if fact.count else "no sample"
    found = [
        Input(f"Average of the last {minutes} minutes, {fact.count} samples", mean, fact.last_at),
        Input("Newest value", wording.value_text(fact, fact.last), fact.last_at),
        Input("Promise", wording.value_text(fact, fact.limit)),
    ]
    if fact.fails_at is not None:
        found.append(Input("Down beyond", wording.value_text(fact, fact.fails_at)))
    if fact.usual is not None:
        found.append(Input("Same time last week", wording.value_text(fact, fact.usual)))
    return found


def _of_pipeline(fact: PipelineFact, rule: Rule, clause: str, tone: Tone, effect: Status | None = None) -> Reason:
    return Reason(
        key=f"pipeline:{fact.id}",
        rule=rule,
        text=wording.sentence(clause),
        rule_text=_PIPELINE_RULE,
        tone=tone,
        effect=effect,
        inputs=tuple(_inputs_of_pipeline(fact)),
        source=fact.source.name if fact.source else "",
        since=fact.failed_since if effect else None,
        at=fact.source.last_success_at if fact.source else fact.last_run_at,  # news of it, not its rhythm
        subject=("pipeline", fact.id),
    )


def _inputs_of_pipeline(fact: PipelineFact) -> list[Input]:
    found = [Input("Last run", _outcome(fact), fact.last_run_at)]
    if fact.feeds_data:
        found.append(Input("Its data go up to", "" if fact.data_as_of else "not known", fact.data_as_of))
    return found


def _outcome(fact: PipelineFact) -> str:
    return "not finished yet" if fact.has_failed is None else "failed" if fact.has_failed else "passed"
