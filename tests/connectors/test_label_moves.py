"""How connectors move a label in the other system: what they ask, and when they do not."""

from __future__ import annotations

from typing import Any

import pytest

from apps.connectors.errors import ErrorClass, MovedMeanwhileError, SourceError
from apps.connectors.providers.langfuse.connector import LangfuseConnector
from apps.connectors.providers.mlflow.connector import MlflowConnector
from apps.connectors.providers.phoenix.connector import PhoenixConnector
from apps.connectors.records import MoveLabel
from tests.connectors.conftest import ask
from tests.connectors.upstream import Answer, Request, Upstream, json_answer

LANGFUSE = {"public_key": "pk-lf-1"}


def move(**fields: Any) -> MoveLabel:
    defaults = {"prompt_external_id": "a/b", "label": "production", "number": 2, "from_number": 1}
    return MoveLabel(**{"version_external_id": "v-2"} | defaults | fields)


def run(upstream: Upstream, connector: Any, config: dict[str, Any], **fields: Any) -> None:
    secrets = {"secret_key": "sk-lf-secret"}
    ask(lambda http: connector(config={"url": upstream.url, **config}, secrets=secrets, http=http).push(move(**fields)))


def mlflow(now: int | None) -> Any:
    aliases = [] if now is None else [{"alias": "production", "version": str(now)}]

    def answer(request: Request) -> Answer:
        if request.method == "POST":
            return json_answer({})
        return json_answer({"registered_model": {"name": "a/b", "aliases": aliases}})

    return answer


def langfuse(now: int | None) -> Any:
    def answer(request: Request) -> Answer:
        if request.method == "PATCH":
            return json_answer({"labels": ["production"]})
        return json_answer({"version": now}) if now else Answer(status=404)

    return answer


def written(upstream: Upstream) -> list[Request]:
    return [request for request in upstream.requests if request.method != "GET"]


def test_mlflow_sets_an_alias(upstream: Upstream) -> None:
    upstream.handler = mlflow(1)
    run(upstream, MlflowConnector, {})
    (request,) = written(upstream)
    assert (request.method, request.path) == ("POST", "/api/2.0/mlflow/registered-models/alias")
    assert request.json == {"name": "a/b", "alias": "production", "version": "2"}


def test_langfuse_adds_the_label_to_the_version(upstream: Upstream) -> None:
    upstream.handler = langfuse(1)
    run(upstream, LangfuseConnector, LANGFUSE)
    (request,) = written(upstream)
    assert (request.method, request.path) == ("PATCH", "/api/public/v2/prompts/a%2Fb/versions/2")
    assert request.json == {"newLabels": ["production"]}


def test_phoenix_tags_the_version(upstream: Upstream) -> None:
    upstream.handler = lambda request: Answer(b"", status=204)
    run(upstream, PhoenixConnector, {})
    (request,) = written(upstream)
    assert (request.path, request.json) == ("/v1/prompt_versions/v-2/tags", {"name": "production"})


@pytest.mark.parametrize(
    ("connector", "config", "world"), [(MlflowConnector, {}, mlflow), (LangfuseConnector, LANGFUSE, langfuse)]
)
def test_a_label_is_moved_only_from_where_it_should_be(upstream: Upstream, connector, config, world) -> None:
    upstream.handler = world(2)
    run(upstream, connector, config)
    upstream.handler = world(3)
    with pytest.raises(MovedMeanwhileError, match="points at version 3 there now, not at version 1") as raised:
        run(upstream, connector, config)
    assert raised.value.is_permanent
    upstream.handler = world(None)
    with pytest.raises(MovedMeanwhileError, match="points at nothing there now"):
        run(upstream, connector, config)
    assert written(upstream) == []
    run(upstream, connector, config, from_number=None)
    assert len(written(upstream)) == 1


def test_a_refusal_has_its_class_and_no_secret(upstream: Upstream) -> None:
    upstream.handler = lambda request: Answer(b'{"message": "sk-lf-secret may only read"}', status=403)
    with pytest.raises(SourceError) as raised:
        run(upstream, LangfuseConnector, LANGFUSE)
    assert (raised.value.error_class, raised.value.is_permanent) == (ErrorClass.AUTH, True)
    assert "sk-lf-secret" not in str(raised.value)


def test_a_prompt_that_is_gone_is_said(upstream: Upstream) -> None:
    upstream.handler = lambda request: Answer(b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}', status=404)
    with pytest.raises(SourceError, match="gone from MLflow"):
        run(upstream, MlflowConnector, {})
