"""A suite from a file to its results, against the demo's model, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_every_page import _problems

pytestmark = pytest.mark.browser

CASES = "key,ticket,expected\n" + "\n".join(
    f"{key},{ticket},{fact}"
    for key, ticket, fact in (
        ("window", "How long do I have to send a dress back?", "30 days"),
        ("norway", "Do you deliver to Norway?", "do not deliver to Norway"),
        ("wool", "How do I wash the wool blanket?", "30 degrees"),
        ("vat", "I need an invoice with my company's VAT number.", "invoice"),
    )
)
GOOD = "Use only the facts you know. If a fact is missing, say so. At most 50 words. Answer in JSON.\n{{ticket}}"


def _make_suite(page, name: str) -> None:
    page.get_by_role("link", name="New suite").click()
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_label("Where it runs").select_option(label="Fernway model")
    page.get_by_role("textbox", name="Scorers").fill('[{"kind": "contains"}]')
    page.get_by_role("button", name="Make the suite").click()
    page.get_by_label("Or paste them").fill("key,ticket,expected\nwindow,How long?,\n")
    page.get_by_role("button", name="Import").click()
    expect(page.locator("main")).to_contain_text("Line 2: The scorer contains needs something expected")
    page.get_by_label("Or paste them").fill(CASES)
    page.get_by_role("button", name="Import").click()
    expect(page.locator("main")).to_contain_text("Our own, version 2")


def test_cases_are_imported_run_with_progress_and_looked_at(visit: Callable) -> None:
    engineer = visit("enno")
    engineer.goto("/evaluations/suites/")
    page = engineer.page
    _make_suite(page, "Journey")
    engineer.complaints[:] = [line for line in engineer.complaints if "422" not in line]  # the file with a wrong line
    page.get_by_role("link", name="Run it").click()
    page.get_by_role("textbox", name="Prompt").fill("support-reply")
    page.get_by_role("textbox", name="Version").fill("draft")
    page.get_by_role("textbox", name="Message", exact=True).fill(GOOD)
    page.get_by_role("button", name="Run it").click()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    expect(page.locator("main")).to_contain_text("4 of 4 cases", timeout=20_000)
    expect(page.locator(".page-head .pill").first).to_contain_text("Scored", timeout=20_000)
    page.get_by_role("link", name="norway", exact=True).click()
    expect(page.locator("pre").first).to_contain_text("reply")
    expect(page.locator("main")).to_contain_text("Do you deliver to Norway?")


def test_who_only_looks_cannot_run_a_suite(visit: Callable) -> None:
    viewer = visit("viola").goto("/evaluations/suites/")
    expect(viewer.get_by_role("link", name="New suite")).to_have_count(0)
    viewer.get_by_role("link", name=re.compile("Support questions")).click()
    expect(viewer.get_by_role("link", name="Run it")).to_have_count(0)


@pytest.mark.parametrize(("size", "theme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"])
def test_the_pages_of_a_suite_are_accessible(visit: Callable, size: dict, theme: str) -> None:
    visitor = visit("admin", size=size, theme=theme)
    page = visitor.goto("/evaluations/suites/?q=Support+questions")
    page.locator("tbody th a").first.click()
    page.wait_for_load_state()
    suite = page.url.removeprefix(visitor.base)
    problems = {}
    for path in ("", "change/", "run/", "cases/", "cases/add/", "cases/import/", "schedule/"):
        page = visitor.goto(suite + path)
        page.wait_for_timeout(300)
        problems[path] = _problems(page)
    assert not {path: found for path, found in problems.items() if found}
