"""GitHub's deployment protection rules: the question out of a delivery, the answer as an App."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from apps.connectors.errors import ConfigError, SourceError
from apps.connectors.gating import AnswerRefusedError, GateAnswer, GateQuestion
from apps.connectors.providers.github import gate
from apps.connectors.providers.github.connector import GithubConnector
from tests.connectors.conftest import ask
from tests.connectors.github_world import REPOSITORY, GithubWorld, protection_request
from tests.connectors.upstream import Upstream

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
API = "https://api.github.com"
CALLBACK = f"{API}/repos/{REPOSITORY}/actions/runs/11/deployment_protection_rule"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, form=serialization.PrivateFormat.TraditionalOpenSSL) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def body(**fields) -> bytes:
    return json.dumps(protection_request(CALLBACK, **fields)).encode()


def question(callback: str = CALLBACK, **fields) -> GateQuestion:
    return GateQuestion(**{"repository": REPOSITORY, "environment": "production", "callback_url": callback} | fields)


def test_the_question_is_read_out_of_the_delivery():
    assert gate.read_question(gate.EVENT, body()) == GateQuestion(
        repository=REPOSITORY, environment="production", callback_url=CALLBACK, installation="77",
        revision="a" * 40, reference="main", asked_by="mei",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event", "given"),
    [
        ("deployment", body()),
        (gate.EVENT, body(action="completed")),
        (gate.EVENT, body(installation=None)),
        (gate.EVENT, body(environment="")),
        (gate.EVENT, body(deployment_callback_url=None)),
        (gate.EVENT, b"[1]"),
        (gate.EVENT, b"not json"),
    ],
)
def test_anything_else_asks_nothing(event, given):
    assert gate.read_question(event, given) is None


@pytest.mark.parametrize(
    "callback",
    [
        "https://evil.example/repos/acme/checkout/actions/runs/11/deployment_protection_rule",
        f"{API}.evil.example/repos/acme/checkout/actions/runs/11/deployment_protection_rule",
        f"{API}/repos/acme/other/actions/runs/11/deployment_protection_rule",
        f"{API}/repos/acme/checkout/actions/runs/11/deployment_protection_rule?x=1",
        f"{API}/repos/acme/checkout/actions/runs/../../../issues",
        f"{API}/repos/acme/checkout/actions/runs/11/approve",
        CALLBACK.replace("https", "http"),
    ],
)
def test_a_callback_elsewhere_is_never_called(callback):
    with pytest.raises(AnswerRefusedError):
        gate.check_callback(question(callback), url=API, repositories=[REPOSITORY])


def test_a_question_about_a_repository_the_source_does_not_read_is_not_answered():
    with pytest.raises(AnswerRefusedError):
        gate.check_callback(question(), url=API, repositories=["acme/other"])
    with pytest.raises(AnswerRefusedError):
        gate.check_callback(question(repository="acme/other"), url=API, repositories=[REPOSITORY, "acme/other"])
    gate.check_callback(question(), url=API, repositories=["Acme/Checkout"])


@pytest.mark.parametrize("form", [serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8])
def test_the_token_of_the_app_is_signed_with_its_key(form):
    text = pem(KEY, form).replace("\n", " ")  # as an input field of one line keeps it
    head, claims, signature = gate.signed_token(app_id="123", private_key=text, at=NOW).split(".")
    KEY.public_key().verify(_raw(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(_raw(head)) == {"alg": "RS256", "typ": "JWT"}
    told = json.loads(_raw(claims))
    assert told["iss"] == "123"
    assert told["exp"] - told["iat"] <= 600
    assert told["iat"] < NOW.timestamp() < told["exp"]


@pytest.mark.parametrize(
    "text", ["", "secret", pem(ec.generate_private_key(ec.SECP256R1())), pem(KEY).replace("M", "!")]
)
def test_what_is_no_key_is_refused_in_words(text):
    with pytest.raises(ConfigError, match="private key"):
        gate.read_key(text)


@pytest.fixture
def world():
    world = GithubWorld()
    world.repository()
    return world


@pytest.fixture
def upstream(world):
    server = Upstream()
    server.handler = world
    yield server
    server.close()


def answer(upstream, told, *, app_id="123", **fields):
    callback = f"{upstream.url}/api/v3/repos/{REPOSITORY}/actions/runs/11/deployment_protection_rule"
    config = {"url": upstream.url, "repositories": [REPOSITORY], "app_id": app_id}
    secrets = {"token": "github_pat_demo", "app_private_key": pem(KEY)}
    asked = question(callback, installation="77", **fields)
    return ask(lambda http: GithubConnector(config=config, secrets=secrets, http=http).answer(asked, told, at=NOW))


def test_yes_and_no_go_to_the_run_with_their_reasons(world, upstream):
    answer(upstream, GateAnswer(may=True, comment="Nothing speaks against it."))
    answer(upstream, GateAnswer(may=False, comment="x" * 5000))
    answer(upstream, GateAnswer(may=None, comment="Map it first."))
    yes, no, word = world.reviews
    assert yes == {"environment_name": "production", "state": "approved", "comment": "Nothing speaks against it."}
    assert no == {"environment_name": "production", "state": "rejected", "comment": "x" * 1000}
    assert word == {"environment_name": "production", "comment": "Map it first."}
    bearers = {request.headers["authorization"].split()[1] for request, _ in world.answered}
    assert "github_pat_demo" not in bearers  # the token of the form never answers


@pytest.mark.parametrize("status", [404, 422])
def test_a_run_that_is_over_takes_no_answer(world, upstream, status):
    world.review_status = status
    with pytest.raises(AnswerRefusedError, match="no answer any more"):
        answer(upstream, GateAnswer(may=True, comment=""))


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_refusal_that_may_pass_is_tried_again(world, upstream, status):
    world.review_status = status
    with pytest.raises(SourceError):
        answer(upstream, GateAnswer(may=True, comment=""))


def test_without_an_app_it_says_what_is_missing(upstream):
    with pytest.raises(ConfigError, match="GitHub App"):
        answer(upstream, GateAnswer(may=True, comment=""), app_id="")


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
