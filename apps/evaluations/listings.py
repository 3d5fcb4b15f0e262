"""The lists of the app: suites, executions, and the cases of one execution."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apps.catalog.models import Feature
from apps.core.listing import Column, Filter, Listing
from apps.core.listing.declaration import Choices
from apps.evaluations import queries
from apps.evaluations.status import EvaluationState, Verdict
from apps.sources.models import Source

WHAT_NEXT = (
    "Make a suite of your own, connect a source that evaluates, such as Langfuse or Phoenix, or let your CI push its "
    "results."
)


def _features(_request: HttpRequest) -> Choices:
    return list(Feature.objects.order_by("name").values_list("slug", "name"))


def _sources(_request: HttpRequest) -> Choices:
    return list(Source.objects.order_by("name").values_list("slug", "name"))


def _means(run: Any) -> str:
    return ", ".join(f"{name} {numbers['mean']:.4g}" for name, numbers in run.summary.items())


OF_ONE_SUITE = (
    Filter("q", "Text", "text", apply=queries.runs_with_text, placeholder="support-reply, 12 …"),
    Filter("state", "State", choices=EvaluationState.choices, is_multiple=True),
    Filter("verdict", "Verdict", choices=Verdict.choices, apply=queries.runs_with_verdict),
    Filter("since", "From", "date", apply="at__gte"),
    Filter("until", "Before", "date", apply="at__lt"),
)

RUNS = Listing(
    name="evaluations",
    noun="evaluation",
    nouns="evaluations",
    caption="Evaluations, newest first",
    default_sort="-at",
    row_template="evaluations/_run_row.html",
    columns=(
        Column("suite", "Suite", value="suite.name"),
        Column("what", "What was evaluated"),
        Column("feature", "Feature", value="feature.name"),
        Column("state", "State"),
        Column("verdict", "Verdict", value="verdict.value"),
        Column("means", "Scores", value=_means),
        Column("at", "When", sort="at", cls="r"),
        Column("took", "Took", cls="r"),
        Column("source", "Source", value="source.name", is_shown=False),
    ),
    filters=(
        *OF_ONE_SUITE[:3],
        Filter("feature", "Feature", choices=_features, apply="feature__slug", is_multiple=True),
        Filter("source", "Source", choices=_sources, apply="source__slug"),
        *OF_ONE_SUITE[3:],
    ),
    topic="evaluations",
    empty_title="No evaluations yet",
    empty_text=WHAT_NEXT,
    empty_url="/sources/",
    empty_action="Go to sources",
)

SUITES = Listing(
    name="suites",
    noun="suite",
    nouns="suites",
    caption="Evaluation suites",
    default_sort="-last_at",
    row_template="evaluations/_suite_row.html",
    columns=(
        Column("name", "Suite", sort="name"),
        Column("feature", "Feature", value="feature.name"),
        Column("source", "Source", value="source.name"),
        Column("last_at", "Last run", sort="last_at", cls="r"),
    ),
    filters=(
        Filter("q", "Name", "text", apply="name__icontains", placeholder="support-golden …"),
        Filter("feature", "Feature", choices=_features, apply="feature__slug", is_multiple=True),
        Filter("source", "Source", choices=_sources, apply="source__slug"),
    ),
    empty_title="No suites yet",
    empty_text=WHAT_NEXT,
    empty_url="/sources/",
    empty_action="Go to sources",
)

SCORES = Listing(
    name="scores",
    noun="score",
    nouns="scores",
    caption="Scores of single cases",
    default_sort="is_passed",
    row_template="evaluations/_score_row.html",
    columns=(
        Column("case", "Case", sort="case"),
        Column("scorer", "Scorer", sort="scorer"),
        Column("value", "Score", sort="value", cls="r"),
        Column("before", "Before", sort="before", cls="r"),
        Column("change", "Change", sort="change", cls="r"),
        Column("is_passed", "Verdict", sort="is_passed"),
        Column("comment", "Why"),
    ),
    filters=(
        Filter("q", "Case", "text", apply="case__icontains", placeholder="refund-de …"),
        Filter("scorer", "Scorer", "text", apply="scorer", placeholder="groundedness"),
        Filter("failed", "Failed only", "bool", apply=lambda rows, _value: rows.filter(is_passed=False)),
        Filter("worse", "Worse than before", "bool", apply=lambda rows, _value: rows.filter(change__lt=0)),
    ),
    keep=("against",),
    empty_title="No single cases",
    empty_text="The source told numbers for all cases together.",
)

CASES = Listing(
    name="cases",
    noun="case",
    nouns="cases",
    caption="Cases of the suite as it is now",
    default_sort="key",
    row_template="evaluations/_case_row.html",
    columns=(
        Column("key", "Case", sort="key"),
        Column("inputs", "Inputs"),
        Column("expected", "Expected"),
        Column("tags", "Tags"),
        Column("weight", "Weight", sort="weight", cls="r"),
        Column("origin", "From", sort="origin"),
    ),
    filters=(
        Filter("q", "Case", "text", apply="key__icontains", placeholder="refund-de …"),
        Filter("tag", "Tag", "text", apply=lambda rows, tag: rows.filter(tags__contains=[tag]), placeholder="safety"),
    ),
    has_export=False,  # a file that can be imported again stands beside it
    empty_title="No cases yet",
    empty_text="Import a file, or add cases by hand.",
)

ENDPOINTS = Listing(
    name="endpoints",
    noun="endpoint",
    nouns="endpoints",
    caption="Where suites run",
    default_sort="name",
    row_template="evaluations/_endpoint_row.html",
    columns=(
        Column("name", "Name", sort="name"),
        Column("model", "Model", sort="model"),
        Column("base_url", "Address"),
        Column("concurrency", "At once", cls="r"),
        Column("requests_per_minute", "A minute", cls="r"),
        Column("cost_limit", "Limit of a run", cls="r"),
    ),
    empty_title="No endpoints yet",
    empty_text="Add an OpenAI-compatible server and a model on it; suites run against it.",
    empty_url="/evaluations/endpoints/add/",
    empty_action="Add an endpoint",
)
