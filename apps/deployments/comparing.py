"""The link that shows what lies between two revisions, where the address of a deployment tells the forge. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

_REFERENCE: Final = re.compile(r"[0-9A-Za-z][\w.+/\-]{0,254}")
_GITHUB: Final = re.compile(r"/([\w.\-]+)/([\w.\-]+)(/|$)")


def compare_url(*, url: str, connector: str, before: str, after: str) -> str:
    """The page that compares `before` with `after` on GitHub or GitLab; "" where nobody can tell.

    `url`: the deployment's address at its source. GitLab shows itself by "/-/" in it, GitHub by its host or by the
    `connector` that told of it.
    """
    if before == after or not (_REFERENCE.fullmatch(before) and _REFERENCE.fullmatch(after)):
        return ""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    between, origin = f"{quote(before)}...{quote(after)}", f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    project, dash, _ = parts.path.partition("/-/")
    if dash and project.strip("/"):
        return f"{origin}{project}/-/compare/{between}"
    found = _GITHUB.match(parts.path)
    if found and (parts.hostname == "github.com" or connector == "github"):
        return f"{origin}/{found[1]}/{found[2]}/compare/{between}"
    return ""
