"""The page about the API, its document for machines, and how the page of a source explains reporting."""

from __future__ import annotations

import json
import shlex

import pytest

from apps.api.documentation import endpoints
from apps.api.endpoints import api
from apps.sync.pushing import store_push
from tests.api.asking import push_source


def test_the_document_for_machines_names_every_address(client, db):
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert document["paths"]["/api/v1/sources/{slug}/heartbeat"]["post"]["security"] == [{"TokenAuth": []}]


def test_the_page_shows_every_address_with_an_example(signed_in, outsider, client, db):
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    page = signed_in(outsider).get("/api/").content.decode()
    for path in paths:
        assert path.replace("{slug}", "my-source") in page
    assert "http://testserver/api/v1/" in page


def test_every_example_of_the_page_is_a_command_a_shell_understands(db):
    for endpoint in endpoints(api.get_openapi_schema(), base_url="https://portal.example.com"):
        words = shlex.split(endpoint.curl)
        assert words[:3] == ["curl", "-X", endpoint.method]
        assert words[3].startswith("https://portal.example.com/api/v1/")
        assert "{" not in words[3]
        if endpoint.body:
            assert json.loads(words[-1]) == json.loads(endpoint.body)
            assert endpoint.scopes


def test_the_page_is_for_people_who_are_signed_in(client, db):
    assert client.get("/api/").status_code == 302


def test_the_page_of_a_source_that_reports_explains_how(signed_in, author):
    source = push_source()
    page = signed_in(author).get(source.get_absolute_url()).content.decode()
    assert "curl -X POST http://testserver/api/v1/sources/ci/heartbeat" in page
    assert "Poll now" not in page
    assert "/account/tokens/new/?source=ci" in page
    store_push(source=source)
    page = signed_in(author).get(source.get_absolute_url()).content.decode()
    assert "Last reports" in page
    assert "reports by itself" in signed_in(author).get("/sources/").content.decode()


def test_a_source_that_reports_is_connected_without_an_address(signed_in, author):
    from apps.sources.models import Source

    client = signed_in(author)
    form = client.get("/sources/add/push/").content.decode()
    assert "Expected at least every" in form
    assert "Test connection" not in form
    sent = {"name": "Build farm", "interval_seconds": "86400", "raw_kept_days": "30", "team": "", "environment": ""}
    answer = client.post("/sources/add/push/", sent, follow=True)
    source = Source.objects.get()
    assert (source.slug, source.is_polled, source.interval_seconds) == ("build-farm", False, 86_400)
    assert "with its first report" in answer.content.decode()
    answer = client.post("/sources/build-farm/change/", sent | {"name": "Farm"}, follow=True)
    assert "Saved." in answer.content.decode()


@pytest.mark.parametrize("key", ["push"])
def test_a_connector_that_is_never_polled_still_introduces_itself(key):
    import asyncio
    from pathlib import Path

    from apps.connectors.http import Http
    from apps.connectors.registry import get_connector

    kind = get_connector(key)
    connector = kind(config={}, secrets={}, http=Http())
    assert not kind.is_polled
    assert asyncio.run(connector.probe()).sentence.endswith(".")
    assert asyncio.run(connector.fetch({"a": 1})).cursor == {"a": 1}
    assert (Path(__file__).parents[2] / kind.docs).is_file()
