"""A bad prompt from its first minute to the gate that refuses it, in a real Chromium; nothing is faked."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from apps.demo.world.dice import World
from apps.demo.world.incidents import incidents_between
from tests.browser.conftest import Portal, Visitor

pytestmark = pytest.mark.browser
PATIENCE = 420_000  # ms; the numbers fall within three minutes and come back within four
SUITE, MONITOR = "Search promises", "Too many searches stay without an answer"
FILLED = dict.fromkeys(
    ("language", "platform", "plan", "passages", "passage_dates", "full_articles", "contact_url", "examples"), "-"
)
EASY = {
    "shop": ("Do you have a shop in Hamburg I can visit?", "Hamburg"),
    "wool": ("How do I wash the wool blanket?", "30 degrees"),
}
HARD = ("Where do I see that my refund was requested?", "order page")  # answered, but not by a prompt in doubt


def make_suite(page: Page) -> None:
    cases = [
        {"key": key, "inputs": FILLED | {"question": question}, "expected": fact}
        for key, (question, fact) in EASY.items()
    ]
    page.get_by_role("link", name="New suite").click()
    page.get_by_role("textbox", name="Name", exact=True).fill(SUITE)
    page.get_by_label("Feature").select_option(label="Search Answers")
    page.get_by_label("Where it runs").select_option(label="Fernway model")
    page.get_by_role("textbox", name="Scorers").fill('[{"kind": "contains"}]')
    page.get_by_role("button", name="Make the suite").click()
    page.get_by_role("radio", name="JSON Lines").check()
    page.get_by_label("Or paste them").fill("\n".join(map(json.dumps, cases)))
    page.get_by_role("button", name="Import").click()
    expect(page.locator("main")).to_contain_text("Our own, version 2")


def watch(page: Page) -> None:
    """A monitor with a short window, so that it fires soon."""
    page.locator("input[name=name]").fill(MONITOR)
    page.locator("select[name=series]").select_option(label="Search Answers: Got an answer")
    page.locator("select[name=p_direction]").select_option("below")
    page.locator("input[name=p_alert]").fill("0.965")
    page.locator("input[name=p_minutes]").fill("1")
    page.locator("select[name=severity]").select_option("critical")
    page.get_by_role("button", name="Set the monitor").click()
    expect(page.locator("main")).to_contain_text(MONITOR)


def ask_a_gate(page: Page) -> None:
    page.locator("input[name=folder_pattern]").fill("search-answers")
    page.locator("input[name=minimum_approvals]").fill("1")
    page.get_by_role("checkbox", name=SUITE).check()
    page.locator("input[name=least_cases]").fill("2")
    page.get_by_role("button", name="Save the rule").click()


def axe(page: Page) -> None:
    assert not [found["id"] for found in Axe().run(page).response["violations"]]


def wait_for_calm() -> None:
    """The demo world has an incident an hour or so; its next one must not fall into this story."""
    for _ in range(60):
        now = int(time.time())
        near = incidents_between(World(), now - 10 * 60, now + 12 * 60)
        if not any("search-answers" in (one.feature, *one.touched) for one in near):
            return
        time.sleep(60)
    raise AssertionError("the demo world never calms down")


def clear_the_desk(visitor: Visitor) -> None:
    """End what the past that was just read has brought: it is none of this story."""
    for _ in range(6):  # it is drafted while the past is read
        page = visitor.goto("/features/search-answers/")
        page.locator("#open-now-search-answers").wait_for(state="attached")
        link = page.locator("#open-now-search-answers a")
        if link.count():
            link.first.click()
            page.get_by_role("button", name=re.compile("^(No incident|Resolved)$")).click()
            expect(page.locator(".page-head")).to_contain_text(re.compile("No incident|Resolved"))
        page.wait_for_timeout(10_000)


def find_the_draft(page: Page) -> str:
    """Waits for it, reads the first suspect with its reasons, and answers the address of the incident."""
    expect(page.locator("#open-now-search-answers a")).to_be_visible(timeout=PATIENCE)
    page.locator("#open-now-search-answers a").click()
    expect(page.locator(".page-head")).to_contain_text("Draft")
    first = page.locator("#suspects .suspect").first
    expect(first).to_contain_text("search-answers prompt: production moved")
    expect(first).to_contain_text("speaks strongly for it")
    axe(page)
    return page.url


def read_the_alert(page: Page) -> None:
    """The alarm went out long ago; by now its page says what is behind it."""
    page.get_by_role("link", name=re.compile(MONITOR)).first.click()
    expect(page.locator("#alert-suspects")).to_contain_text("search-answers prompt: production moved", timeout=60_000)
    axe(page)


def judge(page: Page) -> None:
    page.get_by_role("button", name="Confirm it").click()
    page.get_by_role("button", name="I am on it").click()
    page.locator("#suspects .suspect").first.get_by_role("button", name="It was the cause").click()
    expect(page.locator("#suspects .suspect").first).to_contain_text("The cause")
    page.get_by_role("button", name="Cause identified").click()


def see_it_end(page: Page) -> None:
    """Nobody reloads: the rollback and the recovery come onto the open page."""
    expect(page.locator("#timeline")).to_contain_text("production rolled back", timeout=PATIENCE)
    expect(page.locator("#timeline")).to_contain_text("resolved after", timeout=PATIENCE)
    page.get_by_role("button", name="Mitigated, watching").click()
    page.get_by_role("button", name="Resolved").click()
    expect(page.locator(".page-head")).to_contain_text("Resolved")
    page.get_by_role("navigation", name="Around the start").get_by_role("link", name="1 h", exact=True).click()
    expect(page.locator("#timeline")).to_contain_text("production rolled back")
    axe(page)


def learn(page: Page, incident: str) -> str:
    """Writes the review and adds what failed as a case; answers its key."""
    page.get_by_role("link", name="Review").click()
    expect(page.get_by_role("article", name="The review")).to_contain_text("The cause: search-answers prompt")
    page.get_by_role("link", name="Edit").click()
    page.locator("#review-text").fill("# What we learned\n\nA prompt that may stay silent stays silent.")
    expect(page.locator("#review-saved")).to_contain_text("Saved")
    page.get_by_role("link", name="Done").click()
    page.get_by_text("Add what failed as a case").click()
    page.get_by_label("Suite", exact=True).select_option(label=SUITE)
    page.get_by_label("What was asked").fill(json.dumps(FILLED | {"question": HARD[0]}))
    page.get_by_label("What the answer must be").fill(HARD[1])
    page.get_by_role("checkbox", name=re.compile("fails the whole gate")).check()
    page.get_by_role("button", name="Add the case").click()
    case = f"incident-{incident.strip('/').rpartition('/')[2]}"
    expect(page.locator("main")).to_contain_text(f"Case {case}")
    axe(page)
    return case


def propose_it_again(page: Page, case: str) -> str:
    """The very version that hurt, once more; answers the address of the request."""
    page.locator("tbody th a").first.click()
    page.get_by_role("link", name="Propose a change").click()
    numbers = page.locator("select[name=version] option").evaluate_all("all => all.map(one => Number(one.value))")
    page.locator("select[name=version]").select_option(str(max(numbers)))
    page.locator("input[name=title]").fill("Be careful again")
    page.locator("textarea[name=reason]").fill("It read so well.")
    page.get_by_role("button", name="Send for review").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Be careful again")
    look_until(page, f"safety case failed: {case}")
    axe(page)
    return page.url


def approve_in_vain(page: Page, case: str) -> None:
    page.locator("#decide textarea").fill("It reads well.")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("main")).to_contain_text(f"safety case failed: {case}")


def test_a_bad_prompt_is_found_taken_back_and_refused_at_its_gate(portal: Portal, visit: Callable) -> None:
    enno, iris, ada, admin = visit("enno"), visit("iris"), visit("ada"), visit("admin")
    make_suite(enno.goto("/evaluations/suites/"))
    watch(enno.goto("/alerts/monitors/new/?kind=threshold"))

    wait_for_calm()
    clear_the_desk(iris)
    portal.manage("play_demo_scene", "bad-prompt")
    incident = find_the_draft(iris.goto("/features/search-answers/"))
    read_the_alert(enno.goto("/alerts/"))
    iris.page.goto(incident)
    judge(iris.page)
    portal.manage("play_demo_scene", "good-prompt")
    see_it_end(iris.page)
    iris.page.goto(incident)
    case = learn(iris.page, incident)

    ask_a_gate(admin.goto("/prompts/rules/new/"))
    change = propose_it_again(enno.goto("/prompts/?q=search-answers"), case)
    ada.page.goto(change)
    approve_in_vain(ada.page, case)
    enno.page.goto(change)
    expect(enno.page.locator(".page-head .pill")).to_contain_text("In review")
    expect(enno.page.get_by_role("button", name="Apply now")).to_have_count(0)

    rules = admin.goto("/prompts/rules/")
    rules.locator("tbody").get_by_role("link", name=re.compile("search-answers")).first.click()
    rules.get_by_role("button", name="Remove the rule").click()


def look_until(page: Page, text: str) -> None:
    """Look again every other second until the gate has its runs."""
    for _ in range(60):
        if text in page.locator("main").inner_text():
            return
        page.wait_for_timeout(2_000)
        page.reload()
    expect(page.locator("main")).to_contain_text(text)
