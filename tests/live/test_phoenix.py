"""A real Phoenix server, content made by its own client, and what the portal shows of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.connectors.address import AddressRule
from apps.connectors.http import Http
from apps.connectors.providers.phoenix.connector import PhoenixConnector
from apps.connectors.records import Batch, EvaluationRecord, RunState
from apps.evaluations.models import EvaluationRun
from apps.events.models import Event
from apps.metrics.models import Sample, Series
from apps.prompts.models import LabelMove, Prompt, PromptLabel
from tests.live import servers
from tests.live.polling import connect, poll, poll_once, probe

pytestmark = [pytest.mark.live, pytest.mark.django_db(transaction=True)]

ADMIN_TOKEN = "an-administrator-of-the-tests-0123456789"

PROMPTS_FIRST = """
import json
from phoenix.client import Client
from phoenix.client.types import PromptVersion

client = Client()

def version(text, note, form="MUSTACHE"):
    messages = [{"role": "user", "content": text}]
    return PromptVersion(messages, model_name="gpt-4o-mini", template_format=form, description=note)

texts = ["Answer {{q}}", "Answer {{q}} politely", "Answer {{q}} briefly"]
made = [client.prompts.create(name="support", version=version(texts[0], "rev 1"), prompt_description="answers tickets")]
made += [client.prompts.create(name="support", version=version(text, "more")) for text in texts[1:]]
client.prompts.tags.create(prompt_version_id=made[1].id, name="production")
client.prompts.tags.create(prompt_version_id=made[2].id, name="staging")
chat = PromptVersion.from_openai(
    {
        "model": "gpt-4o", "temperature": 0.2,
        "messages": [{"role": "system", "content": "Be kind to {name}."}, {"role": "user", "content": "{text}"}],
        "tools": [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "out", "schema": {"type": "object"}}},
    },
    template_format="F_STRING",
)
client.prompts.create(name="greeting", version=chat)
client.prompts.create(name="doomed", version=version("Gone {{soon}}", "", "NONE"))
print(json.dumps({"texts": texts, "ids": [one.id for one in made]}))
"""

PROMPTS_SECOND = """
import json
from phoenix.client import Client
from phoenix.client.types import PromptVersion

client = Client()
messages = [{"role": "user", "content": "Answer {{q}} at once"}]
fourth = client.prompts.create(name="support", version=PromptVersion(messages, model_name="gpt-4o"))
client.prompts.tags.create(prompt_version_id=fourth.id, name="production")
client.prompts.delete(prompt_identifier="doomed")
print(json.dumps({"id": fourth.id}))
"""

TRACES = """
import json, uuid
from datetime import datetime, timedelta, timezone
from phoenix.client import Client

client = Client()
hour = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
spans = []
for place in range(4):
    begin = hour + timedelta(minutes=10 + place)
    spans.append({
        "name": "answer", "span_kind": "LLM", "status_code": "ERROR" if place == 3 else "OK",
        "context": {"trace_id": uuid.uuid4().hex, "span_id": uuid.uuid4().hex[:16]},
        "start_time": begin.isoformat(), "end_time": (begin + timedelta(seconds=place + 1)).isoformat(),
        "attributes": {"llm.model_name": "gpt-4o", "llm.provider": "openai", "llm.token_count.prompt": 1000,
                       "llm.token_count.completion": 500, "llm.token_count.total": 1500},
    })
client.projects.create(name="shop")
client.spans.log_spans(project_identifier="shop", spans=spans)
ids = {span["context"]["span_id"] for span in spans}
import time
for _ in range(100):
    if ids <= {span["context"]["span_id"] for span in client.spans.get_spans(project_identifier="shop", limit=100)}:
        break
    time.sleep(0.2)
for span_id in ids:
    client.spans.add_span_annotation(
        span_id=span_id, annotation_name="groundedness", annotator_kind="LLM", score=0.75, sync=True)
