"""The pure rules: which events are wanted, when to try again, what a signature is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from apps.notifications import pacing
from apps.notifications.matching import Facts, Wanted, is_pattern, matches
from apps.notifications.signing import make_secret, signature_headers

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("patterns", "kind", "is_wanted"),
    [
        ([], "deployments:deployment:failed", True),
        (["deployments:*"], "deployments:deployment:failed", True),
        (["deployments:*"], "pipelines:run:failed", False),
        (["*:run:failed"], "pipelines:run:failed", True),
        (["*:run:failed"], "evaluations:run:succeeded", False),
        (["pipelines:*:failed"], "pipelines:run:failed", True),
        (["pipelines:run:failed"], "pipelines:run:failed-again", False),
        (["prompts:*", "monitors:alert:opened"], "monitors:alert:opened", True),
        (["*"], "health:feature:down", True),
        (["*"], "notifications:subscription:disabled", False),
        ([], "notifications:subscription:disabled", False),
        (["*:subscription:*"], "notifications:subscription:disabled", False),
        (["notifications:*"], "notifications:subscription:disabled", True),
    ],
)
def test_kinds_match_by_words(patterns, kind, is_wanted):
    assert matches(Wanted(kinds=patterns), Facts(kind=kind)) is is_wanted


@pytest.mark.parametrize(
    ("wanted", "facts", "is_wanted"),
    [
        ({}, {"is_demo": True}, False),
        ({"includes_demo": True}, {"is_demo": True}, True),
        ({"only_changes": True}, {}, False),
        ({"only_changes": True}, {"is_change": True}, True),
        ({"feature_ids": [7]}, {"feature_id": 7}, True),
        ({"feature_ids": [7]}, {"feature_id": 8}, False),
        ({"feature_ids": [7]}, {}, False),
        ({"environment_ids": [1], "feature_ids": [7]}, {"feature_id": 7}, False),
        ({"environment_ids": [1], "feature_ids": [7]}, {"feature_id": 7, "environment_id": 1}, True),
    ],
)
def test_every_filter_must_be_passed(wanted, facts, is_wanted):
    assert matches(Wanted(**wanted), Facts(kind="prompts:label:moved", **facts)) is is_wanted


@pytest.mark.parametrize(
    "text", ["deployments:*", "*", "source:poll:failed", "*:run:*", "deployments:deployment:rolled-back"]
)
def test_patterns_are_kinds_with_stars(text):
    assert is_pattern(text)


@pytest.mark.parametrize("text", ["", "Deployments", "a b", "deployments:", "run:failed!", "a:b:c:d", "prompts:*x"])
def test_anything_else_is_no_pattern(text):
    assert not is_pattern(text)


def test_pauses_grow_to_an_hour_with_full_jitter():
    ceilings = [pacing.pause_after(attempts=attempt, jitter=1.0) for attempt in range(1, 13)]
    assert ceilings == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]
    assert pacing.pause_after(attempts=9, jitter=0.5) == 1280
    assert pacing.pause_after(attempts=5, jitter=0.0) == 1
    assert pacing.pause_after(attempts=10_000, jitter=1.0) == 3600


def test_a_receiver_rests_from_the_third_failure_on():
    assert [pacing.rest_after(failures=n, jitter=1.0) for n in (1, 2, 3, 4, 5, 99)] == [0, 0, 10, 20, 40, 600]


def test_an_event_is_given_up_a_day_after_the_first_try():
    day = timedelta(hours=24)
    assert not pacing.is_given_up(first_tried_at=NOON, next_try_at=NOON + day)
    assert pacing.is_given_up(first_tried_at=NOON, next_try_at=NOON + day + timedelta(seconds=1))


def test_a_receiver_is_hopeless_after_many_failures_and_a_day():
    day = timedelta(hours=24)
    assert pacing.is_hopeless(failures=10, failing_since=NOON, at=NOON + day)
    assert not pacing.is_hopeless(failures=9, failing_since=NOON, at=NOON + day)
    assert not pacing.is_hopeless(failures=99, failing_since=NOON, at=NOON + day - timedelta(seconds=1))


def test_a_secret_is_what_the_libraries_of_receivers_take():
    secret = make_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert secret != make_secret()


def test_the_signature_covers_id_time_and_body_and_there_is_one_a_secret():
    first, second = make_secret(), make_secret()
    given = {"message_id": "evt_1", "timestamp": 1_700_000_000, "body": b"{}", "secrets": [first, second]}
    headers = signature_headers(**given)
    signatures = headers["webhook-signature"].split(" ")
    assert len(set(signatures)) == 2
    for change in ({"message_id": "evt_2"}, {"timestamp": 1_700_000_001}, {"body": b"{ }"}):
        other = signature_headers(**given | change)["webhook-signature"].split(" ")
        assert not set(other) & set(signatures)


def test_a_known_signature_is_reproduced():
    """The vector that the specification's own libraries are tested with."""
    headers = signature_headers(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
        secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
