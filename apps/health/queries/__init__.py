"""Everything that reads health."""

from apps.health.queries.announcements import announced, past_announcements
from apps.health.queries.consistency import (
    Line,
    around,
    deployed_in,
    due_consistency,
    findings_of,
    judged,
    lines_of,
    past_sets,
    places_of,
    stays_of,
    with_ways_back,
)
from apps.health.queries.data import builds_of, due_components, feeds_of, judged_data, limits_of
from apps.health.queries.data_pages import (
    counts_for_data,
    data_of_feature,
    data_of_features,
    feeding,
    goes_stale_with,
    troubled_below,
)
from apps.health.queries.digest import Week, week_of, zone_of
from apps.health.queries.due import due_features, features_to_replay
from apps.health.queries.gate import Obstacle, obstacles
from apps.health.queries.gathering import Gathered, gather
from apps.health.queries.history import live_spans, strip, strip_words, uptime_ratio, uptime_ratios
from apps.health.queries.map import Map, dependency_map
from apps.health.queries.news import News, news_marks, news_of, since_of
from apps.health.queries.pages import as_json, health_of, reasons_of, recent_spans, strip_of
from apps.health.queries.past_data import old_data_of
from apps.health.queries.promises import promised_series
from apps.health.queries.readiness import checks_of, readiness
from apps.health.queries.risk import Risk, freezes_of, risks

__all__ = [
    "Gathered",
    "Line",
    "Map",
    "News",
    "Obstacle",
    "Risk",
    "Week",
    "announced",
    "around",
    "as_json",
    "builds_of",
    "checks_of",
    "counts_for_data",
    "data_of_feature",
    "data_of_features",
    "dependency_map",
    "deployed_in",
    "due_components",
    "due_consistency",
    "due_features",
    "features_to_replay",
    "feeding",
    "feeds_of",
    "findings_of",
    "freezes_of",
    "gather",
    "goes_stale_with",
    "health_of",
    "judged",
    "judged_data",
    "limits_of",
    "lines_of",
    "live_spans",
    "news_marks",
    "news_of",
    "obstacles",
    "old_data_of",
    "past_announcements",
    "past_sets",
    "places_of",
    "promised_series",
    "readiness",
    "reasons_of",
    "recent_spans",
    "risks",
    "since_of",
    "stays_of",
    "strip",
    "strip_of",
    "strip_words",
    "troubled_below",
    "uptime_ratio",
    "uptime_ratios",
    "week_of",
    "with_ways_back",
    "zone_of",
]
