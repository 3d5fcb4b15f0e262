from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.accounts.models import AuditEntry
from apps.connectors.records import DeploymentState
from apps.deployments import queries, services
from apps.deployments.models import Deployment, Hold, LatestAttempt, Running
from apps.deployments.status import HoldState
from apps.events.models import Event
from apps.events.services import record_events
from apps.sources.mapping import Mapper
from tests.deployments.test_deployment_upserts import NOW, a_deployment
from tests.factories import make_component, make_environment, make_feature, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def tell():
    feature = make_feature(name="Search Answers", slug="search")
    make_component(slug="retrieval-api", feature=feature)
    make_environment(slug="production", name="Production", rank=2, is_production=True)
    source = make_source()

    def store(*records, at=NOW):
        stored = services.upsert_deployments(source=source, records=records, mapper=Mapper(source), at=at)
        record_events(events=stored.events)
        return [event.kind.removeprefix("deployments:") for event in stored.events]

    return store


@pytest.fixture
def rolled_back(tell):
    tell(a_deployment("2.39", 9), a_deployment("2.40", 5))
    tell(a_deployment("2.39", 3, deployed_by="Mei Lin", description="It answered slowly."))
    return Hold.objects.get()


def test_a_rollback_holds_its_place(rolled_back):
    assert (rolled_back.deployment.revision.reference, rolled_back.away_from.reference) == ("2.39", "2.40")
    assert (rolled_back.held_by, rolled_back.reason) == ("Mei Lin", "It answered slowly.")
    assert rolled_back.state is HoldState.HELD


@pytest.mark.parametrize("revision", ["2.40", "2.41"])
def test_what_comes_all_the_same_is_loud(tell, rolled_back, revision):
    assert "hold:broken" in tell(a_deployment(revision, 1))
    hold = Hold.objects.get()
    assert (hold.state, hold.broken_by.revision.reference) == (HoldState.BROKEN, revision)
    event = Event.objects.get(kind="deployments:hold:broken")
    assert event.tone == "bad"
    assert "is held at 2.39 in Production" in event.title


def test_a_breach_is_told_once_however_often_its_news_comes(tell, rolled_back):
    tell(a_deployment("2.41", 1, state=DeploymentState.RUNNING, updated_at=NOW - timedelta(minutes=59)))
    tell(a_deployment("2.41", 1))
    tell(a_deployment("2.41", 1, description="more words", updated_at=NOW))
    assert Event.objects.filter(kind="deployments:hold:broken").count() == 1


def test_an_attempt_that_fails_takes_its_mark_away(tell, rolled_back):
    tell(a_deployment("2.41", 1, state=DeploymentState.RUNNING, updated_at=NOW - timedelta(minutes=59)))
    assert Hold.objects.get().state is HoldState.BROKEN
    tell(a_deployment("2.41", 1, state=DeploymentState.FAILED, updated_at=NOW))
    assert Hold.objects.get().state is HoldState.HELD


def test_the_held_revision_may_come_again(tell, rolled_back):
    assert tell(a_deployment("2.39", 1)) == ["deployment:succeeded"]
    assert Hold.objects.get().state is HoldState.HELD


def test_what_began_before_the_rollback_breaks_nothing(tell, rolled_back):
    tell(a_deployment("2.41", 4, state=DeploymentState.FAILED))
    assert Hold.objects.get().state is HoldState.HELD


def test_going_forward_again_after_a_lifted_hold_is_no_rollback(tell, rolled_back, author):
    services.lift_hold(hold_id=rolled_back.pk, actor=author, reason="fixed", at=NOW - timedelta(hours=2))
    assert tell(a_deployment("2.40", 1)) == ["deployment:succeeded"]
    assert not Hold.objects.filter(lifted_at=None).exists()
    assert Deployment.objects.filter(is_rollback=True).count() == 1


def test_a_rollback_out_of_the_past_holds_nothing(tell):
    tell(a_deployment("1", 400), a_deployment("2", 300), a_deployment("1", 200))
    assert not Hold.objects.exists()


