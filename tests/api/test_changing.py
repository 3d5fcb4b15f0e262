from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts.models import AuditEntry
from apps.prompts.models import ChangeRequest
from tests.api.asking import make_token
from tests.factories import make_source
from tests.prompts.changes.steps import approve, edit, live, make_own_prompt, make_person, propose, state
from tests.prompts.records import NOW


@pytest.fixture(autouse=True)
def _fresh_minute(db, time_machine):
    time_machine.move_to(NOW)  # votes of these tests are given then and lapse after a week
    cache.clear()


@pytest.fixture
def own():
    return make_own_prompt(name="support/reply")


@pytest.fixture
def commander():
    return make_person("commander", "commander")


SCOPES = ("changes:write", "changes:approve", "changes:break-glass", "read")


def ask(person, path="", body=None, scopes=SCOPES, **headers):
    token = make_token(person, *scopes)
    headers = {"Authorization": f"Bearer {token}"} | headers
    address = f"/api/v1/change-requests{path}"
    if body is None:
        return Client().get(address, headers=headers)
    return Client().post(address, body, content_type="application/json", headers=headers)


PROPOSAL = {"prompt": "support/reply", "label": "production", "version": 2, "title": "No dates", "reason": "Promises."}


def seen(change) -> str:
    return ChangeRequest.objects.get(pk=change.pk).current.content_hash


def test_a_change_goes_live_over_the_api_alone(own, author, approver):
    made = ask(author, body=PROPOSAL)
    assert made.status_code == 201
    told = made.json()
    assert (told["state"], told["from"], told["to"]) == ("in_review", None, 2)
    path = f"/{told['id']}"
    assert ask(approver, f"{path}/approve", {"seen_hash": told["hash"]}).json()["state"] == "approved"
    assert ask(author, f"{path}/apply", {}).json()["state"] == "applied"
    assert live(own) == 2
    assert ask(author, path).json()["votes"][0]["who"] == "Approver"
    assert ask(author, "?state=applied").json()["items"][0]["id"] == told["id"]
    entries = AuditEntry.objects.filter(object_kind="prompts.changerequest", actor__isnull=False)
    assert set(entries.values_list("origin", flat=True)) == {"api"}


def test_the_api_refuses_what_the_page_refuses_in_the_same_words(own, author, approver, signed_in):
    change = propose(own, author)
    old = seen(change)
    edit(change, author, 2)
    page = signed_in(approver).post(f"/prompts/changes/{change.pk}/decide/", {"do": "approve", "seen_hash": old})
    refused = ask(approver, f"/{change.pk}/approve", {"seen_hash": old})
    assert page.status_code == refused.status_code == 409
    assert refused.json()["error"]["message"] in page.content.decode()


def test_an_author_cannot_approve_with_a_token_either(own, admin):
    change = propose(own, admin)
    refused = ask(admin, f"/{change.pk}/approve", {"seen_hash": seen(change)})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_allowed")
    assert state(change) == "in_review"


@pytest.mark.parametrize(
    ("word", "scopes"),
    [("approve", ("changes:write", "read")), ("apply", ("changes:approve", "read")), ("break-glass", SCOPES[:2])],
)
def test_a_token_does_only_what_its_scopes_say(own, author, approver, admin, word, scopes):
    change = propose(own, author)
    refused = ask(admin, f"/{change.pk}/{word}", {"seen_hash": seen(change)}, scopes=scopes)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")


def test_every_other_verb_is_there(own, author, approver, commander):
    change = ask(author, body=PROPOSAL | {"submit": False}).json()
    path = f"/{change['id']}"
    assert change["state"] == "draft"
    assert ask(author, f"{path}/submit", {}).json()["state"] == "in_review"
    decision = {"seen_hash": change["hash"], "note": "Shorter, please."}
    assert ask(approver, f"{path}/request-changes", decision).json()["state"] == "changes_requested"
    edited = ask(author, f"{path}/edit", {"version": 3, "reason": "Shorter."}).json()
    assert (edited["revision"], edited["to"]) == (2, 3)
    ask(author, f"{path}/submit", {})
    ask(approver, f"{path}/comment", {"body": "Better.", "part": "Text", "first_line": 1})
    ask(approver, f"{path}/approve", {"seen_hash": edited["hash"]})
    assert ask(author, f"{path}/schedule", {"apply_at": "2099-01-01T00:00:00Z"}).status_code == 422
    assert ask(author, f"{path}/schedule", {"apply_at": None}).status_code == 200
    ask(author, f"{path}/apply", {})
    assert ask(author, f"{path}/roll-back", {"reason": "Worse."}).status_code == 409  # it pointed at nothing before
    second = ask(author, body=PROPOSAL | {"version": 1}).json()
    assert ask(author, f"/{second['id']}/cancel", {}).json()["state"] == "cancelled"
    third = ask(author, body=PROPOSAL | {"version": 1}).json()
    assert ask(commander, f"/{third['id']}/break-glass", {"reason": "It leaks."}).json()["state"] == "applied"
    fourth = ask(author, body=PROPOSAL | {"version": 2}).json()
    no = {"seen_hash": fourth["hash"], "note": "Not now."}
    assert ask(approver, f"/{fourth['id']}/reject", no).json()["state"] == "rejected"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (PROPOSAL | {"titel": "x"}, 422, "titel"),
        (PROPOSAL | {"version": 99}, 422, "version"),
        (PROPOSAL | {"reason": " "}, 422, "reason"),
        (PROPOSAL | {"prompt": "nobody"}, 404, None),
        (PROPOSAL | {"prompt": "\x00"}, 404, None),
        (PROPOSAL | {"source": "\x00"}, 404, None),
    ],
)
def test_a_bad_proposal_says_what_is_wrong(own, author, body, status, field):
    refused = ask(author, body=body)
    assert (refused.status_code, refused.json()["error"].get("field")) == (status, field)


def test_the_same_request_again_proposes_once(own, author):
    first, second = (ask(author, body=PROPOSAL, **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.json()["id"] != 0
    assert second.status_code == 409  # another token made it: make_token makes a new one each time
    assert ChangeRequest.objects.count() == 1


def test_a_token_for_some_sources_sees_no_other_prompt(own, author):
    source = make_source()
    change = propose(own, author)
    token = make_token(author, *SCOPES, sources=[source.slug])
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/change-requests", headers=headers).json() == {"items": []}
    assert Client().get(f"/api/v1/change-requests/{change.pk}", headers=headers).status_code == 404


def test_an_approval_that_lapsed_stops_the_api_too(own, author, approver):
    change = propose(own, author)
    approve(change, approver)
    approver.is_active = False
    approver.save()
    assert ask(author, f"/{change.pk}/apply", {}).status_code == 409
    assert live(own) is None
