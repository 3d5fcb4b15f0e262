"""JMESPath expressions: compiled when a source is saved, searched when it is polled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult

from apps.connectors.errors import ConfigError
from apps.connectors.providers.http.suggestions import did_you_mean
from apps.connectors.values import UnreadableError

MAX_LENGTH = 500
_FUNCTIONS = frozenset(Functions.FUNCTION_TABLE)
_FIXED = "put a fixed value under `constants`"


def compile_expression(text: Any, *, field: str, where: str) -> ParsedResult:
    """The compiled expression; raises ConfigError at `field` whose sentence begins with `where`."""
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(field, f"{where} must be a JMESPath expression in quotes; {_FIXED}.")
    if len(text) > MAX_LENGTH:
        raise ConfigError(field, f"{where} is longer than {MAX_LENGTH} characters.")
    try:
        compiled = jmespath.compile(text)
    except (JMESPathError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(".:")
        raise ConfigError(field, f"{where} is no JMESPath expression (“{text[:80]}”): {reason[:160]}.") from None
    for name in _functions_of(compiled.parsed):
        if name not in _FUNCTIONS:
            raise ConfigError(field, f"{where} calls {name}(), which JMESPath lacks{did_you_mean(name, _FUNCTIONS)}.")
    return compiled


def _functions_of(node: Mapping[str, Any]) -> Iterator[str]:
    if node.get("type") == "function_expression":
        yield node["value"]
    for child in node.get("children", ()):
        if isinstance(child, Mapping):
            yield from _functions_of(child)


def search(expression: ParsedResult, value: Any) -> Any:
    """What the expression finds, None for nothing; raises UnreadableError when it fails on this value."""
    if expression.parsed["type"] == "field":  # a plain name, as most are: an interpreter costs twenty times as much
        return value.get(expression.parsed["value"]) if isinstance(value, Mapping) else None
    try:
        return expression.search(value)
    except (JMESPathError, ValueError, TypeError, OverflowError, KeyError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UnreadableError(f"`{expression.expression}` fails here ({reason or type(error).__name__})") from None
