"""What Phoenix is sent for a version of a prompt, so that reading it back says the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.records import WriteVersion
from apps.connectors.values import MAX_TEXT, object_or_empty, optional_text

_OWN = ("model", "provider", "template_format")


def body_of(version: WriteVersion) -> dict[str, Any]:
    """The body of a new version; raises SourceError where the settings do not say what Phoenix has to know."""
    config = dict(version.model_config)
    if "tools" in config:
        raise _refusal("Only the names of its tools are known here, so a new version would lose them; write it there.")
    if not isinstance(config.get("model"), str):
        raise _refusal('Phoenix needs a model: add "model" and "provider" to the settings.')
    provider = str(config.get("provider") or "OPENAI")
    own = {key: value for key, value in config.items() if key not in _OWN}
    told: dict[str, Any] = {
        "description": version.commit_message,
        "model_provider": provider,
        "model_name": config["model"],
        "template_type": "CHAT" if version.messages else "STR",
        "template_format": str(config.get("template_format") or "MUSTACHE"),
        "template": _template(version),
        "invocation_parameters": {"type": provider.lower(), provider.lower(): own},
    }
    if version.response_format is not None:
        told["response_format"] = dict(version.response_format)
    return {"prompt": {"name": version.prompt_name}, "version": told}


def has_marker(items: Sequence[Any], marker: str) -> bool:
    """Whether one of the versions carries the marker."""
    return any(marker in optional_text(object_or_empty(item), "description", limit=MAX_TEXT) for item in items)


def _template(version: WriteVersion) -> Mapping[str, Any]:
    if version.messages:
        return {"type": "chat", "messages": [dict(message) for message in version.messages]}
    return {"type": "string", "template": version.template}


def _refusal(sentence: str) -> SourceError:
    return SourceError(ErrorClass.REJECTED, sentence, is_permanent=True)
