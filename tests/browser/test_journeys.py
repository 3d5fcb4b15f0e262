"""What people do here, in a real Chromium against the whole running portal."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Portal
from tests.sync import upstream as upstreams
from tests.sync.upstream import http

pytestmark = pytest.mark.browser

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run
SPITEFUL = (
    "from apps.pipelines.models import Run; newest = Run.objects.filter(state='failed').latest('at');"
    " Run.objects.filter(pk=newest.pk).update(error='=1+1')"
)
MAPPING = """
- kind: run
  items: runs
  fields: {external_id: id, pipeline_external_id: job, name: job, state: status, updated_at: at}
  states: {OK: succeeded}
"""


def test_a_stranger_is_asked_to_sign_in_and_comes_back_to_the_page(portal: Portal, browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{portal.url}/pipelines/runs/?state=failed")
    expect(page).to_have_url(re.compile("/account/sign-in/"))
    page.fill("input[name=username]", "viola")
    page.fill("input[name=password]", "a long enough password 7")
    page.click("main button[type=submit]")
    expect(page).to_have_url(f"{portal.url}/pipelines/runs/?state=failed")
    context.close()


def test_a_product_manager_reads_the_overview_and_a_feature_on_a_phone(visit: Callable) -> None:
    visitor = visit("viola", size=PHONE)
    page = visitor.goto("/")
    expect(page.locator(".lead").first).to_contain_text("healthy")
    page.locator("tbody th a").filter(has_text="Search Answers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Search Answers")
    for question in ("Is it working?", "Is it fast?", "Are the answers good?", "What does it cost?"):
        expect(page.get_by_role("heading", name=question)).to_be_visible()


def test_the_palette_finds_a_prompt_by_keyboard_alone(visit: Callable) -> None:
    page = visit("enno").goto("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("support")
    expect(page.locator("#palette-found").get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/features/support-reply/"))


def test_a_viewer_cannot_change_a_source_and_an_engineer_can_poll_it(visit: Callable) -> None:
    viewer = visit("viola").goto("/sources/")
    viewer.locator("tbody th a").first.click()
    expect(viewer.get_by_role("button", name="Poll now")).to_have_count(0)
    engineer = visit("enno").goto("/sources/")
    engineer.locator("tbody th a").first.click()
    engineer.get_by_role("button", name="Poll now").click()
    expect(engineer.locator("main")).to_contain_text(re.compile("succeeded|Succeeded"), timeout=15_000)


def test_a_lost_connection_is_shown_and_heals_by_itself(visit: Callable) -> None:
    visitor = visit("viola")
    page = visitor.goto("/")
    expect(page.locator("html")).to_have_attribute("data-live-state", "up", timeout=10_000)
    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    expect(page.locator(".livebar")).to_be_visible(timeout=30_000)
    expect(page.locator(".livebar")).to_contain_text("Live updates stopped")
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator(".livebar")).to_be_hidden(timeout=30_000)
    expected = ("ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest")  # what being offline looks like
    visitor.complaints[:] = [line for line in visitor.complaints if not any(word in line for word in expected)]


def test_new_polls_appear_on_an_open_page_by_themselves(visit: Callable) -> None:
    page = visit("viola").goto("/sources/")
    page.get_by_role("link", name=re.compile("Prefect")).first.click()
    newest = "[id^=source-recent] tbody time"
    before = page.locator(newest).first.get_attribute("datetime")
    page.wait_for_function(
        "([path, seen]) => document.querySelector(path).dateTime !== seen", arg=[newest, before], timeout=45_000
    )


def test_the_theme_can_be_switched_and_stays(visit: Callable) -> None:
    page = visit("iris").goto("/")
    page.locator("[data-action=theme]").first.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.locator("[data-action=theme]").first.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_an_administrator_sees_what_a_source_would_bring_before_connecting_it(visit: Callable) -> None:
    """A preview reads one page as the form is typed; nothing is stored."""
    runs = [
        {"id": n, "job": "load", "status": "OK" if n % 2 else "ODD", "at": "2026-01-31T09:00:00Z"} for n in range(30)
    ]
    answer = http(200, json.dumps({"runs": runs}), Content_Type="application/json")
    with upstreams.serve() as upstream:
        upstream.answer(answer, answer)
        page = visit("admin").goto("/sources/add/http/")
        page.get_by_label("Name", exact=True).fill("Nightly loads")
        page.get_by_label("URL", exact=True).fill(upstream.url)
        page.get_by_label("Allowed networks").fill("127.0.0.0/8")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#preview")).to_contain_text("Nothing is mapped yet; the answer is an object with runs.")
        page.locator("[name=config-mapping]").fill(MAPPING)
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#preview")).to_contain_text("The first page gives 30 runs.")
        expect(page.locator("#preview")).to_contain_text("No state of ours stands for “ODD” yet")
        expect(page.locator("#preview tbody tr")).to_have_count(20)
        assert not Axe().run(page).response["violations"]
    page.goto(page.url.replace("/add/http/", "/"))
    expect(page.locator("main")).not_to_contain_text("Nightly loads")


def test_an_engineer_declares_an_incident_finds_its_cause_and_writes_the_review(visit: Callable) -> None:
    page = visit("enno").goto("/incidents/declare/")
    page.get_by_label("What do people notice?").fill("Search answers are wrong")
    page.get_by_role("checkbox", name="Search Answers").check()
    page.get_by_role("button", name="Declare it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Search answers are wrong")
    expect(page.locator("#suspects")).to_contain_text("Estimated onset")
    assert not [found["id"] for found in Axe().run(page).response["violations"]]
    verdict = page.get_by_role("button", name="It was the cause").first
    if verdict.count():
        verdict.click()
        expect(page.locator("#suspects")).to_contain_text("The cause")
    page.get_by_role("button", name="I am on it").click()
    page.get_by_text("Post an update").click()
    page.get_by_label("What everybody should know").fill("We are taking the change back.")
    page.get_by_role("button", name="Post it").click()
    page.get_by_role("button", name="Resolved").click()
    expect(page.locator(".page-head")).to_contain_text("Resolved")
    page.get_by_role("link", name="Review").click()
    assert not [found["id"] for found in Axe().run(page).response["violations"]]
    page.get_by_role("link", name="Edit").click()
    page.locator("#review-text").fill("# What we learned\n\nNothing is lost.")
    expect(page.locator("#review-saved")).to_contain_text("Saved")
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("article", name="The review")).to_contain_text("Nothing is lost.")


def test_the_list_of_runs_opens_in_a_spreadsheet(portal: Portal, visit: Callable) -> None:
    portal.manage("shell", "-c", SPITEFUL)
    page = visit("viola").goto("/pipelines/runs/?state=failed")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    file = waiting.value.path().read_bytes()
    assert file.startswith(codecs.BOM_UTF8), "a spreadsheet takes the file for Latin letters without the mark"
    header, *rows = csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""), strict=True)
    assert rows
    assert {len(row) for row in rows} == {len(header)}
    cells = {cell for row in rows for cell in row}
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell.startswith(FORMULA)]
    states, times = header.index("State"), header.index("Started")
    assert {row[states] for row in rows} <= {"failed", "crashed"}
    assert all(datetime.fromisoformat(row[times]).utcoffset() == timedelta(0) for row in rows)
