"""What is evaluated: one version of a subject, as the request that its callers would send. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`messages` are [{"role", "content"}] with {{variables}}; a text prompt is one message of the user.

    `parameters` go into the request beside them: temperature, max_tokens, response_format … A "model" among them is
    asked for instead of the endpoint's own.
    """

    version: str
    messages: Sequence[Mapping[str, str]]
    parameters: Mapping[str, Any] = field(default_factory=dict)


def text_target(*, version: str, template: str, parameters: Mapping[str, Any] | None = None) -> Target:
    """The target of a text prompt."""
    return Target(version=version, messages=[{"role": "user", "content": template}], parameters=parameters or {})


def variables_of(messages: Sequence[Mapping[str, str]]) -> set[str]:
    """The names of the variables that the messages want filled in."""
    return {name for message in messages for name in _VARIABLE.findall(message.get("content", ""))}


def rendered(messages: Sequence[Mapping[str, str]], inputs: Mapping[str, Any]) -> list[dict[str, str]]:
    """The messages with the inputs filled in, in one pass: braces inside an input stay as they are.

    Raises ValueError naming the variables that the case does not give.
    """
    missing = sorted(variables_of(messages) - inputs.keys())
    if missing:
        raise ValueError(f"The case gives no {', '.join(missing)}, which the prompt needs.")
    return [
        {**message, "content": _VARIABLE.sub(lambda found: str(inputs[found[1]]), message.get("content", ""))}
        for message in messages
    ]
