"""From Langfuse's prompts to prompts, versions and labels: pure, and a bad item is rejected alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from apps.connectors.records import (
    Kind,
    Listing,
    PromptLabelRecord,
    PromptRecord,
    PromptVersionRecord,
    Rejected,
    WriteVersion,
)
from apps.connectors.values import (
    MAX_TEXT,
    UnreadableError,
    from_iso,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
    read_items,
    required_text,
)

LATEST = "latest"  # follows the newest version by itself, so that a move of it says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """A prompt in a list: its versions and labels are those that passed the filters of the question."""

    name: str
    versions: frozenset[int]
    labels: frozenset[str]
    updated_at: datetime
    record: PromptRecord

    @property
    def listings(self) -> list[Listing]:
        """Which versions and labels the prompt has, when the question had no filter but the name."""
        versions = frozenset(f"{self.name}/{number}" for number in self.versions)
        labels = frozenset(f"{self.name}@{label}" for label in self.labels)
        return [
            Listing(kind=Kind.PROMPT_VERSION, external_ids=versions, scope=self.name),
            Listing(kind=Kind.PROMPT_LABEL, external_ids=labels, scope=self.name),
        ]


def project_url(ui: str, project: str) -> str:
    """Where the pages of the project are, or the start page when it is not known."""
    return f"{ui}/project/{quote(project, safe='')}" if project else ui


def read_metas(items: Sequence[Any], *, pages: str) -> tuple[list[Meta], list[Rejected]]:
    """The prompts of a list; a prompt's identity in Langfuse is its name. `pages` is the project's URL."""

    def read(item: Mapping[str, Any]) -> Meta:
        name = _name(item)
        versions = frozenset(number for number in list_or_empty(item.get("versions")) if _is_number(number))
        kind = optional_text(item, "type")
        record = PromptRecord(
            external_id=name,
            raw={key: value for key, value in item.items() if key != "lastConfig"},
            name=name,
            url=f"{pages}/prompts/{quote(name, safe='')}",
            labels={**({"type": kind} if kind else {}), **_tags(item)},
        )
        return Meta(
            name=name,
            versions=versions,
            labels=frozenset(_labels(item)),
            updated_at=from_iso(item.get("lastUpdatedAt")),
            record=record,
        )

    return read_items(items, read, kind=Kind.PROMPT, id_key="name")


def read_version(
    item: Mapping[str, Any], meta_at: datetime, *, pages: str
) -> tuple[list[PromptVersionRecord], list[PromptLabelRecord], list[Rejected]]:
    """One version and the labels that point at it; `meta_at` is its time where the server does not tell one."""
    labels: list[PromptLabelRecord] = []

    def read(told: Mapping[str, Any]) -> PromptVersionRecord:
        record = _version(told, meta_at, pages=pages)
        labels.extend(_label(told, record, name) for name in _labels(told))
        return record

    records, rejected = read_items([item], read, kind=Kind.PROMPT_VERSION, id_key="id")
    return records, labels, rejected


def body_of(version: WriteVersion) -> dict[str, Any]:
    """What Langfuse is sent for a version, so that reading it back says the same; no label moves with it."""
    config: dict[str, Any] = dict(version.model_config)
    if version.response_format is not None:
        config["response_format"] = version.response_format
    return {
        "type": "chat" if version.messages else "text",
        "name": version.prompt_external_id,
        "prompt": [_sent(message) for message in version.messages] if version.messages else version.template,
        "config": config,
        "labels": [],
        "commitMessage": version.commit_message,
    }


def _sent(message: Mapping[str, str]) -> dict[str, str]:
    if message.get("role") == "placeholder":
        return {"type": "placeholder", "name": message["content"]}
    return {"type": "chatmessage", "role": message["role"], "content": message["content"]}


def _version(item: Mapping[str, Any], meta_at: datetime, *, pages: str) -> PromptVersionRecord:
    name, number = _name(item), item.get("version")
    if not _is_number(number):
        raise UnreadableError("its version is not a number")
    content = item.get("prompt")
    is_chat = item.get("type") == "chat"
    if not is_chat and not isinstance(content, str):
        raise UnreadableError("it has no prompt text")
    config = item.get("config")
    settings = dict(config) if isinstance(config, Mapping) else {"config": config} if config is not None else {}
    shape = settings.pop("response_format") if isinstance(settings.get("response_format"), Mapping) else None
    return PromptVersionRecord(
        external_id=f"{name}/{number}",
        raw=item,
        prompt_external_id=name,
        number=int(str(number)),
        created_at=optional_iso(item.get("createdAt")) or meta_at,
        template=content if isinstance(content, str) and not is_chat else "",
        messages=_messages(content) if is_chat else (),
        model_config=settings,
        response_format=shape,
        commit_message=optional_text(item, "commitMessage", limit=MAX_TEXT),
        author=optional_text(item, "createdBy"),
        tags=_tags(item),
        url=f"{pages}/prompts/{quote(name, safe='')}?version={number}",
    )


def _label(item: Mapping[str, Any], version: PromptVersionRecord, name: str) -> PromptLabelRecord:
    prompt = version.prompt_external_id
    raw = {"name": prompt, "version": version.number, "labels": list_or_empty(item.get("labels"))}
    return PromptLabelRecord(
        external_id=f"{prompt}@{name}", raw=raw, prompt_external_id=prompt, name=name, number=version.number
    )


def _messages(value: Any) -> tuple[Mapping[str, str], ...]:
    if not isinstance(value, list):
        raise UnreadableError("its chat messages are not a list")
    return tuple(_message(object_or_empty(entry)) for entry in value)


def _message(entry: Mapping[str, Any]) -> Mapping[str, str]:
    """A message, or a place where the caller puts messages: its role is then “placeholder”."""
    role, content = entry.get("role"), entry.get("content")
    if entry.get("type") == "placeholder" and isinstance(entry.get("name"), str):
        return {"role": "placeholder", "content": entry["name"]}
    if not isinstance(role, str):
        raise UnreadableError("a chat message has no role")
    return {"role": role, "content": content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)}


def _name(item: Mapping[str, Any]) -> str:
    name = required_text(item, "name")
    if name != item.get("name"):
        raise UnreadableError("its name is too long or begins or ends with a blank")
    return name


def _labels(item: Mapping[str, Any]) -> list[str]:
    told = list_or_empty(item.get("labels"))
    return sorted({label for label in told if isinstance(label, str) and label and label != LATEST})


def _tags(item: Mapping[str, Any]) -> dict[str, str]:
    texts = sorted(tag for tag in list_or_empty(item.get("tags")) if isinstance(tag, str))
    return {"tags": ",".join(texts)[:512]} if texts else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31
