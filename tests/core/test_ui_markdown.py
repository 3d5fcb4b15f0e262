"""Markdown for people: what passes, and what never does."""

from __future__ import annotations

import pytest

from apps.core.ui.markdown import markdown


def test_headings_lists_tables_and_code_become_markup():
    html = markdown("# Title\n\n## What\n\n- `one`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n")
    for part in ("<h2>What</h2>", "<li><code>one</code></li>", "<td>1</td>", "<pre><code>code"):
        assert part in html
    assert "Title" not in html, "the page has its own heading"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=http://x.test/a>",
        "![pic](http://x.test/a.png)",
        "[x](javascript:alert(1))",
        '<a href="/x" hx-get="/pwn" hx-trigger="load">x</a>',
        "| a |\n|:-:|\n| 1 |",
    ],
)
def test_nothing_that_acts_or_loads_passes(text):
    html = markdown(text)
    for bad in ("<script", "<img", 'href="javascript', '<a href="/x', "style="):
        assert bad not in html.replace("&lt;", "(")


def test_links_lead_to_the_web_and_nowhere_else():
    html = markdown("[site](https://x.test/a) and [file](../api.md)")
    assert '<a href="https://x.test/a" rel="noopener noreferrer nofollow">site</a>' in html
    assert "api.md" not in html
    assert "file" in html
