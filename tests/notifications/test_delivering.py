"""From the ledger to a receiver: everything once if all goes well, at least once whatever goes wrong."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from apps.accounts.models import AuditEntry
from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from apps.notifications import claims, marking, outbox, pump, services
from apps.notifications.models import Delivery, Subscription, SubscriptionState
from apps.notifications.sending import Outcome
from apps.notifications.tidying import tidy_deliveries
from apps.sources.queries import database_time
from tests.notifications.receiver import is_signed, receive

pytestmark = pytest.mark.django_db(transaction=True)


def make_due() -> None:
    """Let every pause be over."""
    Delivery.objects.filter(next_try_at__isnull=False).update(next_try_at=database_time())
    SubscriptionState.objects.update(not_before=None)


def test_an_event_reaches_the_receiver_signed_and_once(receiver, make_subscription, tell):
    subscription = make_subscription()
    event = tell()
    assert str(pump.pump()) == "1 queued, 1 tried, 1 delivered"
    assert str(pump.pump()) == "0 queued, 0 tried, 0 delivered"
    (got,) = receiver.got
    assert got.id == f"evt_{event.pk}" == got.json["id"]
    assert got.headers["user-agent"].startswith("OpsPortal/")
    assert is_signed(got, subscription.secret)
    assert not is_signed(got, "whsec_" + "A" * 43 + "=")
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.status, delivery.next_try_at) == ("delivered", 1, 204, None)
    assert delivery.delivered_at
    assert SubscriptionState.objects.get().last_delivered_at


def test_what_happened_before_the_subscription_is_not_sent(receiver, make_subscription, tell):
    tell(title="before")
    make_subscription()
    tell(title="after")
    pump.pump()
    assert [got.json["data"]["title"] for got in receiver.got] == ["after"]


def test_only_what_passes_the_filters_is_sent(receiver, make_subscription, tell):
    make_subscription(kinds=["pipelines:run:failed"])
    tell()
    wanted = tell(kind="pipelines:run:failed")
    pump.pump()
    assert receiver.ids == [f"evt_{wanted.pk}"]


def test_a_transaction_that_commits_late_is_not_passed_by(receiver, make_subscription, tell):
    make_subscription()
    begun, go_on = threading.Event(), threading.Event()

    def late() -> None:
        with transaction.atomic():
            record_events(events=[NewEvent(kind="prompts:label:moved", at=database_time(), title="late")])
            begun.set()
            go_on.wait(20)
        connection.close()

    other = threading.Thread(target=late)
    other.start()
    begun.wait(20)
    early = tell(title="early")
    pump.pump()
    assert receiver.got == [], "an older transaction is open, so the newer row waits"
    go_on.set()
    other.join()
    assert Event.objects.get(title="late").pk < early.pk
    pump.pump()
    assert sorted(got.json["data"]["title"] for got in receiver.got) == ["early", "late"]


def test_after_a_move_to_another_server_new_events_are_sent_and_old_ones_are_not(receiver, make_subscription, tell):
    tell(title="from before the subscription")
    make_subscription()
    tell(title="old")
    pump.pump()
    make_subscription(name="Never sent anything", url=f"{receiver.url}/2")
    SubscriptionState.objects.update(cursor_transaction=2**60)  # as if transactions were counted anew
    tell(title="new")
    pump.pump()
    got = sorted((got.path, got.json["data"]["title"]) for got in receiver.got)
    assert got == [("/hook", "new"), ("/hook", "old"), ("/hook/2", "new")]


def test_a_refused_event_is_tried_again_under_the_same_id(receiver, make_subscription, tell):
    make_subscription()
    receiver.answer(500, 204)
    event = tell()
    pump.pump()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status) == ("failed", 500)
    assert delivery.error == "127.0.0.1 answered 500 Internal Server Error. It says: busy <b>today</b>"
    assert delivery.next_try_at > database_time() - timedelta(seconds=1)
    make_due()
    pump.pump()
    assert receiver.ids == [f"evt_{event.pk}"] * 2
    assert Delivery.objects.get().state == "delivered"
    state = SubscriptionState.objects.get()
    assert (state.failures, state.failing_since, state.error) == (0, None, "")


def test_a_receiver_that_asks_for_quiet_gets_it(receiver, make_subscription, tell):
    make_subscription()
    receiver.answer(503, Retry_After="1800")
    at = database_time()
    tell()
    pump.pump()
    assert Delivery.objects.get().next_try_at >= at + timedelta(seconds=1800)
    assert SubscriptionState.objects.get().not_before >= at + timedelta(seconds=1800)
    tell(title="another")
    pump.pump()
    assert len(receiver.got) == 1


def test_nobody_there_is_a_failure_with_a_sentence(make_subscription, tell):
    make_subscription(url="http://127.0.0.1:9/hook")
    tell()
    pump.pump()
    assert "127.0.0.1 refuses the connection" in Delivery.objects.get().error


def test_an_address_inside_is_refused(make_subscription, tell, settings):
    settings.ALLOWED_NETWORKS = []
    make_subscription()
    tell()
    pump.pump()
    assert "stays closed" in Delivery.objects.get().error


def test_redirects_are_not_followed(receiver, make_subscription, tell):
    make_subscription()
    receiver.answer(302, Location=receiver.url)
    tell()
    pump.pump()
    assert len(receiver.got) == 1
    assert "redirects are never followed" in Delivery.objects.get().error


def test_a_slow_receiver_delays_no_other(receiver, make_subscription, tell):
    released = threading.Event()
    with receive() as slow:
        slow.before_answer = lambda _got: released.wait(20)
        make_subscription(name="Slow", url=slow.url)
        make_subscription(name="Quick")
        tell()
        pumping = threading.Thread(target=_pump_and_close)
        pumping.start()
        _until(lambda: Delivery.objects.filter(state="delivered", subscription__name="Quick").exists())
        assert Delivery.objects.get(subscription__name="Slow").state == "delivering"
        tell(title="another")
        _until(lambda: len(receiver.got) == 2)  # the pump that waits for the slow one goes on with the quick one
        assert pump.pump() is None
        released.set()
        pumping.join()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_a_slow_receiver_does_not_hold_up_the_next_turn(receiver, make_subscription, tell, monkeypatch):
    monkeypatch.setattr(pump, "BUDGET", timedelta(seconds=0.1))
    released = threading.Event()
    with receive() as slow:
        slow.before_answer = lambda _got: released.wait(20)
        make_subscription(name="Slow", url=slow.url, kinds=["deployments:*"])
        tell()
        pumping = threading.Thread(target=_pump_and_close)
        pumping.start()
        _until(lambda: slow.got)
        make_subscription(name="Quick")
        tell(title="another", kind="prompts:label:moved")
        _until(lambda: pump.pump() and receiver.got)
        assert Delivery.objects.filter(subscription__name="Slow", state="delivering").exists()
        released.set()
        pumping.join()


def test_a_receiver_that_failed_three_times_is_asked_with_one_event_at_a_time(make_subscription, tell):
    make_subscription()
    for number in range(12):
        tell(title=f"event {number}")
    at = database_time()
    outbox.hand_over_events(at=at)
    SubscriptionState.objects.update(failures=3)
    (claim,) = claims.claim_due_deliveries(at=at, most=100)
    assert claims.claim_due_deliveries(at=at, most=100) == []
    marking.mark_deliveries(sent=[marking.Sent(claim=claim, outcome=Outcome(status=500, error="no"))], at=at)
    assert claims.claim_due_deliveries(at=at, most=100) == [], "it rests"
    make_due()
    (claim,) = claims.claim_due_deliveries(at=database_time(), most=100)
    marking.mark_deliveries(sent=[marking.Sent(claim=claim, outcome=Outcome(status=200))], at=at)
    assert len(claims.claim_due_deliveries(at=database_time(), most=100)) == claims.EACH


def test_a_dead_receiver_is_not_flooded(receiver, make_subscription, tell):
    make_subscription()
    receiver.answer(500)
    for number in range(60):
        tell(title=f"event {number}")
    pump.pump()
    assert len(receiver.got) < 2 * claims.EACH
    assert set(Delivery.objects.values_list("state", flat=True)) == {"failed", "queued"}


def test_410_switches_the_subscription_off_and_says_so(receiver, make_subscription, tell):
    subscription = make_subscription(kinds=["*", "notifications:*"])
    other = make_subscription(name="Everything else")
    watcher = make_subscription(name="Watcher", kinds=["notifications:*"])
    with receive() as gone:
        Subscription.objects.filter(pk=subscription.pk).update(url=gone.url)
        gone.answer(410)
        tell()
        pump.pump()
        tell(title="next")
        pump.pump()
        assert len(gone.got) == 1
    subscription.refresh_from_db()
    assert not subscription.is_enabled
    assert subscription.status == "disabled"
    assert "410 Gone" in subscription.state.disabled_because
    event = Event.objects.get(kind="notifications:subscription:disabled")
    assert event.subject_id == subscription.pk
    assert AuditEntry.objects.get(action="subscription:disable").origin == "worker"
    told = Delivery.objects.filter(event=event)
    assert [row.subscription_id for row in told] == [watcher.pk], "only who names them hears of deliveries"
    assert Delivery.objects.filter(subscription=other, state="delivered").count() == 2


def test_a_day_of_failures_switches_the_subscription_off(receiver, make_subscription, tell):
    subscription = make_subscription()
    receiver.answer(500)
    tell()
    SubscriptionState.objects.update(failures=20, failing_since=database_time() - timedelta(hours=23))
    pump.pump()
    assert Subscription.objects.get().is_enabled
    make_due()
    SubscriptionState.objects.update(failing_since=database_time() - timedelta(hours=25))
    pump.pump()
    subscription.refresh_from_db()
    assert not subscription.is_enabled
    assert "22 tries in a row failed for more than a day" in subscription.state.disabled_because
    assert Delivery.objects.get().state == "failed", "it waits for whoever resumes"


def test_an_event_is_given_up_after_a_day(receiver, make_subscription, tell):
    make_subscription()
    receiver.answer(500)
    tell()
    pump.pump()
    Delivery.objects.update(first_tried_at=database_time() - timedelta(hours=24))
    make_due()
    pump.pump()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.next_try_at) == ("abandoned", None)


def test_a_claim_that_lapsed_says_nothing_any_more(make_subscription, tell):
    make_subscription()
    tell()
    at = database_time()
    outbox.hand_over_events(at=at)
    (old,) = claims.claim_due_deliveries(at=at, most=10)
    assert claims.claim_due_deliveries(at=at, most=10) == []
    later = at + timedelta(seconds=claims.LEASE_SECONDS + 1)
    (new,) = claims.claim_due_deliveries(at=later, most=10)
    failed = marking.Sent(claim=old, outcome=Outcome(error="too late"))
    assert marking.mark_deliveries(sent=[failed], at=later) == 0
    assert SubscriptionState.objects.get().failures == 0
    good = marking.Sent(claim=new, outcome=Outcome(status=200))
    assert marking.mark_deliveries(sent=[good, good], at=later) == 1
    assert Delivery.objects.get().attempts == 2


def test_two_claimers_never_get_the_same_delivery(make_subscription, tell):
    make_subscription()
    for number in range(40):
        tell(title=f"event {number}")
    outbox.hand_over_events(at=database_time())
    barrier, found = threading.Barrier(4), []

    def claim() -> None:
        barrier.wait()
        at = database_time()
        found.extend(one.delivery.pk for one in claims.claim_due_deliveries(at=at, most=100))
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(set(found)) >= claims.EACH


def test_two_workers_hand_an_event_over_once(make_subscription, tell):
    make_subscription()
    for number in range(30):
        tell(title=f"event {number}")
    threads = [threading.Thread(target=_hand_over_and_close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outbox.hand_over_events(at=database_time())
    assert Delivery.objects.count() == 30


def test_while_it_is_paused_events_wait_and_then_go_out(receiver, make_subscription, tell):
    subscription = make_subscription()
    assert services.pause_subscription(subscription=subscription, actor=None)
    assert not services.pause_subscription(subscription=subscription, actor=None)
    tell(title="meanwhile")
    pump.pump()
    assert receiver.got == []
    at = database_time()
    assert services.resume_subscription(subscription=subscription, at=at, skips_missed=False, actor=None)
    pump.pump()
    assert [got.json["data"]["title"] for got in receiver.got] == ["meanwhile"]


def test_resumed_from_now_it_leaves_out_what_it_missed(receiver, make_subscription, tell):
    subscription = make_subscription()
    receiver.answer(500)
    tell(title="refused")
    pump.pump()
    services.pause_subscription(subscription=subscription, actor=None)
    tell(title="meanwhile")
    receiver.answer(204)
    at = database_time()
    services.resume_subscription(subscription=subscription, at=at, skips_missed=True, actor=None)
    tell(title="new")
    pump.pump()
    assert [got.json["data"]["title"] for got in receiver.got] == ["refused", "new"]
    assert Delivery.objects.get(state="abandoned").error == services.SKIPPED


def test_an_event_that_left_the_ledger_is_given_up(make_subscription, tell):
    make_subscription(includes_demo=True)
    event = tell(is_demo=True)
    outbox.hand_over_events(at=database_time())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL opsportal.purge_demo = 'on'")
        cursor.execute("DELETE FROM events_event WHERE id = %s", [event.pk])
    pump.pump()
    assert (Delivery.objects.get().state, Delivery.objects.get().error) == ("abandoned", claims.VANISHED)


def test_a_turn_ends_even_when_the_work_breaks_off(make_subscription, tell, monkeypatch):
    make_subscription()
    tell()

    def broken(**_: object) -> int:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(pump, "mark_deliveries", broken)
        with pytest.raises(ZeroDivisionError):
            pump.pump()
    assert pump.pump() is not None
    assert Delivery.objects.get().state == "delivering", "its lease will lapse"


def test_old_deliveries_go_and_waiting_ones_stay(make_subscription, tell):
    subscription = make_subscription()
    at, old = database_time(), database_time() - timedelta(days=31)
    for state, queued_at, next_try_at in (("delivered", old, None), ("failed", old, at), ("delivered", at, None)):
        Delivery.objects.create(
            subscription=subscription, event=tell(), state=state, queued_at=queued_at, next_try_at=next_try_at
        )
    assert tidy_deliveries(at=at) == 1
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["delivered", "failed"]


def test_a_quiet_tick_asks_little_however_many_subscriptions_there_are(
    make_subscription, tell, django_assert_num_queries
):
    for number in range(5):
        make_subscription(name=f"Bridge {number}")
    tell()
    pump.pump()
    with django_assert_num_queries(7):
        pump.pump()


def _pump_and_close() -> None:
    pump.pump()
    connection.close()


def _hand_over_and_close() -> None:
    outbox.hand_over_events(at=database_time())
    connection.close()


def _until(happened, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
