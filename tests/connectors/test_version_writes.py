"""How connectors add a version of a prompt in the other system: what they send, and when they send nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.connectors import registry
from apps.connectors.errors import SourceError, WrittenMeanwhileError
from apps.connectors.providers.langfuse.connector import LangfuseConnector
from apps.connectors.providers.langfuse.prompts import read_version as read_langfuse
from apps.connectors.providers.mlflow.connector import MlflowConnector
from apps.connectors.providers.mlflow.prompts import read_versions as read_mlflow
from apps.connectors.providers.phoenix.connector import PhoenixConnector
from apps.connectors.providers.phoenix.prompts import Edition, Outline
from apps.connectors.providers.phoenix.prompts import read_versions as read_phoenix
from apps.connectors.records import PromptRecord, WriteVersion
from tests.connectors.conftest import ask
from tests.connectors.upstream import Answer, Request, Upstream, json_answer
from tests.prompts.records import NOW

MARKER = "[opsportal:0123456789abcdef0123]"
CHAT = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{question}}"})
CONFIGS: dict[Any, dict[str, Any]] = {
    LangfuseConnector: {"public_key": "pk-lf-1"},
    MlflowConnector: {},
    PhoenixConnector: {},
}


def version(**fields: Any) -> WriteVersion:
    told = {"prompt_external_id": "a/b", "prompt_name": "a/b", "base_number": 2, "marker": MARKER}
    said = {"commit_message": f"Shorter\n\n{MARKER}", "template": "Take {{x}}.", "model_config": {"model": "m-1"}}
    return WriteVersion(**told | said | fields)


def world(connector: Any, newest: int, message: str = "") -> Any:
    """A system with versions up to `newest`, the last one with that message; it takes what is posted."""

    def langfuse(request: Request) -> Any:
        if request.path.endswith("/v2/prompts"):
            return {"data": [{"name": "a/b", "versions": list(range(1, newest + 1))}], "meta": {"totalPages": 1}}
        return {"version": newest, "commitMessage": message}

    def mlflow(_request: Request) -> Any:
        rows = [{"version": str(n), "description": message if n == newest else ""} for n in range(1, newest + 1)]
        return {"model_versions": rows}

    def phoenix(_request: Request) -> Any:
        rows = [{"id": f"v{n}", "description": message if n == newest else ""} for n in range(newest, 0, -1)]
        return {"data": rows, "next_cursor": None}

    told = {LangfuseConnector: langfuse, MlflowConnector: mlflow, PhoenixConnector: phoenix}[connector]
    return lambda request: json_answer({} if request.method == "POST" else told(request))


def run(upstream: Upstream, connector: Any, **fields: Any) -> list[Request]:
    config, secrets = {"url": upstream.url, **CONFIGS[connector]}, {"secret_key": "sk-lf-secret"}
    ask(lambda http: connector(config=config, secrets=secrets, http=http).write(version(**fields)))
    return [request for request in upstream.requests if request.method == "POST"]


EVERY = pytest.mark.parametrize("connector", list(CONFIGS))


@EVERY
def test_a_version_is_added_after_the_one_that_its_author_knew(upstream: Upstream, connector: Any) -> None:
    upstream.handler = world(connector, 2)
    (request,) = run(upstream, connector)
    assert request.path.endswith(("/v2/prompts", "/model-versions/create", "/v1/prompts"))
    assert MARKER in json.dumps(request.json)


@EVERY
def test_one_that_is_there_already_is_not_sent_again(upstream: Upstream, connector: Any) -> None:
    upstream.handler = world(connector, 3, f"Shorter\n\n{MARKER}")
    assert run(upstream, connector) == []


@EVERY
def test_somebody_elses_version_is_never_written_over(upstream: Upstream, connector: Any) -> None:
    upstream.handler = world(connector, 3, "By hand")
    with pytest.raises(WrittenMeanwhileError, match="newest version is 3 there now, not 2"):
        run(upstream, connector)
    assert not [request for request in upstream.requests if request.method == "POST"]


def test_a_refusal_is_an_error(upstream: Upstream) -> None:
    there = world(MlflowConnector, 2)
    upstream.handler = lambda request: Answer(b"{}", status=403) if request.method == "POST" else there(request)
    with pytest.raises(SourceError):
        run(upstream, MlflowConnector)


@pytest.mark.parametrize("said", [{"template": "Take {{x}}."}, {"template": "", "messages": CHAT}])
def test_what_mlflow_is_sent_reads_back_as_it_was(upstream: Upstream, said: dict[str, Any]) -> None:
    upstream.handler = world(MlflowConnector, 2)
    shape = {"type": "object"}
    (request,) = run(upstream, MlflowConnector, response_format=shape, **said)
    assert {"key": "mlflow.prompt.is_prompt", "value": "true"} in request.json["tags"]
    item = {**request.json, "version": "3", "creation_timestamp": 1_790_000_000_000}
    ((record,), _, _) = read_mlflow([item], prompt="a/b", ui="")
    assert (record.template, record.messages) == (said["template"], said.get("messages", ()))
    assert (record.model_config, record.response_format, record.tags) == ({"model": "m-1"}, shape, {})


@pytest.mark.parametrize("said", [{"template": "Take {{x}}."}, {"template": "", "messages": CHAT}])
def test_what_langfuse_is_sent_reads_back_as_it_was(upstream: Upstream, said: dict[str, Any]) -> None:
    upstream.handler = world(LangfuseConnector, 2)
    shape = {"type": "object"}
    (request,) = run(upstream, LangfuseConnector, response_format=shape, **said)
    assert request.json["labels"] == [], "no label moves with it"
    ((record,), _, _) = read_langfuse({**request.json, "version": 3, "id": "x"}, NOW, pages="")
    assert (record.template, record.messages) == (said["template"], said.get("messages", ()))
    assert (record.model_config, record.response_format) == ({"model": "m-1"}, shape)


def test_a_placeholder_of_langfuse_stays_one(upstream: Upstream) -> None:
    upstream.handler = world(LangfuseConnector, 2)
    messages = ({"role": "placeholder", "content": "history"},)
    (request,) = run(upstream, LangfuseConnector, template="", messages=messages)
    assert request.json["prompt"] == [{"type": "placeholder", "name": "history"}]


@pytest.mark.parametrize("said", [{"template": "Take {{x}}."}, {"template": "", "messages": CHAT}])
def test_what_phoenix_is_sent_reads_back_as_it_was(upstream: Upstream, said: dict[str, Any]) -> None:
    upstream.handler = world(PhoenixConnector, 2)
    config = {"model": "m-1", "provider": "ANTHROPIC", "template_format": "MUSTACHE", "max_tokens": 100}
    (request,) = run(upstream, PhoenixConnector, model_config=config, **said)
    assert request.json["prompt"] == {"name": "a/b"}
    outline = Outline(
        prompt=PromptRecord(external_id="p", name="a/b"), editions=(Edition(id="v3", number=3, created_at=NOW),)
    )
    ((record,), _) = read_phoenix([{**request.json["version"], "id": "v3"}], outline, after=2, ui="")
    assert (record.template, record.messages) == (said["template"], said.get("messages", ()))
    assert record.model_config == config


@pytest.mark.parametrize(
    ("config", "sentence"), [({}, "needs a model"), ({"model": "m", "tools": ["search"]}, "names of its tools")]
)
def test_what_phoenix_would_lose_is_not_sent(upstream: Upstream, config: dict[str, Any], sentence: str) -> None:
    upstream.handler = world(PhoenixConnector, 2)
    with pytest.raises(SourceError, match=sentence) as raised:
        run(upstream, PhoenixConnector, model_config=config)
    assert raised.value.is_permanent
    assert upstream.requests == []


def test_who_can_write_versions_can_move_labels_too() -> None:
    """What is written has to be released there as well."""
    able = [one for one in registry.CONNECTORS.values() if one.writes_versions]
    assert {one.key for one in able} == {"langfuse", "mlflow", "phoenix"}
    assert all(one.moves_labels for one in able)
