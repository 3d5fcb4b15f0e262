"""Markdown as markup that is safe to show: no HTML of its own, no pictures, links only to the web."""

from __future__ import annotations

from typing import Final

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS: Final = frozenset(
    ("a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "strong")
) | {"table", "tbody", "td", "th", "thead", "tr", "ul"}
_reader = MarkdownIt("js-default")  # HTML inside is shown as it is written


def markdown(text: str) -> SafeString:
    """The text as markup. Its first heading is left to the page; a link to a file of the repository stays text."""
    body = text.partition("\n")[2] if text.startswith("# ") else text
    cleaned = nh3.clean(
        _reader.render(body),
        tags=set(TAGS),
        attributes={"a": {"href"}},
        attribute_filter=_kept,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(cleaned)  # noqa: S308 - cleaned on the line above


def _kept(_tag: str, name: str, value: str) -> str | None:
    return value if name != "href" or value.startswith(("https://", "http://")) else None
