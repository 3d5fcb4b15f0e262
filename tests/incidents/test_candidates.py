"""From records to candidates."""

from __future__ import annotations

import pytest

from apps.incidents.suspects.candidates import candidates_of, kind_of
from apps.incidents.suspects.facts import CauseKind
from apps.incidents.suspects.rows import AlertRow, ChangeRow, RunRow

HOUR = 3600.0
T = 1_790_000_000.0


def a_change(number, *, at=0.0, kind="source:change:reported", thing="flag", **fields):
    return ChangeRow(
        key=fields.pop("key", f"event-{number}"), event_id=number, kind=kind, thing=thing, at=T + at,
        title=f"Change {number}",
        **fields,
    )  # fmt: skip


def a_run(number, *, at, state="succeeded", pipeline=1):
    return RunRow(
        id=number, pipeline_id=pipeline, pipeline="Nightly", state=state, started_at=T + at - 60, finished_at=T + at
    )


def found(changes=(), runs=(), alerts=(), end=24 * HOUR):
    return candidates_of(changes=changes, runs=runs, alerts=alerts, start=T - 48 * HOUR, end=T + end)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"kind": "prompts:label:moved"}, CauseKind.PROMPT),
        ({"kind": "deployments:deployment:succeeded"}, CauseKind.DEPLOYMENT),
        ({"kind": "deployments:deployment:succeeded", "component_kind": "index"}, CauseKind.INDEX),
        ({"kind": "deployments:deployment:succeeded", "component_kind": "model"}, CauseKind.MODEL),
        ({"what": "Feature Flag"}, CauseKind.CONFIG),
        ({"what": "model"}, CauseKind.MODEL),
        ({"what": "incident"}, CauseKind.PROVIDER),
        ({"what": "something new", "component_kind": "provider"}, CauseKind.PROVIDER),
        ({"what": "something new"}, CauseKind.OTHER),
    ],
)
def test_the_kind_comes_from_the_word_or_from_the_component(fields, kind):
    assert kind_of(a_change(1, **fields)) is kind


def test_the_news_of_one_deployment_are_one_candidate():
    rows = [
        a_change(1, key="deployment-9", kind="deployments:deployment:started", thing="api"),
        a_change(2, key="deployment-9", kind="deployments:deployment:succeeded", thing="api", at=300.0),
    ]
    (one,) = found(rows)
    assert (one.begun_at, one.at) == (T, T + 300)


def test_what_puts_things_back_is_noted_on_what_it_takes_back():
    rows = [
        a_change(1, thing="flag", before="off", after="on"),
        a_change(2, thing="other", before="off", after="on", at=60.0),
        a_change(3, thing="flag", before="on", after="off", at=HOUR),
    ]
    first, back, other = sorted(found(rows), key=lambda one: (one.key == "event-2", one.at))
    assert (first.undone_at, first.undone_by) == (T + HOUR, "it was taken back")
    assert back.undone_at is None
    assert other.undone_at is None


def test_a_provider_is_in_trouble_until_it_says_that_it_is_over():
    rows = [
        a_change(1, what="incident", after="investigating"),
        a_change(2, what="incident", after="identified", at=600.0),
        a_change(3, what="incident", after="resolved", at=HOUR),
    ]
    (one,) = found(rows)
    assert (one.key, one.undone_at, one.kind) == ("event-1", T + HOUR, CauseKind.PROVIDER)


def test_a_failing_pipeline_is_one_candidate_until_it_passes():
    runs = [a_run(n, at=(n - 10) * HOUR) for n in range(10)]
    runs += [
        a_run(20, at=0.5 * HOUR, state="failed"),
        a_run(21, at=1.5 * HOUR, state="crashed"),
        a_run(22, at=2 * HOUR),
    ]
    (one,) = found(runs=runs, end=2.1 * HOUR)
    assert (one.key, one.at, one.undone_at) == ("run-20", T + 0.5 * HOUR, T + 2 * HOUR)


def test_a_pipeline_that_gives_no_result_is_late_since_it_was_due():
    runs = [a_run(n, at=(n - 10) * HOUR) for n in range(11)]
    (one,) = found(runs=runs, end=4 * HOUR)
    assert (one.at, one.undone_at) == (T + HOUR, None)
    assert one.title == "Nightly gave no result for 4 h, usually every 1 h"


def test_a_pipeline_without_a_rhythm_is_never_late():
    assert found(runs=[a_run(1, at=-40 * HOUR), a_run(2, at=-39 * HOUR)]) == []


def test_an_alert_of_a_provider_is_its_incident():
    rows = [
        AlertRow(id=n, title="x", opened_at=T, resolved_at=None, component_id=1, component_kind=kind)
        for n, kind in enumerate(["provider", "gateway"])
    ]
    assert [one.kind for one in found(alerts=rows)] == [CauseKind.PROVIDER, CauseKind.UPSTREAM]


def test_what_lies_outside_the_span_is_no_candidate():
    assert found([a_change(1, at=-60 * HOUR), a_change(2, at=30 * HOUR, thing="b")]) == []