print(json.dumps({"hour": hour.isoformat()}))
"""

EXPERIMENT = """
import contextlib, io, json
from phoenix.client import Client

client = Client()
data = client.datasets.create_dataset(
    name="golden", inputs=[{"q": "a"}, {"q": "b"}, {"q": "c"}], outputs=[{"a": "A"}, {"a": "B"}, {"a": "C"}])

def task(example):
    if example.input["q"] == "c":
        raise ValueError("no answer")
    return example.input["q"].upper()

def exact(output, expected):
    return output == expected["a"]

with contextlib.redirect_stdout(io.StringIO()):
    made = client.experiments.run_experiment(
        dataset=data, task=task, evaluators={"exact": exact}, experiment_name="first try",
        experiment_metadata={"prompt": "support", "prompt_version": 2}, print_summary=False)
print(json.dumps({"id": made["experiment_id"]}))
"""


@contextmanager
def _phoenix(home: Path, env: dict[str, str]) -> Iterator[str]:
    port = servers.free_port()
    base = f"http://127.0.0.1:{port}"
    quiet = {"PHOENIX_TELEMETRY_ENABLED": "false", "PHOENIX_GRPC_PORT": str(servers.free_port())}
    place = {"PHOENIX_WORKING_DIR": str(home), "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(port)}
    command = [servers.executable("phoenix", "phoenix"), "serve"]
    with servers.running(command, home=home, ready_url=f"{base}/healthz", env={**quiet, **place, **env}):
        yield base


@pytest.fixture(scope="session")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Phoenix server."""
    with _phoenix(tmp_path_factory.mktemp("phoenix"), {}) as base:
        yield base


