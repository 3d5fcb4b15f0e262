"""The addresses of the API, version 1. Each one enters, reads, stores and answers; the work lies elsewhere."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from apps.api import (
    cataloging,
    changing,
    deciding,
    delivering,
    evaluating,
    incidents,
    judging,
    promising,
    rolling,
    watching,
)
from apps.api.document import Api, described, described_noun
from apps.api.entrance import PUSH_SCOPES, Entry, enter
from apps.api.errors import ApiError
from apps.api.nouns import NOUNS, Noun
from apps.api.reading import read_body, read_items
from apps.api.repeating import Answer, answer_once
from apps.api.serving import reference, reports
from apps.api.storing import answer_of, push, report
from apps.sources.condition import judge_source

api = Api(
    title="OpsPortal",
    version="1",
    description="Systems report by themselves what they did.",
    docs_url=None,
    urls_namespace="api",
)


class TokenAuth(HttpBearer):
    """Opens an address to tokens with one of `scopes`."""

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self.scopes = scopes

    def __call__(self, request: HttpRequest) -> Entry:
        """The entry, which the view finds as `request.auth`; raises ApiError."""
        assert request.resolver_match is not None
        return enter(request, scopes=self.scopes, slug=request.resolver_match.kwargs["slug"])

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Not used: the header is read at the entrance."""
        raise NotImplementedError


@api.exception_handler(ApiError)
def refused(_request: HttpRequest, error: ApiError) -> Any:
    """A refusal in the one shape."""
    return error.answer()


@api.exception_handler(Exception)
def failed(_request: HttpRequest, error: Exception) -> Any:
    """Our own mistakes go on to `for_machines`, with DEBUG as well."""
    raise error


def _add(noun: Noun) -> None:
    """The address that takes reports of one kind of thing."""

    def take(request: HttpRequest, slug: str) -> Any:  # noqa: ARG001 - the signature documents the address
        entry, body = _entry(request), read_body(request)

        def work() -> Answer:
            return report(source=entry.source, noun=noun, items=read_items(body), bytes_read=len(body))

        return answer_once(request=request, token=entry.token, body=body, work=work)

    api.post(
        f"/sources/{{slug:slug}}/{noun.path}",
        auth=TokenAuth(noun.scope),
        url_name=noun.path,
        operation_id=noun.path,
        summary=noun.summary,
        description=noun.meaning,
        openapi_extra=described_noun(noun),
    )(take)


for _noun in NOUNS:
    _add(_noun)


deciding.add_to(api)
delivering.add_to(api)
changing.add_to(api)
reports.add_to(api)
reference.add_to(api)
judging.add_to(api)
incidents.add_to(api)
cataloging.add_to(api)
evaluating.add_to(api)
watching.add_to(api)
promising.add_to(api)
rolling.add_to(api)


def _entry(request: HttpRequest) -> Entry:
    entry: Entry = request.auth  # type: ignore[attr-defined]  # what TokenAuth returned
    return entry


@api.get(
    "/sources/{slug:slug}",
    auth=TokenAuth("read"),
    url_name="source",
    operation_id="source",
    summary="How a source is doing",
    openapi_extra=described("read", answer="source"),
)
def source(request: HttpRequest, slug: str) -> dict[str, Any]:  # noqa: ARG001 - the signature documents the address
    """When the source was last heard, and whether that is as often as expected."""
    entry = _entry(request)
    found = judge_source(source=entry.source, state=entry.source.state, at=timezone.now())
    heard = entry.source.state.last_success_at
    return {
        "slug": entry.source.slug,
        "name": entry.source.name,
        "status": found.status.value,
        "sentence": found.sentence,
        "last_heard_at": heard.isoformat() if heard else None,
        "expected_every_seconds": entry.source.interval_seconds,
    }


@api.post(
    "/sources/{slug:slug}/heartbeat",
    auth=TokenAuth(*PUSH_SCOPES),
    url_name="heartbeat",
    operation_id="heartbeat",
    summary="A sign of life",
    openapi_extra=described(*PUSH_SCOPES),
)
def heartbeat(request: HttpRequest, slug: str) -> Any:  # noqa: ARG001 - the signature documents the address
    """The source counts as heard, though it has nothing to tell."""
    return answer_of(push(source=_entry(request).source)).response()
