"""Reasons in words with numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.core.ui.formats import duration
from apps.incidents.suspects.facts import Candidate, CauseKind, Suspect, Times
from apps.incidents.suspects.onset import Onset

FAMILIES = {
    "accuracy": "answers",
    "safety": "safety",
    "latency": "waiting times",
    "engagement": "feedback",
    "cost": "cost",
    "retrieval": "retrieval",
    "cache": "the cache",
    "fallback": "backup answers",
    "traffic": "traffic",
}
AT_ONCE = 90  # seconds
_KINDS = {
    CauseKind.DEPLOYMENT: "a deployment",
    CauseKind.PROMPT: "a prompt",
    CauseKind.MODEL: "a model",
    CauseKind.INDEX: "an index",
    CauseKind.CONFIG: "a configuration",
    CauseKind.PIPELINE: "a pipeline",
    CauseKind.PROVIDER: "a provider",
    CauseKind.UPSTREAM: "trouble upstream",
    CauseKind.OTHER: "such a change",
}


def time_text(candidate: Candidate, onset: Onset) -> str:
    """ "4 min before the estimated onset"."""
    gap = onset.best - candidate.at
    if candidate.begun_at < onset.best <= candidate.at:
        return "rolling out at the estimated onset"
    if abs(gap) < AT_ONCE:
        return "at the estimated onset, to the minute"
    if onset.is_seen and onset.low <= candidate.at <= onset.high:
        return "at the estimated onset, as near as the numbers tell"
    return f"{duration(abs(gap))} {'before' if gap > 0 else 'after'} the estimated onset"


def weight_text(factor: float) -> str:
    """What a factor says, in words."""
    if factor >= 8:
        return "speaks strongly for it"
    if factor >= 1.05:
        return "speaks for it"
    if factor >= 0.95:
        return "says nothing either way"
    return "speaks against it" if factor >= 0.1 else "speaks strongly against it"


def distance_text(steps: int, found: int, affected: int) -> str:
    """How near it is to the features of the incident."""
    if steps == 0:
        near = "part of the affected feature"
    else:
        near = f"{steps} step{'s' if steps > 1 else ''} away in what the affected feature needs"
    if affected == 1:
        return near
    return f"{near}; it can touch {found} of the {affected} affected features"


def others_text(
    healthy: Sequence[int], suffering: Sequence[int], unexplained: Sequence[int], names: Mapping[int, str]
) -> str:
    """Who else got it, and how they are."""
    parts = []
    if suffering:
        parts.append(f"{_named(suffering, names)} needs it too and moved at the same time")
    if healthy:
        parts.append(f"{_named(healthy, names)} got the same and stayed healthy")
    if unexplained:
        parts.append(f"it does not explain {_named(unexplained, names)}, which moved at the same time")
    return "; ".join(parts)


def own_text(moved: int, calm: int) -> str:
    """What the component's own numbers did."""
    return "its own numbers moved at the onset" if moved else "its own numbers stayed calm" if calm else ""


def fit_text(kind: CauseKind, shares: Mapping[str, float], factor: float) -> str:
    """Which measures moved, and whether its kind usually moves them."""
    if not shares or 0.9 < factor < 1.1:
        return ""
    most = max(shares, key=lambda family: shares[family])
    usually = "usually" if factor > 1 else "seldom"
    return f"{FAMILIES.get(most, 'what moved')} moved most, and {_KINDS[kind]} {usually} moves that"


def undone_text(candidate: Candidate, how: str, gap: float) -> str:
    """What happened after it was taken back."""
    what = candidate.undone_by or "it was taken back"
    if how == "before":
        return f"{what} before the onset"
    if how == "on":
        return f"{what}, and it went on"
    if how == "over":
        return f"{what}, and {duration(abs(gap))} {'later' if gap >= 0 else 'before'} it was over"
    return f"{what}, but it was over {duration(abs(gap))} {'later' if gap >= 0 else 'before'}"


def onset_text(onset: Onset, times: Times) -> str:
    """How sure the onset is, and how it stands to what people noticed."""
    if not onset.is_seen:
        return "No symptom shows a clear change, so what people said of the start is used."
    before = times.detected_at - onset.best
    noticed = f"{duration(before)} before it was noticed" if before >= AT_ONCE else "when it was noticed"
    return f"The symptoms changed {noticed}, give or take {duration(max((onset.high - onset.low) / 2, 60.0))}."


def sentence(suspects: Sequence[Suspect], none_score: float, is_convincing: bool) -> str:
    """The answer in one sentence."""
    if not suspects:
        return "Nothing that the affected features need has changed before this."
    best = suspects[0]
    if is_convincing:
        return f"Most likely: {best.candidate.title} ({best.score:.0%})."
    return f"No convincing suspect: the likeliest has {best.score:.0%}, and {none_score:.0%} says it was none of these."


def _named(features: Sequence[int], names: Mapping[int, str]) -> str:
    known = [names.get(feature, f"feature {feature}") for feature in features]
    if len(known) > 2:
        return f"{known[0]} and {len(known) - 1} other features"
    return " and ".join(known)
