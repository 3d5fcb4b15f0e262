from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_feature
from tests.pipelines.factories import make_pipeline, make_run, make_step

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(signed_in, outsider):
    client = signed_in(outsider)
    client.get(reverse("pipelines:pipeline-list"))  # the session is in the cache from here on
    return client


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def rows(response) -> list[list[str]]:
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    return list(csv.reader(io.StringIO("\n".join(lines))))[1:]


def ago(minutes: float):
    return timezone.now() - timedelta(minutes=minutes)


def test_the_list_of_pipelines_shows_how_the_last_runs_went(reader):
    feature = make_feature(name="Search Answers")
    pipeline = make_pipeline(name="Nightly evaluation", feature=feature)
    for minutes, state in ((50, "failed"), (30, "succeeded"), (10, "running")):
        make_run(pipeline, at=ago(minutes), state=state)
    html = text(reader.get(reverse("pipelines:pipeline-list")))
    assert "Nightly evaluation" in html
    assert "Search Answers" in html
    assert "1 failed, 1 passed, 1 running" in html


def test_lists_take_the_same_queries_for_one_row_and_for_fifty(reader, django_assert_num_queries):
    pipeline = make_pipeline()
    make_run(pipeline)
    urls = [reverse("pipelines:pipeline-list"), reverse("pipelines:run-list")]
    for url, number in zip(urls, (3 + READER, 4 + READER), strict=True):
        with django_assert_num_queries(number):
            reader.get(url)
    for _ in range(12):
        other = make_pipeline(feature=make_feature())
        for minutes in range(4):
            make_run(other, at=ago(minutes))
    for url, number in zip(urls, (3 + READER, 4 + READER), strict=True):
        with django_assert_num_queries(number):
            reader.get(url)


READER = 1  # the person who reads


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"a", "b"}),
        ("?state=failed", {"b"}),
        ("?q=nightly", {"a"}),
        ("?feature=search", {"a"}),
        ("?paused=1", {"b"}),
        ("?gone=1", {"a", "b", "c"}),
    ],
)
def test_pipelines_can_be_filtered(reader, query, expected):
    make_run(make_pipeline(name="Nightly", external_id="a", feature=make_feature(slug="search")))
    make_run(make_pipeline(name="Hourly", external_id="b", is_paused=True), state="failed")
    make_pipeline(name="Old", external_id="c", gone_at=timezone.now())
    names = {"a": "Nightly", "b": "Hourly", "c": "Old"}
    found = rows(reader.get(reverse("pipelines:pipeline-list") + (query + "&" if query else "?") + "format=csv"))
    assert {row[0] for row in found} == {names[key] for key in expected}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"one", "two"}),
        ("?state=failed", {"two"}),
        ("?state=failed&state=succeeded", {"one", "two"}),
        ("?state=queued", {"later"}),
        ("?feature=search", {"one"}),
        ("?q=NIGHT", {"one"}),
        ("?q=tw", {"two"}),
        ("?source=second", {"two"}),
        ("?since=2020-01-01", {"one", "two"}),
        ("?until=2020-01-01", set()),
    ],
)
def test_runs_can_be_filtered(reader, query, expected):
    nightly = make_pipeline(name="Nightly", feature=make_feature(slug="search"))
    hourly = make_pipeline(name="Hourly")
    hourly.source.slug = "second"
    hourly.source.save()
    make_run(nightly, name="one")
    make_run(hourly, name="two", state="failed")
    make_run(nightly, name="later", state="queued", at=timezone.now() + timedelta(hours=3))
    found = rows(reader.get(reverse("pipelines:run-list") + (query + "&" if query else "?") + "format=csv"))
    assert {row[0] for row in found} == expected


def test_runs_of_one_pipeline_can_be_listed(reader):
    one, two = make_pipeline(), make_pipeline()
    make_run(one, name="mine")
    make_run(two, name="other")
    html = text(reader.get(reverse("pipelines:run-list") + f"?pipeline={one.pk}"))
    assert "mine" in html
    assert ">other<" not in html


