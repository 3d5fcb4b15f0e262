from __future__ import annotations

import pytest
from django.urls import reverse

from apps.prompts.models import ApprovalPolicy, ChangeRequest, Comment, Prompt
from tests.factories import make_feature, make_team
from tests.prompts.changes.steps import approve, edit, go_live, live, make_own_prompt, make_policy, propose, state

pytestmark = pytest.mark.django_db


def url(name: str, *args) -> str:
    return reverse(f"prompts:{name}", args=args)


def text(response, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:2000]
    return response.content.decode()


def seen(change) -> str:
    return ChangeRequest.objects.get(pk=change.pk).current.content_hash


def test_a_person_proposes_on_a_page(signed_in, author, own):
    client = signed_in(author)
    assert "Propose a change" in text(client.get(own.get_absolute_url()))
    fields = {"label": "production", "version": "2", "title": "No dates", "reason": "People count on them."}
    response = client.post(url("change-propose", own.pk), fields | {"do": "submit"})
    change = ChangeRequest.objects.get()
    assert response["Location"] == change.get_absolute_url()
    assert (change.state, change.current.version.number) == ("in_review", 2)
    html = text(client.get(change.get_absolute_url()))
    assert "People count on them." in html
    assert "0 of 1 approval" in html
    assert 'value="approve"' not in html  # the author is offered nothing that would be refused


def test_a_second_open_request_says_which_is_in_the_way(signed_in, author, own):
    first = propose(own, author)
    fields = {"label": "production", "version": "2", "title": "No dates", "reason": "People count on them."}
    html = text(signed_in(author).post(url("change-propose", own.pk), fields), 422)
    assert f"change {first.pk}" in html


def test_a_reviewer_approves_and_an_engineer_applies(signed_in, author, approver, own):
    change = propose(own, author, 2)
    client = signed_in(approver)
    assert 'value="approve"' in text(client.get(change.get_absolute_url()))
    client.post(url("change-decide", change.pk), {"do": "approve", "seen_hash": seen(change), "note": "Read."})
    assert state(change) == "approved"
    client = signed_in(author)
    assert "Apply now" in text(client.get(change.get_absolute_url()))
    client.post(reverse("health:change-apply", args=[change.pk]))
    assert live(own) == 2


def test_a_stale_tab_is_told_to_look_again(signed_in, author, approver, own):
    change = propose(own, author)
    old = seen(change)
    edit(change, author, 2)
    html = text(signed_in(approver).post(url("change-decide", change.pk), {"do": "approve", "seen_hash": old}), 409)
    assert "Look at it again." in html
    assert state(change) == "in_review"


@pytest.mark.parametrize(
    ("name", "fields", "who", "status"),
    [
        ("change-decide", {"do": "approve"}, "outsider", 403),
        ("change-decide", {"do": "approve"}, "colleague", 403),
        ("change-decide", {"do": "approve"}, "author", 403),
        ("change-decide", {"do": "changes", "note": "Hm."}, "colleague", 403),
        ("change-decide", {"do": "reject", "note": "No."}, "outsider", 403),
        ("change-submit", {}, "outsider", 409),
        ("change-cancel", {}, "colleague", 403),
        ("change-schedule", {"apply_at": ""}, "outsider", 403),
        ("change-roll-back", {"note": "Back."}, "outsider", 403),
        ("change-break-glass", {"note": "Now."}, "author", 403),
        ("change-break-glass", {"note": "Now."}, "approver", 403),
        ("change-review-glass", {"verdict": "justified", "note": "Fine."}, "outsider", 409),
        ("change-comment", {"body": "Hello"}, "outsider", 403),
    ],
)
def test_who_may_not_is_refused_and_nothing_happens(request, signed_in, author, own, name, fields, who, status):
    change = propose(own, author)
    person = request.getfixturevalue(who)
    response = signed_in(person).post(url(name, change.pk), {"seen_hash": seen(change)} | fields)
    assert response.status_code == status
    assert "Nothing was done." in response.content.decode()
    assert state(change) == "in_review"
    assert not change.votes.exists()


@pytest.mark.parametrize(
    "name",
    ["change-decide", "change-submit", "change-cancel", "change-schedule", "change-roll-back", "change-break-glass",
     "change-review-glass", "change-comment"],
)  # fmt: skip
def test_a_verb_is_never_a_get(signed_in, author, own, name):
    change = propose(own, author)
    assert signed_in(author).get(url(name, change.pk)).status_code == 405


@pytest.mark.parametrize("name", ["prompt-create", "policy-create"])
def test_forms_are_for_those_who_may(signed_in, outsider, name):
    assert signed_in(outsider).get(url(name)).status_code == 403


def test_what_waits_for_me_is_what_i_can_decide(signed_in, author, approver, own, colleague):
    mine = propose(make_own_prompt(), approver)
    waits = propose(own, author)
    html = text(signed_in(approver).get(url("change-list") + "?waiting=1"))
    assert waits.get_absolute_url() in html
    assert mine.get_absolute_url() not in html
    assert waits.get_absolute_url() not in text(signed_in(colleague).get(url("change-list") + "?waiting=1"))
    approve(waits, approver)
    assert waits.get_absolute_url() not in text(signed_in(approver).get(url("change-list") + "?waiting=1"))


def test_the_navigation_counts_what_waits_for_the_reader(signed_in, author, approver, own):
    propose(own, author)
    counts = reverse("portal:nav-counts")
    assert "1<span" in text(signed_in(approver).get(counts))
    assert "waiting for you" not in text(signed_in(author).get(counts))


