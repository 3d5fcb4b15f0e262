"""A scenario put to the ranking without a database: the same rules, the same bins."""

from __future__ import annotations

import numpy as np

from apps.incidents.suspects.binning import Span, plan_of
from apps.incidents.suspects.candidates import candidates_of
from apps.incidents.suspects.facts import Case, Graph, Neighbour, Ranking, Series, Times
from apps.incidents.suspects.kinds import priors
from apps.incidents.suspects.neighbours import AFTER, BEFORE, BIN, DAYS_BACK, neighbour_of
from apps.incidents.suspects.ranking import first_onset, rank, read_symptoms
from apps.incidents.suspects.rows import ChangeRow, RunRow
from bench.scenarios.records import Act, Scenario, Stream

DAY = 86_400.0


def ask(scenario: Scenario) -> Ranking:
    """The ranking of the scenario's incident."""
    ids = {slug: place + 1 for place, slug in enumerate(scenario.world.parts)}
    features = {slug: place + 1 for place, slug in enumerate(scenario.world.features)}
    case = _case(scenario, ids, features)
    times = case.times
    own = [stream for stream in scenario.streams if stream.feature in scenario.declared][:12]
    plan = plan_of(times)
    first = first_onset(case, [_series(one, plan.coarse, features, ids, plan.usual_from) for one in own])
    plan = plan_of(times, around=first.best)
    read = read_symptoms(
        case, [_series(one, plan.whole, features, ids, plan.usual_from) for one in own], around=first.best
    )
    onset = read.onset.best
    beside = [one for one in scenario.streams if one.feature not in scenario.declared]
    spans = [Span(onset - days * DAY - BEFORE, min(onset + AFTER, times.until) - days * DAY, BIN)
             for days in range(DAYS_BACK + 1)]  # fmt: skip
    found = [neighbour_of(_series(one, spans, features, ids, None), onset=onset, until=times.until) for one in beside]
    neighbours: list[Neighbour] = [one for one in found if one is not None]
    return rank(case, read, neighbours)


def _case(scenario: Scenario, ids: dict[str, int], features: dict[str, int]) -> Case:
    world = scenario.world
    needed_by: dict[int, list[int]] = {}
    for consumer, providers in world.needs.items():
        for provider in providers:
            needed_by.setdefault(ids[provider], []).append(ids[consumer])
    graph = Graph(needed_by, {ids[slug]: features.get(part.feature) for slug, part in world.parts.items()})
    near = {slug for slug in world.parts if set(world.reach(slug)) & set(scenario.declared)}
    start = min(scenario.impact_started_at, scenario.detected_at) - 2 * DAY
    changes = [_row(scenario, act, ids, features) for act in scenario.acts if act.component in near]
    runs = [
        RunRow(
            id=run.id,
            pipeline_id=ids[run.pipeline],
            pipeline=run.pipeline,
            state=run.state,
            started_at=run.started_at,
            finished_at=run.finished_at,
            scheduled_for=run.scheduled_for,
            component_id=ids[run.pipeline],
            feature_id=features.get(world.parts[run.pipeline].feature),
        )
        for run in scenario.runs
        if run.pipeline in near
    ]
    return Case(
        times=Times(
            impact_started_at=scenario.impact_started_at,
            detected_at=scenario.detected_at,
            mitigated_at=scenario.mitigated_at,
            until=scenario.now,
        ),
        features=frozenset(features[slug] for slug in scenario.declared),
        candidates=candidates_of(changes=changes, runs=runs, alerts=[], start=start, end=scenario.now),
        graph=graph,
        priors=priors(),
        names={number: slug for slug, number in features.items()},
    )


def _row(scenario: Scenario, act: Act, ids: dict[str, int], features: dict[str, int]) -> ChangeRow:
    part = scenario.world.parts[act.component]
    kind = {"deployment": "deployments:deployment:succeeded", "label": "prompts:label:moved"}
    return ChangeRow(
        key=act.id, event_id=int(act.id.partition("-")[2]), kind=kind.get(act.told_as, "source:change:reported"),
        thing=f"{act.component}:{act.what}:{act.told_as}:{act.environment}", at=act.at, title=act.title,
        what="incident" if act.what == "provider" else act.what, before=act.before, after=act.after,
        component_id=ids[act.component], component_kind=part.kind, feature_id=features.get(part.feature),
        is_elsewhere=act.environment != "production", actor=act.actor,
    )  # fmt: skip


def _series(
    stream: Stream, spans: list[Span], features: dict[str, int], ids: dict[str, int], usual_from: float | None
) -> Series:
    times, values, counts = binned(stream, spans)
    return Series(
        key=stream.key, label=stream.measure, family=stream.family, better=stream.better, unit=stream.unit,
        times=times, values=values, counts=counts, usual=_usual(stream, usual_from),
        feature_id=features.get(stream.feature), component_id=ids.get(stream.component),
    )  # fmt: skip


def binned(stream: Stream, spans: list[Span]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means of the samples in the bins of the spans, as the database makes them."""
    parts = []
    for span in spans:
        inside = (stream.times >= span.start) & (stream.times < span.end)
        if not inside.any():
            continue
        place = np.floor((stream.times[inside] - span.start) / span.step).astype(int)
        count = np.bincount(place)
        total = np.bincount(place, weights=stream.values[inside])
        moment = np.bincount(place, weights=stream.times[inside])
        full = count > 0
        parts.append((moment[full] / count[full], total[full] / count[full], count[full].astype(float)))
    if not parts:
        empty = np.array([])
        return empty, empty, empty
    times, values, counts = (np.concatenate(some) for some in zip(*parts, strict=True))
    order = np.argsort(times)
    return times[order], values[order], counts[order]


def _usual(stream: Stream, start: float | None) -> np.ndarray:
    usual = np.full(24, np.nan)
    if start is None:
        return usual
    inside = (stream.times >= start) & (stream.times < start + 7 * DAY)
    hours = (stream.times[inside] % DAY // 3600).astype(int)
    for hour in range(24):
        if (hours == hour).any():
            usual[hour] = stream.values[inside][hours == hour].mean()
    return usual