def test_rolling_back_further_moves_the_hold(tell, rolled_back):
    tell(a_deployment("2.38", 2, is_rollback=True))
    hold = Hold.objects.get()
    assert hold.deployment.revision.reference == "2.38"
    assert hold.state is HoldState.HELD


def test_a_rollback_ends_a_breach(tell, rolled_back):
    tell(a_deployment("2.41", 2))
    tell(a_deployment("2.39", 1))
    assert Hold.objects.get().state is HoldState.HELD


def test_a_person_holds_a_place_and_lifts_it_with_reasons(tell, author):
    tell(a_deployment("2.40", 5))
    hold = services.hold_place(running=Running.objects.get(), actor=author, reason="launch day", at=NOW)
    with pytest.raises(services.HoldError, match="held already"):
        services.hold_place(running=Running.objects.get(), actor=author, reason="again", at=NOW)
    assert "hold:broken" not in tell(a_deployment("2.41", 0.5))  # began before the hold was set
    services.lift_hold(hold_id=hold.pk, actor=author, reason="launched", at=NOW)
    with pytest.raises(services.HoldError, match="lifted this hold already"):
        services.lift_hold(hold_id=hold.pk, actor=author, reason="again", at=NOW)
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "reason")) == [
        ("hold:set", "launch day"),
        ("hold:lift", "launched"),
    ]
    assert set(Event.objects.values_list("kind", flat=True)) >= {"deployments:hold:set", "deployments:hold:lifted"}


def test_the_pages_set_and_lift_a_hold(tell, signed_in, author):
    client = signed_in(author)
    tell(a_deployment("2.40", 5))
    deployment = Deployment.objects.get()
    assert "Hold this place" in client.get(deployment.get_absolute_url()).content.decode()
    url = reverse("deployments:hold-place", args=[deployment.pk])
    assert client.post(url, {"reason": ""}).status_code == 422
    assert client.post(url, {"reason": "launch day"}).status_code == 302
    html = client.get(deployment.get_absolute_url()).content.decode()
    assert "is held at 2.40 in Production" in html
    assert "launch day" in html
    lift = reverse("deployments:hold-lift", args=[Hold.objects.get().pk])
    assert client.post(lift, {"reason": "launched"}).status_code == 302
    assert Hold.objects.get().state is HoldState.LIFTED


def test_who_only_reads_may_not_hold(tell, signed_in, outsider, rolled_back):
    client = signed_in(outsider)
    assert client.get(reverse("deployments:hold-lift", args=[rolled_back.pk])).status_code == 403
    assert "may lift it" in client.get(rolled_back.deployment.get_absolute_url()).content.decode()


def test_the_matrix_shows_a_broken_hold_beside_what_runs(tell, signed_in, outsider, rolled_back):
    tell(a_deployment("2.41", 1))
    html = signed_in(outsider).get(reverse("deployments:matrix")).content.decode()
    assert "Hold broken" in html
    assert "is held at 2.39 in Production, but" in html


def test_a_failed_attempt_never_hides_what_runs(tell, signed_in, outsider):
    tell(a_deployment("2.40", 5), a_deployment("2.41", 1, state=DeploymentState.FAILED))
    assert LatestAttempt.objects.get().deployment.revision.reference == "2.41"
    ((row,),) = [group.rows for group in queries.matrix(rows=queries.attempts()).groups]
    (cell,) = row.cells
    assert (cell.running.deployment.revision.reference, cell.attempt.revision.reference) == ("2.40", "2.41")
    html = signed_in(outsider).get(reverse("deployments:matrix")).content.decode()
    assert "2.40" in html
    assert "failed" in html


def test_a_place_where_nothing_went_live_says_so(tell, signed_in, outsider):
    tell(a_deployment("2.41", 1, state=DeploymentState.FAILED))
    assert "nothing went live yet" in signed_in(outsider).get(reverse("deployments:matrix")).content.decode()
