"""The lists of deployments, of places and of freezes."""

from __future__ import annotations

from django.http import HttpRequest

from apps.catalog.models import Feature
from apps.core.listing import Column, Filter, Listing
from apps.core.listing.declaration import Choices
from apps.deployments import queries
from apps.deployments.models import LatestAttempt, RevisionKind
from apps.deployments.status import AnswerState, DeploymentState
from apps.sources.models import Source


def _features(_request: HttpRequest) -> Choices:
    return list(Feature.objects.order_by("name").values_list("slug", "name"))


def _sources(_request: HttpRequest) -> Choices:
    return list(Source.objects.order_by("name").values_list("slug", "name"))


def _environments(_request: HttpRequest) -> Choices:
    return queries.environment_names()


DEPLOYMENTS = Listing(
    name="deployments",
    noun="deployment",
    nouns="deployments",
    caption="Deployments, newest first",
    default_sort="-started_at",
    row_template="deployments/_deployment_row.html",
    columns=(
        Column("component_name", "What"),
        Column("revision", "Revision", value="revision.reference"),
        Column("previous", "Before", value="previous_revision.reference"),
        Column("environment_name", "Where"),
        Column("feature", "Feature", value="feature.name"),
        Column("state", "Outcome"),
        Column("deployed_by", "Who"),
        Column("started_at", "When", sort="started_at", cls="r"),
        Column("took", "Took", cls="r"),
        Column("compare_url", "Difference", is_shown=False),
        Column("frozen_by", "Inside the freeze", value="frozen_by.name", is_shown=False),
    ),
    filters=(
        Filter("q", "Text", "text", apply=queries.deployments_with_text, placeholder="retrieval-api, 2.40 …"),
        Filter("feature", "Feature", choices=_features, apply="feature__slug", is_multiple=True),
        Filter("environment", "Environment", choices=_environments, apply="environment_name"),
        Filter("state", "Outcome", choices=DeploymentState.choices, is_multiple=True),
        Filter("kind", "Kind", choices=RevisionKind.choices, apply="revision__kind"),
        Filter("source", "Source", choices=_sources, apply="source__slug"),
        Filter("rollback", "Rollbacks only", "bool", apply="is_rollback"),
        Filter("frozen", "Inside a freeze", "bool", apply=lambda rows, _: rows.filter(frozen_by__isnull=False)),
        Filter("since", "From", "date", apply="started_at__gte"),
        Filter("until", "Before", "date", apply="started_at__lt"),
    ),
    topic="deployments",
    empty_title="No deployments yet",
    empty_text="Connect a source that tells of them: Prometheus reads versions off an info metric, webhooks take them.",
    empty_url="/sources/",
    empty_action="Go to sources",
)


def _where(row: LatestAttempt) -> str:
    return row.deployment.where


PLACES = Listing(
    name="places",
    noun="place",
    nouns="places",
    caption="What runs where",
    default_sort="component_name",
    columns=(
        Column("component_name", "Component", sort="component_name"),
        Column("kind", "Kind", value="get_kind_display"),
        Column("feature", "Feature", value="deployment.feature.name"),
        Column("environment", "Environment", value=_where),
        Column("revision", "Runs", value="live_revision"),
        Column("since", "Since", value="live_since"),
        Column("by", "Who", value="live_by"),
        Column("attempt", "Newest attempt", value="deployment.revision.reference"),
        Column("outcome", "Its outcome", value="deployment.get_state_display"),
        Column("attempted_at", "Its start", value="deployment.started_at"),
        Column("held", "Held", value="is_held"),
    ),
    filters=(
        Filter("q", "Text", "text", apply=queries.with_text, placeholder="retrieval-api, 2.40 …"),
        Filter("feature", "Feature", choices=_features, apply="deployment__feature__slug", is_multiple=True),
        Filter("environment", "Environment", choices=_environments, apply="environment_name", is_multiple=True),
        Filter("kind", "Kind", choices=RevisionKind.choices, is_multiple=True),
        Filter("differs", "Not the same everywhere", "bool", apply=queries.differing),
        Filter("trouble", "Failed, under way or held", "bool", apply=queries.troubled),
    ),
)

FREEZES = Listing(
    name="freezes",
    noun="freeze",
    nouns="freezes",
    caption="Freezes, the one that begins last first",
    default_sort="-starts_at",
    row_template="deployments/_freeze_row.html",
    columns=(
        Column("name", "Freeze", sort="name"),
        Column("reason", "Why"),
        Column("who_for", "For"),
        Column("starts_at", "From", sort="starts_at"),
        Column("ends_at", "Until"),
        Column("rhythm", "Every week"),
        Column("planned_by", "Planned by"),
        Column("broken", "Deployed all the same", cls="r"),
        Column("lifted_at", "Lifted", is_shown=False),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains"),
        Filter("weekly", "Every week", "bool", apply="is_weekly"),
        Filter("lifted", "Lifted", "bool", apply=lambda rows, _: rows.filter(lifted_at__isnull=False)),
    ),
    topic="freezes",
    empty_title="No freeze is planned",
    empty_text="A freeze says when nothing should be deployed: over a holiday, during a launch, every weekend.",
)

GATES = Listing(
    name="gates",
    noun="question",
    nouns="questions",
    caption="Systems that asked before they deployed, newest first",
    default_sort="-asked_at",
    row_template="deployments/_gate_row.html",
    columns=(
        Column("repository", "What"),
        Column("revision", "Revision"),
        Column("environment_name", "Where"),
        Column("state", "Answer"),
        Column("reason_text", "Why"),
        Column("asked_by", "Who"),
        Column("asked_at", "Asked", sort="asked_at", cls="r"),
        Column("answered_at", "Answered", is_shown=False),
        Column("error", "Trouble", is_shown=False),
    ),
    filters=(
        Filter("q", "Text", "text", apply="repository__icontains", placeholder="acme/checkout …"),
        Filter("state", "Answer", choices=AnswerState.choices, is_multiple=True),
    ),
    topic="gates",
    empty_title="No system has asked yet",
    empty_text="Install a GitHub App with a deployment protection rule; the page of the GitHub connector says how.",
    empty_url="/sources/",
    empty_action="Go to sources",
)
