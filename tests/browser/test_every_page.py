"""Every page, as a person sees it: accessible in both themes, quiet in the console, never wider than the screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import DESKTOP, PHONE, Portal

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/?range=7d&figure=answered_ratio",
    "/features/",
    "/features/search-answers/",
    "/health/search-answers/reasons/",
    "/health/search-answers/news/",
    "/health/search-answers/announcements/",
    "/health/digest/",
    "/health/digest/preview/",
    "/health/readiness/",
    "/health/search-answers/readiness/",
    "/health/map/",
    "/health/map/?feature=search-answers&component=help-center-index",
    "/changes/",
    "/changes/?everything=1",
    "/alerts/",
    "/incidents/",
    "/incidents/declare/",
    "/incidents/status/",
    "/notifications/updates/",
    "/as-of/",
    "/alerts/monitors/",
    "/alerts/monitors/new/",
    "/alerts/monitors/new/?kind=threshold",
    "/alerts/objectives/",
    "/alerts/objectives/new/",
    "/pipelines/",
    "/pipelines/?uncovered=1",
    "/pipelines/reliability/",
    "/pipelines/reliability/?period=7&red=1",
    "/pipelines/runs/",
    "/pipelines/runs/?state=failed",
    "/deployments/",
    "/deployments/where/",
    "/deployments/dora/",
    "/deployments/dora/?period=90&within=1440",
    "/deployments/gates/",
    "/deployments/calendar/",
    "/deployments/freezes/",
    "/deployments/freezes/plan/",
    "/health/sets/",
    "/health/sets/of/search-answers/",
    "/health/data/",
    "/health/data/of/help-center-index/",
    "/catalog/components/help-center-index/change/",
    "/prompts/",
    "/prompts/write/",
    "/prompts/changes/",
    "/prompts/rules/",
    "/prompts/rules/new/",
    "/prompts/duties/",
    "/prompts/hygiene/",
    "/metrics/",
    "/metrics/glossary/",
    "/metrics/of/search-answers/",
    "/metrics/of/search-answers/?by=model&range=7d&compare=previous",
    "/metrics/cost/",
    "/metrics/cost/?feature=search-answers",
    "/metrics/cost/search-answers/budget/",
    "/sources/",
    "/sources/add/",
    "/sources/add/prometheus/",
    "/sources/add/push/",
    "/sources/add/?q=prompts",
    "/sources/add/airflow/help/",
    "/sources/unmatched/",
    "/sources/mapping/",
    "/sources/mapping/add/",
    "/evaluations/",
    "/evaluations/suites/",
    "/evaluations/suites/add/",
    "/evaluations/endpoints/",
    "/evaluations/endpoints/add/",
    "/api/",
    "/sources/add/http/",
    "/catalog/",
    "/notifications/",
    "/notifications/add/",
    "/account/profile/",
    "/account/password/",
    "/account/people/",
    "/account/tokens/",
    "/account/tokens/new/",
    "/account/views/",
    "/account/views/?at=/pipelines/runs/%3Fstate%3Dfailed",
    "/account/audit/",
    "/search/?q=search",
)
LINKED = (  # a list page, and the first link of a row on it
    ("/changes/", "tbody th a"),
    ("/pipelines/", "tbody th a"),
    ("/pipelines/runs/", "tbody th a"),
    ("/deployments/", "tbody th a"),
    ("/alerts/monitors/", "tbody th a"),
    ("/alerts/objectives/", "tbody th a"),
    ("/prompts/", "tbody th a"),
    ("/metrics/", "tbody th a"),
    ("/sources/", "tbody th a"),
)
MODES = pytest.mark.parametrize(
    ("size", "theme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"]
)


def _problems(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    problems = [f"{v['id']}: {v['help']} at {v['nodes'][0]['target']}" for v in found]
    overhang = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return problems + ([f"{overhang} px wider than the screen"] if overhang > 0 else [])


@MODES
def test_no_page_has_an_accessibility_violation(visit: Callable, size: dict, theme: str) -> None:
    visitor = visit("admin", size=size, theme=theme)
    problems = {}
    for path in PAGES:
        page = visitor.goto(path)
        page.wait_for_timeout(400)  # fragments arrive
        problems[path] = _problems(page)
    for path, link in LINKED:
        page = visitor.goto(path)
        page.locator(link).first.click()
        page.wait_for_load_state()
        page.wait_for_timeout(400)
        problems[f"{path} → {page.url.removeprefix(visitor.base)}"] = _problems(page)
    assert not {path: found for path, found in problems.items() if found}


def test_every_list_page_works_without_scripts(portal: Portal, browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{portal.url}/account/sign-in/")
    page.fill("input[name=username]", "viola")
    page.fill("input[name=password]", "a long enough password 7")
    page.click("main button[type=submit]")
    for path in ("/features/", "/changes/", "/pipelines/runs/", "/prompts/", "/metrics/", "/sources/"):
        page.goto(portal.url + path)
        assert page.locator("tbody tr").count() > 0, path
    page.goto(f"{portal.url}/pipelines/runs/")
    first = page.locator("tbody th").first.inner_text()
    page.get_by_role("link", name="Older").click()
    assert page.locator("tbody th").first.inner_text() != first
    context.close()
