"""Preview: what a source would bring, before it is saved; nothing is stored, and the stored secret stays at home."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from apps.accounts.models import AuditEntry
from apps.connectors.base import Preview
from apps.connectors.records import Batch, Kind, PipelineRecord, Rejected, RunRecord, RunState, Score, SeriesRecord
from apps.sources import previewing
from apps.sources.models import Source, SourceState
from apps.sources.services import SourceDraft, create_source
from tests.sync.upstream import http

CANARY = "canary-4711-secret"
AT = "2026-01-31T09:00:00Z"
MAPPING = """
- kind: run
  items: runs
  fields: {external_id: id, pipeline_external_id: job, name: job, state: status, updated_at: at}
  states: {OK: succeeded}
"""
TESTS = f"""
- given: {{id: 1, job: a, status: OK, at: {AT}}}
  expect: [{{state: succeeded}}]
"""
RUNS = [
    {"id": 1, "job": "nightly", "status": "OK", "at": AT},
    {"id": 2, "job": "nightly", "status": "MELTED", "at": AT},
    {"id": 3, "job": "nightly", "status": "OK", "at": "soon"},
]


def page(name: str, *args: str) -> str:
    return reverse(f"sources:{name}", args=args)


def answer(value: Any) -> bytes:
    return http(200, json.dumps(value), Content_Type="application/json")


def filled(url: str, **changes: str) -> dict[str, str]:
    """The form as a browser sends it."""
    form = {"name": "Jobs", "interval_seconds": "60", "raw_kept_days": "30", "config-url": url}
    form |= {"config-method": "GET", "config-auth": "none", "config-format": "json", "config-delimiter": "comma"}
    form |= {"config-client_auth": "basic", "config-paging": "none", "config-since_format": "iso"}
    form |= {"config-since_from": "clock", "config-mapping": MAPPING, "config-tests": TESTS}
    return form | {name.replace("__", "-"): value for name, value in changes.items()}


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def stored(db, upstream, author):
    """A generic source with a stored secret."""
    from apps.connectors.registry import get_connector

    config = {"url": upstream.url, "mapping": [], "auth": "bearer"}
    config = get_connector("http").clean(config)
    draft = SourceDraft(name="Stored", connector="http", config=config, interval_seconds=60, secrets={"token": CANARY})
    return create_source(draft=draft, actor=author)


def test_the_form_offers_a_preview_where_there_is_one(author, signed_in):
    client = signed_in(author)
    assert ">Preview</button>" in client.get(page("source-create", "http")).content.decode()
    assert ">Preview</button>" not in client.get(page("source-create", "prometheus")).content.decode()


def test_a_preview_shows_records_words_and_what_cannot_be_read(author, signed_in, upstream):
    upstream.answer(answer({"runs": RUNS}))
    shown = signed_in(author).post(
        page("source-preview-new", "http"), filled(upstream.url), headers={"HX-Request": "true"}
    )
    text = text_of(shown)
    assert "The first page gives 2 runs; 1 cannot be read." in text
    assert "OK → becomes succeeded" in text
    assert "No state of ours stands for “MELTED” yet" in text
    assert "updated_at: “soon” is not a time" in text
    assert "&quot;job&quot;: &quot;nightly&quot;" in text
    assert "<h1>" not in shown.content.decode()


def test_a_preview_stores_nothing_and_tells_nobody(author, signed_in, upstream):
    upstream.answer(answer({"runs": RUNS}))
    signed_in(author).post(page("source-preview-new", "http"), filled(upstream.url))
    assert not Source.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_preview_of_a_stored_source_leaves_it_as_it_is(author, signed_in, stored, upstream):
    before = Source.objects.values().get(), SourceState.objects.values().get()
    count = AuditEntry.objects.count()
    upstream.answer(answer({"runs": RUNS}))
    signed_in(author).post(page("source-preview", stored.slug), filled(upstream.url, config__auth="bearer"))
    assert CANARY in upstream.asked[0]
    assert (Source.objects.values().get(), SourceState.objects.values().get()) == before
    assert AuditEntry.objects.count() == count


def test_a_preview_works_without_scripts_and_keeps_what_was_typed(author, signed_in, upstream):
    upstream.answer(answer({"runs": RUNS}))
    response = signed_in(author).post(page("source-preview-new", "http"), filled(upstream.url, name="Typed"))
    assert 'value="Typed"' in response.content.decode()
    assert "The first page gives 2 runs" in text_of(response)
    assert "<h1>" in response.content.decode()


def test_a_preview_without_a_mapping_shows_what_the_source_sends(author, signed_in, upstream):
    upstream.answer(answer({"runs": RUNS}))
    changes = {"config__mapping": " ", "config__tests": ""}
    text = text_of(signed_in(author).post(page("source-preview-new", "http"), filled(upstream.url, **changes)))
    assert "Nothing is mapped yet; the answer is an object with runs." in text
    for empty, sentence in (("", "Mapping is needed."), (" ", "The mapping must be a list")):
        form = filled(upstream.url, config__mapping=empty, config__tests="")
        assert sentence in text_of(signed_in(author).post(page("source-create", "http"), form))
    assert not Source.objects.exists()


def test_a_source_whose_mapping_tests_fail_cannot_be_saved(author, signed_in, upstream):
    wrong = {"config__tests": TESTS.replace("state: succeeded", "state: failed")}
    response = signed_in(author).post(page("source-create", "http"), filled(upstream.url, **wrong))
    assert response.status_code == 422
    assert "Test 1, record 1: state is “succeeded”, expected is “failed”." in text_of(response)
    assert not Source.objects.exists()
    signed_in(author).post(page("source-create", "http"), filled(upstream.url))
    assert Source.objects.get().config["tests"] == TESTS


def test_what_people_wrote_stays_as_they_wrote_it(author, signed_in, upstream):
    """A database column forgets the order of keys, and YAML its comments."""
    written = f"# asked of the jobs team\r\n{MAPPING}"
    signed_in(author).post(page("source-create", "http"), filled(upstream.url, config__mapping=written))
    source = Source.objects.get()
    assert source.config["mapping"] == written
    client = signed_in(author)
    assert "# asked of the jobs team" in client.get(page("source-change", source.slug)).content.decode()
    upstream.answer(answer({"runs": RUNS}))
    shown = client.post(page("source-preview", source.slug), filled(upstream.url, config__mapping=written))
    assert "The first page gives 2 runs" in text_of(shown)


def test_a_mistake_in_the_form_asks_nobody(author, signed_in, upstream):
    response = signed_in(author).post(
        page("source-preview-new", "http"),
        filled(upstream.url, config__mapping="- kind: runn"),
        headers={"HX-Request": "true"},
    )
    assert "Mapping 1: “runn” is no kind; did you mean “run”" in text_of(response)
    assert upstream.asked == []


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (http(401), "refuses the credentials"),
        (http(200, "<html>", Content_Type="text/html"), "a login or a proxy stands before it"),
        (http(200, "[", Content_Type="application/json"), "not usable JSON"),
    ],
)
def test_a_failed_preview_says_what_to_do(reply, sentence, author, signed_in, upstream):
    upstream.answer(reply)
    assert sentence in text_of(signed_in(author).post(page("source-preview-new", "http"), filled(upstream.url)))


def test_a_preview_reaches_no_closed_network(author, signed_in, upstream, settings):
    settings.ALLOWED_NETWORKS = []
    response = signed_in(author).post(page("source-preview-new", "http"), filled(upstream.url))
    assert "blocked_address" in text_of(response)
    assert upstream.asked == []


def test_the_stored_secret_never_goes_to_another_host_or_token_server(author, signed_in, stored, upstream):
    from tests.sync import upstream as upstreams

    with upstreams.serve() as stranger:
        elsewhere = filled(stranger.url, config__auth="bearer")
        tokens = filled(
            upstream.url, **{"config__auth": "oauth2", "config__token_url": stranger.url, "config__client_id": "a"}
        )
        for form in (elsewhere, tokens):
            shown = signed_in(author).post(page("source-preview", stored.slug), form)
            assert "is needed for the chosen authentication" in text_of(shown)
        assert stranger.asked == []


def test_another_token_server_forgets_the_stored_secrets(stored):
    from apps.sources.services import merged_secrets

    for changes, kept in (({}, {"token": CANARY}), ({"token_url": "https://evil.example/t"}, {})):
        config = {**stored.config, **changes}
        draft = SourceDraft(name="x", connector="http", config=config, interval_seconds=60)
        assert merged_secrets(source=stored, draft=draft) == kept


@pytest.mark.parametrize("name", ["source-preview", "source-preview-new"])
def test_only_people_who_may_change_sources_preview_and_only_by_post(name, stored, outsider, author, client):
    address = page(name, stored.slug if name == "source-preview" else "http")
    assert client.post(address).status_code == 302
    client.force_login(outsider)
    assert client.post(address).status_code == 403
    client.force_login(author)
    assert client.get(address).status_code == 405


def test_a_connector_without_a_preview_has_no_such_page(author, signed_in):
    assert signed_in(author).post(page("source-preview-new", "prometheus")).status_code == 404


def test_hostile_text_is_shown_as_text(author, signed_in, upstream):
    name = "<script>alert(1)</script>"
    upstream.answer(answer({"runs": [{**RUNS[0], "job": name}, {**RUNS[2], "id": name}]}))
    shown = signed_in(author).post(page("source-preview-new", "http"), filled(upstream.url)).content.decode()
    assert name not in shown
    assert "&lt;script&gt;" in shown


def test_every_kind_of_value_has_its_words(monkeypatch):
    at = datetime(2026, 1, 31, 9, tzinfo=UTC)
    run = RunRecord(
        external_id="1", pipeline_external_id="p", name="n", state=RunState.FAILED, raw_state="E", updated_at=at,
        cost=Decimal("0.10"), parameters={"a": [1, True]}, labels={"x": "y"},
    )  # fmt: skip
    samples = tuple((at, float(number)) for number in range(5))
    series = SeriesRecord(external_id="s", name="s", samples=samples)
    many = [PipelineRecord(external_id=str(number), name="x" * 400, is_paused=number == 3) for number in range(45)]
    rejected = tuple(Rejected(kind=Kind.RUN, external_id="", reason="r") for _ in range(30))
    batch = Batch(records=(run, series, *many), rejected=rejected)
    preview = Preview(batch=batch, sample={"list": list(range(9)), "text": "y" * 400}, has_more=True)
    monkeypatch.setattr(previewing, "ask_source", lambda **_: preview)
    shown = previewing.preview_source(draft=SourceDraft(name="", connector="", config={}, interval_seconds=5))
    assert (
        shown.sentence == "The first page gives 1 run, 1 series and 45 pipelines; 30 cannot be read. More pages follow."
    )
    cells = {cell.column: cell for cell in shown.tables[0].rows[0]}
    assert " ".join(cells) == "external_id pipeline_external_id name state updated_at parameters cost labels"
    assert (cells["state"].text, cells["state"].own_word, cells["updated_at"].at) == ("failed", "E", at)
    assert (cells["parameters"].text, cells["cost"].text, cells["cost"].is_number) == ("a: 1; yes", "0.10", True)
    assert shown.tables[1].rows[0][-1].text.startswith("0.0 at 2026-01-31 09:00:00Z; 1.0 at")
    assert shown.tables[1].rows[0][-1].text.endswith("… and 2 more")
    assert (shown.tables[2].count, len(shown.tables[2].rows)) == (45, 20)
    assert max(len(cell.text) for row in shown.tables[2].rows for cell in row) == previewing.MOST_CHARACTERS
    assert (len(shown.rejected), shown.rejected_count, shown.is_clean) == (20, 30, False)
    assert "… 6 more" in shown.sample
    assert previewing._text(Score(scorer="exact", value=0.5)) == "scorer: exact, value: 0.5, count: 1"
