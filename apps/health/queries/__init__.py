"""Everything that reads health."""

from apps.health.queries.consistency import (
    Line,
    around,
    due_consistency,
    findings_of,
    judged,
    lines_of,
    past_sets,
    places_of,
    stays_of,
)
from apps.health.queries.due import due_features, features_to_replay
from apps.health.queries.gate import Obstacle, obstacles
from apps.health.queries.gathering import Gathered, gather
from apps.health.queries.history import live_spans, strip, strip_words, uptime_ratio, uptime_ratios
from apps.health.queries.pages import as_json, health_of, reasons_of, recent_spans, strip_of
from apps.health.queries.promises import promised_series
from apps.health.queries.risk import Risk, freezes_of, risks

__all__ = [
    "Gathered",
    "Line",
    "Obstacle",
    "Risk",
    "around",
    "as_json",
    "due_consistency",
    "due_features",
    "features_to_replay",
    "findings_of",
    "freezes_of",
    "gather",
    "health_of",
    "judged",
    "lines_of",
    "live_spans",
    "obstacles",
    "past_sets",
    "places_of",
    "promised_series",
    "reasons_of",
    "recent_spans",
    "risks",
    "stays_of",
    "strip",
    "strip_of",
    "strip_words",
    "uptime_ratio",
    "uptime_ratios",
]
