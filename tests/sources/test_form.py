"""Connecting and changing a source: one sentence for each mistake, and secrets that go in and never come out."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from apps.accounts.models import AuditEntry
from apps.sources.models import Source, SourceState
from apps.sources.secrets import decrypt_secrets
from apps.sources.services import SourceDraft, create_source
from tests.sync.upstream import http, items

CANARY = "canary-4711-secret"


def page(name, *args):
    return reverse(f"sources:{name}", args=args)


def filled(url: str, **changes: str) -> dict[str, str]:
    """The form as a browser sends it."""
    form = {"name": "Nightly runs", "interval_seconds": "30", "raw_kept_days": "30"}
    form |= {"config-url": url, "config-pages": "3", "config-tone": "a"}
    return form | {name.replace("__", "-"): value for name, value in changes.items()}


def errors_of(response) -> str:
    return " ".join(re.findall(r"field__error[^>]*>(?:<svg.*?</svg>)?([^<]*)", response.content.decode()))


@pytest.fixture
def stored(db, upstream, author):
    """A source with a stored secret, made by the form's own service."""
    draft = SourceDraft(
        name="Stored",
        connector="scripted",
        config={"url": upstream.url, "pages": 3, "is_deep": False, "tone": "a", "names": [], "extra": None},
        interval_seconds=30,
        secrets={"token": CANARY},
    )
    return create_source(draft=draft, actor=author)


def test_the_cards_offer_every_connector(author, signed_in):
    shown = signed_in(author).get(page("source-add")).content.decode()
    for name in ("Prometheus", "Prefect", "MLflow", "OpenMetrics", "Scripted"):
        assert name in shown


@pytest.mark.parametrize("key", ["prometheus", "prefect", "mlflow", "openmetrics", "http"])
def test_the_form_of_every_connector_renders_and_refuses_emptiness(key, author, signed_in):
    client = signed_in(author)
    assert client.get(page("source-create", key)).status_code == 200
    empty = client.post(page("source-create", key))
    assert empty.status_code == 422
    assert "needed" in errors_of(empty)
    assert not Source.objects.exists()


def test_a_source_is_connected_and_due_at_once(author, signed_in, upstream):
    from apps.sources import queries
    from apps.sync.claims import claim_due_sources

    response = signed_in(author).post(
        page("source-create", "scripted"),
        filled(upstream.url + "/", secret__token=CANARY, config__names="a\nb\n", config__extra="x: [1, 2]"),
    )
    source = Source.objects.get()
    assert response.url == source.get_absolute_url() == "/sources/nightly-runs/"
    assert source.config["url"] == upstream.url
    assert (source.config["names"], source.config["extra"]) == (["a", "b"], {"x": [1, 2]})
    assert decrypt_secrets(source) == {"token": CANARY}
    assert CANARY.encode() not in bytes(source.secrets)
    assert source.created_by == author
    assert [claim.source_id for claim in claim_due_sources(at=queries.database_time())] == [source.pk]


