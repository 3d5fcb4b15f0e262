"""One change of a prompt from the proposal to the way back: with a gate, a remark, an edit, two yeses and a caller."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from opsportal.client import OpsPortalClient
from tests.browser.conftest import DESKTOP, PHONE, Portal
from tests.browser.test_change_requests import BERLIN, decide, propose, state_of, write
from tests.browser.test_every_page import _problems
from tests.sync.evaluating.model import Model, serve_model

pytestmark = pytest.mark.browser
NAME, CASES = "journey/refunds", 40
FIRST, WORSE, BETTER = "Answer {{question}}", "Guess at {{question}}", "Answer kindly: {{question}}"
TITLE, SUITE, ENDPOINT = "Answer kindly", "Refund questions", "A slow model"
PEOPLE = ("admin", "enno", "ada", "pia", "viola", "iris")


def slowly(question: str) -> str:
    """a7 to a prompt that asks q7, unless it is told to guess; slow enough to be watched."""
    time.sleep(0.4)
    number = question.rpartition("q")[2]
    return f"b{number}" if question.startswith("Guess") else f"a{number}"


@pytest.fixture
def model() -> Iterator[Model]:
    with serve_model() as found:
        found.rule = slowly
        yield found


def make_suite(page: Page, base: str, model: Model) -> None:
    page.goto(f"{base}/evaluations/endpoints/add/")
    page.get_by_label("Name", exact=True).fill(ENDPOINT)
    page.get_by_label("Address").fill(model.url)
    page.get_by_label("Model", exact=True).fill("small")
    page.get_by_label("Allowed networks").fill("127.0.0.0/8")
    page.get_by_role("button", name=re.compile("Save|Add")).click()
    page.goto(f"{base}/evaluations/suites/add/")
    page.get_by_role("textbox", name="Name", exact=True).fill(SUITE)
    page.get_by_label("Where it runs").select_option(label=ENDPOINT)
    page.get_by_role("textbox", name="Scorers").fill('[{"kind": "exact"}]')
    page.get_by_role("button", name="Make the suite").click()
    cases = "\n".join(f"case-{n},q{n},a{n}" for n in range(1, CASES + 1))
    page.get_by_label("Or paste them").fill(f"key,question,expected\n{cases}")
    page.get_by_role("button", name="Import").click()
    expect(page.locator("main")).to_contain_text("Our own, version 2")


def make_rule(page: Page, base: str) -> None:
    page.goto(f"{base}/prompts/rules/new/")
    page.locator("input[name=folder_pattern]").fill(f"{NAME}*")
    page.locator("input[name=minimum_approvals]").fill("2")
    page.get_by_label(SUITE).check()
    page.get_by_role("button", name="Save the rule").click()


def write_version(page: Page, base: str, text: str, difference: str, prompt: str = "") -> str:
    """The address of the prompt."""
    page.goto(f"{prompt}write/" if prompt else f"{base}/prompts/write/")
    if not prompt:
        page.locator("input[name=name]").fill(NAME)
    write(page, text, difference, variables="question")
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    return page.url.partition("?")[0]


def watch_the_gate(page: Page) -> None:
    """Until every execution is over; nobody reloads."""
    expect(page.locator("#change-gate progress").first).to_be_visible()
    seen, bars = set(), [0]
    deadline = time.monotonic() + 120
    while bars and time.monotonic() < deadline:
        seen.update(bars)
        page.wait_for_timeout(300)
        bars = page.eval_on_selector_all("#change-gate progress", "bars => bars.map((bar) => bar.value)")
    assert not bars, "it never ended"
    assert len(seen) > 2, f"the progress stood still at {seen}"


def look_closely(visit: Callable, change: str) -> None:
    """Threads and the form among the lines, in both layouts, at a desk and on a phone."""
    for size, theme in ((DESKTOP, "light"), (PHONE, "dark")):
        page = visit("ada", size=size, theme=theme).page
        for layout in ("unified", "split"):
            page.goto(f"{change}?diff={layout}&line=Text-1")
            expect(page.get_by_label("Your remark")).to_be_focused()
            page.wait_for_timeout(400)  # fragments arrive
            assert not _problems(page), (layout, theme)


def plan_for_the_next_minute(page: Page) -> None:
    soon = (datetime.now(BERLIN) + timedelta(seconds=61)).strftime("%Y-%m-%dT%H:%M")
    page.locator("#apply-at").fill(soon)
    page.get_by_role("button", name="Plan it").click()
    expect(page.locator("#change-decision")).to_contain_text("Planned for")
    expect(page.locator("#change-decision")).to_contain_text("Applied", timeout=150_000)  # nobody reloads


def refused(page: Page, change: str, verb: str, **form: str) -> str:
    """What the page says to a verb that it did not offer, posted by hand."""
    token = next(one["value"] for one in page.context.cookies() if one["name"].endswith("csrftoken"))
    sent = {"Referer": change, "X-CSRFToken": token}
    answer = page.request.post(f"{change}{verb}/", form=form, headers=sent, max_redirects=0)
    assert answer.status in (403, 409), (verb, answer.status)
    assert "Nothing was done." in answer.text()
    return answer.text()


def caller(portal: Portal) -> OpsPortalClient:
    """A program that serves the prompt and tells so."""
    ask = "from apps.accounts.models import User; from apps.accounts.services import create_token; "
    ask += "from django.utils import timezone as t; "
    ask += "print(create_token(user=User.objects.get(username='enno'), name='shop', scopes=['prompt:read'], days=1, "
    token = portal.manage("shell", "-v", "0", "-c", f"{ask}at=t.now())[1])").strip().splitlines()[-1]
    return OpsPortalClient(portal.url, token, caller="shop", instance="shop-1", ttl=0.3, report_every=0.5)


def serve_until(client: OpsPortalClient, number: int) -> None:
    """Go on serving, as a shop does, until the portal gives that version."""
    deadline = time.monotonic() + 30
    while client.get_prompt(NAME).version != number:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_change_is_evaluated_remarked_on_edited_approved_by_two_planned_served_and_taken_back(
    visit: Callable, portal: Portal, model: Model
) -> None:
    base = portal.url
    admin, enno, ada, pia, viola, iris = (visit(name).page for name in PEOPLE)
    make_suite(admin, base, model)
    prompt = write_version(enno, base, FIRST, "First words")
    enno.get_by_role("link", name="Propose a change").click()
    first = propose(enno, 1, "Answer refunds")  # before there is a rule: one approval, no gate
    decide(ada, first, "Approve")
    enno.goto(first)
    enno.get_by_role("button", name="Apply now").click()
    expect(state_of(enno)).to_contain_text("Applied")
    make_rule(admin, base)

    write_version(enno, base, WORSE, "Guess", prompt)
    enno.goto(f"{prompt}propose/")
    change = propose(enno, 2, TITLE)
    watch_the_gate(enno)
    expect(enno.locator("#change-gate")).to_contain_text("exact fell from 1.000 to 0.000")
    assert "Your role does not allow this" in refused(enno, change, "decide", do="approve")
    viola.goto(change)
    expect(viola.locator("main form")).to_have_count(0)
    assert "Your role does not allow this" in refused(viola, change, "decide", do="approve")

    ada.goto(change)
    ada.get_by_role("link", name="Remark on line 1").first.click()
    ada.get_by_label("Your remark").fill("Why should it guess?")
    ada.get_by_role("button", name="Send", exact=True).click()
    expect(ada.locator("table.diff tr.thread")).to_contain_text("Why should it guess?")
    look_closely(visit, change)
    decide(ada, change, "Approve", "The words are fine.")
    expect(ada.locator("#change-decision")).to_contain_text("1 of 2 approvals")

    write_version(enno, base, BETTER, "Kindly", prompt)
    enno.goto(change)
    enno.get_by_role("link", name="Edit").click()
    enno.locator("select[name=version]").select_option("3")
    enno.get_by_role("button", name="Save the revision").click()
    expect(enno.locator("#change-decision")).to_contain_text("0 of 2 approvals")
    expect(enno.locator("#change-decision")).to_contain_text("it does not count any more")
    better = f"{SUITE} is no worse on 40 cases."
    expect(enno.locator("#change-gate")).to_contain_text(better, timeout=120_000)  # nobody reloads

    pia.goto(change)
    pia.get_by_role("link", name="Edit").click()
    pia.locator("textarea[name=reason]").fill("People are upset when they ask; say it kindly.")
    pia.get_by_role("button", name="Save the revision").click()
    expect(pia.locator("#decide")).to_have_count(0)  # whoever wrote a revision is an author from then on
    assert "You wrote a part of this change" in refused(pia, change, "decide", do="approve")

    decide(ada, change, "Approve")
    expect(state_of(ada)).to_contain_text("In review")
    decide(admin, change, "Approve")
    expect(state_of(admin)).to_contain_text("Approved")

    client = caller(portal)
    try:
        serve_until(client, 1)
        viola.goto(change)
        enno.goto(change)
        plan_for_the_next_minute(enno)
        serve_until(client, 3)
        viola.goto(prompt)
        expect(viola.locator("#prompt-serving")).to_contain_text("1 of 1 instances", timeout=60_000)
        expect(viola.locator("#prompt-serving")).to_contain_text("Every caller serves it since")
        iris.goto(change)
        iris.locator("#back-note").fill("Too kind for a refusal.")
        iris.get_by_role("button", name="Roll back").click()
        expect(state_of(iris)).to_contain_text("Rolled back")
        serve_until(client, 1)
    finally:
        client.close()
    viola.goto(f"{base}/prompts/duties/?days=30")
    expect(viola.locator("main")).not_to_contain_text(re.compile(f"{TITLE}.*not explained"))
