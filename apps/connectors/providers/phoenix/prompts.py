"""From Phoenix's prompts to prompts, versions and labels: pure, and a bad item is rejected alone.

GraphQL tells the outline (numbers, times, authors, tags), REST the content of the versions. Where GraphQL is refused
the outline is made from REST: a version's number is its place counted from the oldest, its time is when it was seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from apps.connectors.providers.phoenix.client import nodes
from apps.connectors.records import Kind, Listing, PromptLabelRecord, PromptRecord, PromptVersionRecord, Rejected
from apps.connectors.values import (
    MAX_TEXT,
    UnreadableError,
    as_labels,
    as_object,
    from_iso,
    list_or_empty,
    object_or_empty,
    optional_text,
    read_items,
    required_text,
)

# One question a poll; `first` of versions is more than anybody has, and what lies beyond it is left alone.
OUTLINE = """
query ($after: String) {
  prompts(first: 50, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node {
      id name description createdAt metadata labels { name }
      promptVersions(first: 1000) {
        pageInfo { hasNextPage }
        edges { node { id sequenceNumber createdAt tags { name user { username } } user { username } } }
      }
    } }
  }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag on a version, and who set it."""

    name: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A version without its content."""

    id: str
    number: int
    created_at: datetime
    author: str = ""
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A prompt and its versions; `is_complete` when these are all of them, with all their tags."""

    prompt: PromptRecord
    editions: tuple[Edition, ...] = ()
    is_complete: bool = True

    @property
    def newest(self) -> int:
        """The highest number, 0 for none."""
        return max((edition.number for edition in self.editions), default=0)

    @property
    def labels(self) -> list[PromptLabelRecord]:
        """Where every tag points."""
        prompt = self.prompt.external_id
        return [
            PromptLabelRecord(
                external_id=f"{prompt}@{tag.name}",
                raw={"version": edition.id, "tag": tag.name},
                prompt_external_id=prompt,
                name=tag.name,
                number=edition.number,
                moved_by=tag.by,
            )
            for edition in self.editions
            for tag in edition.tags
        ]

    @property
    def listings(self) -> list[Listing]:
        """Which versions and labels the prompt has."""
        if not self.is_complete:
            return []
        prompt = self.prompt.external_id
        versions = frozenset(edition.id for edition in self.editions)
        labels = frozenset(label.external_id for label in self.labels)
        return [
            Listing(kind=Kind.PROMPT_VERSION, external_ids=versions, scope=prompt),
            Listing(kind=Kind.PROMPT_LABEL, external_ids=labels, scope=prompt),
        ]


@dataclass(slots=True)
class Outlines:
    """What the list of prompts said; `listing` is None when one of them shows no identity."""

    outlines: list[Outline] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    listing: Listing | None = None


def read_outlines(items: Sequence[Any], *, ui: str) -> Outlines:
    """The prompts of the GraphQL answer."""

    def read(item: Mapping[str, Any]) -> Outline:
        connection = object_or_empty(item.get("promptVersions"))
        has_more = object_or_empty(connection.get("pageInfo")).get("hasNextPage") is not False
        editions = tuple(_edition(as_object(node)) for node in nodes(connection))
        return Outline(prompt=_prompt(item, ui=ui), editions=editions, is_complete=not has_more)

    return _outlines(items, *read_items(items, read, kind=Kind.PROMPT, id_key="id"))


def read_rest_prompts(items: Sequence[Any], *, ui: str) -> Outlines:
    """The prompts of the REST answer, without versions."""

    def read(item: Mapping[str, Any]) -> Outline:
        return Outline(prompt=_prompt(item, ui=ui), is_complete=False)

    return _outlines(items, *read_items(items, read, kind=Kind.PROMPT, id_key="id"))


def _outlines(items: Sequence[Any], read: list[Outline], rejected: list[Rejected]) -> Outlines:
    identities = [optional_text(object_or_empty(item), "id") for item in items]
    listing = Listing(kind=Kind.PROMPT, external_ids=frozenset(identities)) if all(identities) else None
    return Outlines(read, rejected, listing)


def rest_editions(items: Sequence[Any], tags: Mapping[str, Sequence[Any]], *, seen_at: datetime) -> tuple[Edition, ...]:
    """The versions of one prompt as REST lists them, newest first and all of them, with the tags of some."""
    count = len(items)
    identities = [optional_text(object_or_empty(item), "id") for item in items]
    return tuple(
        Edition(id=version, number=count - place, created_at=seen_at, tags=_tags(tags.get(version, ())))
        for place, version in enumerate(identities)
        if version
    )


def read_versions(
    items: Sequence[Any], outline: Outline, *, after: int, ui: str
) -> tuple[list[PromptVersionRecord], list[Rejected]]:
    """The versions of one prompt that its outline knows and whose number is above `after`."""
    known = {edition.id: edition for edition in outline.editions if edition.number > after}
    prompt = outline.prompt.external_id

    def read(item: Mapping[str, Any]) -> PromptVersionRecord:
        return _version(item, known[required_text(item, "id")], prompt=prompt, ui=ui)

    wanted = [item for item in items if optional_text(object_or_empty(item), "id") in known]
    return read_items(wanted, read, kind=Kind.PROMPT_VERSION, id_key="id")


def _prompt(item: Mapping[str, Any], *, ui: str) -> PromptRecord:
    prompt_id = required_text(item, "id")
    names = sorted(optional_text(object_or_empty(label), "name") for label in list_or_empty(item.get("labels")))
    labels = {"labels": ",".join(filter(None, names))[:512]} if any(names) else {}
    return PromptRecord(
        external_id=prompt_id,
        raw={key: value for key, value in item.items() if key != "promptVersions"},
        name=required_text(item, "name"),
        description=optional_text(item, "description", limit=MAX_TEXT),
        url=f"{ui}/prompts/{quote(prompt_id, safe='')}",
        labels={**as_labels(item.get("metadata")), **labels},
    )


def _edition(item: Mapping[str, Any]) -> Edition:
    number = item.get("sequenceNumber")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise UnreadableError("one of its versions has no number")
    return Edition(
        id=required_text(item, "id"),
        number=number,
        created_at=from_iso(item.get("createdAt")),
        author=_username(item),
        tags=_tags(list_or_empty(item.get("tags"))),
    )


def _tags(items: Sequence[Any]) -> tuple[Tag, ...]:
    found = map(object_or_empty, items)
    return tuple(Tag(name=name, by=_username(tag)) for tag in found if (name := optional_text(tag, "name")))


def _username(item: Mapping[str, Any]) -> str:
    return optional_text(object_or_empty(item.get("user")), "username")


def _version(item: Mapping[str, Any], edition: Edition, *, prompt: str, ui: str) -> PromptVersionRecord:
    template = as_object(item.get("template"))
    is_chat = template.get("type") == "chat"
    if not is_chat and not isinstance(template.get("template"), str):
        raise UnreadableError("it has no prompt text")
    shape = item.get("response_format")
    return PromptVersionRecord(
        external_id=edition.id,
        raw=item,
        prompt_external_id=prompt,
        number=edition.number,
        created_at=edition.created_at,
        template="" if is_chat else template["template"],
        messages=_messages(template.get("messages")) if is_chat else (),
        model_config=_model_config(item),
        response_format=shape if isinstance(shape, Mapping) else None,
        commit_message=optional_text(item, "description", limit=MAX_TEXT),
        author=edition.author,
        url=f"{ui}/prompts/{quote(prompt, safe='')}/versions/{quote(edition.id, safe='')}",
    )


def _model_config(item: Mapping[str, Any]) -> dict[str, Any]:
    """Model, provider, template format, and the invocation parameters, which stand below the provider's name."""
    told = object_or_empty(item.get("invocation_parameters"))
    own = object_or_empty(told.get(optional_text(told, "type")))
    names = {"model": "model_name", "provider": "model_provider", "template_format": "template_format"}
    plain = {key: text for key, name in names.items() if (text := optional_text(item, name))}
    told_tools = list_or_empty(object_or_empty(item.get("tools")).get("tools"))
    tools = [name for tool in told_tools if (name := _tool_name(object_or_empty(tool)))]
    return {**own, **plain, **({"tools": tools} if tools else {})}


def _tool_name(tool: Mapping[str, Any]) -> str:
    """Phoenix's own shape, or a vendor's as it came."""
    raw = object_or_empty(tool.get("raw"))
    return optional_text(object_or_empty(tool.get("function")), "name") or optional_text(raw, "name")


def _messages(value: Any) -> tuple[Mapping[str, str], ...]:
    if not isinstance(value, list):
        raise UnreadableError("its chat messages are not a list")
    return tuple(_message(object_or_empty(entry)) for entry in value)


def _message(entry: Mapping[str, Any]) -> Mapping[str, str]:
    role, content = entry.get("role"), entry.get("content")
    if not isinstance(role, str):
        raise UnreadableError("a chat message has no role")
    return {"role": role, "content": _text(content)}


def _text(content: Any) -> str:
    """The text of a message; parts that are no texts (tool calls, their results) keep it as JSON."""
    if isinstance(content, str):
        return content
    parts = [object_or_empty(part) for part in list_or_empty(content)]
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    return "\n".join(texts) if parts and len(texts) == len(parts) else json.dumps(content, ensure_ascii=False)
