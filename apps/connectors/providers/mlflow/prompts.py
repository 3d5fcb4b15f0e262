"""From MLflow's registered models and model versions to prompts, versions and labels: pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from apps.connectors.providers.mlflow.normalize import own_tags, tags_of
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
    embedded_json,
    from_millis,
    list_or_empty,
    object_or_empty,
    optional_text,
    read_items,
    reject,
    required_text,
)

_TEXT, _TYPE = "mlflow.prompt.text", "_mlflow_prompt_type"
_RESPONSE_FORMAT, _MODEL_CONFIG = "_mlflow_prompt_response_format", "_mlflow_prompt_model_config"


def read_prompts(items: Sequence[Any], *, ui: str) -> tuple[list[PromptRecord], list[Rejected]]:
    """Prompts; a prompt's identity in MLflow is its name."""

    def read(item: Mapping[str, Any]) -> PromptRecord:
        name = _name(item)
        return PromptRecord(
            external_id=name,
            raw={key: value for key, value in item.items() if key != "latest_versions"},
            name=name,
            description=optional_text(item, "description", limit=MAX_TEXT),
            url=f"{ui}/#/prompts/{quote(name, safe='')}",
            labels=own_tags(tags_of(item)),
        )

    return read_items(items, read, kind=Kind.PROMPT, id_key="name")


def read_versions(
    items: Sequence[Any], *, prompt: str, ui: str
) -> tuple[list[PromptVersionRecord], list[Rejected], Listing | None]:
    """The versions of one prompt, and their complete listing unless a version has no number."""

    def read(item: Mapping[str, Any]) -> PromptVersionRecord:
        return _version(item, prompt=prompt, ui=ui)

    records, rejected = read_items(items, read, kind=Kind.PROMPT_VERSION, id_key="version")
    numbers = [_number(object_or_empty(item).get("version")) for item in items]
    if None in numbers:
        return records, rejected, None
    identities = frozenset(f"{prompt}/{number}" for number in numbers)
    return records, rejected, Listing(kind=Kind.PROMPT_VERSION, external_ids=identities, scope=prompt)


def _version(item: Mapping[str, Any], *, prompt: str, ui: str) -> PromptVersionRecord:
    number, tags = _number(item.get("version")), tags_of(item)
    if number is None:
        raise UnreadableError("its version is not a number")
    if _TEXT not in tags:
        raise UnreadableError("it has no prompt text")
    is_chat = tags.get(_TYPE) == "chat"
    return PromptVersionRecord(
        external_id=f"{prompt}/{number}",
        raw=item,
        prompt_external_id=prompt,
        number=number,
        created_at=from_millis(item.get("creation_timestamp")),
        template="" if is_chat else tags[_TEXT],
        messages=_messages(tags[_TEXT]) if is_chat else (),
        model_config=_json_object(tags.get(_MODEL_CONFIG)) or {},
        response_format=_json_object(tags.get(_RESPONSE_FORMAT)),
        commit_message=optional_text(item, "description", limit=MAX_TEXT),
        author=tags.get("author", "") or optional_text(item, "user_id"),
        tags=own_tags(tags),
        url=f"{ui}/#/prompts/{quote(prompt, safe='')}",
    )


def read_labels(
    model: Mapping[str, Any], *, prompt: str
) -> tuple[list[PromptLabelRecord], list[Rejected], Listing | None]:
    """Where every alias of one prompt points, and their complete listing unless one of them cannot be read."""
    records: list[PromptLabelRecord] = []
    rejected: list[Rejected] = []
    for item in list_or_empty(model.get("aliases")):
        name = optional_text(object_or_empty(item), "alias")
        number = _number(object_or_empty(item).get("version"))
        if not name or number is None:
            error = UnreadableError(f"an alias of {prompt} has no name or no version")
            rejected.append(reject(item, kind=Kind.PROMPT_LABEL, id_key="alias", error=error))
            continue
        records.append(
            PromptLabelRecord(
                external_id=f"{prompt}@{name}", raw=item, prompt_external_id=prompt, name=name, number=number
            )
        )
    if rejected:
        return records, rejected, None
    identities = frozenset(record.external_id for record in records)
    return records, rejected, Listing(kind=Kind.PROMPT_LABEL, external_ids=identities, scope=prompt)


def fingerprint(model: Mapping[str, Any]) -> str:
    """What changes when a version is added; moving an alias or a version's tag does not change it."""
    newest = [str(object_or_empty(item).get("version")) for item in list_or_empty(model.get("latest_versions"))]
    return f"{model.get('last_updated_timestamp')}/{','.join(newest)}"[:100]


def body_of(version: WriteVersion) -> dict[str, Any]:
    """What MLflow is sent for a version, with the tags that its own client writes."""
    is_chat = bool(version.messages)
    text = json.dumps(list(version.messages), ensure_ascii=False) if is_chat else version.template
    tags = {"mlflow.prompt.is_prompt": "true", _TEXT: text, _TYPE: "chat" if is_chat else "text"}
    if version.model_config:
        tags[_MODEL_CONFIG] = json.dumps(version.model_config, ensure_ascii=False)
    if version.response_format is not None:
        tags[_RESPONSE_FORMAT] = json.dumps(version.response_format, ensure_ascii=False)
    return {
        "name": version.prompt_external_id,
        "source": "prompt-template",  # asked for, and not used for prompts
        "description": version.commit_message,
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }


def find_marker(items: Sequence[Any], marker: str) -> bool:
    """Whether one of the versions carries the marker."""
    texts = (optional_text(object_or_empty(item), "description", limit=MAX_TEXT) for item in items)
    return any(marker in text for text in texts)


def newest_of(items: Sequence[Any]) -> int:
    """The highest number, 0 for none."""
    return max((_number(object_or_empty(item).get("version")) or 0 for item in items), default=0)


def _name(item: Mapping[str, Any]) -> str:
    name = required_text(item, "name")
    if name != item.get("name"):
        raise UnreadableError("its name is too long or begins or ends with a blank")
    if "'" in name and '"' in name:
        raise UnreadableError("its name holds both kinds of quotes, which MLflow's filter cannot ask for")
    return name


def _number(value: Any) -> int | None:
    """A version number from a JSON number or its text."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 else None


def _messages(text: str) -> tuple[Mapping[str, str], ...]:
    """The chat messages in a version's text; content that is not a text (images, parts) is kept as JSON."""
    value = embedded_json(text)
    if not isinstance(value, list):
        raise UnreadableError("its chat messages are not a list")
    return tuple(_message(object_or_empty(entry)) for entry in value)


def _message(entry: Mapping[str, Any]) -> Mapping[str, str]:
    role, content = entry.get("role"), entry.get("content")
    if not isinstance(role, str):
        raise UnreadableError("a chat message has no role")
    return {"role": role, "content": content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)}


def _json_object(text: str | None) -> dict[str, Any] | None:
    try:
        value = embedded_json(text) if text else None
    except UnreadableError:
        return None
    return value if isinstance(value, dict) else None


def aliases_of(model: Mapping[str, Any]) -> dict[str, int]:
    """Alias and number of one prompt; what cannot be read is left out."""
    entries = map(object_or_empty, list_or_empty(model.get("aliases")))
    pairs = [(entry.get("alias"), str(entry.get("version"))) for entry in entries]
    return {name: int(number) for name, number in pairs if isinstance(name, str) and number.isdecimal()}
