"""Past incidents that were like this one: the same features, what they need, the same kind, the same cause."""

from __future__ import annotations

from dataclasses import dataclass

from apps.incidents.models import Incident
from apps.incidents.status import IncidentState

LOOKED_AT = 300
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Similar:
    """One past incident with how alike it is, and in what."""

    incident: Incident
    score: float
    why: str


def similar_to(*, incident: Incident) -> list[Similar]:
    """The most similar of the last 300, at most five; three queries."""
    features = {feature.pk for feature in incident.features.all()}
    rows = Incident.objects.exclude(pk=incident.pk).exclude(state__in=[IncidentState.DRAFT, IncidentState.DISMISSED])
    past = rows.prefetch_related("features", "verdicts").order_by("-impact_started_at")[:LOOKED_AT]
    words = _words(incident.title)
    found = [_compare(incident, features, words, one) for one in past]
    alike = sorted((one for one in found if one.score >= 0.3), key=lambda one: -one.score)
    return alike[:SHOWN]


def _compare(incident: Incident, features: set[int], words: set[str], past: Incident) -> Similar:
    theirs = {feature.pk for feature in past.features.all()}
    shared = len(features & theirs) / max(len(features | theirs), 1)
    told = _words(past.title)
    wording = len(words & told) / max(len(words | told), 1)
    reasons = []
    if features & theirs:
        reasons.append("the same feature")
    if past.kind == incident.kind:
        reasons.append("the same kind")
    if past.cause_class and past.cause_class == incident.cause_class:
        reasons.append("the same cause")
    score = 0.5 * shared + 0.25 * wording + 0.1 * (past.kind == incident.kind)
    score += 0.15 * bool(past.cause_class and past.cause_class == incident.cause_class)
    return Similar(past, score, ", ".join(reasons))


def _words(text: str) -> set[str]:
    return {word for word in text.lower().split() if len(word) > 3}