def test_a_pipeline_shows_its_grid_and_the_bars_of_the_chosen_run(reader):
    pipeline = make_pipeline(name="Nightly evaluation", url="http://prefect.test/flow")
    first = make_run(pipeline, at=ago(60), state="failed", error="judge timed out after 30 s", attempts=2)
    make_step(first, "Load answers")
    make_step(first, "Score with judge", state="failed", position=1)
    second = make_run(pipeline, at=ago(20), name="steel-otter")
    make_step(second, "Load answers", attempts=2)
    html = text(reader.get(pipeline.get_absolute_url()))
    assert "steel-otter" in html
    assert "Passed on retry" in html
    assert "judge timed out" not in html
    chosen = text(reader.get(f"{pipeline.get_absolute_url()}?run={first.pk}"))
    assert "judge timed out after 30 s" in chosen
    assert "Score with judge: failed, 5 min" in chosen
    assert f'hx-get="{reverse("pipelines:pipeline-grid", args=[pipeline.pk])}?run={first.pk}"' in chosen
    assert "http://prefect.test/flow" in chosen


def test_a_pipeline_page_costs_the_same_with_twenty_runs_of_thirty_steps(reader, django_assert_num_queries):
    pipeline = make_pipeline(feature=make_feature())
    make_pipeline(feature=pipeline.feature)
    make_step(make_run(pipeline), "a")
    with django_assert_num_queries(7 + READER):
        reader.get(pipeline.get_absolute_url())
    for minutes in range(20):
        run = make_run(pipeline, at=ago(minutes))
        for n in range(5):
            make_step(run, f"step {n}")
    with django_assert_num_queries(7 + READER):
        reader.get(pipeline.get_absolute_url())


def test_a_pipeline_that_never_ran_says_so(reader):
    assert "It never ran" in text(reader.get(make_pipeline().get_absolute_url()))


@pytest.mark.parametrize("run", ["0", "abc", "9" * 30])
def test_a_run_that_is_not_of_the_pipeline_is_not_found(reader, run):
    pipeline = make_pipeline()
    make_run(pipeline)
    other = make_run(make_pipeline())
    assert reader.get(f"{pipeline.get_absolute_url()}?run={run}").status_code == 404
    assert reader.get(f"{pipeline.get_absolute_url()}?run={other.pk}").status_code == 404


def test_a_run_shows_facts_parameters_and_steps(reader):
    run = make_run(make_pipeline(name="Nightly"), state="failed", error="<b>boom</b>", parameters={"limit": 3})
    make_step(run, "Load answers")
    html = text(reader.get(run.get_absolute_url()))
    assert "&lt;b&gt;boom&lt;/b&gt;" in html
    assert "&quot;limit&quot;: 3" in html
    assert "Load answers" in html
    assert "FAILED" in html


def test_a_run_is_live_until_it_is_over(reader):
    open_run, ended = make_run(make_pipeline(), state="running"), make_run(make_pipeline())
    assert f"live:run-{open_run.pk} from:body" in text(reader.get(open_run.get_absolute_url()))
    assert f"live:run-{ended.pk}" not in text(reader.get(ended.get_absolute_url()))


def test_the_badge_answers_204_until_there_is_news(reader):
    run = make_run(make_pipeline(), state="running")
    url = reverse("pipelines:run-status", args=[run.pk])
    assert reader.get(url, {"seen": run.version}).status_code == 204
    run.state = "succeeded"
    run.save()
    html = text(reader.get(url, {"seen": "running-1-0"}))
    assert "Passed" in html
    assert "hx-get" not in html


@pytest.mark.parametrize("name", ["pipeline-grid", "pipeline-row", "run-status", "run-steps", "feature-runs"])
def test_fragments_stand_alone(reader, name):
    feature = make_feature()
    run = make_run(make_pipeline(feature=feature), state="running")
    keys = {"feature-runs": feature.pk, "run-status": run.pk, "run-steps": run.pk}
    html = text(reader.get(reverse(f"pipelines:{name}", args=[keys.get(name, run.pipeline_id)])))
    assert "<html" not in html
    assert "hx-get" in html


@pytest.mark.parametrize("name", ["pipeline-list", "run-list"])
def test_strangers_are_sent_to_sign_in_and_nothing_can_be_posted(client, reader, name):
    url = reverse(f"pipelines:{name}")
    assert reader.post(url).status_code == 405
    reader.logout()
    assert reader.get(url).status_code == 302
