"""Django's handle on the app."""

from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "apps.incidents"

    def ready(self) -> None:
        """Let back-tests of monitors know when incidents were going on."""
        from apps.incidents.queries.spans import incident_spans
        from apps.monitors.troubles import tell_troubles

        tell_troubles(incident_spans)
