"""Where the next page is, for the five ways in which sources cut long lists."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from yarl import URL

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import check_url
from apps.connectors.providers.http.client import Page
from apps.connectors.providers.http.expressions import compile_expression, search
from apps.connectors.providers.http.reading import found, is_nothing
from apps.connectors.values import UnreadableError

Position = int | str | None  # page number, offset, cursor or address; None is the first page
MAX_CURSOR = 4_000
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s;,=]+(?:\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]*))?)*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)
_BY_ADDRESS = ("next", "link")


def question(config: Mapping[str, Any], position: Position) -> tuple[str, dict[str, str | int]]:
    """(address, parameters) of the page at a position."""
    if config["paging"] in _BY_ADDRESS and isinstance(position, str):
        return position, {}
    parameters: dict[str, str | int] = {}
    if config["paging"] != "none" and config["size_parameter"]:
        parameters[config["size_parameter"]] = config["page_size"]
    if config["paging"] in ("page", "offset"):
        first = config["first_page"] if config["paging"] == "page" else 0
        parameters[config["page_parameter"]] = first if position is None else position
    elif config["paging"] == "cursor" and position is not None:
        parameters[config["page_parameter"]] = position
    return config["url"], parameters


def next_position(config: Mapping[str, Any], position: Position, page: Page, *, items: int) -> Position:
    """Where the next page is, None at the end of the list; raises SourceError when it lies on another server.

    Page numbers and offsets end with a page that has no items: a page shorter than asked for may only mean that the
    source gives less at once.
    """
    match config["paging"]:
        case "page" if items:
            return int(config["first_page"] if position is None else position) + 1
        case "offset" if items:
            return int(position or 0) + int(config["page_size"])
        case "cursor":
            return _cursor(_at(config["next_path"], page.answer))
        case "next":
            return _address(_at(config["next_path"], page.answer), config["url"], position)
        case "link":
            return _address(link_to_next(page.headers.get("link", "")), config["url"], position)
    return None


def fingerprint(page: Page) -> str:
    """What tells whether two answers are the same: a source that ignores the page parameter repeats itself."""
    return hashlib.sha256(json.dumps(page.answer, sort_keys=True).encode()).hexdigest()[:16]


def link_to_next(header: str) -> str:
    """The address with rel=next in a Link header (RFC 8288), or ""."""
    for target, parameters in _LINK.findall(header[:10_000]):
        rel = _REL.search(parameters)
        if rel and "next" in (rel[1] or rel[2] or "").lower().split():
            return str(target).strip()
    return ""


def _at(expression: str, answer: Any) -> Any:
    try:
        return search(compile_expression(expression, field="next_path", where="It"), answer)
    except UnreadableError as error:
        raise SourceError(ErrorClass.SCHEMA, f"The next page cannot be found: {error}.") from None


def _cursor(value: Any) -> Position:
    if is_nothing(value) or value is False:
        return None
    if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= MAX_CURSOR:
        return value
    raise SourceError(ErrorClass.SCHEMA, f"The cursor of the next page is {found(value)}, no short text and no number.")


def _address(value: Any, base: str, position: Position) -> Position:
    """An absolute address on the same server; it is taken as it is, and the credentials go with the question."""
    if is_nothing(value) or value is False:
        return None
    if not isinstance(value, str) or len(value) > MAX_CURSOR:
        raise SourceError(ErrorClass.SCHEMA, f"The address of the next page is {found(value)}, no text.")
    ours = URL(base)
    try:
        address = check_url(str(URL(position if isinstance(position, str) else base).join(URL(value))))
    except (ValueError, SourceError):
        raise SourceError(ErrorClass.SCHEMA, "The address of the next page is not usable.") from None
    if address.origin() != ours.origin():
        message = f"The next page lies on another server ({address.host}); only pages of {ours.host} are read."
        raise SourceError(ErrorClass.SCHEMA, message)
    return str(address)
