"""`opsportal`: what it reports arrives, and whatever goes wrong is one sentence that fails no job unless asked to."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.cache import cache

from apps.deployments.models import Deployment
from apps.events.models import Event
from apps.metrics.models import Series
from apps.pipelines.models import Run
from apps.sources.models import Source, SourceState
from opsportal import cli
from tests.api.asking import make_token, push_source
from tests.cli.scripted import answering

FILE = Path(cli.__file__)
GITHUB = {
    "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/search", "GITHUB_RUN_ID": "77", "GITHUB_JOB": "index",
    "GITHUB_WORKFLOW": "Nightly", "GITHUB_SHA": "9fceb02", "GITHUB_REF_NAME": "main", "GITHUB_ACTOR": "ann",
    "GITHUB_EVENT_NAME": "schedule", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_SERVER_URL": "https://git.example.com",
}  # fmt: skip
GITLAB = {
    "GITLAB_CI": "true", "CI_JOB_ID": "88", "CI_PROJECT_PATH": "acme/search", "CI_JOB_NAME": "index",
    "CI_COMMIT_SHA": "abc123", "CI_COMMIT_REF_NAME": "main", "GITLAB_USER_LOGIN": "bob", "CI_PIPELINE_SOURCE": "web",
    "CI_JOB_URL": "https://lab.example.com/jobs/88",
}  # fmt: skip


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """No CI system is around, and nobody waits: the seconds it would have are here."""
    for name in (*GITHUB, *GITLAB, "OPSPORTAL_URL", "OPSPORTAL_TOKEN", "OPSPORTAL_SOURCE", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    seconds: list[float] = []
    monkeypatch.setattr(cli.time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def portal(transactional_db, live_server, author, monkeypatch):
    """A running portal with a source `ci`, and the environment that leads there."""
    cache.clear()
    source = push_source()
    monkeypatch.setenv("OPSPORTAL_URL", live_server.url)
    monkeypatch.setenv("OPSPORTAL_TOKEN", make_token(author))
    monkeypatch.setenv("OPSPORTAL_SOURCE", "ci")
    return source


def test_a_run_begins_and_ends_under_the_id_that_was_printed(portal, capsys):
    assert cli.main(["run", "start", "--pipeline", "nightly", "--label", "shard=3", "--strict"]) == 0
    run_id = capsys.readouterr().out.strip()
    run = Run.objects.get()
    assert (run.external_id, run.state, run.labels) == (run_id, "running", {"shard": "3"})
    end = ["--exit-code", "3", "--error", "no memory", "--rows-out", "12", "--cost", "0.25"]
    assert cli.main(["run", "finish", "--pipeline", "nightly", "--id", run_id, *end, "--strict"]) == 0
    run.refresh_from_db()
    assert (run.state, run.error, run.rows_out, str(run.cost)) == ("failed", "no memory", 12, "0.2500")
    assert run.labels == {"shard": "3"}
    assert run.started_at < run.finished_at


def test_every_command_is_taken_by_the_portal(portal, tmp_path, capsys):
    file = tmp_path / "evaluation.json"
    file.write_text(json.dumps({"external_id": "e", "suite": "golden", "scores": [{"scorer": "x", "value": 1}]}))
    for line in (
        ["deploy", "--component", "ranker", "--environment", "production", "--revision", "abc", "--rollback"],
        ["change", "flag", "Reranker on", "--before", "off", "--after", "on"],
        ["sample", "load=1.5", "queue=7", "--unit", "count", "--label", "host=a"],
        ["heartbeat"],
        ["run", "finish", "--pipeline", "nightly", "--id", "r1", "--state", "cancelled"],
    ):
        assert cli.main([*line, "--strict"]) == 0, line
        assert "opsportal: " in capsys.readouterr().err
    deployment = Deployment.objects.get()
    assert (deployment.component_name, deployment.state, deployment.is_told_rollback) == ("ranker", "succeeded", True)
    assert Event.objects.get(kind="source:change:reported").title == "Reranker on"
    assert set(Series.objects.values_list("name", flat=True)) == {"load", "queue"}
    assert Run.objects.get().state == "cancelled"
    assert cli.main(["evaluate", str(file)]) == 0


def test_a_heartbeat_is_heard(portal, capsys):
    assert cli.main(["heartbeat", "--strict"]) == 0
    assert capsys.readouterr().err == "opsportal: Heard.\n"
    assert SourceState.objects.get(source=portal).last_success_at is not None


def test_github_says_everything_of_a_run(portal, monkeypatch):
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["run", "start", "--strict"]) == 0
    assert cli.main(["run", "finish", "--strict"]) == 0
    run = Run.objects.get()
    assert (run.external_id, run.pipeline.name, run.state) == ("github-77-index", "acme/search/Nightly", "succeeded")
    assert (run.revision, run.triggered_by, run.trigger, run.attempts) == ("9fceb02", "ann", "schedule", 2)
    assert run.url == "https://git.example.com/acme/search/actions/runs/77"
    assert run.labels == {"branch": "main"}


def test_gitlab_says_everything_of_a_run():
    assert cli.ci_facts(GITLAB) == {
        "run_id": "gitlab-88",
        "pipeline": "acme/search/index",
        "revision": "abc123",
        "branch": "main",
        "actor": "bob",
        "trigger": "manual",
        "url": "https://lab.example.com/jobs/88",
    }


def test_a_ci_system_that_says_little_is_no_trouble():
    assert cli.ci_facts({"GITHUB_ACTIONS": "true"}) == {}
    assert cli.ci_facts({"GITLAB_CI": "true"}) == {}


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        (["run", "finish"], 2, "Say --pipeline; no CI system names one here."),
        (["run", "finish", "--pipeline", "x"], 2, "Say --id, the one that “opsportal run start” printed."),
        (["deploy", "--component", "a", "--environment", "b"], 2, "Say --revision; no CI system names a commit here."),
        (["deploy"], 2, "The following arguments are required"),
        (["sample", "load"], 2, "“load” is not NAME=VALUE"),
        (["sample", "load=much"], 2, "“much” is not a number; write load=1.5."),
        (["evaluate", "/nowhere.json"], 2, "cannot be read as JSON"),
        (["fly"], 2, "invalid choice: 'fly'"),
        (["change", "flag", "x" * 301], 1, "1 of 1 refused: title: string should have at most 300 characters."),
        (["heartbeat", "--source", "other"], 1, "No source has this short name"),
        (["heartbeat", "--url", "ftp://x"], 2, "OPSPORTAL_URL must begin with https:// or http://."),
        (["heartbeat", "--url", "http://127.0.0.1:9"], 3, "Not reported after 4 tries"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else None,
)
def test_trouble_is_one_sentence_and_fails_only_a_strict_job(portal, capsys, line, code, sentence):
    assert cli.main(line) == 0
    text = capsys.readouterr().err
    assert sentence in text
    assert text.startswith("opsportal: ")
    assert text.count("\n") == 1
    assert cli.main([*line, "--strict"]) == code


@pytest.mark.parametrize("name", ["OPSPORTAL_URL", "OPSPORTAL_TOKEN", "OPSPORTAL_SOURCE"])
def test_a_missing_setting_is_named(portal, monkeypatch, capsys, name):
    monkeypatch.delenv(name)
    assert cli.main(["heartbeat", "--strict"]) == 2
    assert capsys.readouterr().err == f"opsportal: Set {name}.\n"


def test_a_paused_source_is_not_asked_again(portal, capsys, waits):
    Source.objects.update(is_enabled=False)
    assert cli.main(["heartbeat", "--strict"]) == 1
    assert "is paused" in capsys.readouterr().err
    assert waits == []


def test_the_id_of_a_run_is_printed_though_the_portal_is_down(monkeypatch, capsys):
    monkeypatch.setenv("OPSPORTAL_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OPSPORTAL_TOKEN", "x")
    monkeypatch.setenv("OPSPORTAL_SOURCE", "ci")
    assert cli.main(["run", "start", "--pipeline", "nightly"]) == 0
    assert len(capsys.readouterr().out.strip()) == 36


GOOD = (200, {"results": [], "counts": {"stored": 0, "unchanged": 0, "refused": 0}}, {})


@pytest.fixture
def scripted(monkeypatch):
    monkeypatch.setenv("OPSPORTAL_TOKEN", "opsp_secret")
    monkeypatch.setenv("OPSPORTAL_SOURCE", "ci")


def test_it_tries_again_under_the_same_key_and_waits_as_asked(scripted, waits):
    busy = {"error": {"code": "in_progress", "message": "Wait."}}
    answers = [(503, {}, {}), (429, {}, {"Retry-After": "7"}), (409, busy, {"Retry-After": "2"}), GOOD]
    with answering(answers) as portal:
        assert cli.main(["heartbeat", "--strict", "--url", portal.url]) == 0
    assert len({headers["Idempotency-Key"] for _, headers in portal.asked}) == 1
    assert len(portal.asked) == 4
    assert waits == [1.0, 7.0, 2.0]


def test_two_reports_have_keys_of_their_own(scripted):
    with answering([GOOD, GOOD]) as portal:
        for _ in range(2):
            cli.main(["heartbeat", "--url", portal.url])
    assert len({headers["Idempotency-Key"] for _, headers in portal.asked}) == 2


def test_a_wish_to_wait_for_ever_is_not_heard(scripted, waits):
    with answering([(503, {}, {"Retry-After": "86400"}), GOOD]) as portal:
        cli.main(["heartbeat", "--url", portal.url])
    assert waits == [30.0]


def test_a_redirect_is_never_followed(scripted, capsys):
    with answering([GOOD]) as stranger, answering([(302, {}, {"Location": f"{stranger.url}/"})]) as portal:
        assert cli.main(["heartbeat", "--strict", "--url", portal.url]) == 1
        assert stranger.asked == []
    assert "The portal answered 302; is OPSPORTAL_URL its address?" in capsys.readouterr().err


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"counts": 1}'])
def test_an_answer_that_is_none_is_said(scripted, capsys, body):
    with answering([(200, body, {})]) as portal:
        assert cli.main(["heartbeat", "--strict", "--url", portal.url]) == 3
    assert "Something else than an OpsPortal answers" in capsys.readouterr().err


def test_the_token_is_in_no_output(scripted, capsys):
    with answering([(401, {"error": {"code": "unauthorized", "message": "No."}}, {})]) as portal:
        cli.main(["heartbeat", "--url", portal.url])
        assert portal.asked[0][1]["Authorization"] == "Bearer opsp_secret"
        assert "secret" not in portal.asked[0][0]
    shown = capsys.readouterr()
    assert "opsp_secret" not in shown.out + shown.err


def test_an_evaluation_comes_from_standard_input_with_the_facts_of_the_job(scripted, monkeypatch):
    for name, value in GITLAB.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"items": [{"external_id": "e", "suite": "s"}]}'))
    with answering([GOOD]) as portal:
        cli.main(["evaluate", "-", "--url", portal.url])
    (item,) = portal.bodies[0]["items"]
    assert item == {"external_id": "e", "suite": "s", "revision": "abc123", "url": "https://lab.example.com/jobs/88"}


@pytest.mark.parametrize("command", [["-I", "-S", str(FILE)], ["-S", "-m", "opsportal.cli"]], ids=["file", "module"])
def test_it_needs_nothing_but_python(command):
    done = subprocess.run(
        [sys.executable, *command, "heartbeat", "--strict"],
        cwd=FILE.parents[1],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "opsportal: Set OPSPORTAL_URL.\n")
