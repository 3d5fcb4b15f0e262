"""The pages of our own suites: what they show, who may do what, and that nothing is written by looking."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apps.evaluations import services
from apps.evaluations.models import Case, EvaluationEndpoint, EvaluationRun, EvaluationSuite, Order, SuiteSchedule
from apps.evaluations.status import OrderReason
from apps.sources.secrets import decrypt_secrets
from tests.evaluations.suites import AT, make_endpoint, make_suite, scored, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def suite():
    return make_suite(cases=3, endpoint=make_endpoint(name="Model"))


def url(name: str, *args) -> str:
    return reverse(f"evaluations:{name}", args=args)


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def test_a_suite_is_made_and_filled_from_a_file(signed_in, author):
    client = signed_in(author)
    made = client.post(
        url("suite-create"), {"name": "Golden", "scorers": json.dumps([{"kind": "exact"}]), "description": "Why"}
    )
    suite = EvaluationSuite.objects.get(name="Golden")
    assert made.headers["Location"] == url("case-import", suite.pk)
    file = SimpleUploadedFile("cases.csv", b"key,question,expected\na,q,x\n")
    client.post(url("case-import", suite.pk), {"kind": "csv", "file": file})
    html = text(client.get(suite.get_absolute_url()))
    assert "Our own, version 2" in html
    assert "Import of cases.csv: 1 case, exact; author" in html


def test_a_wrong_file_says_each_wrong_line_and_changes_nothing(signed_in, author, suite):
    response = signed_in(author).post(
        url("case-import", suite.pk), {"kind": "jsonl", "text": '{"inputs": {"question": "x"}}\noops'}
    )
    assert response.status_code == 422
    html = response.content.decode()
    assert "Line 1: The scorer exact needs something expected" in html
    assert "Line 2: This is not JSON." in html
    assert Case.objects.count() == 3


def test_a_file_that_is_no_text_is_refused(signed_in, author, suite):
    file = SimpleUploadedFile("cases.csv", b"\xff\xfe\x00")
    response = signed_in(author).post(url("case-import", suite.pk), {"kind": "csv", "file": file})
    assert (response.status_code, "not UTF-8 text" in response.content.decode()) == (422, True)


def test_scorers_that_make_no_sense_are_refused(signed_in, author):
    response = signed_in(author).post(url("suite-create"), {"name": "x", "scorers": '[{"kind": "magic"}]'})
    assert response.status_code == 422
    assert "There is no scorer magic" in response.content.decode()


def test_cases_are_listed_exported_added_and_taken_out(signed_in, author, suite):
    client = signed_in(author)
    assert "case-2" in text(client.get(url("case-list", suite.pk)))
    exported = client.get(url("case-export", suite.pk, "csv"))
    assert b"".join(exported.streaming_content).decode().splitlines()[1] == "case-1,q1,a1,1,,import of cases.csv"
    client.post(
        url("case-add", suite.pk),
        {"key": "k", "inputs": '{"question": "x"}', "expected": "y", "weight": "1", "tags": "safety, de"},
    )
    case = Case.objects.get(key="k")
    assert (case.tags, case.is_safety, case.origin) == (["safety", "de"], True, "by hand")
    client.post(url("case-end", case.pk))
    assert Case.objects.filter(until__isnull=True).count() == 3


def test_a_run_is_started_watched_and_stopped(signed_in, author, suite):
    client = signed_in(author)
    response = client.post(
        url("run-start", suite.pk),
        {"subject": "support-reply", "version": "draft", "system": "Be brief.", "template": "{{question}}"},
    )
    order = Order.objects.get()
    assert response.headers["Location"] == order.run.get_absolute_url()
    assert order.messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "{{question}}"},
    ]
    assert order.reason == OrderReason.MANUAL
    html = text(client.get(order.run.get_absolute_url()))
    assert "0 of 3 cases" in html
    assert 'hx-trigger="every 1s"' in html
    client.post(url("run-cancel", order.run_id))
    ended = client.get(url("run-progress", order.run_id) + "?was=open")
    assert ended.headers["HX-Refresh"] == "true"
    assert "HX-Refresh" not in client.get(url("run-progress", order.run_id)).headers
    client.post(url("run-resume", order.run_id))
    assert EvaluationRun.objects.get().state == "queued"


def test_a_run_shows_each_case_beside_the_run_before(signed_in, outsider, suite):
    first, second = scored(suite, good=3), scored(suite, good=2, version="2")
    EvaluationRun.objects.filter(pk=first.pk).update(at=AT.replace(hour=1))
    client = signed_in(outsider)
    html = text(client.get(second.get_absolute_url()))
    assert "Compared with" in html
    assert "Got “b”." in html
    worse = text(client.get(second.get_absolute_url() + "?worse=1"))
    assert ("case-3" in worse, ">case-1<" in worse) == (True, False)
    against = text(client.get(second.get_absolute_url() + f"?against={first.pk}&failed=1"))
    assert f"against={first.pk}" in against


def test_an_answer_shows_what_was_asked_and_said(signed_in, outsider, suite):
    run = scored(suite)
    result = run.order.results.first()
    html = text(signed_in(outsider).get(url("answer-detail", run.pk, result.pk)))
    for words in ("said 0", "Answer: q1", "a1", "case-1"):
        assert words in html
    assert signed_in(outsider).get(url("answer-detail", run.pk + 1, result.pk)).status_code == 404


def test_the_gate_is_a_fragment_that_says_what_is_wrong(signed_in, outsider, suite):
    client = signed_in(outsider)
    address = url("gate-table") + f"?subject=support-reply&candidate=2&baseline=1&suite={suite.pk}&least_cases=3"
    assert "was not run for version 2 yet" in text(client.get(address))
    scored(suite, good=3)
    scored(suite, good=0, version="2")
    html = text(client.get(address))
    assert "<html" not in html
    assert "Gate failed" in html
    assert "Too uncertain" in html or "Worse" in html
    assert "No suite has to speak" in text(client.get(url("gate-table") + "?subject=x&candidate=2"))


@pytest.mark.parametrize(
    "query", ["", "subject=x", "subject=x&candidate=1&suite=a", "subject=x&candidate=1&suite=1&alpha=7"]
)
def test_a_question_to_the_gate_that_makes_no_sense_is_refused(signed_in, outsider, query):
    assert signed_in(outsider).get(url("gate-table") + "?" + query).status_code == 400


def test_an_endpoint_keeps_its_key_to_itself(signed_in, author):
    client = signed_in(author)
    values = {
        "name": "Model", "base_url": "https://llm.test/v1", "model": "m", "api_key": "very-secret", "concurrency": 2,
        "requests_per_minute": 60, "cost_limit": 5, "input_price": 1, "output_price": 2, "is_enabled": "on",
    }  # fmt: skip
    client.post(url("endpoint-create"), values)
    endpoint = EvaluationEndpoint.objects.get()
    assert decrypt_secrets(endpoint) == {"api_key": "very-secret"}
    assert "very-secret" not in text(client.get(endpoint.get_absolute_url()))
    client.post(endpoint.get_absolute_url(), values | {"api_key": "", "concurrency": 3})
    endpoint.refresh_from_db()
    assert (endpoint.concurrency, decrypt_secrets(endpoint)) == (3, {"api_key": "very-secret"})
    client.post(endpoint.get_absolute_url(), values | {"api_key": "", "base_url": "https://elsewhere.test/v1"})
    endpoint.refresh_from_db()
    assert decrypt_secrets(endpoint) == {}, "a key is never sent to another host"


def test_only_administrators_open_networks(signed_in, author, admin):
    assert "allowed_networks" not in text(signed_in(author).get(url("endpoint-create")))
    assert "allowed_networks" in text(signed_in(admin).get(url("endpoint-create")))


def test_a_suite_runs_by_itself_when_people_say_so(signed_in, author, suite):
    client = signed_in(author)
    values = {"subject": "support-reply", "label": "production", "cron": "0 3 * * *", "time_zone": "Europe/Berlin"}
    assert client.post(url("schedule-plan", suite.pk), values | {"cron": "often"}).status_code == 422
    assert client.post(url("schedule-plan", suite.pk), values | {"cron": "* * * * *"}).status_code == 422
    client.post(url("schedule-plan", suite.pk), values)
    schedule = SuiteSchedule.objects.get()
    assert "support-reply@production" in text(client.get(suite.get_absolute_url()))
    client.post(url("schedule-run", schedule.pk))
    assert SuiteSchedule.objects.get().due_at < schedule.due_at
    client.post(url("schedule-remove", schedule.pk))
    assert not SuiteSchedule.objects.exists()


def pages(suite) -> dict[str, tuple]:
    return {
        "suite-create": (), "suite-change": (suite.pk,), "case-import": (suite.pk,), "case-add": (suite.pk,),
        "run-start": (suite.pk,), "schedule-plan": (suite.pk,), "endpoint-create": (),
        "endpoint-change": (suite.setup.endpoint.slug,),
    }  # fmt: skip


def test_who_only_looks_changes_nothing(signed_in, outsider, suite):
    suite.refresh_from_db()
    run, case = start(suite), Case.objects.first()
    schedule = services.plan_schedule(
        suite=suite, subject="s", label="l", cron="0 3 * * *", time_zone="UTC", actor=None, at=AT
    )
    client = signed_in(outsider)
    for name, args in pages(suite).items():
        assert client.get(url(name, *args)).status_code == 403, name
        assert client.post(url(name, *args), {}).status_code == 403, name
    for name, pk in (
        ("run-cancel", run.pk), ("run-resume", run.pk), ("case-end", case.pk),
        ("schedule-remove", schedule.pk), ("schedule-run", schedule.pk),
    ):  # fmt: skip
        assert client.post(url(name, pk)).status_code == 403, name


def test_what_writes_is_never_done_by_looking(signed_in, author, suite):
    client = signed_in(author)
    for name in ("run-cancel", "run-resume", "case-end", "schedule-remove", "schedule-run"):
        assert client.get(url(name, 1)).status_code == 405, name
    for name, args in pages(suite).items():
        assert client.get(url(name, *args)).status_code == 200, name
    for name in ("case-list", "endpoint-list", "gate-table"):
        args = (suite.pk,) if name == "case-list" else ()
        assert client.post(url(name, *args)).status_code == 405, name


def test_pages_of_a_suite_cost_the_same_with_many_rows(signed_in, outsider, suite, django_assert_num_queries):
    client = signed_in(outsider)
    client.get(url("suite-list"))
    addresses = {url("case-list", suite.pk): 2, url("endpoint-list"): 1, suite.get_absolute_url(): 5}
    for times in range(2):
        if times:
            for _ in range(12):
                scored(suite)
                make_endpoint()
        for address, number in addresses.items():
            with django_assert_num_queries(number + 1):
                client.get(address)
