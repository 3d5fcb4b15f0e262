"""A prompt version as JSON, in our own shape and in Langfuse's, and the headers under which it travels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from apps.prompts.finding import Found, Served
from apps.prompts.serving import Document, Offer

MAX_AGE = 5  # seconds a client may repeat an answer without asking
STALE_FOR = 60  # seconds more in which it may do so while it asks again
CACHE_CONTROL = f"private, max-age={MAX_AGE}, stale-while-revalidate={STALE_FOR}"
Shape = Callable[[Served], dict[str, Any]]


def own_shape(served: Served) -> dict[str, Any]:
    """The portal's own shape: `text` or `messages`, whichever the type says."""
    prompt, version = served.prompt, served.version
    content = {"messages": served.messages} if served.messages else {"text": served.text}
    return {
        "name": prompt.name,
        "version": version.number,
        "labels": list(served.labels),
        "type": "chat" if served.messages else "text",
        **content,
        "config": version.model_config,
        "variables": version.variables,
        "response_format": version.response_format,
        "hash": version.content_hash,
        "source": prompt.source.slug if prompt.source else None,
    }


def langfuse_shape(served: Served) -> dict[str, Any]:
    """Langfuse's public API, version 2: a response format stands in `config`, as its users keep it there."""
    prompt, version = served.prompt, served.version
    shape = {} if version.response_format is None else {"response_format": version.response_format}
    tags = str(prompt.labels.get("tags", "")) if isinstance(prompt.labels, dict) else ""
    return {
        "id": str(version.pk),
        "name": prompt.name,
        "version": version.number,
        "type": "chat" if served.messages else "text",
        "prompt": [_message(message) for message in served.messages] or served.text,
        "config": version.model_config | shape,
        "labels": list(served.labels),
        "tags": [tag for tag in tags.split(",") if tag],
        "commitMessage": version.commit_message or None,
        "resolutionGraph": None,
        "createdAt": version.created_at.isoformat(),
        "updatedAt": version.first_seen_at.isoformat(),
        "createdBy": version.author or "OpsPortal",
        "projectId": "opsportal",
    }


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """A message, or the place where the caller puts messages, as Langfuse writes it."""
    if message.get("role") == "placeholder":
        return {"type": "placeholder", "name": message.get("content", "")}
    return {"role": message.get("role", ""), "content": message.get("content", "")}


def offer_of(found: Found, *, shape: Shape) -> Offer:
    """What is found, ready for the wire."""
    prompt, other = found.usual.prompt, found.other
    return Offer(
        folder=prompt.folder,
        source=prompt.source.slug if prompt.source else "",
        usual=Document.of(orjson.dumps(shape(found.usual))),
        other=Document.of(orjson.dumps(shape(other))) if other else None,
        percent=found.percent,
        salt=found.salt,
    )


def is_known(document: Document, if_none_match: bytes) -> bool:
    """Whether the caller has these very bytes already (RFC 9110: a list, weak tags count, `*` is anything)."""
    if not if_none_match:
        return False
    if if_none_match == document.etag:
        return True
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return document.etag in tags or tags == [b"*"]


def respond(request: HttpRequest, document: Document) -> HttpResponse:
    """Django's answer: 200 with the document, or 304."""
    known = is_known(document, request.headers.get("If-None-Match", "").encode())
    response = HttpResponse(b"" if known else document.body, status=304 if known else 200)
    if known:
        del response.headers["Content-Type"]
    else:
        response.headers["Content-Type"] = "application/json"
    response.headers["ETag"] = document.etag.decode()
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.headers["Vary"] = "Authorization"
    return response
