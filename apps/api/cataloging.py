"""The catalog and push sources over the API, so that a whole world can be told without a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts.models import ApiToken, AuditEntry
from apps.api.bodies import read_item, read_object
from apps.api.document import Api, described, described_body
from apps.api.entrance import let_in
from apps.api.errors import ApiError
from apps.api.incident_items import SourceItem
from apps.api.reading import read_body
from apps.api.repeating import Answer
from apps.api.times import optional_time
from apps.catalog.queries import describe_catalog
from apps.catalog.services import CatalogError, apply_catalog
from apps.incidents.queries.asof import portal_at
from apps.sources.models import Source
from apps.sources.services import SourceDraft, create_source

EXAMPLE = {
    "teams": [{"slug": "search", "name": "Search"}],
    "environments": [{"slug": "production", "name": "Production", "rank": 3, "is_production": True}],
    "features": [{"slug": "search-answers", "name": "Search Answers", "team": "search", "tier": 1}],
    "components": [
        {"slug": "search-api", "name": "Search API", "kind": "service", "feature": "search-answers"},
        {"slug": "docs-index", "name": "Documents index", "kind": "index"},
    ],
    "dependencies": [{"from": "search-api", "to": "docs-index"}],
}
MEANING = "The document of `manage.py apply_catalog` as JSON. What it does not name stays; with `prune=true` it goes."


def add_to(api: Api) -> None:
    """Give the API its addresses."""
    body = described_body("catalog:write", example=EXAMPLE)
    api.put("/catalog", auth=_enter("catalog:write"), url_name="catalog-apply", operation_id="catalog-apply",
            summary="Describe the catalog", description=MEANING, openapi_extra=body)(put_catalog)  # fmt: skip
    api.get("/catalog", auth=_enter("read", "catalog:write"), url_name="catalog-read", operation_id="catalog-read",
            summary="The catalog", openapi_extra=described("read", answer="object"))(get_catalog)  # fmt: skip
    api.put("/sources/{slug:slug}", auth=_enter("sources:write"), url_name="source-make", operation_id="source-make",
            summary="Make a source that reports by itself",
            openapi_extra=described_body("sources:write", item=SourceItem))(put_source)  # fmt: skip
    api.get("/as-of", auth=_enter("read"), url_name="as-of", operation_id="as-of",
            summary="The portal at a moment", openapi_extra=described("read", answer="object"))(as_of)  # fmt: skip


def _enter(*scopes: str) -> Any:
    def enter(request: HttpRequest) -> ApiToken:
        return let_in(request, scopes=scopes)

    return enter


def put_catalog(request: HttpRequest, prune: bool = False, dry_run: bool = False) -> HttpResponse:
    """What changed, line by line; applying the same document again changes nothing."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # what the entrance returned
    document = read_object(read_body(request))
    try:
        diff = apply_catalog(
            document=document, actor=token.user, prune=prune, dry_run=dry_run, origin=AuditEntry.Origin.API
        )
    except CatalogError as error:
        raise ApiError(422, "invalid", " ".join(str(problem) for problem in error.problems[:5])) from None
    counts = {"new": diff.count("+"), "changed": diff.count("~"), "removed": diff.count("-")}
    return Answer.of(200, {"lines": list(diff.lines()), "counts": counts}).response()


def get_catalog(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001 - the signature documents the address
    """Every entry by its short name, section by section."""
    return dict(describe_catalog())


def put_source(request: HttpRequest, slug: str) -> HttpResponse:
    """201 for a new one, 200 when it is there; 409 for one that the portal polls."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]
    item = read_item(SourceItem, read_body(request))
    found, status = Source.objects.filter(slug=slug).first(), 200
    if found is None:
        draft = SourceDraft(name=slug, connector="push", config={}, interval_seconds=3600)
        found, status = create_source(draft=draft, actor=token.user), 201
        if item.name:
            found.name = item.name[:120]
            found.save(update_fields=["name"])
    if found.is_polled:
        raise ApiError(409, "takes_no_reports", f"{found.name} is polled by the portal; choose another short name.")
    return Answer.of(status, {"slug": found.slug, "name": found.name}).response()


def as_of(request: HttpRequest, at: str) -> dict[str, Any]:  # noqa: ARG001
    """What ran where, where labels pointed, which alerts were open and how features were, from the ledger."""
    return portal_at(at=optional_time(at, "at") or timezone.now()).as_json()
