"""The judgement against the slow reference, and what must hold whatever happens."""

from __future__ import annotations

import itertools
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.pipelines.punctuality.expectation import Clock, CronLine, Expectation
from apps.pipelines.punctuality.facts import TROUBLE, Known, Pause, Seen
from apps.pipelines.punctuality.judging import judge
from apps.pipelines.punctuality.slots import slots_between
from tests.pipelines.punctuality.reference import due_minutes, state_of
from tests.pipelines.punctuality.sayings import BERLIN, cron, every, judged, minutes, ran, t

STARTS = [t("2026-11-23 00:00"), t("2026-03-28 12:00"), t("2026-10-24 12:00"), t("2028-02-28 00:00")]
ZONES = ["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe"]
times = st.tuples(
    st.sets(st.integers(0, 23), min_size=1, max_size=3), st.sets(st.sampled_from([0, 5, 30]), min_size=1, max_size=2)
)
weekdays = st.sets(st.integers(0, 6), min_size=2)
SPAN = 40 * 60  # minutes


def _cron(hours, minutes_, days, zone):
    fields = [",".join(map(str, sorted(part))) for part in (minutes_, hours)]
    named = "*" if len(days) == 7 else ",".join(str((day + 1) % 7) for day in sorted(days))
    return CronLine(f"{fields[0]} {fields[1]} * * {named}", zone)


@st.composite
def _runs(draw, start):
    found = []
    for offset in draw(st.lists(st.integers(0, SPAN * 2), max_size=12)):
        trigger = draw(st.sampled_from(["schedule", "schedule", "manual", "backfill", "unknown"]))
        state = draw(st.sampled_from(["succeeded", "failed", "running"]))
        at = start + timedelta(seconds=offset * 30)
        found.append(Seen(state=state, started_at=at, trigger=trigger))
    return found


@st.composite
def _pauses(draw, start):
    edges = sorted(draw(st.lists(st.integers(0, SPAN), max_size=4, unique=True)))
    pairs = list(zip(edges[::2], [*edges[1::2], None], strict=False))
    return [Pause(start + minutes(a), None if b is None else start + minutes(b)) for a, b in pairs]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(STARTS), times, weekdays, st.sampled_from(ZONES))
def test_slots_are_the_minutes_that_the_wall_clock_shows(start, time, days, zone):
    clock = Clock((_cron(*time, days, zone),))
    end = start + minutes(SPAN)
    assert [slot.due_at for slot in slots_between(clock, start, end)] == due_minutes(
        *time, days, zone, start, end - minutes(1)
    )


@settings(deadline=None, max_examples=250)
@given(st.data(), st.sampled_from(STARTS), times, st.sampled_from(ZONES), st.integers(0, 90), st.integers(0, SPAN * 2))
def test_the_judgement_is_that_of_looking_at_every_minute(data, start, time, zone, grace, at):
    runs, pauses = data.draw(_runs(start)), data.draw(_pauses(start))
    now = start + timedelta(seconds=at * 30 + 15)
    runs = [run for run in runs if run.started_at <= now]
    pauses = [Pause(p.start, p.end if p.end and p.end <= now else None) for p in pauses if p.start <= now]
    line = _cron(*time, set(range(7)), zone)
    known = Known(since=start, at=now, heard_at=now, runs=runs, pauses=pauses)
    said = judge(Expectation(Clock((line,)), grace=minutes(grace)), known, start=start)
    dues = due_minutes(*time, set(range(7)), zone, start, now + minutes(1))
    jump = minutes(30 if zone == "Australia/Lord_Howe" else 60)
    wanted = state_of(
        [due for due in dues if due <= now], runs, pauses, grace=minutes(grace), now=now, jump=jump, zone=zone
    )
    assert said.state == wanted


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(STARTS),
    times,
    st.sampled_from(ZONES),
    st.lists(st.integers(0, 14), min_size=200, max_size=200),
    st.integers(0, SPAN),
)
def test_a_pipeline_that_always_comes_within_grace_is_never_in_trouble(start, time, zone, delays, at):
    clock = Clock((_cron(*time, set(range(7)), zone),))
    now = start + minutes(at)
    dues = [slot.due_at for slot in slots_between(clock, start - timedelta(days=3), now)]
    runs = [
        ran(due + minutes(delay), 1) for due, delay in zip(dues, delays, strict=False) if due + minutes(delay) <= now
    ]
    known = Known(since=start, at=now, heard_at=now, runs=runs)
    gaps = itertools.pairwise(dues)
    if all(later - earlier > minutes(15) for earlier, later in gaps):
        assert judge(Expectation(clock), known).state not in TROUBLE


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 600), st.lists(st.floats(0.5, 1.2), min_size=2, max_size=40), st.floats(0, 1.2))
def test_an_interval_kept_within_grace_is_never_in_trouble(length, gaps, rest):
    at, runs = t("2026-11-24 00:00"), []
    for gap in gaps:
        runs.append(ran(at, 0.1))
        at += minutes(length) * gap
    now = runs[-1].started_at + minutes(length) * rest
    said = judged(every(length, grace=minutes(length * 0.25)), now, *runs, since=runs[0].started_at)
    assert said.state not in TROUBLE


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2000))
def test_time_alone_changes_nothing_before_the_next_decision(at):
    expectation = cron("30 2,5,6 * * *", BERLIN, longest=minutes(90))
    runs = [ran(t("2026-11-23 01:30")), ran(t("2026-11-23 05:10"), None, "running")]
    now = t("2026-11-23 00:00") + minutes(at)
    runs = [run for run in runs if run.started_at <= now]
    said = judged(expectation, now, *runs, since=t("2026-11-22 00:00"))
    assert said.decide_at is not None
    assert said.decide_at > now
    for part in (0.2, 0.5, 0.9):
        later = now + (said.decide_at - timedelta(seconds=1) - now) * part
        assert judged(expectation, later, *runs, since=t("2026-11-22 00:00")).state == said.state


@settings(deadline=None, max_examples=100)
@given(st.integers(-600, 600), st.integers(0, 3000))
def test_a_wrong_clock_of_the_source_moves_the_judgement_by_just_that(skew, at):
    now = t("2026-11-23 00:00") + minutes(at)
    runs = [ran(t("2026-11-23 02:00"))]
    since = t("2026-11-20 00:00")
    right = judged(cron(), now, *runs, since=since)
    wrong = judged(cron(), now - timedelta(seconds=skew), *runs, since=since, skew=timedelta(seconds=skew))
    assert (wrong.state, wrong.since, wrong.due_at) == (right.state, right.since, right.due_at)
