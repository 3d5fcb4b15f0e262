"""A person asks for a rollback; the other system carries it out, or does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.models import AuditEntry
from apps.connectors.records import DeploymentState
from apps.deployments import queries, services
from apps.deployments.models import Deployment, Hold, Running
from apps.deployments.status import HoldState
from apps.events.models import Event
from tests.deployments.test_deployment_upserts import NOW, a_deployment
from tests.deployments.test_holds import tell  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
ASKED = NOW - timedelta(hours=4)


@pytest.fixture
def asked(tell, author):  # noqa: F811
    """2.39 and 2.40 went live; the author wants 2.39 back."""
    tell(a_deployment("2.39", 9), a_deployment("2.40", 5))
    running = Running.objects.get()
    (earlier,) = queries.earlier_in_place(running=running)
    return services.ask_rollback(running=running, to=earlier, actor=author, reason="wrong answers", at=ASKED)


def test_a_rollback_is_asked_for_until_it_comes(tell, asked, author):  # noqa: F811
    assert asked.state is HoldState.ASKED
    assert (asked.deployment.revision.reference, asked.away_from.reference) == ("2.39", "2.40")
    assert tell(a_deployment("2.39", 3, deployed_by="release-bot")) == ["deployment:rolled-back", "hold:set"]
    hold = Hold.objects.get()
    assert hold.state is HoldState.HELD
    assert (hold.held_by, hold.reason, hold.held_at) == (str(author), "wrong answers", ASKED)
    assert hold.deployment == Running.objects.get().deployment
    told = Event.objects.filter(kind__startswith="deployments:hold").order_by("at")
    assert [event.kind.rpartition(":")[2] for event in told] == ["asked", "set"]
    assert told[1].detail == f"Asked for by {author}: wrong answers"
    assert AuditEntry.objects.get().action == "hold:ask"


def test_what_is_neither_old_nor_new_breaks_a_rollback_that_is_asked_for(tell, asked):  # noqa: F811
    assert "hold:broken" in tell(a_deployment("2.41", 3))
    assert Hold.objects.get().state is HoldState.BROKEN


def test_an_attempt_that_fails_leaves_the_rollback_asked_for(tell, asked):  # noqa: F811
    tell(a_deployment("2.41", 3, state=DeploymentState.RUNNING, updated_at=NOW - timedelta(minutes=170)))
    tell(a_deployment("2.41", 3, state=DeploymentState.FAILED, updated_at=NOW))
    hold = Hold.objects.get()
    assert (hold.state, hold.broken_by.revision.reference) == (HoldState.ASKED, "2.40")


def test_another_rollback_than_the_one_asked_for_is_held_as_it_came(tell, asked):  # noqa: F811
    tell(a_deployment("2.38", 3, is_rollback=True, deployed_by="Mei Lin", description="Further back."))
    hold = Hold.objects.get()
    assert (hold.state, hold.deployment.revision.reference) == (HoldState.HELD, "2.38")
    assert (hold.held_by, hold.reason) == ("Mei Lin", "Further back.")


def test_the_wanted_revision_meets_the_hold_even_when_it_is_no_rollback(tell, author):  # noqa: F811
    tell(a_deployment("2.40", 9), a_deployment("2.39", 8), a_deployment("2.40", 5))
    services.lift_hold(hold_id=Hold.objects.get().pk, actor=author, reason="on again", at=NOW - timedelta(hours=5))
    running = Running.objects.get()
    to = Deployment.objects.get(revision__reference="2.39")
    services.ask_rollback(running=running, to=to, actor=author, reason="it was right", at=ASKED)
    assert tell(a_deployment("2.39", 3)) == ["deployment:succeeded"]
    assert Hold.objects.get(lifted_at=None).state is HoldState.HELD


def test_nobody_asks_for_a_rollback_from_what_runs_no_longer(tell, author):  # noqa: F811
    tell(a_deployment("2.39", 9), a_deployment("2.40", 5))
    running = Running.objects.select_related("deployment__revision").get()
    tell(a_deployment("2.41", 4))
    with pytest.raises(services.HoldError, match="Something else runs there now"):
        services.ask_rollback(running=running, to=running.deployment, actor=author, reason="late", at=NOW)


def test_only_revisions_that_went_live_before_are_offered_newest_first(tell):  # noqa: F811
    tell(*(a_deployment(f"1.{number}", 20 - number) for number in range(8)))
    tell(a_deployment("0.9", 15.5, state=DeploymentState.FAILED), a_deployment("2.0", 0.5))
    found = queries.earlier_in_place(running=Running.objects.get())
    assert [row.revision.reference for row in found] == ["1.7", "1.6", "1.5", "1.4", "1.3"]


def test_the_page_asks_for_a_rollback_with_a_reason(tell, signed_in, author):  # noqa: F811
    client = signed_in(author)
    tell(a_deployment("2.39", 9), a_deployment("2.40", 5))
    live, earlier = Running.objects.get().deployment, Deployment.objects.get(revision__reference="2.39")
    assert "Roll back" in client.get(live.get_absolute_url()).content.decode()
    url = reverse("deployments:rollback-ask", args=[live.pk])
    assert "2.39" in client.get(url).content.decode()
    assert client.post(url, {"to": earlier.pk, "reason": ""}).status_code == 422
    assert client.post(url, {"to": live.pk, "reason": "odd"}).status_code == 422
    assert client.post(url, {"to": earlier.pk, "reason": "wrong answers"}).status_code == 302
    html = client.get(live.get_absolute_url()).content.decode()
    assert "should go back to 2.39 in Production" in html
    assert "2.40 runs there still" in html
    assert f"by {author}: wrong answers" in html
    assert "Rollback asked for" in client.get(reverse("deployments:matrix")).content.decode()


def test_a_place_without_a_past_says_that_there_is_nothing_to_go_back_to(tell, signed_in, author):  # noqa: F811
    tell(a_deployment("2.40", 5))
    url = reverse("deployments:rollback-ask", args=[Running.objects.get().deployment_id])
    assert "Nothing else ran here before" in signed_in(author).get(url).content.decode()
    assert signed_in(author).post(url, {"reason": "x"}).status_code == 422


def test_who_only_reads_may_not_ask_for_a_rollback(tell, signed_in, outsider):  # noqa: F811
    tell(a_deployment("2.39", 9), a_deployment("2.40", 5))
    live = Running.objects.get().deployment
    url = reverse("deployments:rollback-ask", args=[live.pk])
    assert signed_in(outsider).post(url, {"to": live.pk, "reason": "x"}).status_code == 403
    assert "Roll back" not in signed_in(outsider).get(live.get_absolute_url()).content.decode()
    assert not Hold.objects.exists()
