"""Small documents that people write into a form: YAML or JSON, read as JSON types and nothing else.

Plain `yaml.safe_load` makes dates, bytes and sets that no JSON column takes, reads `on` and `no` as booleans, `10:30`
as 630, and lets the second of two equal keys win. Here a scalar is what JSON has, or text.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from apps.connectors.body import parse_json
from apps.connectors.errors import ConfigError, SourceError

MAX_LENGTH = 100_000
_TAG = "tag:yaml.org,2002:"
_KINDS = ("null", "bool", "int", "float", "str", "seq", "map")
_SCALARS = (  # tag, pattern, first characters
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,299})$", list("-+0123456789")),
    ("float", r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?$", list("-+0123456789")),
)


class _JsonLoader(yaml.SafeLoader):
    """YAML with the scalars of JSON; everything else is text, and a tag that asks for more is refused."""

    yaml_implicit_resolvers: dict[str, Any] = {}
    yaml_constructors = {
        **{_TAG + kind: yaml.SafeLoader.yaml_constructors[_TAG + kind] for kind in _KINDS},
        None: yaml.SafeLoader.yaml_constructors[None],
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: ARG002
        """Keys as JSON has them: texts, each once."""
        names = [_key(key) for key, _ in node.value]
        for position, name in enumerate(names):
            if name in names[:position]:
                mark = node.value[position][0].start_mark
                raise yaml.MarkedYAMLError(problem=f"“{name[:40]}” stands there twice", problem_mark=mark)
        return {
            name: self.construct_object(value, deep=True) for name, (_, value) in zip(names, node.value, strict=True)
        }


for _tag, _pattern, _first in _SCALARS:
    _JsonLoader.add_implicit_resolver(_TAG + _tag, re.compile(_pattern), _first)


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.MarkedYAMLError(problem="a key is no text", problem_mark=node.start_mark)
    return str(node.value)


def parse_document(name: str, text: str) -> Any:
    """The JSON types of a small YAML or JSON document; raises ConfigError naming the field and the line."""
    if len(text) > MAX_LENGTH:
        raise ConfigError(name, f"This document is too long; {MAX_LENGTH:,} characters are enough for anybody.")
    if text.lstrip()[:1] in ("{", "["):  # pasted JSON may be indented with tabs, which YAML refuses
        try:
            return parse_json(text.encode("utf-8", errors="replace"))
        except SourceError:
            pass  # YAML has these brackets too
    try:
        if "&" in text and "*" in text and _has_alias(text):
            raise ConfigError(name, "Write the entries out; YAML aliases (*name) are not read.")
        return yaml.load(text, Loader=_JsonLoader)  # noqa: S506 - a SafeLoader with fewer constructors
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(name, error) from None


def _has_alias(text: str) -> bool:
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader))


def _unreadable(name: str, error: Exception) -> ConfigError:
    mark, problem = getattr(error, "problem_mark", None), str(getattr(error, "problem", "") or "")
    where = f" near line {mark.line + 1}" if mark is not None else ""
    if problem.endswith(("twice", "no text")):
        return ConfigError(name, f"This is not usable{where}: {problem}.")
    return ConfigError(name, f"This is not readable YAML{where}; check indentation and quotes.")
