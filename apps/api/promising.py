"""Objectives for machines: lists, single ones, setting one, changing one with a reason."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.utils import timezone

from apps.api.document import Api
from apps.api.errors import ApiError
from apps.api.reading import read_body, read_object
from apps.api.watching import PAGE, add_address, address_of, iso, the_one, token_of, whole
from apps.metrics.models import Series
from apps.monitors import queries, services
from apps.monitors.models import Slo
from apps.pipelines.models import Pipeline

_EXAMPLE: Final = {
    "name": "Answers are fast", "series": 42, "limit": 2.5, "bad": "above", "objective": 99.0, "days": 28,
}  # fmt: skip
_CHANGE: Final = {"objective": 99.5, "reason": "Two quarters without trouble"}
_KINDS: Final = ({"series"}, {"good_series", "total_series"}, {"pipeline"})
_TERMS: Final = {"name", "limit", "bad", "objective", "days"}


def add_to(api: Api) -> None:
    """Give the API its addresses."""
    one = "/objectives/{pk}"
    add_address(
        api.get, "/objectives", "list-objectives", "List objectives, the least budget first", list_slos, ("read",)
    )
    add_address(api.get, one, "get-objective", "One objective", get_slo, ("read",))
    add_address(api.post, "/objectives", "set-objective", "Set an objective", set_slo, ("watch",), body=_EXAMPLE)
    add_address(api.patch, one, "change-objective", "Change an objective", change_slo, ("watch",), body=_CHANGE)


def list_slos(request: HttpRequest) -> dict[str, Any]:
    """At most a hundred, the least budget first."""
    return {"items": [_slo(request, one) for one in queries.slos()[:PAGE]], "next": None}


def get_slo(request: HttpRequest, pk: int) -> dict[str, Any]:
    """What is promised, what is left of its budget and how fast it goes."""
    return _slo(request, the_one(queries.slos(), pk))


def set_slo(request: HttpRequest) -> dict[str, Any]:
    """A new objective on one of three: a series with its limit, good and all events, or a pipeline."""
    token, given = token_of(request), read_object(read_body(request))
    watched = given.keys() - _TERMS
    if watched not in _KINDS:
        raise _wrong(
            "An objective names series, or good_series and total_series, or pipeline, and nothing else.", "series"
        )
    if watched == {"pipeline"}:
        found: dict[str, Any] = {"pipeline": _row(Pipeline.objects.filter(gone_at=None), given, "pipeline")}
    else:
        found = {name: _row(Series.objects.select_related("feature"), given, name) for name in sorted(watched)}
    if found.get("good_series") == found.get("total_series") is not None:
        raise _wrong("Good events and all events are two series.", "good_series")
    terms = _terms({"days": 28, "bad": "above"} | given, has_limit="series" in watched)
    if missing := {"name", "objective"} - terms.keys():
        raise _wrong(f"An objective needs {min(missing)}.", min(missing))
    if "series" in watched and "limit" not in terms:
        raise _wrong("A series needs a limit that tells good from bad.", "limit")
    feature = (found.get("total_series") or found.get("series") or found.get("pipeline")).feature  # type: ignore[union-attr]
    slo = services.create_slo(actor=token.user, at=timezone.now(), feature=feature, **found, **terms)
    return _slo(request, the_one(queries.slos(), slo.pk))


def change_slo(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Another name, promise, period or limit, with the reason; the rest stays. Repeating it changes nothing."""
    token, given = token_of(request), read_object(read_body(request))
    slo: Slo = the_one(queries.slos(), pk)
    reason = given.pop("reason", "")
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= 1000 or "\x00" in reason:
        raise _wrong("A change needs its reason, up to 1,000 characters.", "reason")
    if unknown := given.keys() - _TERMS:
        raise _wrong("Only name, objective, days, limit and bad can be changed.", min(unknown))
    terms = _terms(given, has_limit=slo.series_id is not None)
    services.change_slo(slo_id=pk, actor=token.user, reason=reason.strip(), at=timezone.now(), **terms)
    return _slo(request, the_one(queries.slos(), pk))


def _terms(given: dict[str, Any], *, has_limit: bool) -> dict[str, Any]:
    """What is promised, as far as `given` says it, checked."""
    terms: dict[str, Any] = {}
    if "name" in given:
        terms["name"] = str(given["name"]).strip()
        if not 0 < len(terms["name"]) <= 120 or "\x00" in terms["name"]:
            raise _wrong("A name has up to 120 characters.", "name")
    if "objective" in given:
        terms["objective"] = _number(given, "objective")
        if not 0.001 <= terms["objective"] <= 99.9999:
            raise _wrong("The objective is percent, from 0.001 to 99.9999.", "objective")
    if "days" in given:
        terms["days"] = whole(given, "days")
        if not 1 <= terms["days"] <= 90:
            raise _wrong("The period is 1 to 90 days.", "days")
    if "limit" in given:
        if not has_limit:
            raise _wrong("Only an objective on a series has a limit.", "limit")
        terms["limit"] = _number(given, "limit")
    if "bad" in given and has_limit:
        if given["bad"] not in ("above", "below"):
            raise _wrong("Samples are bad above or below the limit.", "bad")
        terms["is_bad_above"] = given["bad"] == "above"
    return terms


def _number(given: dict[str, Any], name: str) -> float:
    value = given[name]
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e300:
        raise _wrong(f"{name} is a number.", name)
    return float(value)


def _row(rows: Any, given: dict[str, Any], name: str) -> Any:
    found = rows.filter(pk=whole(given, name)).first()
    if found is None:
        raise _wrong(f"No {'pipeline' if name == 'pipeline' else 'series'} has this number.", name)
    return found


def _wrong(sentence: str, field: str) -> ApiError:
    return ApiError(422, "invalid", sentence, field=field)


def _slo(request: HttpRequest, one: Slo) -> dict[str, Any]:
    names = ("name", "state", "objective", "days", "good", "total", "budget_left", "burn_hour", "burn_day", "limit")
    return {
        "id": one.pk,
        "feature": one.feature.slug if one.feature else None,
        "series": one.series_id,
        "good_series": one.good_series_id,
        "total_series": one.total_series_id,
        "pipeline": one.pipeline_id,
        "bad": ("above" if one.is_bad_above else "below") if one.series_id else None,
        "measured_at": iso(one.measured_at),
        "url": address_of(request, one),
        **{name: getattr(one, name) for name in names},
    }
