from __future__ import annotations

import pytest

from apps.accounts.models import AuditEntry
from apps.prompts import queries, services
from apps.prompts.models import Prompt, ScanOverride
from apps.prompts.scanning import scan
from apps.prompts.services import change_requests as changes
from apps.prompts.snippets import expand
from apps.prompts.writing import Wording, complaints
from tests.prompts.changes.steps import go_live
from tests.prompts.records import NOW


def write(actor, name="support/reply", template="Be kind to {{customer}}.", **fields):
    wording = Wording(template=template, variables=fields.pop("variables", ["customer"]), **fields.pop("wording", {}))
    return services.create_prompt(name=name, wording=wording, actor=actor, at=NOW, **fields)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Use AKIAIOSFODNN7EXAMPLE to sign.", "Secret (AWS Access Key)"),
        ("Log in as https://bob:hunter2xy@db.example.com/", "Secret (Basic Auth Credentials)"),
        ("-----BEGIN RSA PRIVATE KEY-----", "Secret (Private Key)"),
        ("Pay to DE89 3704 0044 0532 0130 00 today.", "Bank account (IBAN)"),
        ("My card is 4111 1111 1111 1111.", "Card number"),
        ("Write to tomas.ferreira@fernway.io.", "E-mail address"),
        ("Call +49 30 901820 for help.", "Phone number"),
    ],
)
def test_the_scan_finds_what_must_not_be_kept(line, kind):
    (finding,) = scan([("Text", f"First line\n{line}")])
    assert (finding.kind, finding.place) == (kind, "Text, line 2")
    assert finding.hint.removesuffix("…") in line
    assert len(finding.hint) <= 5


@pytest.mark.parametrize(
    "line",
    [
        "Pay to DE89 3704 0044 0532 0130 01 today.",  # the check digits are wrong
        "Order 4111 1111 1111 1112 is late.",
        "Write to somebody@example.com or help@shop.example.",
        "Never reveal the password: it is secret.",
        "Answer {{question}} on 2026-11-24 at 10:30, ticket 4711-0815.",
    ],
)
def test_the_scan_lets_ordinary_words_pass(line):
    assert scan([("Text", line)]) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "template"),
        ({"template": "Hi", "messages": [{"role": "user", "content": "Hi"}]}, "template"),
        ({"messages": [{"role": "king", "content": "Hi"}]}, "messages"),
        ({"template": "Hi {{name}}"}, "variables"),
        ({"template": "Hi", "variables": ["name"]}, "variables"),
        ({"template": "Hi", "response_format": {"type": "nonsense"}}, "response_format"),
    ],
)
def test_what_does_not_hold_together_is_named(fields, field):
    assert [name for name, _ in complaints(Wording(**fields))] == [field]


def test_a_snippet_is_put_in_and_never_runs_in_circles():
    texts = {"tone": "Be kind. {{> rules}}", "rules": "No dates.", "loop": "Again {{> loop}}"}
    assert expand("{{> tone}} Go.", texts.get) == "Be kind. No dates. Go."
    assert expand("{{> nobody}}", texts.get) == "{{> nobody}}"
    assert expand("{{> loop}}", texts.get).count("Again") == 5


@pytest.mark.django_db
def test_a_prompt_of_the_portal_has_numbered_versions(author):
    first = write(author)
    wording = Wording(template="Be very kind to {{customer}}.", variables=["customer"])
    fields = {"prompt": first.prompt, "wording": wording, "actor": author, "at": NOW, "commit_message": "Warmer"}
    second = services.add_version(**fields)
    assert (first.number, second.number, second.prompt.folder) == (1, 2, "support")
    assert second.written_by == author
    with pytest.raises(changes.ChangeConflictError, match="exactly the same"):
        services.add_version(**fields)
    with pytest.raises(changes.ChangeConflictError, match="already"):
        write(author)


@pytest.mark.django_db
def test_a_finding_stops_the_version_until_somebody_says_why_it_is_none(author):
    text = "Write to tomas@fernway.io."
    with pytest.raises(services.FoundSomethingError, match="E-mail address in Text, line 1"):
        write(author, template=text, variables=[])
    assert Prompt.objects.count() == 0
    version = write(author, template=text, variables=[], override_reason="The public address of the team.")
    override = ScanOverride.objects.get(version=version)
    assert (override.kind, override.reason, override.user) == (
        "E-mail address",
        "The public address of the team.",
        author,
    )
    assert AuditEntry.objects.get(action="prompt:write").reason == "The public address of the team."


@pytest.mark.django_db
def test_a_viewer_writes_nothing(outsider):
    with pytest.raises(changes.ChangeNotAllowedError):
        write(outsider)


@pytest.mark.django_db
def test_a_prompt_of_another_system_is_written_there(author, prompt):
    with pytest.raises(changes.ChangeConflictError, match="Fernway MLflow owns this prompt"):
        services.add_version(
            prompt=prompt, wording=Wording(template="Hi"), actor=author, at=NOW, commit_message="Shorter"
        )


@pytest.mark.django_db
def test_a_snippet_lists_every_parent_and_is_put_in_as_its_label_says(author, approver):
    tone = write(author, name="shared/tone", template="Be kind.", variables=[])
    with pytest.raises(changes.ChangeInvalidError, match="no prompt called nobody"):
        write(author, name="bad", template="{{> nobody}}", variables=[])
    parent = write(author, name="support/reply", template="{{> shared/tone}} Answer.", variables=[])
    go_live(tone.prompt, author, approver)
    go_live(parent.prompt, author, approver)
    (label,) = queries.parents(name="shared/tone", label="production")
    assert label.prompt == parent.prompt
    assert queries.messages_of(version=parent, label="production")[0]["content"] == "Be kind. Answer."
