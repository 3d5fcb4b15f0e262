"""The lists of alerts, of monitors and of objectives."""

from __future__ import annotations

from django.http import HttpRequest

from apps.catalog.models import Feature
from apps.core.listing import Column, Filter, Listing
from apps.core.listing.declaration import Choices
from apps.monitors import queries
from apps.monitors.rules import KINDS
from apps.monitors.status import AlertState, MonitorState, SloState
from apps.sources.models import Source


def _features(_request: HttpRequest) -> Choices:
    return list(Feature.objects.order_by("name").values_list("slug", "name"))


def _sources(_request: HttpRequest) -> Choices:
    return list(Source.objects.order_by("name").values_list("slug", "name"))


def _severities(_request: HttpRequest) -> Choices:
    return queries.severities()


ALERTS = Listing(
    name="alerts",
    noun="alert",
    nouns="alerts",
    caption="Alerts, newest first",
    default_sort="-opened_at",
    row_template="monitors/_alert_row.html",
    columns=(
        Column("name", "Alert"),
        Column("state", "State"),
        Column("severity", "Severity"),
        Column("feature", "Feature", value="feature.name"),
        Column("summary", "Summary"),
        Column("opened_at", "Opened", sort="opened_at", cls="r"),
        Column("lasted", "Lasted", cls="r"),
        Column("source", "Source", value="source.name"),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains", placeholder="SlowAnswers …"),
        Filter("state", "State", choices=AlertState.choices, is_multiple=True),
        Filter("severity", "Severity", choices=_severities, is_multiple=True),
        Filter("feature", "Feature", choices=_features, apply="feature__slug", is_multiple=True),
        Filter("source", "Source", choices=_sources, apply="source__slug"),
        Filter("since", "From", "date", apply="opened_at__gte"),
        Filter("until", "Before", "date", apply="opened_at__lt"),
    ),
    topic="alerts",
    empty_title="No alerts yet",
    empty_text="Alerts of a connected Prometheus appear here while they are pending or firing, and stay as history.",
    empty_url="/sources/",
    empty_action="Go to sources",
)
MONITORS = Listing(
    name="monitors",
    noun="monitor",
    nouns="monitors",
    caption="Monitors, the worst first",
    default_sort="trouble",
    row_template="monitors/_monitor_row.html",
    columns=(
        Column("name", "Monitor", sort="name"),
        Column("state", "State", value="condition.state", sort="trouble"),
        Column("series", "What it watches", value="series.name"),
        Column("kind_label", "Kind"),
        Column("value", "Value", value="condition.value", cls="r"),
        Column("alert", "Alert level", value=lambda row: row.parameters.get("alert"), cls="r"),
        Column("evaluated_at", "Looked at", value="condition.evaluated_at", sort="condition__evaluated_at", cls="r"),
        Column("feature", "Feature", value="series.feature.name", is_shown=False),
        Column("why", "Why", value="condition.why", is_shown=False),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains", placeholder="Answers are slow …"),
        Filter("state", "State", choices=MonitorState.choices, apply="condition__state", is_multiple=True),
        Filter("kind", "Kind", choices=[(one.key, one.label) for one in KINDS.values()], is_multiple=True),
        Filter("feature", "Feature", choices=_features, apply="series__feature__slug", is_multiple=True),
    ),
    topic="monitors",
    empty_title="No monitors yet",
    empty_text="A monitor watches one number and opens an alert when a rule is broken.",
    empty_url="/alerts/monitors/new/",
    empty_action="Set a monitor",
)
SLOS = Listing(
    name="slos",
    noun="objective",
    nouns="objectives",
    caption="Objectives, the least budget first",
    default_sort="budget_left",
    row_template="monitors/_slo_row.html",
    columns=(
        Column("name", "Objective", sort="name"),
        Column("state", "State"),
        Column("feature", "Feature", value="feature.name"),
        Column("objective", "Promised", sort="objective", cls="r"),
        Column("share", "Kept", cls="r"),
        Column("budget_left", "Budget left", sort="budget_left", cls="r"),
        Column("burn_hour", "Burn, last hour", cls="r"),
        Column("burn_day", "Burn, last day", cls="r"),
        Column("measured_at", "Measured", cls="r"),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains"),
        Filter("state", "State", choices=SloState.choices, is_multiple=True),
        Filter("feature", "Feature", choices=_features, apply="feature__slug", is_multiple=True),
    ),
    topic="slos",
    empty_title="No objectives yet",
    empty_text="An objective says how many samples must be good, and how many may be bad: its error budget.",
    empty_url="/alerts/objectives/new/",
    empty_action="Set an objective",
)
