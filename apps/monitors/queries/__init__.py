"""Everything that reads alerts, monitors and objectives."""

from apps.monitors.queries.alerts import (
    alerts,
    changes_before,
    episodes,
    get_alert,
    open_alerts,
    severities,
    similar_alerts,
)
from apps.monitors.queries.guards import default_guards, guards_to_choose
from apps.monitors.queries.monitors import monitors, series_to_count, series_to_watch, silencings_of
from apps.monitors.queries.samples import event_counts, last_sample_at, samples_between, stretch_counts
from apps.monitors.queries.slos import slo_days, slos

__all__ = [
    "alerts",
    "changes_before",
    "default_guards",
    "episodes",
    "event_counts",
    "get_alert",
    "guards_to_choose",
    "last_sample_at",
    "monitors",
    "open_alerts",
    "samples_between",
    "series_to_count",
    "series_to_watch",
    "severities",
    "silencings_of",
    "similar_alerts",
    "slo_days",
    "slos",
    "stretch_counts",
]
