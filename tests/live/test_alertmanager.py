"""A real Alertmanager fed through its own API and amtool, and the portal's alerts and changes of it."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from apps.connectors.providers.alertmanager import normalize
from apps.connectors.providers.alertmanager.webhook import read as read_delivery
from apps.connectors.webhook import Delivery, WebhookError
from apps.events.models import Event
from apps.monitors.models import Alert
from tests.live import alertmanager, servers
from tests.live.polling import connect, poll, poll_once, probe

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]


class Bell:
    """Where Alertmanager rings; `rung` are the deliveries as the portal's reader understands them."""

    def __init__(self) -> None:
        self.rung: list[Delivery] = []
        self.refused = 0
        bell = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                try:
                    read_delivery(headers, body, ["another"])
                except WebhookError:
                    bell.refused += 1
                bell.rung.append(read_delivery(headers, body, [alertmanager.TOKEN]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@pytest.fixture(scope="module")
def bell() -> Iterator[Bell]:
    made = Bell()
    yield made
    made.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, bell: Bell) -> Iterator[str]:
    """The address of a real Alertmanager."""
    with alertmanager.running(tmp_path_factory.mktemp("alertmanager"), bell=bell.url) as address:
        yield address


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server counts as long started, although it was started for this test."""
    monkeypatch.setattr(normalize, "SETTLING", timedelta(0))


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.2)


def listed(base: str) -> set[str]:
    with urllib.request.urlopen(f"{base}/api/v2/alerts") as answer:
        return {alert["labels"]["alertname"] for alert in json.load(answer)}


def open_alerts() -> dict[str, dict[str, str]]:
    return {alert.name: alert.labels for alert in Alert.objects.filter(resolved_at=None)}


def changes() -> list[str]:
    told = Event.objects.filter(kind="source:change:reported").order_by("at", "id")
    return list(told.values_list("title", flat=True))


def test_alerts_open_fall_silent_and_resolve_by_absence(base: str, settled: None) -> None:
    alertmanager.fire(base, "SlowAnswers", "Wrong", severity="page", case="a")
    until(lambda: {"SlowAnswers", "Wrong"} <= listed(base))
    source = connect("alertmanager", {"url": base, "matchers": ['case="a"']})
    poll(source)
    assert set(open_alerts()) == {"SlowAnswers", "Wrong"}
    alert = Alert.objects.get(name="SlowAnswers")
    assert (alert.state, alert.severity, alert.summary) == ("firing", "page", "answers take 4 s")
    assert alert.url.startswith(f"{base}/#/alerts")
    assert poll(source).changed == 0, "nothing changed, so nothing is written"

    silence_id = alertmanager.silence(base, "SlowAnswers")
    until(lambda: poll(source) and open_alerts()["SlowAnswers"].get("silenced") == silence_id)
    assert changes() == ['Silence for alertname="SlowAnswers"']
    event = Event.objects.get(kind="source:change:reported")
    assert event.actor == "ada"
    assert event.detail.startswith("index is rebuilt")

    command = [servers.executable("amtool", alertmanager.PROGRAM), f"--alertmanager.url={base}", "silence", "expire"]
    subprocess.run([*command, silence_id], check=True, timeout=20)
    until(lambda: poll(source) and "silenced" not in open_alerts()["SlowAnswers"])
    assert changes() == ['Silence for alertname="SlowAnswers"', 'Silence ended for alertname="SlowAnswers"']

    alertmanager.fire(base, "Wrong", minutes=-0.001, severity="page", case="a")
    until(lambda: "Wrong" not in listed(base))
    poll(source)
    assert set(open_alerts()) == {"SlowAnswers"}
    alertmanager.fire(base, "SlowAnswers", minutes=-0.001, severity="page", case="a")


def test_an_inhibited_alert_fires_and_names_the_one_that_hides_it(base: str, settled: None) -> None:
    alertmanager.fire(base, "Everything", "Single", case="b")
    source = connect("alertmanager", {"url": base, "matchers": ['case="b"'], "silences": False})
    until(lambda: poll(source) and open_alerts().get("Single", {}).get("inhibited"))
    assert open_alerts()["Single"]["inhibited"] == Alert.objects.get(name="Everything").external_id


def test_a_server_that_just_started_resolves_nothing(base: str, tmp_path: Path) -> None:
    with alertmanager.running(tmp_path / "first", bell="http://127.0.0.1:1/") as fresh:
        alertmanager.fire(fresh, "SlowAnswers")
        source = connect("alertmanager", {"url": fresh})
        until(lambda: poll(source) and open_alerts())
        alertmanager.fire(fresh, "SlowAnswers", minutes=-0.001)
        until(lambda: not listed(fresh))
        poll(source)
        assert set(open_alerts()) == {"SlowAnswers"}
    assert poll_once(source).error_class == "unreachable"
    assert set(open_alerts()) == {"SlowAnswers"}, "a failed poll resolves nothing"


def test_the_receiver_narrows_what_is_read(base: str) -> None:
    alertmanager.fire(base, "Routed", team="search", case="c")
    alertmanager.fire(base, "Elsewhere", team="other", case="c")
    source = connect("alertmanager", {"url": base, "matchers": ['case="c"'], "receiver": "portal"})
    until(lambda: poll(source) and open_alerts())
    assert set(open_alerts()) == {"Routed"}
    assert open_alerts()["Routed"]["receiver"] == "portal"


def test_the_webhook_proves_itself_and_tells_each_state_once(base: str, bell: Bell) -> None:
    alertmanager.fire(base, "Ringing", team="search")
    until(lambda: [delivery for delivery in bell.rung if delivery.event == "firing"])
    alertmanager.fire(base, "Ringing", minutes=-0.001, team="search")
    until(lambda: [delivery for delivery in bell.rung if delivery.event == "resolved"])
    assert bell.refused == len(bell.rung)
    assert len({delivery.delivery_id for delivery in bell.rung}) == len(bell.rung)


def test_a_probe_names_version_and_a_refused_filter(base: str) -> None:
    answer = probe("alertmanager", {"url": base})
    assert answer.sentence.startswith("Alertmanager 0.")
    assert "firing" in answer.sentence
    refused = probe("alertmanager", {"url": base, "matchers": ['a="b'], "silences": False})
    assert "matcher" in refused.sentence
