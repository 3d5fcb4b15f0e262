"""The list of incidents."""

from __future__ import annotations

from django.http import HttpRequest

from apps.catalog.models import Feature
from apps.core.listing import Column, Filter, Listing
from apps.core.listing.declaration import Choices
from apps.incidents.models import CauseClass, Incident
from apps.incidents.queries.incidents import with_state
from apps.incidents.status import IncidentState, Severity


def _features(_request: HttpRequest) -> Choices:
    return list(Feature.objects.order_by("name").values_list("slug", "name"))


def _feature_names(row: Incident) -> str:
    return ", ".join(feature.name for feature in row.features.all())


INCIDENTS = Listing(
    name="incidents",
    noun="incident",
    nouns="incidents",
    caption="Incidents, the newest first",
    default_sort="-impact_started_at",
    row_template="incidents/_incident_row.html",
    columns=(
        Column("title", "Incident"),
        Column("state", "State", value="get_state_display"),
        Column("severity", "Severity", value="get_severity_display", sort="severity"),
        Column("features", "Features", value=_feature_names),
        Column("impact_started_at", "Since", sort="impact_started_at"),
        Column("time_to_detect", "Until noticed", cls="r"),
        Column("time_to_resolve", "Until over", cls="r"),
        Column("cause_class", "Cause", value="get_cause_class_display"),
        Column("declared_by", "Declared by", is_shown=False),
        Column("resolved_at", "Over at", is_shown=False),
    ),
    filters=(
        Filter("q", "Text", "text", apply="title__icontains", placeholder="wrong dates, slow answers …"),
        Filter("state", "State", choices=(("open", "Open"), *IncidentState.choices), apply=with_state),
        Filter("severity", "Severity", choices=Severity.choices, is_multiple=True),
        Filter("feature", "Feature", choices=_features, apply="features__slug"),
        Filter("cause", "Cause", choices=CauseClass.choices, apply="cause_class"),
        Filter("since", "From", "date", apply="impact_started_at__gte"),
        Filter("until", "Before", "date", apply="impact_started_at__lt"),
    ),
    topic="incidents",
    empty_title="No incident yet",
    empty_text="Declare one when people are hurt: the portal then shows what changed before, and keeps the record.",
    empty_url="/incidents/declare/",
    empty_action="Declare an incident",
)
