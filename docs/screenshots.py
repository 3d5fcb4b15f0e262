"""`python -m docs.screenshots --url http://127.0.0.1:8000`: the pictures for the docs, from a running portal."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from docs.palette import with_few_colors

PLACE = Path(__file__).parent / "img"
FORMS = PLACE / "connectors"
PAGES = {"overview": "/", "feature": "/features/search-answers/", "pipeline": "/pipelines/", "sources": "/sources/"}
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
FORM_HEIGHT = 900  # what lies below is more of the same; so each picture stays below 80 KB
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def signed_in(context: BrowserContext, base: str, person: tuple[str, str]) -> Page:
    """A page of somebody who has signed in."""
    page = context.new_page()
    page.goto(f"{base}/account/sign-in/")
    page.fill("input[name=username]", person[0])
    page.fill("input[name=password]", person[1])
    page.click("main button[type=submit]")
    page.wait_for_url(f"{base}/")
    return page


def take(browser: Browser, base: str, person: tuple[str, str], *, theme: str, phone: bool = False) -> None:
    """Every page in one theme; on the phone the overview alone."""
    context = browser.new_context(viewport=PHONE if phone else DESKTOP, color_scheme=theme, reduced_motion="reduce")
    page = signed_in(context, base, person)
    for name, path in PAGES.items() if not phone else [("overview", "/")]:
        page.goto(base + path)
        page.wait_for_timeout(1500)  # fragments arrive
        page.screenshot(path=PLACE / f"{name}-{'phone' if phone else theme}.png")
    context.close()


def take_forms(browser: Browser, base: str, person: tuple[str, str]) -> None:
    """The form of every connector, from the page that offers them; the size of a desk, in light."""
    context = browser.new_context(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce")
    page, blank = signed_in(context, base, person), context.new_page()
    page.goto(f"{base}/sources/add/")
    links = page.eval_on_selector_all(".offer a", "links => links.map(link => link.getAttribute('href'))")
    FORMS.mkdir(exist_ok=True)
    for link in links:
        page.goto(base + link)
        page.wait_for_timeout(200)
        end = page.locator("main").bounding_box()
        height = min(FORM_HEIGHT, int(end["y"] + end["height"])) if end else FORM_HEIGHT
        clip = {"x": 0, "y": 0, "width": DESKTOP["width"], "height": height}
        key = link.strip("/").rpartition("/")[2]
        (FORMS / f"{key}.png").write_bytes(with_few_colors(blank, page.screenshot(full_page=True, clip=clip)))
    context.close()


def main() -> None:
    """Sign in and take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default=os.environ.get("OPSPORTAL_URL", "http://127.0.0.1:8000"))
    parser.add_argument("--username", default=os.environ.get("OPSPORTAL_ADMIN_USERNAME", "admin"))
    parser.add_argument("--password", default=os.environ.get("OPSPORTAL_ADMIN_PASSWORD", ""))
    given = parser.parse_args()
    PLACE.mkdir(exist_ok=True)
    system = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system, args=QUIET)
        person = (given.username, given.password)
        for theme in ("light", "dark"):
            take(browser, given.url, person, theme=theme)
        take(browser, given.url, person, theme="light", phone=True)
        take_forms(browser, given.url, person)
        browser.close()


if __name__ == "__main__":
    main()
