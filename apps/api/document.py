"""The OpenAPI document: what django-ninja finds by itself, and the items, answers and errors that it cannot see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from pydantic.json_schema import models_json_schema

from apps.api.incident_items import EXAMPLES, ITEMS
from apps.api.nouns import NOUNS, Noun
from apps.connectors.providers.push.normalize import read_items

REF = "#/components/schemas/"
ERRORS = {
    400: "not usable JSON, or a bad Idempotency-Key",
    401: "no token, or one that opens nothing",
    403: "the token may not do this, or not here",
    404: "no such source, prompt, version or label",
    409: "the source takes no reports now, the same request is still being worked on, or a name is not clear",
    413: "larger than 1 MiB",
    422: "another shape than documented, or an Idempotency-Key that came with another body",
    429: "too many requests; the header Retry-After says how long to wait",
    503: "other reports to the source are being stored; the header Retry-After says how long to wait",
}
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 200},
    "description": "The same key with the same body within 24 hours is answered as the first time and stored once.",
}
SHARED: dict[str, Any] = {
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {name: {"type": "string"} for name in ("code", "message", "field")},
            }
        },
    },
    "Results": {
        "type": "object",
        "required": ["results", "counts"],
        "properties": {
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["index", "external_id", "status"],
                    "properties": {
                        "index": {"type": "integer"},
                        "external_id": {"type": "string"},
                        "status": {"enum": ["stored", "unchanged", "refused"]},
                        "error": {"type": "string"},
                    },
                },
            },
            "counts": {
                "type": "object",
                "properties": {name: {"type": "integer"} for name in ("stored", "unchanged", "refused")},
            },
        },
    },
}


class Api(NinjaAPI):
    """django-ninja's API whose document also describes the items."""

    def get_openapi_schema(self, **given: Any) -> OpenAPISchema:
        """The document for machines, made anew for every reader."""
        document = super().get_openapi_schema(**given)
        items = [(item, "validation") for item in (*(noun.reader.item for noun in NOUNS), *ITEMS)]
        _, found = models_json_schema(items, ref_template=REF + "{model}")  # type: ignore[arg-type]  # a literal
        document["components"]["schemas"] |= found["$defs"] | SHARED
        return document


def described(*scopes: str, example: dict[str, Any] | None = None, answer: str = "Results") -> dict[str, Any]:
    """What django-ninja is told of an address: its scopes, its answers and its refusals."""
    content = {"schema": {"$ref": f"{REF}{answer}"} if answer in SHARED else {"type": "object"}}
    good = {"application/json": content | ({"example": example} if example else {})}
    refusals = {
        str(status): {"description": text, "content": {"application/json": {"schema": {"$ref": f"{REF}Error"}}}}
        for status, text in ERRORS.items()
    }
    return {"x-scopes": list(scopes), "responses": {200: {"description": "OK", "content": good}} | refusals}


def described_noun(noun: Noun) -> dict[str, Any]:
    """The same for an address that takes items."""
    extra = described(noun.scope, example=example_answer(noun))
    refused = {"description": "Some items were refused, the others are stored", "content": _json("Results")}
    extra["responses"][207] = refused
    items = {"type": "array", "minItems": 1, "maxItems": 1000, "items": {"$ref": REF + noun.reader.item.__name__}}
    schema = {"type": "object", "required": ["items"], "properties": {"items": items}}
    body = {"schema": schema, "example": {"items": [noun.example]}}
    extra["requestBody"] = {"required": True, "content": {"application/json": body}}
    extra["parameters"] = [IDEMPOTENCY]
    return extra


def described_body(scope: str, *, item: Any = None, example: dict[str, Any] | None = None) -> dict[str, Any]:
    """What django-ninja is told of an address that takes one object."""
    extra = described(scope, answer="object")
    extra["responses"][201] = {"description": "Made", "content": {"application/json": {"schema": {"type": "object"}}}}
    schema = {"$ref": REF + item.__name__} if item else {"type": "object"}
    body = {"schema": schema, "example": example or EXAMPLES[item]}
    extra["requestBody"] = {"required": True, "content": {"application/json": body}}
    extra["parameters"] = [IDEMPOTENCY]
    return extra


def example_answer(noun: Noun) -> dict[str, Any]:
    """What the example of a noun is answered, the first time."""
    return {
        "results": [{"index": 0, "external_id": _example_id(noun), "status": "stored"}],
        "counts": {"stored": 1, "unchanged": 0, "refused": 0},
    }


def _example_id(noun: Noun) -> str:
    return read_items(noun.reader, [noun.example], at=datetime(2026, 11, 24, tzinfo=UTC))[0].external_id


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": REF + name}}}
