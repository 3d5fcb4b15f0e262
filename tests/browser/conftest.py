"""A whole portal, started the way people start it, and a real Chromium in front of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long enough password 7"
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Portal:
    """The running portal: its address, its folder and the process that supervises the rest."""

    url: str
    home: Path
    process: subprocess.Popen

    def manage(self, *arguments: str) -> str:
        """Run one management command inside this portal."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, "OPSPORTAL_HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    """`manage.py run` with the demo world, ready to serve; everything it started ends with it."""
    given = os.environ.get("OPSPORTAL_BROWSER_HOME")
    home = Path(given or tempfile.mkdtemp(prefix="opsportal-browser-"))
    port = free_port()
    env = {
        **os.environ,
        "OPSPORTAL_HOME": str(home),
        "PORT": str(port),
        "OPSPORTAL_ADMIN_USERNAME": "admin",
        "OPSPORTAL_ADMIN_PASSWORD": PASSWORD,
    }
    process = subprocess.Popen([sys.executable, "manage.py", "run"], cwd=ROOT, env=env, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", process)
        found = Portal(f"http://127.0.0.1:{port}", home, process)
        _make_people(found)
        _wait_for_data(found)
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _wait(url: str, process: subprocess.Popen, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the portal stopped before it was ready"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"{url} never answered 200")


def _make_people(portal: Portal) -> None:
    roles = {"viola": "viewer", "enno": "engineer", "ada": "approver", "pia": "approver", "iris": "commander"}
    make = (
        "User.objects.filter(username={0!r}).exists() or User.objects.create_user({0!r}, password={1!r}, role={2!r}, "
    )
    make += "full_name={3!r}, time_zone='Europe/Berlin')"
    lines = "; ".join(make.format(name, PASSWORD, role, f"{name} {role}".title()) for name, role in roles.items())
    portal.manage("shell", "-c", f"from apps.accounts.models import User; {lines}")


def _wait_for_data(portal: Portal, seconds: float = 120) -> None:
    """Until the first polls brought the past month in."""
    question = (
        "from apps.sources.models import SourceState as S; from apps.health.models import FeatureHealth as H; "
        "print(S.objects.filter(last_success_at=None).count() + S.objects.filter(has_backlog=True).count()"
        " + H.objects.filter(status='unknown', feature__is_demo=True).count() or (0 if H.objects.exists() else 1))"
    )
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if portal.manage("shell", "-v", "0", "-c", question).strip().endswith("0"):
            return
        time.sleep(2)
    raise AssertionError("the demo world's past month never arrived")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the session."""
    with sync_playwright() as playwright:
        path = next((p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(p).exists()), None)
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield chromium
        chromium.close()


@dataclass
class Visitor:
    """A signed-in person with a page, and everything the browser complained about."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def goto(self, path: str) -> Page:
        """Open a page of the portal."""
        answer = self.page.goto(self.base + path)
        assert answer is not None
        assert answer.status < 400, f"{path}: {answer.status}"
        return self.page


def _watch(visitor: Visitor) -> None:
    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            visitor.complaints.append(f"{visitor.page.url}: {message.text}")

    visitor.page.on("console", heard)
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(f"{visitor.page.url}: {error}"))


@pytest.fixture
def visit(portal: Portal, browser: Browser) -> Iterator:
    """`visit("viola", size=PHONE, theme="dark")` signs that person in; at the end nobody may have complained."""
    opened: list[tuple[BrowserContext, Visitor]] = []

    def sign_in(name: str = "admin", *, size: dict = DESKTOP, theme: str = "light") -> Visitor:
        context = browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")
        visitor = Visitor(context.new_page(), portal.url)
        _watch(visitor)
        opened.append((context, visitor))
        visitor.page.goto(f"{portal.url}/account/sign-in/")
        visitor.page.fill("input[name=username]", name)
        visitor.page.fill("input[name=password]", PASSWORD)
        visitor.page.click("main button[type=submit]")
        visitor.page.wait_for_url(f"{portal.url}/")
        return visitor

    yield sign_in
    complaints = [line for _context, visitor in opened for line in visitor.complaints]
    for context, _visitor in opened:
        context.close()
    assert not complaints
