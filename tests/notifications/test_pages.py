"""What people see of outbound events, and who may press what."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEntry
from apps.notifications.models import Delivery, Replay, Subscription, SubscriptionState
from apps.notifications.status import SubscriptionStatus
from apps.sources.secrets import decrypt_secrets
from tests.factories import make_environment, make_feature
from tests.notifications.receiver import is_signed

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"notifications:{name}", args=args)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def typed(**fields):
    return {"name": "Bridge", "url": "https://hooks.example.com/x", "format": "structured", **fields}


@pytest.fixture
def subscription(make_subscription):
    return make_subscription()


@pytest.fixture
def delivery(subscription, tell):
    event = tell(title="api <b>2.40</b> went live")
    return Delivery.objects.create(
        subscription=subscription, event=event, state="abandoned", error="No <i>answer</i>", next_try_at=None
    )


def test_an_empty_list_says_what_a_subscription_is_for(author, signed_in):
    assert "Nobody outside hears of anything yet" in text_of(signed_in(author).get(page("subscription-list")))


def test_the_list_costs_the_same_however_long_it_is(author, signed_in, make_subscription, django_assert_num_queries):
    client = signed_in(author)
    for number in range(3):
        make_subscription(name=f"Bridge {number}")
    client.get(page("subscription-list"))
    with django_assert_num_queries(5) as counted:
        client.get(page("subscription-list"))
    for number in range(9):
        make_subscription(name=f"Another {number}")
    with django_assert_num_queries(len(counted)):
        client.get(page("subscription-list"))


def test_a_switched_off_subscription_has_a_banner_on_the_list(author, signed_in, subscription):
    Subscription.objects.update(is_enabled=False)
    SubscriptionState.objects.update(disabled_at=timezone.now(), disabled_because="Nobody listens.")
    assert "Bridge is switched off since" in text_of(signed_in(author).get(page("subscription-list")))


@pytest.mark.parametrize("status", SubscriptionStatus.values)
def test_the_filter_by_status_and_the_badge_follow_the_same_rule(status, author, signed_in, make_subscription):
    for number, (is_enabled, failures, is_disabled) in enumerate(
        (a, b, c) for a in (True, False) for b in (0, 2) for c in (True, False)
    ):
        one = make_subscription(name=f"One {number}")
        Subscription.objects.filter(pk=one.pk).update(is_enabled=is_enabled)
        disabled_at = timezone.now() if is_disabled and not is_enabled else None
        SubscriptionState.objects.filter(pk=one.pk).update(failures=failures, disabled_at=disabled_at)
    judged = {one.name for one in Subscription.objects.select_related("state") if one.status == status}
    shown = signed_in(author).get(page("subscription-list"), {"status": status, "format": "json"})
    found = re.findall(r"One \d", b"".join(shown.streaming_content).decode())
    assert judged
    assert judged == set(found)


def test_a_new_subscription_shows_its_secret_once(author, signed_in):
    feature, environment = make_feature(), make_environment()
    client = signed_in(author)
    sent = typed(
        families=["deployments:*"],
        patterns="pipelines:run:failed\n\n deployments:* ",
        features=[feature.pk],
        environments=[environment.pk],
        only_changes="on",
    )
    response = client.post(page("subscription-create"), sent)
    subscription = Subscription.objects.get()
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]{44}", response.content.decode()))
    assert decrypt_secrets(subscription) == {"current": secret}
    assert "no-store" in response["Cache-Control"]
    assert subscription.kinds == ["deployments:*", "pipelines:run:failed"]
    assert (subscription.feature_ids, subscription.environment_ids) == ([feature.pk], [environment.pk])
    assert (subscription.only_changes, subscription.includes_demo, subscription.created_by) == (True, False, author)
    for name in ("subscription-detail", "subscription-change"):
        shown = client.get(page(name, subscription.pk)).content.decode()
        assert secret not in shown
        assert feature.name in shown
    entry = AuditEntry.objects.get(action="subscription:add")
    assert secret not in str(entry.after)
    assert entry.actor == author


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Name is needed."),
        ("name", "Taken", "Another subscription has this name already."),
        ("url", "ftp://x", "must begin with http"),
        ("url", "https://me:pw@x.example", "must not hold a user or password"),
        ("patterns", "Deployments!", "is no kind of event"),
        ("patterns", "\n".join(f"{'a' * n}:*" for n in range(1, 60)), "more than 50 kinds"),
        ("features", ["999"], "not one of the available choices"),
        ("trusted_ca", "nonsense", "not readable"),
        ("allowed_networks", "everywhere", "is not a network"),
    ],
)
def test_a_form_that_is_wrong_says_so_and_saves_nothing(field, value, said, admin, signed_in, make_subscription):
    make_subscription(name="Taken")
    response = signed_in(admin).post(page("subscription-create"), typed(**{field: value}))
    assert response.status_code == 422
    assert said in text_of(response).replace("&#x27;", "'")
    assert Subscription.objects.count() == 1


def test_only_administrators_open_networks(author, admin, signed_in, make_subscription):
    subscription = make_subscription(allowed_networks=["10.1.0.0/16"])
    sent = typed(allowed_networks="10.0.0.0/8")
    signed_in(author).post(page("subscription-change", subscription.pk), sent)
    subscription.refresh_from_db()
    assert subscription.allowed_networks == ["10.1.0.0/16"]
    signed_in(admin).post(page("subscription-change", subscription.pk), sent)
    subscription.refresh_from_db()
    assert subscription.allowed_networks == ["10.0.0.0/8"]


def test_a_change_keeps_the_secret_and_is_audited(author, signed_in, subscription):
    before = bytes(subscription.secrets)
    client = signed_in(author)
    assert client.get(page("subscription-change", subscription.pk)).status_code == 200
    response = client.post(page("subscription-change", subscription.pk), typed(name="Renamed", format="binary"))
    assert response.url == subscription.get_absolute_url()
    subscription.refresh_from_db()
    assert (subscription.name, subscription.format, bytes(subscription.secrets)) == ("Renamed", "binary", before)
    assert AuditEntry.objects.get(action="subscription:change").after["name"] == "Renamed"


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(author, signed_in, subscription, receiver):
    from apps.notifications import services

    client = signed_in(author)
    shown = client.post(page("subscription-rotate", subscription.pk)).content.decode()
    (new,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]{44}", shown))
    client.post(page("subscription-test", subscription.pk))
    assert is_signed(receiver.got[-1], subscription.secret)
    assert is_signed(receiver.got[-1], new)
    later = timezone.now() + timedelta(hours=25)
    Subscription.objects.update(previous_until=timezone.now())
    client.post(page("subscription-test", subscription.pk))
    assert not is_signed(receiver.got[-1], subscription.secret)
    assert is_signed(receiver.got[-1], new)
    assert services.forget_previous_secrets(at=later) == 1
    assert decrypt_secrets(Subscription.objects.get()) == {"current": new}
    assert AuditEntry.objects.filter(action="subscription:rotate").exists()


@pytest.mark.parametrize(("status", "said"), [(200, "The receiver took it: 200"), (500, "answered 500")])
def test_a_test_event_says_what_came_back(status, said, author, signed_in, subscription, receiver):
    receiver.answer(status)
    SubscriptionState.objects.update(not_before=timezone.now() + timedelta(minutes=9))
    response = signed_in(author).post(page("subscription-test", subscription.pk), headers={"HX-Request": "true"})
    assert said in text_of(response)
    (got,) = receiver.got
    assert got.json["type"] == "opsportal.notifications.test.sent"
    assert got.id.startswith("test_")
    assert not Delivery.objects.exists()
    state = SubscriptionState.objects.get()
    assert state.failures == 0
    assert (state.not_before is None) is (status == 200), "what waits goes out when the receiver is back"
    assert said in AuditEntry.objects.get(action="subscription:test").after["answer"]


def test_the_page_of_a_subscription_shows_its_log(author, signed_in, delivery, django_assert_max_num_queries):
    client = signed_in(author)
    client.get(delivery.subscription.get_absolute_url())
    with django_assert_max_num_queries(12):
        response = client.get(delivery.subscription.get_absolute_url())
    text = text_of(response)
    assert response.content.decode().count("<h1") == 1
    for said in (
        "Active",
        "api &lt;b&gt;2.40&lt;/b&gt; went live",
        "Given up",
        "No &lt;i&gt;answer",
        f"evt_{delivery.event_id}",
    ):
        assert said in text
    for filters in ({"state": "abandoned"}, {"kind": "deployments:*"}, {"q": "2.40"}):
        assert "went live" in text_of(client.get(delivery.subscription.get_absolute_url(), filters))
    for filters in ({"state": "delivered"}, {"kind": "prompts:*"}, {"q": "3.1"}):
        assert "went live" not in text_of(client.get(delivery.subscription.get_absolute_url(), filters))


def test_a_long_log_is_read_page_by_page(author, signed_in, subscription, tell):
    for number in range(25):
        Delivery.objects.create(subscription=subscription, event=tell(title=f"event {number:02}"))
    client = signed_in(author)
    first = client.get(subscription.get_absolute_url()).content.decode()
    (older,) = set(re.findall(r'href="([^"]*after=[^"]*)"', first))
    second = client.get(older.replace("&amp;", "&")).content.decode()
    titles = [set(re.findall(r"event \d\d", html)) for html in (first, second)]
    assert (len(titles[0]), len(titles[1]), titles[0] & titles[1]) == (20, 5, set())


def test_one_delivery_is_sent_again(author, signed_in, delivery):
    response = signed_in(author).post(page("delivery-replay", delivery.pk))
    assert response.url == delivery.subscription.get_absolute_url()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.is_replay) == ("queued", 0, True)
    assert AuditEntry.objects.get(action="subscription:replay").after == {"event": delivery.event_id}


def test_a_delivery_under_way_is_left_alone(author, signed_in, delivery):
    Delivery.objects.update(state="delivering")
    signed_in(author).post(page("delivery-replay", delivery.pk))
    delivery.refresh_from_db()
    assert delivery.state == "delivering"


def test_a_span_is_sent_again_with_progress(author, signed_in, make_subscription, tell, monkeypatch):
    from apps.notifications import replaying

    subscription, now = make_subscription(kinds=["deployments:*"]), timezone.now()
    known, new = tell(at=now - timedelta(hours=1)), tell(at=now - timedelta(hours=2))
    tell(at=now - timedelta(minutes=90), kind="pipelines:run:failed")
    tell(at=now - timedelta(days=2))
    Delivery.objects.create(subscription=subscription, event=known, state="delivered", attempts=3, next_try_at=None)
    client = signed_in(author)
    span = {"start": f"{now - timedelta(hours=3):%Y-%m-%dT%H:%M}", "end": f"{now:%Y-%m-%dT%H:%M}"}
    assert client.post(page("replay-span", subscription.pk), span).status_code == 302
    assert "Waiting for a worker" in text_of(client.get(page("replay-progress", subscription.pk)))
    monkeypatch.setattr(replaying, "BATCH", 2)
    assert replaying._next_piece(at=timezone.now()) == 1
    shown = client.get(page("replay-progress", subscription.pk))
    assert "2 of 3 events" in text_of(shown)
    assert "every 1s" in shown.content.decode()
    assert replaying.carry_out_replays(at=timezone.now()) == 1
    assert "2 of 3 events queued again" in text_of(client.get(page("replay-progress", subscription.pk)))
    rows = dict(Delivery.objects.values_list("event_id", "state"))
    assert rows == {known.pk: "queued", new.pk: "queued"}
    replay = Replay.objects.get()
    assert (replay.total, replay.done, replay.queued, replay.requested_by) == (3, 3, 2, author)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-11-24T10:00", "2026-11-24T09:00", "The end must come after the beginning."),
        ("2026-01-01T10:00", "2026-11-24T09:00", "92 days at most"),
        ("soon", "2026-11-24T09:00", "Enter a valid date/time"),
    ],
)
def test_a_span_that_is_none_is_refused(start, end, said, author, signed_in, subscription):
    response = signed_in(author).post(page("replay-span", subscription.pk), {"start": start, "end": end})
    assert response.status_code == 422
    assert said in text_of(response)
    assert not Replay.objects.exists()


def test_nothing_is_replayed_to_a_paused_subscription(author, signed_in, subscription):
    client = signed_in(author)
    client.post(page("subscription-pause", subscription.pk))
    span = {"start": "2026-11-24T09:00", "end": "2026-11-24T10:00"}
    assert client.post(page("replay-span", subscription.pk), span).status_code == 302
    assert not Replay.objects.exists()


def test_it_is_paused_and_resumed_and_both_are_audited(author, signed_in, subscription):
    client = signed_in(author)
    client.post(page("subscription-pause", subscription.pk))
    assert not Subscription.objects.get().is_enabled
    assert "Resume with what was missed" in text_of(client.get(subscription.get_absolute_url()))
    client.post(page("subscription-resume", subscription.pk), {"missed": "skip"})
    assert Subscription.objects.get().is_enabled
    entries = AuditEntry.objects.filter(actor=author)
    assert sorted(entries.values_list("action", flat=True)) == ["subscription:pause", "subscription:resume"]


def test_removing_asks_once_more_and_leaves_ledger_and_audit(admin, signed_in, delivery):
    client = signed_in(admin)
    Delivery.objects.update(state="queued", next_try_at=timezone.now())
    assert "1 event that waits will not be sent." in text_of(
        client.get(page("subscription-remove", delivery.subscription_id))
    )
    assert client.post(page("subscription-remove", delivery.subscription_id)).status_code == 302
    assert not Subscription.objects.exists()
    assert not Delivery.objects.exists()
    assert AuditEntry.objects.get(action="subscription:remove").before["name"] == "Bridge"


POSTS = [
    "subscription-test",
    "subscription-rotate",
    "subscription-pause",
    "subscription-resume",
    "replay-span",
    "delivery-replay",
]


@pytest.mark.parametrize("name", [*POSTS, "subscription-change", "subscription-remove"])
def test_people_who_may_only_look_change_nothing(name, outsider, signed_in, delivery):
    pk = delivery.pk if name == "delivery-replay" else delivery.subscription_id
    before = list(Subscription.objects.values()), list(Delivery.objects.values()), AuditEntry.objects.count()
    assert signed_in(outsider).post(page(name, pk), typed()).status_code == 403
    after = list(Subscription.objects.values()), list(Delivery.objects.values()), AuditEntry.objects.count()
    assert str(after) == str(before)


@pytest.mark.parametrize("name", ["subscription-list", "subscription-create"])
def test_viewers_do_not_see_receivers(name, outsider, signed_in):
    assert signed_in(outsider).get(page(name)).status_code == 403
    assert "Outbound events" not in signed_in(outsider).get("/changes/").content.decode()


def test_engineers_find_it_in_the_navigation(author, signed_in):
    assert page("subscription-list") in signed_in(author).get("/changes/").content.decode()


def test_an_engineer_may_not_remove(author, signed_in, subscription):
    assert signed_in(author).post(page("subscription-remove", subscription.pk)).status_code == 403


@pytest.mark.parametrize("name", POSTS)
def test_looking_never_changes_anything(name, author, signed_in, delivery):
    pk = delivery.pk if name == "delivery-replay" else delivery.subscription_id
    assert signed_in(author).get(page(name, pk)).status_code == 405


@pytest.mark.parametrize("name", ["subscription-detail", "subscription-head", "replay-progress", "subscription-change"])
def test_what_is_gone_is_not_found_and_nobody_looks_without_signing_in(name, author, signed_in, client):
    assert client.get(page(name, 99)).status_code == 302
    assert signed_in(author).get(page(name, 99)).status_code == 404


def test_secrets_of_subscriptions_are_rotated_to_a_new_key_and_bound_to_their_row(make_subscription, settings):
    from cryptography.fernet import Fernet

    from apps.sources.rotation import rotate_all_secrets, unreadable_owners
    from apps.sources.secrets import SecretsError

    first, second = make_subscription(name="First"), make_subscription(name="Second")
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]
    assert rotate_all_secrets().rotated == 2
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    first.refresh_from_db()
    assert decrypt_secrets(first) == {"current": first.secret}
    assert unreadable_owners() == []
    second.secrets = first.secrets
    with pytest.raises(SecretsError, match="another subscription"):
        decrypt_secrets(second)
