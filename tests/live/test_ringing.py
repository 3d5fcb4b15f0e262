"""A real Alertmanager tells the portal its alerts, or rings so that the portal reads them at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from apps.monitors.models import Alert
from apps.sources.models import SourceState, WebhookDelivery
from apps.sources.queries import database_time
from apps.sync import services
from apps.sync.claims import claim_due_sources
from tests.live import alertmanager
from tests.live.polling import connect, poll
from tests.live.receiving import Listening, listening, until  # noqa: F401 - a fixture

pytestmark = [pytest.mark.live]


def open_alerts() -> set[str]:
    return set(Alert.objects.filter(resolved_at=None).values_list("name", flat=True))


def test_a_notification_opens_and_resolves_alerts(
    listening: Listening,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alertmanager, "TOKEN", listening.token)
    with alertmanager.running(tmp_path, bell=f"{listening.api}/sources/reports/alertmanager") as base:
        alertmanager.fire(base, "SlowAnswers", team="search", component="answers")
        until(lambda: open_alerts() == {"SlowAnswers"}, what="the alert fires")
        assert Alert.objects.get().feature.slug == "search-answers"
        alertmanager.fire(base, "SlowAnswers", minutes=-0.001, team="search", component="answers")
        until(lambda: open_alerts() == set(), what="the alert has resolved")


def test_a_polled_source_is_read_at_once_when_it_rings(listening: Listening, tmp_path: Path) -> None:  # noqa: F811
    with alertmanager.running(tmp_path, bell=f"{listening.api}/hooks/alertmanager") as base:
        source = connect("alertmanager", {"url": base}, webhook_secret=alertmanager.TOKEN)
        assert source.slug == "alertmanager"
        poll(source)
        later = database_time() + timedelta(hours=1)
        SourceState.objects.filter(source=source).update(next_poll_at=later)
        alertmanager.fire(base, "SlowAnswers", team="search")

        def ticked() -> bool:
            """What beat and worker do every second."""
            at = database_time()
            services.poll_all(claims=claim_due_sources(at=at), at=at)
            return "SlowAnswers" in open_alerts()

        until(ticked, what="the alert is read")
        row = WebhookDelivery.objects.get(source=source)
        assert (row.verdict, row.event) == ("rang", "firing")
