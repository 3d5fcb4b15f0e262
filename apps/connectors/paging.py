"""Paging by the Link header, without ever following it: only the query of the next page is taken.

The address of an answer's `rel="next"` is the server's to choose, and our credentials would go with it. So the same
address is asked again with the query found there, whatever host or path the header names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^,;]+)*)")
_NEXT = re.compile(r""";\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\s*(?:;|$))""", re.IGNORECASE)


def next_page(headers: Mapping[str, str]) -> dict[str, str] | None:
    """The query of the next page, or None on the last one. `headers` are lowercase."""
    for address, parameters in _LINK.findall(headers.get("link", "")):
        if _NEXT.search(parameters):
            return _query(address)
    return None


def _query(address: str) -> dict[str, str] | None:
    try:
        return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True)) or None
    except ValueError:
        return None
