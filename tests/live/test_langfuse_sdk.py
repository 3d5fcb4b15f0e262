"""The official Langfuse SDK, unchanged, fetches prompts from the portal's own ASGI application."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from django.core.asgi import get_asgi_application
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import ApiToken, User
from apps.api.serving.asgi import PromptAnswers
from tests.factories import make_source
from tests.live import servers
from tests.live.receiving import until
from tests.prompts.serving import make_prompt

pytestmark = [
    pytest.mark.live,
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning"),
]

SCRIPT = """
import json, os
from langfuse import Langfuse

langfuse = Langfuse(
    base_url=os.environ["PORTAL"], public_key="pk-any", secret_key=os.environ["TOKEN"],
    tracing_enabled=False, timeout=60,
)
facts = {"auth": langfuse.auth_check()}
text = langfuse.get_prompt("search/answers")
facts["text"] = [text.version, text.prompt, text.config, text.labels, text.compile(question="Why?"), text.is_fallback]
facts["variables"] = text.variables
staging = langfuse.get_prompt("search/answers", label="staging")
facts["staging"] = staging.version
facts["latest"] = langfuse.get_prompt("search/answers", label="latest").version
facts["by version"] = langfuse.get_prompt("search/answers", version=1).version
chat = langfuse.get_prompt("greeting", type="chat")
facts["chat"] = chat.compile(name="Ada", history=[{"role": "user", "content": "Hi"}])
missing = langfuse.get_prompt("nothing", fallback="My own {{x}}", max_retries=0)
facts["fallback"] = [missing.is_fallback, missing.compile(x="text")]
try:
    langfuse.get_prompt("nothing", max_retries=0)
except Exception as error:
    facts["missing"] = [type(error).__name__, error.status_code, error.body["message"]]
stranger = Langfuse(
    base_url=os.environ["PORTAL"], public_key="pk-other", secret_key="opsp_wrong", tracing_enabled=False, timeout=60
)
try:
    stranger.get_prompt("search/answers", max_retries=0)
except Exception as error:
    facts["stranger"] = error.status_code
print(json.dumps(facts))
"""


@pytest.fixture
def portal(transactional_db) -> Iterator[str]:
    """The address of the portal's application under uvicorn."""
    port = servers.free_port()
    application = PromptAnswers(get_asgi_application())
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, what="the portal listens")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)


def test_the_sdk_of_langfuse_fetches_text_chat_versions_labels_and_falls_back(portal: str) -> None:
    source = make_source(slug="registry")
    make_prompt("search/answers", source=source, labels={"production": 1, "staging": 2})
    system = {"role": "system", "content": "Be kind to {{name}}."}
    messages = [system, {"role": "placeholder", "content": "history"}]
    make_prompt("greeting", versions=1, messages=messages, source=source, labels={"production": 1})
    user = User.objects.create_user("machine", password="correct horse battery", role="engineer")
    _, token = services.create_token(user=user, name="sdk", scopes=["prompt:read"], days=1, at=timezone.now())

    out = servers.run_client("langfuse", SCRIPT, env={"PORTAL": portal, "TOKEN": token})
    facts = json.loads(out.strip().splitlines()[-1])
    assert facts == {
        "auth": True,
        "text": [1, "Take 1 of {{question}}.", {"model": "small"}, ["production"], "Take 1 of Why?.", False],
        "variables": ["question"],
        "staging": 2,
        "latest": 2,
        "by version": 1,
        "chat": [{"role": "system", "content": "Be kind to Ada."}, {"role": "user", "content": "Hi"}],
        "fallback": [True, "My own text"],
        "missing": ["NotFoundError", 404, "No prompt is called “nothing”."],
        "stranger": 401,
    }
    assert ApiToken.objects.get().last_used_at is not None
