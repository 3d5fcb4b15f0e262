"""The OpenAPI document is true: what it describes is what is taken and what is answered."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory
from openapi_core import OpenAPI
from openapi_core.contrib.django import DjangoOpenAPIRequest, DjangoOpenAPIResponse

from apps.api.document import ERRORS
from apps.api.nouns import NOUNS
from tests.api.asking import make_token, push_source, send


@pytest.fixture(autouse=True)
def _fresh_minute(db):
    cache.clear()


@pytest.fixture
def document():
    return Client().get("/api/v1/openapi.json").json()


def checked(document, response):
    asked = response.wsgi_request
    request = DjangoOpenAPIRequest(RequestFactory().generic(asked.method, asked.path))
    OpenAPI.from_dict(document).validate_response(request, DjangoOpenAPIResponse(response))
    return response.status_code


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.path)
def test_the_example_and_its_answer_are_as_described(document, author, rf, noun):
    push_source()
    example = document["paths"][f"/api/v1/sources/{{slug}}/{noun.path}"]["post"]["requestBody"]
    body = example["content"]["application/json"]["example"]
    headers = {"Authorization": f"Bearer {make_token(author)}"}
    request = rf.post(
        f"/api/v1/sources/ci/{noun.path}", json.dumps(body), content_type="application/json", headers=headers
    )
    OpenAPI.from_dict(document).validate_request(DjangoOpenAPIRequest(request))
    response = send(f"sources/ci/{noun.path}", body, token=make_token(author))
    assert checked(document, response) in (200, 207)


def test_refusals_are_as_described(document, author):
    source = push_source()
    token, wrong = make_token(author), make_token(author, "read")
    bodies = [b"{", b"[]", b"x" * (2**20 + 1)]
    found = {checked(document, send("sources/ci/runs", body, token=token)) for body in bodies}
    found |= {checked(document, send("sources/ci/runs", {}, token=one)) for one in ("", wrong)}
    found |= {checked(document, send("sources/other/runs", {}, token=token))}
    found |= {checked(document, send("sources/ci/runs", {"items": [{}]}, token=token))}
    source.is_enabled = False
    source.save()
    found |= {checked(document, send("sources/ci/heartbeat", token=token))}
    assert found == {*ERRORS, 207} - {429, 503}


def test_the_state_of_a_source_is_as_described(document, author):
    push_source()
    response = Client().get("/api/v1/sources/ci", headers={"Authorization": f"Bearer {make_token(author)}"})
    assert checked(document, response) == 200


def test_every_field_of_every_item_is_described(document):
    for noun in NOUNS:
        schema = document["components"]["schemas"][noun.reader.item.__name__]
        assert set(schema["properties"]) == set(noun.reader.item.model_fields)
        assert schema["additionalProperties"] is False
        assert set(noun.example) <= set(schema["properties"])
