"""An embedder swapped in production only, asked back through the portal, held and let go, in a real Chromium."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.request import Request, urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Portal

pytestmark = pytest.mark.browser
SETS = "/health/sets/of/clause-finder/"
WHY = "Clauses are not found since the swap."
POLLED = 90_000  # milliseconds; the register is polled every 30 s
TOKEN = (
    "from django.utils import timezone; from apps.accounts.models import User; from apps.accounts import services;"
    " print(services.create_token(user=User.objects.get(username='enno'), name='gate', scopes=['read'], days=1,"
    " at=timezone.now())[1])"
)


def test_a_swapped_embedder_is_asked_back_and_stays_until_a_person_lets_go(portal: Portal, visit: Callable) -> None:
    engineer = visit("enno")
    page = engineer.goto(SETS)
    expect(page.locator(".page-head")).to_contain_text("Consistent")
    portal.manage("play_demo_scene", "swap-embedder")
    expect(page.locator(".page-head")).to_contain_text("Mixed", timeout=POLLED)
    expect(page.locator(".page-head")).to_contain_text("was built with embed-3 and is searched with embed-3-lite")
    expect(page.locator("#sets tbody")).to_contain_text("Wrong embedder")

    page.get_by_role("link", name="Roll back").click()
    expect(page.get_by_role("radio", name="embed-3")).to_be_checked()
    clean(page)
    page.get_by_role("textbox", name="Reason").fill(WHY)
    page.get_by_role("button", name="Ask for the rollback").click()
    expect(page.locator("main")).to_contain_text("should go back to embed-3 in Production")
    clean(page)
    assert any(WHY in reason for reason in held(portal))

    engineer.goto(SETS)
    portal.manage("play_demo_scene", "restore-embedder")  # whoever deploys there does what was asked for
    expect(page.locator("#sets .callout")).to_contain_text("clause-embedder is held at embed-3", timeout=POLLED)
    expect(page.locator(".page-head")).to_contain_text("Consistent", timeout=POLLED)
    expect(page.locator("#sets .callout")).to_contain_text(re.compile(rf"by Enno Engineer: {WHY}"))
    page.locator("#sets tbody").get_by_role("link", name="embed-3", exact=True).last.click()
    expect(page.locator(".page-head")).to_contain_text("rollback")
    clean(page)

    against_the_hold(portal, engineer.goto("/deployments/where/?feature=clause-finder"))
    page = engineer.goto(SETS)
    page.get_by_role("link", name="Lift the hold").click()
    page.get_by_role("textbox", name="Reason").fill("The index was built again.")
    page.get_by_role("button", name="Lift the hold").click()
    expect(page.locator(".page-head")).to_contain_text("Hold this place")
    assert held(portal) == []


def against_the_hold(portal: Portal, page: Page) -> None:
    """The other system goes forward again: it is told loudly, the answer stays no, and going back ends it."""
    assert held(portal) == [f"clause-embedder is held at embed-3 by Enno Engineer: {WHY}"]
    portal.manage("play_demo_scene", "swap-embedder")
    expect(page.locator(".listing .callout.is-bad")).to_contain_text("was put there all the same", timeout=POLLED)
    clean(page)
    portal.manage("play_demo_scene", "restore-embedder")
    expect(page.locator(".listing .callout.is-bad")).to_have_count(0, timeout=POLLED)
    expect(page.locator("#matrix")).to_contain_text("Held")


def held(portal: Portal) -> list[str]:
    """What a pipeline that asks is told about holds of Clause Finder in production."""
    token = portal.manage("shell", "-v", "0", "-c", TOKEN).strip()
    url = f"{portal.url}/api/v1/deployments/may?feature=clause-finder&environment=production"
    with urlopen(Request(url, headers={"Authorization": f"Bearer {token}"}), timeout=30) as answer:
        told = json.load(answer)
    assert told["may"] is not bool(told["reasons"])
    return [one["text"] for one in told["reasons"] if one["kind"] == "hold"]


def clean(page: Page) -> None:
    assert not [found["id"] for found in Axe().run(page).response["violations"]]
