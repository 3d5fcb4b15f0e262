"""What everything costs: this month, its end, the budgets, the parts, the price of each change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import requires
from apps.catalog.models import Feature
from apps.metrics import queries, services
from apps.metrics.charts import cost_chart
from apps.metrics.forms import BudgetForm
from apps.metrics.models import Budget
from apps.metrics.queries import CostPart, CostRow
from apps.metrics.splits import SPLITS, Split

SPLIT_BY: Final = ("model", "prompt_version", "client")


@dataclass(frozen=True, slots=True)
class Total:
    """All features of one currency."""

    unit: str
    so_far: float
    total: float | None


@require_GET
def cost(request: HttpRequest) -> HttpResponse:
    """Every feature; `?feature=` looks into one."""
    at = timezone.now()
    rows = queries.cost_rows(at=at)
    slug = request.GET.get("feature", "")
    chosen = next((row for row in rows if row.series.feature and row.series.feature.slug == slug), None)
    context = {
        "rows": rows,
        "totals": _totals(rows),
        "at": at,
        "asked": slug,
        "chosen": chosen,
        "shows_demo": any(row.series.source.is_demo for row in rows),
    }
    return render(request, "metrics/cost.html", context | (_inside(chosen, at) if chosen else {}))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("budget:change")
def budget(request: HttpRequest, slug: str) -> HttpResponse:
    """The budget of a feature."""
    feature = get_object_or_404(Feature, slug=slug)
    form = _form(request, feature)
    if form.is_bound and form.is_valid():
        services.set_budget(
            feature_id=feature.pk, actor=cast(User, request.user), at=timezone.now(), **form.cleaned_data
        )
        messages.success(request, f"The budget of {feature} is saved.")
        return redirect(f"{reverse('metrics:cost')}?feature={feature.slug}")
    context = {"form": form, "feature": feature}
    return render(request, "metrics/budget.html", context, status=422 if form.is_bound else 200)


def _form(request: HttpRequest, feature: Feature) -> BudgetForm:
    series = queries.primary_series(feature_id=feature.pk, measure=queries.COST)
    known = Budget.objects.filter(feature=feature).first()
    initial = {"amount": known.amount, "unit": known.unit} if known else {}
    sent = request.POST if request.method == "POST" else None
    return BudgetForm(sent, initial=initial, unit=series.unit if series else "")


def _totals(rows: list[CostRow]) -> list[Total]:
    units = sorted({row.series.unit for row in rows})
    return [_total(unit, [row for row in rows if row.series.unit == unit]) for unit in units]


def _total(unit: str, rows: list[CostRow]) -> Total:
    known = [row.forecast.total for row in rows if row.forecast]
    return Total(unit, sum(row.so_far for row in rows), sum(known) if len(known) == len(rows) else None)


def _inside(row: CostRow, at: datetime) -> dict[str, Any]:
    """The month of one feature: its course, its parts, the price of its changes."""
    feature_id = row.series.feature_id or 0
    changes, unclear = queries.priced_changes(feature_id=feature_id, at=at)
    series = queries.feature_series(feature_id=feature_id)
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    marks = queries.markers_between(feature_id=feature_id, start=first, end=at + timedelta(minutes=1))
    zone = timezone.get_current_timezone()
    return {
        "chart": cost_chart(row=row, first=first, at=at, markers=marks, zone=zone),
        "changes": changes,
        "unclear": unclear,
        "parts": [(split, _parts(series, split, row, at)) for split in map(SPLITS.__getitem__, SPLIT_BY)],
    }


def _parts(series: list[Any], split: Split, row: CostRow, at: datetime) -> list[CostPart]:
    return queries.cost_parts(series=series, split=split, whole=row.so_far, at=at)
