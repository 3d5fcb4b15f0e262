"""Addresses of the app."""

from __future__ import annotations

from django.urls import path

from apps.metrics import views

app_name = "metrics"
urlpatterns = [
    path("", views.series_list, name="series-list"),
    path("glossary/", views.glossary, name="glossary"),
    path("cost/", views.cost, name="cost"),
    path("cost/<slug:slug>/budget/", views.budget, name="budget"),
    path("storage/", views.storage, name="storage"),
    path("<int:pk>/", views.series_detail, name="series-detail"),
    path("<int:pk>/figure.json", views.series_figure, name="series-figure"),
    path("versions/<int:feature_id>/", views.prompt_versions, name="prompt-versions"),
    path("impact/<int:pk>/", views.impact, name="impact"),
    path("impact/<int:pk>/card/", views.impact_card, name="impact-card"),
    path("of/<slug:slug>/", views.feature_measures, name="feature-measures"),
    path("of/<slug:slug>/figures.json", views.feature_figures, name="feature-figures"),
    path("of/<int:feature_id>/<slug:measure>/", views.feature_chart, name="feature-chart"),
]