@pytest.fixture
def guarded_phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Phoenix server that wants ADMIN_TOKEN."""
    secrets = {"PHOENIX_SECRET": "a-secret-of-the-tests-0123456789-abc", "PHOENIX_ADMIN_SECRET": ADMIN_TOKEN}
    with _phoenix(tmp_path_factory.mktemp("guarded"), {"PHOENIX_ENABLE_AUTH": "true", **secrets}) as base:
        yield base


def _create(script: str, base: str) -> dict:
    out = servers.run_client("phoenix", script, env={"PHOENIX_BASE_URL": base, "PHOENIX_COLLECTOR_ENDPOINT": base})
    return json.loads(out.strip().splitlines()[-1])


def _fetch(base: str, **settings: object) -> Batch:
    """One fetch past the store, for records that no app keeps yet."""

    async def conversation() -> Batch:
        async with Http(rule=AddressRule((ip_network("127.0.0.0/8"),))) as http:
            return await PhoenixConnector(config={"url": base, **settings}, secrets={}, http=http).fetch({})

    return asyncio.run(conversation())


def _numbers(prompt: Prompt) -> list[int]:
    return list(prompt.versions.order_by("number").values_list("number", flat=True))


def test_prompts_of_a_real_server_are_shown_and_follow_its_changes(phoenix: str, client: Client) -> None:
    first = _create(PROMPTS_FIRST, phoenix)
    source = connect("phoenix", {"url": phoenix, "metrics": False, "experiments": False})
    fetched = poll(source).fetched

    prompt = Prompt.objects.get(name="support")
    assert (_numbers(prompt), prompt.description) == ([1, 2, 3], "answers tickets")
    texts = [version.messages[0]["content"] for version in prompt.versions.order_by("number")]
    assert texts == first["texts"]
    labels = {label.name: label.version.number for label in PromptLabel.objects.filter(prompt=prompt)}
    assert labels == {"production": 2, "staging": 3}
    chat = Prompt.objects.get(name="greeting").versions.get()
    assert [message["role"] for message in chat.messages] == ["system", "user"]
    assert (chat.model_config["temperature"], chat.model_config["template_format"]) == (0.2, "F_STRING")
    assert chat.model_config["tools"] == ["look_up"]
    assert chat.response_format["json_schema"]["name"] == "out"

    client.force_login(User.objects.create_user("live", password="x", role="viewer"))
    page = client.get(reverse("prompts:prompt-detail", args=[prompt.pk])).content.decode()
    assert "production" in page

    again = poll(source)
    assert again.changed == 0, "an unchanged server gives nothing to write"
    assert again.fetched < fetched, "and tells no versions again"

    _create(PROMPTS_SECOND, phoenix)
    poll(source)
    assert _numbers(prompt) == [1, 2, 3, 4]
    assert PromptLabel.objects.get(prompt=prompt, name="production").version.number == 4
    moves = LabelMove.objects.filter(prompt=prompt, name="production").order_by("id")
    assert [(m.from_version and m.from_version.number, m.to_version.number) for m in moves] == [(None, 2), (2, 4)]
    assert Event.objects.filter(kind="prompts:label:moved", is_change=True, title__contains="v4").count() == 1
    poll(source)
    assert Prompt.objects.get(name="doomed").gone_at is not None, "missing twice is gone"
    assert poll(source).changed == 0


def test_hours_of_a_real_project_become_series(phoenix: str) -> None:
    facts = _create(TRACES, phoenix)
    source = connect("phoenix", {"url": phoenix, "projects": "shop", "experiments": False, "backfill_days": 1})
    poll(source)
    found = {series.name: series for series in Series.objects.all()}
    measures = {name: series.measure for name, series in found.items()}
    assert measures["shop latency p95"] == "latency_p95"
    assert measures["shop score groundedness"] == "groundedness"
    values = {name: Sample.objects.get(series=series, at=facts["hour"]).value for name, series in found.items()}
    assert values["shop requests"] == pytest.approx(4 / 3600)
    assert values["shop answered"] == 0.75
    assert 1 < values["shop latency p50"] < values["shop latency p95"] < 4.01
    assert (values["shop tokens"], values["shop score groundedness"]) == (6000, 0.75)
    assert values["shop cost"] > 0
    assert poll(source).changed == 0


def test_an_experiment_of_a_real_server_is_an_evaluation(phoenix: str) -> None:
    facts = _create(EXPERIMENT, phoenix)
    (record,) = (r for r in _fetch(phoenix, metrics=False).records if isinstance(r, EvaluationRecord))
    assert (record.external_id, record.suite, record.state) == (facts["id"], "golden", RunState.SUCCEEDED)
    assert (record.subject, record.version) == ("support", "2")
    whole = [score for score in record.scores if not score.case]
    assert [(score.scorer, round(score.value, 3), score.count) for score in whole] == [("exact", 0.667, 3)]
    assert sorted(score.passed for score in record.scores if score.case) == [False, True, True]
    source = connect("phoenix", {"url": phoenix, "metrics": False})
    poll(source)
    run = EvaluationRun.objects.get(external_id=facts["id"])
    assert (run.suite.name, run.what, run.summary["exact"]["count"]) == ("golden", "support 2", 3)
    assert poll(source).changed == 0


def test_the_connection_test_says_what_a_real_server_has(phoenix: str) -> None:
    answer = probe("phoenix", {"url": phoenix})
    assert answer.is_good
    assert re.fullmatch(r"Phoenix \d+\.\d+\.\d+ answers; it has \d+ prompts and \d+ datasets\.", answer.sentence)
    assert answer.missing == []


def test_a_guarded_server_lets_only_the_right_token_in(guarded_phoenix: str) -> None:
    config = {"url": guarded_phoenix, "auth": "bearer"}
    for refused in (probe("phoenix", {"url": guarded_phoenix}), probe("phoenix", config, token="wrong-token")):
        assert (refused.is_good, refused.error_class) == (False, "auth")
        assert "wrong-token" not in refused.sentence, "no secret in a message"
    assert poll_once(connect("phoenix", config, token="wrong-token")).error_class == "auth"
    assert probe("phoenix", config, token=ADMIN_TOKEN).is_good
    poll(connect("phoenix", {**config, "backfill_days": 1}, token=ADMIN_TOKEN))
