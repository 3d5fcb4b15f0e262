"""Callers tell which version they serve: read, checked item by item, and stored."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from apps.accounts.models import ApiToken
from apps.api.document import Api, described
from apps.api.errors import ApiError
from apps.api.reading import read_body
from apps.api.serving.reference import SCOPE, enter_for_prompts
from apps.api.serving.slot import Grant
from apps.api.storing import answer_of
from apps.connectors.body import parse_json
from apps.connectors.errors import SourceError
from apps.prompts import services
from apps.prompts.models import Prompt
from apps.sync.pushing import Fate, Told

MOST_COUNT = 2**53
Word = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Count = Annotated[int, Field(ge=0, le=MOST_COUNT, strict=True)]
EXAMPLE = {
    "caller": "checkout-api",
    "instance": "checkout-api-7d9f/14",
    "items": [{"name": "my-prompt", "label": "production", "version": 7, "served": 1200, "fallbacks": 0}],
}
EXAMPLE_ANSWER = {
    "results": [{"index": 0, "external_id": "my-prompt", "status": "stored"}],
    "counts": {"stored": 1, "unchanged": 0, "refused": 0},
}


class Item(BaseModel):
    """What one prompt was served as since the last report; no version means the caller's own fallback text."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=512)]
    source: Annotated[str, Field(max_length=80)] = ""
    label: Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    version: Annotated[int, Field(ge=0, lt=2**31, strict=True)] | None = None
    served: Count = 0
    fallbacks: Count = 0


class Report(BaseModel):
    """Who tells, and of which prompts."""

    model_config = ConfigDict(extra="forbid")

    caller: Word
    instance: Word
    items: Annotated[list[Item], Field(min_length=1, max_length=1000)]


def add_to(api: Api) -> None:
    """Give the API its address."""
    api.post(
        "/prompts/reports",
        auth=enter_for_prompts,
        url_name="prompt-reports",
        operation_id="prompt-reports",
        summary="Tell what is served",
        description="Which version of its prompts an instance serves; the client of opsportal/client.py does it.",
        openapi_extra=_described(),
    )(take)


def take(request: HttpRequest) -> HttpResponse:
    """200, or 207 when something was refused, with a result for each item."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # what enter_for_prompts returned
    report, grant = _read(read_body(request)), Grant.of(token)
    told = [
        services.ToldUse(
            name=item.name, source=item.source, label=item.label, number=item.version,
            served=item.served, fallbacks=item.fallbacks,
        )
        for item in report.items
    ]  # fmt: skip
    refusals = services.record_uses(
        caller=report.caller, instance=report.instance, told=told, may_tell=_opened_by(grant), at=timezone.now()
    )
    fates = [Told(Fate.REFUSED, text) if text else Told(Fate.STORED) for text in refusals]
    return answer_of(fates, [item.name for item in report.items]).response()


def _opened_by(grant: Grant) -> Any:
    def may_tell(prompt: Prompt) -> bool:
        return grant.opens_place(folder=prompt.folder, source=prompt.source.slug if prompt.source else "")

    return may_tell


def _read(body: bytes) -> Report:
    try:
        return Report.model_validate(parse_json(body))
    except SourceError as error:
        raise ApiError(400, "malformed", error.message.replace("The answer", "The body", 1)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise ApiError(422, "invalid", f"{field or 'The body'}: {first['msg']}.", field=field) from None


def _described() -> dict[str, Any]:
    extra = described(SCOPE, example=EXAMPLE_ANSWER)
    item = {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string"},
            "source": {"type": "string"},
            "label": {"type": "string"},
            "version": {"type": ["integer", "null"]},
            "served": {"type": "integer"},
            "fallbacks": {"type": "integer"},
        },
    }
    words = {name: {"type": "string", "minLength": 1, "maxLength": 120} for name in ("caller", "instance")}
    items = {"type": "array", "minItems": 1, "maxItems": 1000, "items": item}
    schema = {"type": "object", "required": [*words, "items"], "properties": words | {"items": items}}
    content = {"application/json": {"schema": schema, "example": EXAMPLE}}
    extra["responses"][207] = extra["responses"][200] | {"description": "Some items were refused"}
    return extra | {"requestBody": {"required": True, "content": content}}