def test_an_approver_of_the_owning_team_may_approve(signed_in, author, colleague):
    team = make_team()
    team.memberships.create(user=colleague, role="approver")
    change = propose(make_own_prompt(feature=make_feature(team=team)), author)
    client = signed_in(colleague)
    assert change.get_absolute_url() in text(client.get(url("change-list") + "?waiting=1"))
    client.post(url("change-decide", change.pk), {"do": "approve", "seen_hash": seen(change)})
    assert state(change) == "approved"


def test_a_required_team_has_to_be_among_them(author, approver, second, own):
    team = make_team()
    make_policy(minimum_approvals=1).teams.add(team)
    change = propose(own, author)
    approve(change, approver)
    assert state(change) == "in_review"
    team.memberships.create(user=second, role="approver")
    approve(change, second)
    assert state(change) == "approved"


def test_a_remark_is_pinned_to_the_words(signed_in, author, approver, own):
    change = propose(own, author, 2)
    client = signed_in(approver)
    fields = {"body": "Which question?", "part": "Text", "first_line": "1"}
    client.post(url("change-comment", change.pk), fields)
    remark = Comment.objects.get()
    assert remark.quote == "Answer {{question}}, take 2."
    client = signed_in(author)
    client.post(url("change-comment", change.pk), {"body": "The customer's.", "parent": remark.pk})
    client.post(url("comment-settle", remark.pk), {"do": "resolve"})
    html = text(client.get(change.get_absolute_url()))
    assert "resolved by Author" in html
    assert "The customer&#x27;s." in html
    client.post(url("comment-settle", remark.pk), {"do": "reopen"})
    assert "1 open remark" in text(client.get(change.get_absolute_url()))
    assert "ends at line 1" in text(client.post(url("change-comment", change.pk), fields | {"first_line": "9"}), 422)


def test_an_edit_says_that_approvals_fall(signed_in, author, approver, own):
    change = propose(own, author)
    approve(change, approver)
    client = signed_in(author)
    assert "do not count" in text(client.get(url("change-edit", change.pk)))
    client.post(url("change-edit", change.pk), {"version": "2", "title": "No dates", "reason": "Shorter."})
    assert state(change) == "in_review"
    assert "it does not count any more" in text(client.get(change.get_absolute_url()))


def test_a_rollback_and_a_broken_glass_are_on_the_page(signed_in, author, approver, commander, own):
    go_live(own, author, approver, 1)
    change = propose(own, author, 2)
    client = signed_in(commander)
    assert "Break the glass" in text(client.get(change.get_absolute_url()))
    client.post(url("change-break-glass", change.pk), {"note": "It leaks."})
    assert live(own) == 2
    assert "broke the glass" in text(client.get(change.get_absolute_url()))
    client.post(url("change-roll-back", change.pk), {"note": "It was not the cause."})
    assert live(own) == 1
    client = signed_in(approver)
    client.post(url("change-review-glass", change.pk), {"verdict": "unjustified", "note": "Two hours were fine."})
    assert "Two hours were fine." in text(client.get(change.get_absolute_url()))


def test_what_was_found_stands_beside_the_text(signed_in, author):
    fields = {"name": "support/reply", "kind": "text", "text": "Mail tomas@fernway.io", "commit_message": "First"}
    client = signed_in(author)
    html = text(client.post(url("prompt-create"), fields), 422)
    assert "E-mail address in Text, line 1" in html
    client.post(url("prompt-create"), fields | {"override_reason": "Public address."})
    prompt = Prompt.objects.get()
    chat = {"kind": "chat", "text": "[system]\nBe kind.\n\n[user]\n{{question}}", "variables": "question"}
    client.post(url("version-write", prompt.pk), chat | {"commit_message": "As a chat"})
    version = prompt.versions.get(number=2)
    assert [message["role"] for message in version.messages] == ["system", "user"]
    assert "[system]" in text(client.get(url("version-write", prompt.pk)))


def test_a_rule_is_kept_with_who_changed_it(signed_in, admin):
    client = signed_in(admin)
    fields = {"folder_pattern": "support/*", "label_pattern": "production", "minimum_approvals": "2", "vote_days": "7"}
    fields |= {"margin": "0.1", "least_cases": "30", "expires_after_hours": "168"}
    client.post(url("policy-create"), fields)
    policy = ApprovalPolicy.objects.get()
    assert (policy.minimum_approvals, policy.changed_by) == (2, admin)
    assert "support/*" in text(client.get(url("policy-list")))
    assert "already" in text(client.post(url("policy-create"), fields), 422)
    client.post(url("policy-remove", policy.pk))
    assert not ApprovalPolicy.objects.exists()


def test_the_risk_line_names_what_is_known(signed_in, outsider, author):
    feature = make_feature(name="Search Answers")
    change = propose(make_own_prompt(feature=feature), author)
    html = text(signed_in(outsider).get(reverse("health:change-risks", args=[change.pk])))
    assert "Touches Search Answers" in html
    assert "No alert fires" in html
    assert "Nothing else changes around the same time" in html


def test_the_evidence_is_one_file(signed_in, outsider, author, approver, own):
    change = go_live(own, author, approver, 2)
    client = signed_in(outsider)
    found = client.get(url("evidence-json", change.pk)).json()
    assert found["votes"][0]["hash"] == seen(change)
    assert (found["to"]["number"], found["moves"][0]["to"], found["effect"]["trouble"]) == (2, 2, [])
    paper = client.get(url("evidence-pdf", change.pk))
    assert paper.content.startswith(b"%PDF-")
    assert paper["Content-Type"] == "application/pdf"
