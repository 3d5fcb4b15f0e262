"""Mapping rules as pure values: which names fit, and what the names themselves say.

A pattern is compared with the whole name: * stands for anything, ? for one character, and {feature}, {component} or
{environment} for a part that names one by its slug ("{feature}-nightly"). Everything else stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

LONGEST_PATTERN = 300
MOST_WILDCARDS = 12
PARTS = ("feature", "component", "environment")
_TOKEN = re.compile(r"\{(\w*)\}|\*|\?")


class PatternError(ValueError):
    """A pattern that cannot work; the text says what to write instead."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `labels` and `payload`: (label name or JMESPath, pattern) pairs that must all fit."""

    id: int
    pattern: str
    kind: str = ""
    source_id: int | None = None
    labels: tuple[tuple[str, str], ...] = ()
    payload: tuple[tuple[str, str], ...] = ()
    component_id: int | None = None
    feature_id: int | None = None
    environment_id: int | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """What a rule looks at. `payload` is the source's own item, None where it is not at hand."""

    source_id: int
    kind: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, Any] | None = None


def fit(rule: Rule, thing: Thing) -> dict[str, str] | None:
    """The slugs that the pattern reads out of the name ({} when it reads none), or None when the rule does not fit."""
    if rule.source_id not in (None, thing.source_id) or rule.kind not in ("", thing.kind):
        return None
    read = match(rule.pattern, thing.name)
    if read is None:
        return None
    if not all(match(pattern, str(thing.labels.get(name, ""))) is not None for name, pattern in rule.labels):
        return None
    return read if all(_payload_fits(thing.payload, path, pattern) for path, pattern in rule.payload) else None


def match(pattern: str, text: str) -> dict[str, str] | None:
    """What the pattern's placeholders stand for in `text`, or None when it does not fit."""
    glob, reader = _compiled(pattern)
    if not fnmatchcase(text, glob):
        return None
    if reader is None:
        return {}
    found = reader.fullmatch(text)  # it fitted already, so the lazy reading needs no step back
    return dict(found.groupdict()) if found else None


def check_pattern(pattern: str) -> str:
    """The pattern if it can work; raises PatternError with a sentence."""
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"A pattern has 1 to {LONGEST_PATTERN} characters; * fits every name.")
    named = [found.group(1) for found in _TOKEN.finditer(pattern) if found.group(1) is not None]
    for name in named:
        if name not in PARTS:
            raise PatternError(f"“{{{name}}}” is none of {{feature}}, {{component}} and {{environment}}.")
    if len(named) != len(set(named)):
        raise PatternError("A placeholder may stand once in a pattern.")
    if sum(1 for _ in _TOKEN.finditer(pattern)) > MOST_WILDCARDS:
        raise PatternError(f"A pattern may have {MOST_WILDCARDS} wildcards; write a shorter one.")
    return pattern


def check_path(path: str) -> str:
    """The JMESPath if it can be read; raises PatternError with a sentence."""
    try:
        jmespath.compile(path)
    except JMESPathError:
        raise PatternError(f"“{path[:60]}” is no JMESPath; write one like dag.owners[0].") from None
    return path


def literal(text: str) -> str:
    """A pattern that fits exactly `text`, as far as patterns can say so: its special characters become ?."""
    return _TOKEN.sub(lambda found: "?" * len(found.group()), text.replace("[", "?").replace("]", "?"))


def labels_used(rules: Iterable[Rule]) -> tuple[str, ...]:
    """The labels that any of the rules looks at."""
    return tuple(sorted({name for rule in rules for name, _ in rule.labels}))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> tuple[str, re.Pattern[str] | None]:
    """(the same as a shell pattern, a lazy reader of its placeholders or None)."""
    glob, regex, last = "", "", 0
    for found in _TOKEN.finditer(pattern):
        before = pattern[last : found.start()]
        name = found.group(1)
        glob += _escape(before) + (found.group() if name is None else "?*")
        regex += re.escape(before) + (f"(?P<{name}>.+?)" if name is not None else {"*": ".*?", "?": "."}[found.group()])
        last = found.end()
    glob += _escape(pattern[last:])
    regex += re.escape(pattern[last:])
    return glob, re.compile(regex, re.DOTALL) if "(?P<" in regex else None


def _escape(text: str) -> str:
    return text.replace("[", "[[]")


def _payload_fits(payload: Mapping[str, Any] | None, path: str, pattern: str) -> bool:
    return payload is not None and match(pattern, payload_text(payload, path)) is not None


def payload_text(payload: Mapping[str, Any], path: str) -> str:
    """What a JMESPath finds in the source's own item, as a text; "" for nothing and for what is no single value."""
    try:
        found = jmespath.search(path, payload)
    except (JMESPathError, TypeError, ValueError):
        return ""
    if isinstance(found, bool):
        return str(found).lower()
    return str(found) if isinstance(found, str | int | float) else ""