def test_the_audit_log_tells_the_change_and_never_the_secret(author, signed_in, stored, upstream):
    signed_in(author).post(
        page("source-change", stored.slug), filled(upstream.url, secret__token="another-one", config__pages="5")
    )
    entry = AuditEntry.objects.get(action="source:change")
    assert entry.before["config"]["pages"] == 3
    assert entry.after["config"]["pages"] == 5
    assert entry.after["secrets_entered"] == ["token"]
    assert CANARY not in str(list(AuditEntry.objects.values()))
    assert "another-one" not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "Name is needed"),
        ({"interval_seconds": "4"}, "greater than or equal to 5"),
        ({"config__url": ""}, "URL is needed."),
        ({"config__url": "ftp://x"}, "must begin with http:// or https://"),
        ({"config__url": "http://user:pass@x"}, "must not hold a user or password"),
        ({"config__pages": "many"}, "Pages must be a whole number."),
        ({"config__tone": "loud"}, "loud"),
        ({"config__tone": ""}, "Tone is needed."),
        ({"config__extra": "a: [1"}, "not readable YAML"),
        ({"raw_kept_days": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_mistake_gets_a_sentence_at_its_input(changes, sentence, author, signed_in, upstream):
    response = signed_in(author).post(page("source-create", "scripted"), filled(upstream.url, **changes))
    assert response.status_code == 422
    assert sentence in errors_of(response)
    assert not Source.objects.exists()


def test_a_stored_secret_never_comes_back(author, signed_in, stored):
    client = signed_in(author)
    for name in ("source-change", "source-detail", "source-progress"):
        shown = client.get(page(name, stored.slug)).content.decode()
        assert CANARY not in shown
    assert "leave empty to keep it" in client.get(page("source-change", stored.slug)).content.decode()


def test_an_empty_secret_keeps_the_stored_one_and_a_new_one_replaces_it(author, signed_in, stored, upstream):
    client = signed_in(author)
    client.post(page("source-change", stored.slug), filled(upstream.url))
    assert decrypt_secrets(Source.objects.get()) == {"token": CANARY}
    client.post(page("source-change", stored.slug), filled(upstream.url, secret__token="new"))
    assert decrypt_secrets(Source.objects.get()) == {"token": "new"}


def test_another_host_forgets_the_stored_secret(author, signed_in, stored):
    signed_in(author).post(page("source-change", stored.slug), filled("http://elsewhere.example:9090"))
    assert decrypt_secrets(Source.objects.get()) == {}


def test_another_configuration_reads_from_the_beginning_and_another_name_does_not(author, signed_in, stored, upstream):
    client = signed_in(author)
    SourceState.objects.update(cursor={"page": 9})
    client.post(page("source-change", stored.slug), filled(upstream.url, name="Other"))
    assert SourceState.objects.get().cursor == {"page": 9}
    client.post(page("source-change", stored.slug), filled(upstream.url, config__pages="7"))
    assert SourceState.objects.get().cursor == {}


def test_only_administrators_open_networks(author, admin, stored, upstream, client):
    client.force_login(author)
    asked = filled(upstream.url, allowed_networks="10.0.0.0/8")
    client.post(page("source-change", stored.slug), asked)
    assert Source.objects.get().allowed_networks == []
    client.force_login(admin)
    wrong = client.post(page("source-change", stored.slug), asked | {"allowed_networks": "everywhere"})
    assert "is not a network" in errors_of(wrong)
    client.post(page("source-change", stored.slug), asked)
    assert Source.objects.get().allowed_networks == ["10.0.0.0/8"]
    client.force_login(author)
    client.post(page("source-change", stored.slug), filled(upstream.url))
    assert Source.objects.get().allowed_networks == ["10.0.0.0/8"], "kept when somebody else saves"


def test_the_connection_is_tested_with_unsaved_values(author, signed_in, upstream):
    response = signed_in(author).post(
        page("source-test-new", "scripted"), filled(upstream.url, secret__token=CANARY), headers={"HX-Request": "true"}
    )
    shown = response.content.decode()
    assert "The script answers." in shown
    assert "costs" in shown
    assert "not granted" in shown
    assert CANARY in upstream.asked[0]
    assert CANARY not in shown
    assert not Source.objects.exists()


def test_the_test_uses_the_stored_secret_on_the_stored_host(author, signed_in, stored, upstream):
    signed_in(author).post(page("source-test", stored.slug), filled(upstream.url))
    assert CANARY in upstream.asked[0]
    assert SourceState.objects.get().missing_scopes == ["costs"]


def test_the_test_never_takes_the_stored_secret_to_another_host(author, signed_in, stored):
    from tests.sync import upstream as upstreams

    with upstreams.serve() as stranger:
        signed_in(author).post(page("source-test", stored.slug), filled(stranger.url))
        assert len(stranger.asked) == 1
        assert CANARY not in stranger.asked[0]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (http(401), "refuses the credentials"),
        (http(200, "<html>", Content_Type="text/html"), "a login or a proxy stands before it"),
        (http(302, Location="http://10.1.2.3/"), "redirects are never followed"),
    ],
)
def test_a_failed_test_says_what_to_do(answer, sentence, author, signed_in, upstream):
    upstream.answer(answer)
    response = signed_in(author).post(
        page("source-test-new", "scripted"), filled(upstream.url), headers={"HX-Request": "true"}
    )
    assert sentence in response.content.decode()


def test_a_test_reaches_no_closed_network(author, signed_in, upstream, settings):
    settings.ALLOWED_NETWORKS = []
    response = signed_in(author).post(page("source-test-new", "scripted"), filled(upstream.url))
    assert "blocked_address" in response.content.decode()
    assert upstream.asked == []


def test_an_incomplete_form_asks_nobody(author, signed_in, upstream):
    response = signed_in(author).post(
        page("source-test-new", "scripted"), filled("", name=""), headers={"HX-Request": "true"}
    )
    assert "The form is not complete" in response.content.decode()
    assert upstream.asked == []


def test_the_test_works_without_scripts_and_keeps_what_was_typed(author, signed_in, upstream):
    upstream.answer(items())
    response = signed_in(author).post(page("source-test-new", "scripted"), filled(upstream.url, name="Typed"))
    shown = response.content.decode()
    assert "The script answers." in shown
    assert 'value="Typed"' in shown
    assert "<h1>" in shown


def test_two_sources_of_one_name_get_two_addresses(author, upstream):
    draft = SourceDraft(name="Same", connector="scripted", config={"url": upstream.url}, interval_seconds=30)
    assert [create_source(draft=draft, actor=author).slug for _ in range(3)] == ["same", "same-2", "same-3"]


@pytest.mark.parametrize("name", ["add", "Test", "telemetry", "…"])
def test_no_source_takes_the_address_of_a_page(name, author, upstream, signed_in):
    draft = SourceDraft(name=name, connector="scripted", config={"url": upstream.url}, interval_seconds=30)
    source = create_source(draft=draft, actor=author)
    assert signed_in(author).get(source.get_absolute_url()).context["source"] == source
