"""From the candidates to their chances.

1. The onset is estimated twice: over the whole span, then closely around the first estimate.
2. Every candidate is asked the same questions (evidence.py); its answers are factors.
3. The products, with the priors of the kinds, are weighed against each other and against "none of them".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, log, prod

from apps.incidents.suspects import evidence
from apps.incidents.suspects.evidence import Seen
from apps.incidents.suspects.facts import Candidate, Case, Neighbour, Ranking, Reason, Series, Suspect
from apps.incidents.suspects.onset import SLACK, Onset, estimate, recovery
from apps.incidents.suspects.rhythm import HOUR, Quiet, quieten
from apps.incidents.suspects.wording import onset_text, sentence

NONE_BEFOREHAND = 0.12  # how often none of what we know of is the cause
CONVINCING = 0.5
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Read:
    """The symptoms read: the onset, how much each one moved, and when it was over."""

    onset: Onset
    shares: dict[str, float]
    strongest: float
    recovered_at: float | None


def first_onset(case: Case, symptoms: Sequence[Series]) -> Onset:
    """The onset over the whole span, roughly."""
    calm = min(case.times.impact_started_at, case.times.detected_at) - HOUR
    return estimate(_quiet(case, symptoms, calm), times=case.times)


def read_symptoms(case: Case, symptoms: Sequence[Series], *, around: float) -> Read:
    """The onset closely around a first estimate, and what else the symptoms say."""
    onset = estimate(_quiet(case, symptoms, around - 600), times=case.times, around=around)
    by_family: dict[str, float] = {}
    for one, gain in zip(symptoms, onset.gains, strict=True):
        by_family[one.family] = by_family.get(one.family, 0.0) + min(gain, 60.0)
    total = sum(by_family.values())
    shares = {family: gain / total for family, gain in by_family.items()} if onset.is_seen else {}
    back = None
    if onset.is_seen:
        whole = [quieten(one, calm_until=onset.best - 600) for one in symptoms]
        back = recovery(whole, onset.gains, onset=onset.best, until=case.times.until)
    return Read(onset, shares, max(onset.gains, default=0.0), back)


def rank(case: Case, read: Read, neighbours: Sequence[Neighbour] = ()) -> Ranking:
    """Every candidate with its chance and its reasons, most likely first."""
    seen = Seen(case, read.onset, read.shares, read.strongest, read.recovered_at, tuple(neighbours))
    known = [one for one in case.candidates if one.begun_at <= case.times.detected_at + SLACK]
    asked = [(one, evidence.reasons(one, seen)) for one in known]
    masses = [case.priors[one.kind] * prod(reason.factor for reason in found) for one, found in asked]
    share = sum(case.priors[one.kind] * evidence.weight(one, seen) for one in known)
    none = NONE_BEFOREHAND * evidence.without_cause(seen)
    scale = (1 - NONE_BEFOREHAND) / max(share, 0.15)
    total = none + scale * sum(masses)
    scored = sorted(
        (_suspect(one, found, scale * mass / total) for (one, found), mass in zip(asked, masses, strict=True)),
        key=lambda suspect: (-suspect.score, -suspect.candidate.at, suspect.candidate.key),
    )
    none_score = none / total
    best = scored[0].score if scored else 0.0
    is_convincing = best >= CONVINCING and best > none_score
    text = onset_text(read.onset, case.times)
    return Ranking(
        suspects=tuple(scored[:SHOWN]),
        none_score=none_score,
        is_convincing=is_convincing,
        onset_at=read.onset.best,
        onset_low=read.onset.low,
        onset_high=read.onset.high,
        onset_text=text,
        sentence=sentence(scored, none_score, is_convincing),
    )


def _suspect(candidate: Candidate, found: Sequence[Reason], score: float) -> Suspect:
    """With its reasons: the time first, then what weighs most."""
    told = [reason for reason in found if reason.text]
    return Suspect(candidate, float(score), (*told[:1], *sorted(told[1:], key=_weight, reverse=True)))


def _weight(reason: Reason) -> float:
    return abs(log(max(reason.factor, 1e-12)))


def _quiet(case: Case, symptoms: Sequence[Series], calm_until: float) -> list[Quiet | None]:
    """The symptoms until people began to mend things."""
    times = case.times
    end = min(times.detected_at + HOUR, times.mitigated_at or inf, times.until)
    return [quieten(_cut(one, max(end, times.detected_at)), calm_until=calm_until) for one in symptoms]


def _cut(series: Series, end: float) -> Series:
    kept = series.times <= end
    return replace(series, times=series.times[kept], values=series.values[kept], counts=series.counts[kept])
