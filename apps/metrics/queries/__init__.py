"""Everything that reads series and samples."""

from apps.metrics.queries.boundaries import Boundary, first_outside
from apps.metrics.queries.costs import COST, CostPart, CostRow, PricedChange, cost_parts, cost_rows, priced_changes
from apps.metrics.queries.impact import WINDOWS, ImpactCard, impact_card
from apps.metrics.queries.marks import Marker, Markers, markers_between
from apps.metrics.queries.newest import Latest, latest, measures_of, primary_series
from apps.metrics.queries.parts import Part, feature_series, parts, possible_splits
from apps.metrics.queries.percentiles import sketch_between
from apps.metrics.queries.points import Point, Points, points_of, series_points, step_averages
from apps.metrics.queries.rows import series_rows
from apps.metrics.queries.sparklines import sparkline_points
from apps.metrics.queries.storage import Storage, storage
from apps.metrics.queries.windows import Window, WindowStats, same_time_last_week, window_means, window_stats

__all__ = [
    "COST",
    "WINDOWS",
    "Boundary",
    "CostPart",
    "CostRow",
    "ImpactCard",
    "Latest",
    "Marker",
    "Markers",
    "Part",
    "Point",
    "Points",
    "PricedChange",
    "Storage",
    "Window",
    "WindowStats",
    "cost_parts",
    "cost_rows",
    "feature_series",
    "first_outside",
    "impact_card",
    "latest",
    "markers_between",
    "measures_of",
    "parts",
    "points_of",
    "possible_splits",
    "priced_changes",
    "primary_series",
    "same_time_last_week",
    "series_points",
    "series_rows",
    "sketch_between",
    "sparkline_points",
    "step_averages",
    "storage",
    "window_means",
    "window_stats",
]
