"""What came of a change: planted effects are found, noise is not, and collisions are told."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.urls import reverse
from scipy import signal

from apps.catalog.models import Promise
from apps.events.models import Event
from apps.events.services import NewEvent, record_events
from apps.metrics import queries
from apps.metrics.effects import Effect, Verdict
from apps.metrics.impacts import Impact, overall, sentence, shared_level, worst_first
from apps.metrics.measures import measure
from tests.factories import make_environment, make_feature
from tests.metrics.factories import NOON, make_series

pytestmark = pytest.mark.django_db
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
CHANGED_AT = NOON - 6 * HOUR


def make_change(feature, *, at=CHANGED_AT, title="answer prompt v14", kind="prompts:label:moved") -> Event:
    record_events(events=[
        NewEvent(kind=kind, at=at, title=title, is_change=True, feature_id=feature.pk if feature else None)
    ])  # fmt: skip
    return Event.objects.get(title=title)


def plant(feature, slug: str, usual: float, *, growth: float = 0.0, seed: int = 1) -> None:
    """Two days up to noon and the same two a week earlier, a minute apart, with a rhythm over the day and noise."""
    dice, minutes = np.random.default_rng(seed), np.arange(2 * 1440)
    samples = []
    for shift in (timedelta(0), WEEK):
        noise = signal.lfilter([1.0], [1.0, -0.6], dice.normal(size=len(minutes))) * 0.03
        values = usual * (1.0 + 0.3 * np.cos(2 * np.pi * minutes / 1440) + noise)
        times = [NOON - shift - timedelta(minutes=int(2 * 1440 - minute)) for minute in minutes]
        if not shift:
            values = np.where(minutes >= 2 * 1440 - 360, values * (1.0 + growth), values)
        samples += list(zip(times, values.tolist(), strict=True))
    make_series(feature=feature, measure=slug, samples=samples)


def card(event: Event, window: str = "6h", at=NOON):
    return queries.impact_card(event=event, window=window, at=at)


def test_a_wait_that_grew_by_a_fifth_is_worse_and_stands_on_top() -> None:
    feature = make_feature()
    plant(feature, "latency_p95", 2.0, growth=0.2)
    plant(feature, "thumbs_up_ratio", 0.8, seed=2)
    found = card(make_change(feature))
    assert [(row.measure.slug, row.effect.verdict) for row in found.rows] == [
        ("latency_p95", Verdict.WORSE), ("thumbs_up_ratio", Verdict.UNCLEAR)
    ]  # fmt: skip
    assert found.rows[0].effect.relative == pytest.approx(0.2, abs=0.04)
    assert found.rows[0].effect.low < 0.477 < found.rows[0].effect.high  # a fifth of that morning's wait
    assert found.sentence.startswith("Wait of the slowest 5% is worse (+")
    assert (found.verdict, found.is_over) == (Verdict.WORSE, True)


def test_the_rhythm_of_the_day_alone_is_no_effect() -> None:
    feature = make_feature()
    for place, slug in enumerate(("latency_p95", "cost_rate", "groundedness")):
        plant(feature, slug, 2.0, seed=place + 10)
    found = card(make_change(feature))
    assert found.rows[0].effect.after_mean != pytest.approx(found.rows[0].effect.before_mean, rel=0.05)
    assert found.verdict is Verdict.UNCLEAR
    assert found.sentence == "No number moved more than it does by itself."


def test_a_fresh_change_has_too_little_data() -> None:
    feature = make_feature()
    plant(feature, "latency_p95", 2.0)
    found = card(make_change(feature, at=NOON - timedelta(minutes=10)))
    assert found.verdict is Verdict.TOO_LITTLE_DATA
    assert not found.is_over


def test_minutes_outside_the_promise_are_counted_before_and_after() -> None:
    feature = make_feature()
    samples = [(NOON - timedelta(minutes=m), 4.0 if m <= 60 else 2.0) for m in range(1, 721)]
    make_series(feature=feature, samples=samples)
    Promise.objects.create(feature=feature, measure="latency_p95", comparison="at_most", limit=3.0)
    row = card(make_change(feature)).rows[0]
    assert (row.outside_before, row.outside_after) == (0.0, 60.0)


def test_another_change_in_the_same_time_is_a_collision() -> None:
    feature = make_feature()
    plant(feature, "latency_p95", 2.0, growth=0.2)
    event = make_change(feature)
    make_change(feature, at=CHANGED_AT + HOUR, title="search-api 2.40", kind="deployments:deployment:succeeded")
    make_change(feature, at=CHANGED_AT + HOUR, title="rolling out", kind="deployments:deployment:started")
    make_change(make_feature(), at=CHANGED_AT + HOUR, title="elsewhere")
    make_change(feature, at=CHANGED_AT - 20 * HOUR, title="long ago")
    found = card(event)
    assert [one.title for one in found.collisions] == ["search-api 2.40"]
    assert "they cannot be told apart" in found.sentence


def test_a_deployment_elsewhere_and_a_release_are_no_collision() -> None:
    feature, production, staging = make_feature(), make_environment(), make_environment()
    plant(feature, "latency_p95", 2.0)

    def tell(title: str, kind: str = "deployments:deployment:succeeded", **more) -> None:
        at = CHANGED_AT + timedelta(minutes=len(title))
        record_events(events=[NewEvent(kind=kind, at=at, title=title, is_change=True, feature_id=feature.pk, **more)])

    tell("the one", environment_id=production.pk)
    tell("in staging", environment_id=staging.pk)
    tell("in production", environment_id=production.pk)
    tell("a release", "source:change:reported", data={"what": "release"})
    assert [one.title for one in card(Event.objects.get(title="the one")).collisions] == ["in production"]


def test_a_change_of_no_feature_has_no_numbers() -> None:
    assert card(make_change(None)).rows == []


def test_many_measures_share_one_level() -> None:
    assert shared_level(1) == pytest.approx(0.95)
    assert shared_level(10) == pytest.approx(0.995)


def told(verdict: Verdict, slug: str = "latency_p95", confidence: float = 0.99) -> Impact:
    numbers = Effect(2.0, 2.4, 0.4, 0.3, 0.5, 0.2, confidence, verdict)
    return Impact(measure(slug), measure(slug).unit, 1, numbers)


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([], Verdict.TOO_LITTLE_DATA), ([Verdict.UNCLEAR, Verdict.TOO_LITTLE_DATA], Verdict.UNCLEAR),
        ([Verdict.BETTER, Verdict.WORSE], Verdict.WORSE), ([Verdict.BETTER, Verdict.CHANGED], Verdict.BETTER),
        ([Verdict.CHANGED, Verdict.UNCLEAR], Verdict.CHANGED),
    ],
)  # fmt: skip
def test_one_worse_measure_makes_the_change_worse(verdicts: list[Verdict], whole: Verdict) -> None:
    assert overall([told(one) for one in verdicts]) is whole


def test_the_surest_of_the_worst_comes_first() -> None:
    rows = [told(Verdict.BETTER), told(Verdict.WORSE, confidence=0.96), told(Verdict.WORSE, confidence=0.99)]
    assert [row.effect.confidence for row in worst_first(rows)] == [0.99, 0.96, 0.99]
    assert sentence(rows, collisions=0) == "Wait of the slowest 5% is worse (+400 ms, +20%), and 1 more."
    assert rows[0].interval_text == "from +300 ms to +500 ms"


def test_the_page_of_a_change_fetches_the_card(signed_in, outsider) -> None:
    feature = make_feature()
    event, reader = make_change(feature), signed_in(outsider)
    assert reverse("metrics:impact-card", args=[event.pk]) in reader.get(event.get_absolute_url()).content.decode()
    fragment = reader.get(reverse("metrics:impact-card", args=[event.pk])).content.decode()
    assert "Nobody sends numbers of" in fragment
    assert "<html" not in fragment


@pytest.mark.parametrize("window", ["1h", "6h", "24h", "3d", "nonsense"])
def test_the_card_has_a_page_for_each_window(signed_in, outsider, window: str) -> None:
    feature = make_feature()
    plant(feature, "latency_p95", 2.0, growth=0.2)
    page = signed_in(outsider).get(reverse("metrics:impact", args=[make_change(feature).pk]) + f"?window={window}")
    assert "Wait of the slowest 5%" in page.content.decode()


def test_a_card_takes_the_same_queries_whatever_is_measured(django_assert_num_queries) -> None:
    feature = make_feature()
    for place, slug in enumerate(("latency_p95", "cost_rate", "groundedness")):
        plant(feature, slug, 2.0, seed=place)
    event = make_change(feature)
    with django_assert_num_queries(5):
        assert len(card(event).rows) == 3


def test_only_changes_have_a_card(signed_in, outsider) -> None:
    record_events(events=[NewEvent(kind="pipelines:run:failed", at=NOON, title="failed")])
    event = Event.objects.get()
    assert signed_in(outsider).get(reverse("metrics:impact", args=[event.pk])).status_code == 404


@pytest.mark.parametrize("name", ["impact", "impact-card"])
def test_cards_only_show_and_only_to_people_who_signed_in(client, signed_in, outsider, name) -> None:
    path = reverse(f"metrics:{name}", args=[make_change(make_feature()).pk])
    assert client.get(path).status_code == 302
    assert signed_in(outsider).post(path).status_code == 405
