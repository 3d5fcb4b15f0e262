"""The page about the API, made out of the same OpenAPI document that machines read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

EXAMPLES: Final = {"slug": "my-source", "name": "my-prompt"}

PLACES = {"slug": "my-source", "name": "my-prompt", "pk": "1"}  # what stands in an example for a part of an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address with everything the page shows of it; `body` and `answer` are JSON texts, "" without one."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    scopes: tuple[str, ...]
    body: str
    answer: str
    curl: str


def endpoints(document: Mapping[str, Any], *, base_url: str) -> list[Endpoint]:
    """Every operation of an OpenAPI document, in its order; `base_url` is where this portal is reached."""
    return [
        _endpoint(path, method, operation, base_url)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _endpoint(path: str, method: str, operation: Mapping[str, Any], base_url: str) -> Endpoint:
    body = _example(operation.get("requestBody", {}))
    return Endpoint(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        scopes=tuple(operation.get("x-scopes", ())),
        body=body,
        answer=_example(operation.get("responses", {}).get(200, {})),
        curl=_curl(f"{base_url}{_filled(path)}{_query(operation)}", method.upper(), body),
    )


def _filled(path: str) -> str:
    """The path with something in the place of every parameter."""
    return re.sub(r"\{(\w+)\}", lambda found: EXAMPLES.get(found[1], "42"), path)


def _query(operation: Mapping[str, Any]) -> str:
    """The parameters that must be in the address, quoted for a shell."""
    names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query" and one.get("required")]
    return f"'?{'&'.join(f'{name}=my-{name}' for name in names)}'" if names else ""


def _example(described: Mapping[str, Any]) -> str:
    content = described.get("content", {}).get("application/json", {})
    return json.dumps(content["example"], indent=2, ensure_ascii=False) if "example" in content else ""


def _curl(address: str, method: str, body: str) -> str:
    lines = [f"curl -X {method} {address}", '  -H "Authorization: Bearer $OPSPORTAL_TOKEN"']
    if body:
        lines += ['  -H "Content-Type: application/json"', f"  -d '{body}'"]
    return " \\\n".join(lines)
