"""The scorecard counts facts: what is met, what is missing and where that is mended, what does not apply."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.catalog.models import Dependency, Promise
from apps.deployments.models import Deployment, Revision
from apps.evaluations.models import EvaluationRun, EvaluationSuite
from apps.health import queries
from apps.health.readiness import CHECKS
from apps.health.status import CheckState
from apps.metrics.models import Budget, Series
from apps.monitors.models import Monitor, Slo
from apps.prompts.models import ApprovalPolicy, Prompt
from tests.factories import make_component, make_feature, make_source, make_team
from tests.metrics.factories import make_series

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


def states(feature, at) -> dict[str, str]:
    row = queries.readiness(at=at).get(pk=feature.pk)
    return {one.check.key: str(one.state) for one in queries.checks_of(row=row)}


def roll_back(feature, at) -> Deployment:
    revision = Revision.objects.create(component_name="api", reference="v1", first_seen_at=at)
    return Deployment.objects.create(
        source=make_source(), external_id="d", revision=revision, component_name="api", environment_name="live",
        feature=feature, state="succeeded", raw_state="ok", started_at=at, is_rollback=True,
        upstream_at=at, first_seen_at=at,
    )  # fmt: skip


def watch(series: Series, **fields) -> Monitor:
    return Monitor.objects.create(name="m", series=series, kind="threshold", created_at=timezone.now(), **fields)


def test_a_feature_that_nobody_described_lacks_what_everybody_needs_and_nothing_else(now) -> None:
    found = states(make_feature(), now)
    missing = {key for key, state in found.items() if state == CheckState.MISSING}
    assert missing == {"owner", "on_call", "runbook", "promises", "objective"}
    assert {state for key, state in found.items() if key not in missing} == {CheckState.NOT_APPLICABLE}
    assert len(found) == len(CHECKS)


def test_a_feature_with_everything_meets_every_check(now) -> None:
    feature = make_feature(team=make_team(on_call="Mei Lin"), runbook_url="https://wiki.example/run")
    Promise.objects.create(feature=feature, measure="latency_p95", comparison="at_most", limit=3)
    source = make_source()
    for measure in ("latency_p95", "cost_rate"):
        series = make_series(feature=feature, source=source, measure=measure, name=measure, last_at=now)
        watch(series)
    Slo.objects.create(name="s", feature=feature, series=series, limit=1, objective=99, created_at=now)
    Budget.objects.create(feature=feature, amount=9, unit="eur", set_by="ada", set_at=now)
    service, index = make_component(feature=feature), make_component(kind="index", freshness={"warn_after_hours": 6})
    Dependency.objects.create(consumer=service, provider=index)
    Prompt.objects.create(
        source=source, external_id="p", name="answer", feature=feature, first_seen_at=now, last_changed_at=now
    )
    suite = EvaluationSuite.objects.create(source=source, name="suite", feature=feature, first_seen_at=now)
    EvaluationRun.objects.create(
        source=source, external_id="r", suite=suite, state="succeeded", at=now, upstream_at=now, first_seen_at=now
    )
    ApprovalPolicy.objects.create(gate=[{"suite": suite.pk}], changed_at=now)
    roll_back(feature, now)
    assert set(states(feature, now).values()) == {CheckState.MET}
    row = queries.readiness(at=now).get(pk=feature.pk)
    assert (row.met, row.applies, row.missing, row.lacks) == (12, 12, 0, [])


def test_what_is_measured_and_not_watched_is_named(now) -> None:
    feature = make_feature()
    make_series(feature=feature, measure="cost_rate", name="cost", last_at=now)
    watch(make_series(feature=feature, measure="latency_p95", name="wait", last_at=now))
    switched_off = make_series(feature=feature, measure="cache_hit_ratio", name="cache", last_at=now)
    watch(switched_off, is_enabled=False)
    row = queries.readiness(at=now).get(pk=feature.pk)
    found = next(one for one in queries.checks_of(row=row) if one.check.key == "monitors")
    assert found.state == CheckState.MISSING
    assert found.detail == "Nothing watches: What does it cost?, How much does the cache save?"


def test_a_number_that_went_silent_and_an_index_without_a_limit_are_missing(now) -> None:
    feature = make_feature()
    make_series(feature=feature, measure="latency_p95", name="wait", last_at=now - timedelta(days=2))
    make_component(feature=feature, kind="index")
    assert {key: states(feature, now)[key] for key in ("numbers", "data", "budget")} == {
        "numbers": "missing", "data": "missing", "budget": "not_applicable",
    }  # fmt: skip


def test_an_old_rollback_counts_no_longer(now) -> None:
    feature = make_feature()
    roll_back(feature, now - timedelta(days=200))
    assert states(feature, now)["rollback"] == "missing"


def test_the_list_begins_with_what_lacks_most_is_filtered_and_exported(signed_in, outsider) -> None:
    make_feature(name="Bare")
    make_feature(name="Owned", team=make_team(on_call="Mei"), runbook_url="https://wiki.example/run")
    client, url = signed_in(outsider), reverse("health:readiness-list")
    page = client.get(url).content.decode()
    assert page.index("Bare") < page.index("Owned")
    assert "a team, somebody on call, a runbook, a promise, an objective" in page
    narrowed = client.get(f"{url}?without=owner").content.decode()
    body = narrowed[narrowed.index("<tbody") :]
    assert "Bare" in body
    assert "Owned" not in body
    exported = b"".join(client.get(f"{url}?format=csv").streaming_content).decode("utf-8-sig")
    rows = {row["Feature"]: row for row in csv.DictReader(io.StringIO(exported))}
    assert rows["Bare"]["A team owns it"] == "missing"
    assert rows["Owned"]["A team owns it"] == "met"
    assert rows["Owned"]["A rollback was tried"] == "does not apply"


def test_a_feature_says_n_of_m_why_and_where_to_mend_it(signed_in, outsider) -> None:
    feature = make_feature(name="Bare", slug="bare")
    client = signed_in(outsider)
    page = client.get(reverse("health:readiness", args=["bare"])).content.decode()
    assert "0 of 5 checks that apply are met." in page
    assert "Trouble at night must reach a person." in page
    assert reverse("catalog:feature-change", args=["bare"]) in page
    part = client.get(reverse("health:readiness-short", args=[feature.pk])).content.decode()
    assert "<html" not in part
    assert "A team is missing" in part
    assert client.get(reverse("health:readiness", args=["nothing"])).status_code == 404


def test_the_questions_do_not_grow_with_the_features(django_assert_num_queries, now) -> None:
    for _ in range(20):
        make_feature()
    with django_assert_num_queries(5):
        assert len(queries.readiness(at=now)) == 20
