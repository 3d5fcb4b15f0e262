"""A real Alertmanager on loopback, without a write outside the test's own folder and `.live`."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.live import servers
from tests.live.install import PLACE

PROGRAM = "prometheus-alertmanager"
TEMPLATE = Path("usr/share/prometheus/alertmanager/default.tmpl")
TOKEN = "bell-rope-7"
CONFIG = """\
route: {{receiver: quiet, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h,
  routes: [{{receiver: portal, matchers: ['team="search"']}}]}}
receivers:
  - name: quiet
  - name: portal
    webhook_configs: [{{url: "{bell}", send_resolved: true, http_config: {{authorization: {{credentials: {token}}}}}}}]
inhibit_rules:
  - {{source_matchers: ['alertname="Everything"'], target_matchers: ['alertname="Single"']}}
"""


@contextmanager
def running(home: Path, *, bell: str) -> Iterator[str]:
    """The server's address; it rings at `bell` for alerts of the team `search`."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "am.yml").write_text(CONFIG.format(bell=bell, token=TOKEN))
    port = servers.free_port()
    base = f"http://127.0.0.1:{port}"
    command = [servers.executable(PROGRAM, PROGRAM), f"--config.file={home}/am.yml", f"--storage.path={home}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with servers.running(_with_template(command), home=home, ready_url=f"{base}/-/ready"):
        yield base


def post(base: str, what: str, value: Any) -> Any:
    """What the API answers to `value`; None when it answers nothing."""
    request = urllib.request.Request(
        f"{base}/api/v2/{what}", data=json.dumps(value).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


def fire(base: str, *names: str, minutes: float = 5, **labels: str) -> None:
    """Alerts as Prometheus sends them; `minutes` until they expire, negative ones end them."""
    ends = datetime.now(UTC) + timedelta(minutes=minutes)
    told = {"annotations": {"summary": "answers take 4 s"}, "endsAt": ends.isoformat()}
    alerts = [{"labels": {"alertname": name, **labels}, **told} for name in names]
    post(base, "alerts", alerts)


def silence(base: str, alertname: str, *, minutes: float = 60) -> str:
    """The id of a new silence."""
    now = datetime.now(UTC)
    matcher = {"name": "alertname", "value": alertname, "isRegex": False, "isEqual": True}
    wanted = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(minutes=minutes)).isoformat()}
    made = post(base, "silences", {**wanted, "matchers": [matcher], "createdBy": "ada", "comment": "index is rebuilt"})
    return made["silenceID"]


def _with_template(command: list[str]) -> list[str]:
    """Debian's program insists on a template below /usr/share, which an unpacked package does not have.

    Where it is missing the program gets a mount namespace of its own, in which the unpacked /usr/share stands there.
    """
    if (Path("/") / TEMPLATE).exists() or not (PLACE / "debian" / TEMPLATE).exists():
        return command
    script = 'mount --bind "$0" /usr/share && exec "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", script, str(PLACE / "debian/usr/share"), *command]
