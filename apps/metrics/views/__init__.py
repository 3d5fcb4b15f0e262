"""The pages of numbers."""

from apps.metrics.views.costs import budget, cost
from apps.metrics.views.families import feature_figures, feature_measures
from apps.metrics.views.glossary import glossary
from apps.metrics.views.impact import impact, impact_card
from apps.metrics.views.lists import series_list
from apps.metrics.views.pictures import feature_chart, series_detail, series_figure
from apps.metrics.views.storage import storage
from apps.metrics.views.versions import prompt_versions

__all__ = [
    "budget",
    "cost",
    "feature_chart",
    "feature_figures",
    "feature_measures",
    "glossary",
    "impact",
    "impact_card",
    "prompt_versions",
    "series_detail",
    "series_figure",
    "series_list",
    "storage",
]
