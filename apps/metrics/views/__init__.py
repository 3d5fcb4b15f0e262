"""The pages of numbers."""

from apps.metrics.views.glossary import glossary
from apps.metrics.views.lists import series_list
from apps.metrics.views.pictures import feature_chart, series_detail, series_figure
from apps.metrics.views.versions import prompt_versions

__all__ = ["feature_chart", "glossary", "prompt_versions", "series_detail", "series_figure", "series_list"]
