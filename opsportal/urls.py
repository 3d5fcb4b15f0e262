"""Every address of the portal, one include an app."""

from django.urls import include, path

urlpatterns = [
    path("", include("apps.portal.urls")),
    path("", include("apps.core.urls")),
    path("", include("apps.sync.urls")),
    path("", include("apps.incidents.urls")),
    path("api/", include("apps.api.urls")),
    path("account/", include("apps.accounts.urls")),
    path("catalog/", include("apps.catalog.urls")),
    path("changes/", include("apps.events.urls")),
    path("sources/", include("apps.sources.urls")),
    path("evaluations/", include("apps.evaluations.urls")),
    path("pipelines/", include("apps.pipelines.urls")),
    path("deployments/", include("apps.deployments.urls")),
    path("prompts/", include("apps.prompts.urls")),
    path("metrics/", include("apps.metrics.urls")),
    path("alerts/", include("apps.monitors.urls")),
    path("health/", include("apps.health.urls")),
    path("notifications/", include("apps.notifications.urls")),
]
