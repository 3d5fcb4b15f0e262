"""docs/events.md, the schema and the code say the same: every kind is recorded in earnest, sent and compared."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from jsonschema import Draft202012Validator, FormatChecker

from apps.events.models import Event
from apps.notifications.envelope import envelope_of, make_test_event, message_of
from tests.notifications.recorded import AT, record_every_kind

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "apps" / "notifications" / "schema" / "event.json").read_text(encoding="utf-8"))
EXAMPLES = {one["data"]["kind"]: one for one in map(json.loads, re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL))}
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").partition("## Kinds of events")[2]
KINDS = set(re.findall(r"`([a-z]+:[a-z_]+:[a-z-]+)`", GLOSSARY)) - {"app:subject:what-happened"}
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())


@pytest.fixture(autouse=True)
def _known_address(settings):
    settings.PUBLIC_URL = "https://ops.example.com"


@pytest.fixture
def recorded(db) -> dict[str, Event]:
    """One event of every kind, the last of its kind, and a test event."""
    test = make_test_event(subscription_id=1, name="Incident bridge", at=AT)
    return {event.kind: event for event in [*record_every_kind(), test]}


def complaints(envelope: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(envelope)]


def details_schema(kind: str) -> dict[str, Any]:
    rules = SCHEMA["$defs"]["data"]["allOf"]
    (rule,) = [rule for rule in rules if re.search(rule["if"]["properties"]["kind"]["pattern"], kind)]
    return SCHEMA["$defs"][rule["then"]["properties"]["details"]["$ref"].rpartition("/")[2]]


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_every_kind_of_the_glossary_has_an_example():
    assert set(EXAMPLES) == KINDS


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_an_example_is_what_the_serializer_makes_of_its_event(kind):
    example = EXAMPLES[kind]
    envelope = envelope_of(_event(example), source_name=(example["data"]["source"] or {}).get("name", ""))
    assert envelope | {"id": example["id"]} == example
    assert complaints(example) == []


def test_every_kind_is_recorded_as_the_examples_and_the_schema_say(recorded):
    assert set(recorded) == KINDS
    for kind, event in recorded.items():
        envelope, example = envelope_of(event), EXAMPLES[kind]
        assert complaints(envelope) == [], kind
        assert set(envelope["data"]["details"]) == set(details_schema(kind)["properties"]), kind
        assert set(envelope["data"]) == set(SCHEMA["$defs"]["data"]["properties"]), kind
        assert _without_number(envelope["data"]["title"]) == _without_number(example["data"]["title"]), kind
        assert _without_numbers(envelope["data"]["details"]) == _without_numbers(example["data"]["details"]), kind


def test_every_field_of_details_is_explained():
    missing = [
        f"{kind}: {name}"
        for kind in KINDS
        for name in details_schema(kind)["properties"]
        if f"| `{name}` |" not in DOCS
    ]
    assert missing == []


def test_the_schema_refuses_what_is_wrong():
    good = EXAMPLES["deployments:deployment:succeeded"]
    assert complaints(good | {"time": "yesterday"})
    assert complaints(good | {"id": "4711"})
    assert complaints(good | {"data": good["data"] | {"tone": "purple"}})
    assert complaints(good | {"data": good["data"] | {"details": {"component": 7}}})
    assert not complaints(good | {"data": good["data"] | {"news": "a later field"}}), "fields may be added"


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_the_sdk_of_cloudevents_reads_both_formats(mode, recorded):
    for kind, event in recorded.items():
        event.title = "Größe “groß” 100 %"
        envelope = envelope_of(event)
        message = message_of(envelope, format=mode)
        read = from_http_event(HTTPMessage(headers=dict(message.headers), body=message.body))
        assert read.get_id() == envelope["id"], kind
        assert read.get_source() == "https://ops.example.com"
        assert read.get_type() == "opsportal." + kind.replace(":", ".")
        assert read.get_specversion() == "1.0"
        assert read.get_time() == event.at
        assert read.get_subject() == envelope.get("subject")
        assert read.get_dataschema().endswith("/notifications/schema/event.json#/$defs/data")
        assert read.get_extension("tone") == event.tone
        assert read.get_data() == envelope["data"]


def test_headers_hold_plain_ascii_only():
    envelope = EXAMPLES["prompts:label:moved"] | {"subject": "prompt/“ä” 100%\r\nX: y"}
    headers = message_of(envelope, format="binary").headers
    assert headers["ce-subject"] == "prompt/%E2%80%9C%C3%A4%E2%80%9D%20100%25%0D%0AX:%20y"


def test_without_an_address_nothing_claims_to_be_absolute(settings):
    settings.PUBLIC_URL = ""
    envelope = envelope_of(_event(EXAMPLES["prompts:label:moved"]))
    assert envelope["source"] == "/opsportal"
    assert "dataschema" not in envelope
    assert complaints(envelope) == []


def test_the_schema_is_served_to_anybody(client, db):
    response = client.get("/notifications/schema/event.json")
    assert response.json() == SCHEMA
    assert response["Content-Type"] == "application/schema+json"


def _without_numbers(details: dict[str, Any]) -> str:
    """The details as text; the numbers of rows in them differ from run to run."""
    return re.sub(r'(_id": |/|"change": |"event-|"features": \[)\d+', r"\g<1>0", json.dumps(details, sort_keys=True))


def _without_number(title: str) -> str:
    """The title without the number of the incident that it names."""
    return re.sub(r"^(Incident |The review of incident )\d+", r"\g<1>0", title)


def _event(example: dict[str, Any]) -> Any:
    """The row behind an example; the catalog's entries stand in by slug and name."""
    data = example["data"]
    number = example["id"].partition("_")[2]
    entries = {name: data[name] and SimpleNamespace(**data[name]) for name in ("feature", "component", "environment")}
    pk = int(number) if number.isdecimal() else 0
    return SimpleNamespace(
        pk=pk,
        kind=data["kind"],
        title=data["title"],
        detail=data["detail"],
        tone=data["tone"],
        actor=data["actor"],
        is_change=data["is_change"],
        is_demo=data["is_demo"],
        at=datetime.fromisoformat(data["happened_at"]).astimezone(UTC),
        recorded_at=datetime.fromisoformat(data["recorded_at"]).astimezone(UTC),
        source_id=data["source"] and data["source"]["id"],
        subject_kind=(data["subject"] or {}).get("kind", ""),
        subject_id=(data["subject"] or {}).get("id"),
        url=data["upstream_url"],
        data=data["details"],
        get_absolute_url=lambda: f"/changes/{pk}/",
        **entries,
    )
