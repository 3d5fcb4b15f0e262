"""The lists about sources: their columns, filters and order."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.catalog.models import Feature
from apps.connectors.records import Kind
from apps.connectors.registry import CONNECTORS
from apps.core.listing import Column, Filter, Listing
from apps.sources import queries, rows
from apps.sources.condition import Condition, judge_source
from apps.sources.failures import FailureKind
from apps.sources.models import Source
from apps.sources.status import Circuit, Outcome, SourceStatus

CONNECTOR_NAMES = [(key, kind.name) for key, kind in CONNECTORS.items()]
KINDS = [(str(kind), str(kind).replace("_", " ").capitalize()) for kind in Kind]


def source_listing(*, at: datetime) -> Listing:
    """The list of sources as it is at `at`, for status and age depend on the time."""

    return Listing(
        name="sources",
        noun="source",
        nouns="sources",
        caption="Sources, those that need somebody first",
        default_sort="status",
        row_template="sources/_source_row.html",
        columns=_columns(at),
        filters=_filters(at),
        topic="sources",
        empty_title="Connect the first source",
        empty_text="A source is a system the portal reads: an orchestrator, a prompt registry, a metrics server. "
        "It takes an address and, mostly, a token that may read; the first records appear within a minute.",
        empty_action="Connect a source",
        empty_url="/sources/add",
    )


def _columns(at: datetime) -> tuple[Column, ...]:
    def condition(row: Source) -> Condition:
        return judge_source(source=row, state=row.state, at=at)

    return (
        Column("name", "Source", sort="name"),
        Column("status", "How it is", sort="rank", value=lambda row: condition(row).status.value),
        Column("sentence", "In words", is_shown=False, value=lambda row: condition(row).sentence),
        Column("last_success_at", "Heard", value="state.last_success_at", sort="state__last_success_at", cls="r"),
        Column("last_fetched", "Records", sort="last_fetched", cls="r"),
        Column("next_poll_at", "Next try", value="state.next_poll_at", sort="state__next_poll_at", cls="r"),
        Column("missing", "Rights", sort="missing", cls="r"),
        Column("letters", "Unreadable", sort="letters", cls="r"),
        Column("unmatched", "Unmatched", sort="unmatched", cls="r"),
        Column("features", "Features", sort="features", cls="r"),
        Column("connector", "Connector", is_shown=False),
        Column("team", "Team", value="team.name", is_shown=False),
        Column("error_class", "Failure", value="state.error_class", is_shown=False),
        Column("circuit", "Circuit", value="state.circuit", is_shown=False),
        Column("failing_since", "Failing since", value="state.failing_since", is_shown=False),
        Column("backlog", "Backlog", value="state.has_backlog", is_shown=False),
    )


def _filters(at: datetime) -> tuple[Filter, ...]:
    def narrow(sources: QuerySet[Source], status: str) -> QuerySet[Source]:
        return queries.in_status(sources=sources, status=status, at=at)

    return (
        Filter("q", "Name", "text", apply="name__icontains"),
        Filter("status", "Status", choices=SourceStatus.choices, apply=narrow),
        Filter("failure", "Failure", choices=FailureKind.choices, apply=_failing_with),
        Filter("circuit", "Circuit", choices=Circuit.choices, apply="state__circuit"),
        Filter("trouble", "Trouble", choices=rows.TROUBLES, is_multiple=True, apply=rows.in_trouble),
        Filter("connector", "Connector", choices=CONNECTOR_NAMES),
        Filter("team", "Team", choices=_teams, apply="team_id"),
        Filter("feature", "Feature", choices=_features, apply=rows.of_feature),
    )


def _failing_with(sources: QuerySet[Source], error_class: str) -> QuerySet[Source]:
    return sources.filter(state__error_class=error_class, state__failures__gt=0)


def _features(_request: HttpRequest) -> list[tuple[str, str]]:
    return list(Feature.objects.filter(is_retired=False).order_by("name").values_list("slug", "name"))


def _teams(_request: HttpRequest) -> list[tuple[str, str]]:
    found = Source.objects.filter(team__isnull=False).values_list("team_id", "team__name").distinct()
    return [(str(pk), name) for pk, name in sorted(found, key=lambda pair: pair[1])]


POLLS = Listing(
    name="polls",
    noun="poll",
    nouns="polls",
    caption="Polls, newest first",
    default_sort="-started_at",
    row_template="sources/_poll_row.html",
    columns=(
        Column("started_at", "Started", sort="started_at"),
        Column("outcome", "Outcome"),
        Column("seconds", "Took", cls="r"),
        Column("fetched", "Records", cls="r"),
        Column("changed", "Changed", cls="r"),
        Column("rejected", "Unreadable", cls="r"),
        Column("requests", "Requests", cls="r"),
        Column("bytes_read", "Read", cls="r"),
        Column("error", "What went wrong", is_shown=False),
    ),
    filters=(
        Filter("outcome", "Outcome", choices=Outcome.choices, is_multiple=True),
        Filter("since", "Since", "date", apply="started_at__gte"),
    ),
    empty_title="Not polled yet",
    empty_text="Polls are remembered for a week.",
)
LETTERS = Listing(
    name="unreadable-records",
    noun="unreadable record",
    nouns="unreadable records",
    caption="Unreadable records, last seen first",
    default_sort="-last_seen_at",
    row_template="sources/_letter_row.html",
    columns=(
        Column("external_id", "Record"),
        Column("kind", "Kind"),
        Column("reason", "Why"),
        Column("count", "Seen", cls="r"),
        Column("first_seen_at", "First seen", cls="r"),
        Column("last_seen_at", "Last seen", sort="last_seen_at", cls="r"),
        Column("payload", "Original"),
    ),
    filters=(
        Filter("q", "Record", "text", apply="external_id__icontains"),
        Filter("kind", "Kind", choices=KINDS),
    ),
    empty_title="Every record could be read",
    empty_text="A record that cannot be read or stored waits here with the reason, while its neighbors go on.",
)
