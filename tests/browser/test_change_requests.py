"""A prompt from its first word to production and back, by the people who do it, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
NAME = "support/refunds"
BERLIN = ZoneInfo("Europe/Berlin")


def write(page: Page, text: str, difference: str, variables: str = "order") -> None:
    page.get_by_label("Text", exact=True).first.check()
    page.locator("textarea[name=text]").fill(text)
    page.locator("input[name=variables]").fill(variables)
    page.locator("input[name=commit_message]").fill(difference)
    page.get_by_role("button", name="Save the version").click()


def propose(page: Page, number: int, title: str) -> str:
    page.locator("select[name=version]").select_option(str(number))
    page.locator("input[name=title]").fill(title)
    page.locator("textarea[name=reason]").fill("Customers read “usually” as a promise.")
    page.get_by_role("button", name="Send for review").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    return page.url


def decide(page: Page, url: str, button: str, note: str = "") -> None:
    page.goto(url)
    page.locator("#decide textarea").fill(note)
    page.get_by_role("button", name=button).click()


def state_of(page: Page) -> object:
    return page.locator(".page-head .pill")


def test_a_prompt_goes_live_by_four_eyes_and_comes_back(visit: Callable) -> None:
    writer = visit("enno")
    admin, enno, ada = visit("admin").page, writer.page, visit("ada").page
    base = admin.url.rstrip("/")
    admin.goto(f"{base}/prompts/rules/new/")
    admin.locator("input[name=folder_pattern]").fill("support/*")
    admin.locator("input[name=minimum_approvals]").fill("2")
    admin.get_by_role("button", name="Save the rule").click()

    enno.goto(f"{base}/prompts/write/")
    enno.locator("input[name=name]").fill(NAME)
    write(enno, "Write to bob.miller@fernway.io about {{order}}.", "First words")
    expect(enno.locator("main")).to_contain_text("E-mail address in Text, line 1")
    assert "422" in writer.complaints.pop()  # the browser itself remarks on the refusal
    write(enno, "Say when {{order}} is paid back.\nBe kind.", "First words")
    expect(enno.get_by_role("heading", level=1)).to_have_text(NAME)
    prompt = enno.url

    enno.get_by_role("link", name="Propose a change").click()
    change = propose(enno, 1, "Answer refunds")
    expect(enno.locator("#decide")).to_have_count(0)  # an author decides nothing

    viola = visit("viola").page
    viola.goto(change)
    expect(viola.locator("main form")).to_have_count(0)

    ada.goto(change)
    ada.locator("#remark").fill("Which date do we name?")
    ada.locator("#remark-part").select_option("Text")
    ada.locator("#remark-first").fill("1")
    ada.get_by_role("button", name="Send the remark").click()
    expect(ada.locator("table.diff tr.thread")).to_contain_text("Which date do we name?")
    decide(ada, change, "Approve", "Read it twice.")
    expect(ada.locator("#change-decision")).to_contain_text("1 of 2 approvals")

    enno.goto(f"{prompt.rstrip('/')}/write/")
    write(enno, "Never name a date for {{order}}.\nBe kind.", "No dates")
    enno.goto(change)
    enno.get_by_role("link", name="Edit").click()
    enno.locator("select[name=version]").select_option("2")
    enno.get_by_role("button", name="Save the revision").click()
    expect(enno.locator("#change-decision")).to_contain_text("0 of 2 approvals")
    expect(enno.locator("#change-decision")).to_contain_text("it does not count any more")

    decide(ada, change, "Approve")
    decide(admin, change, "Approve")
    expect(state_of(admin)).to_contain_text("Approved")

    enno.goto(change)
    soon = (datetime.now(BERLIN) + timedelta(seconds=61)).strftime("%Y-%m-%dT%H:%M")
    enno.locator("#apply-at").fill(soon)
    enno.get_by_role("button", name="Plan it").click()
    expect(enno.locator("#change-decision")).to_contain_text("Planned for")
    expect(enno.locator("#change-decision")).to_contain_text("Applied", timeout=150_000)  # nobody reloads
    enno.goto(prompt)
    expect(enno.locator("#prompt-labels")).to_contain_text("v2")

    enno.goto(f"{prompt.rstrip('/')}/propose/")
    back = propose(enno, 1, "Name the date again")
    decide(ada, back, "Approve")
    decide(admin, back, "Approve")
    enno.goto(back)
    enno.get_by_role("button", name="Apply now").click()
    expect(state_of(enno)).to_contain_text("Applied")
    enno.locator("#back-note").fill("People took it as a promise again.")
    enno.get_by_role("button", name="Roll back").click()
    expect(state_of(enno)).to_contain_text("Rolled back")
    expect(enno.locator("main")).to_contain_text("People took it as a promise again.")
    enno.goto(f"{base}/prompts/duties/")
    expect(enno.locator("main")).not_to_contain_text(re.compile("not explained"))


def test_a_commander_breaks_the_glass_and_somebody_else_reviews_it(visit: Callable) -> None:
    iris, ada = visit("iris").page, visit("ada").page
    base = iris.url.rstrip("/")
    iris.goto(f"{base}/prompts/write/")
    iris.locator("input[name=name]").fill("emergency/notice")
    write(iris, "Answer about {{order}} that we are on it.", "First words")
    iris.get_by_role("link", name="Propose a change").click()
    change = propose(iris, 1, "Say that we are on it")
    iris.locator("summary").click()
    iris.locator("#glass-note").fill("The old text shows addresses of customers.")
    iris.get_by_role("button", name="Break the glass").click()
    expect(state_of(iris)).to_contain_text("Applied")
    expect(iris.locator("main")).to_contain_text("An approver who neither wrote nor released it")
    ada.goto(f"{base}/prompts/duties/")
    expect(ada.locator("main")).to_contain_text("1 not explained")
    ada.goto(change)
    ada.locator("#after-note").fill("It had to stop at once.")
    ada.get_by_role("button", name="Keep the review").click()
    ada.goto(f"{base}/prompts/duties/")
    expect(ada.locator("main")).to_contain_text("All explained")
