"""One object as the body of a request, and the catalog's entries behind short names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db.models import Model
from pydantic import BaseModel, ValidationError

from apps.api.errors import ApiError
from apps.connectors.body import parse_json
from apps.connectors.errors import SourceError

B = TypeVar("B", bound=BaseModel)
M = TypeVar("M", bound=Model)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object; raises ApiError 400 for what is no JSON, 422 for another shape."""
    try:
        value = parse_json(body)
    except SourceError as error:
        raise ApiError(400, "malformed", error.message.replace("The answer", "The body", 1)) from None
    if not isinstance(value, dict):
        raise ApiError(422, "invalid", "Send one JSON object.")
    return value


def read_item(item: type[B], body: bytes) -> B:
    """The body as an item; raises ApiError 422 that names the first field that is wrong."""
    try:
        return item.model_validate(read_object(body))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ApiError(422, "invalid", f"{where}: {first['msg']}.", field=where) from None


def entries(model: type[M], slugs: Sequence[str], *, field: str) -> list[M]:
    """The entries of the catalog in the order of their short names; raises ApiError 422 for one that is not there."""
    found = {entry.slug: entry for entry in model._default_manager.filter(slug__in=list(slugs))}  # type: ignore[attr-defined]
    missing = [slug for slug in slugs if slug not in found]
    if missing:
        raise ApiError(422, "invalid", f"The catalog has no {model._meta.verbose_name} “{missing[0]}”.", field=field)
    return [found[slug] for slug in dict.fromkeys(slugs)]
