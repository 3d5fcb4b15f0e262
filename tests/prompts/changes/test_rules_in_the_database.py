"""Whatever the application forgets, the database refuses; with its trigger asleep, the report of duties finds it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from apps.accounts.models import User
from apps.prompts import queries, services
from apps.prompts.models import (
    AfterReview,
    ApprovalPolicy,
    ChangeRequest,
    ChangeRevision,
    LabelBypass,
    LabelMove,
    PromptLabel,
    Vote,
)
from apps.prompts.services import change_requests as changes
from apps.prompts.status import MOVES, ChangeState
from tests.prompts.changes.steps import (
    apply,
    approve,
    edit,
    go_live,
    make_own_prompt,
    make_policy,
    make_version,
    propose,
)
from tests.prompts.records import NOW, a_label, days_ago

pytestmark = pytest.mark.django_db


@contextmanager
def whole_transaction():
    with transaction.atomic():
        yield
        connection.check_constraints()  # what waits for the end of the transaction is asked now


@contextmanager
def refused(words: str):
    with pytest.raises(IntegrityError, match=words), whole_transaction():
        yield


@contextmanager
def asleep(table: str, *triggers: str):
    """The triggers of a table do not run, as if somebody had dropped them."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name in triggers:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name in triggers:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")


def vote(change, user, **fields):
    revision = change.current
    defaults = {"revision": revision, "content_hash": revision.content_hash, "decision": "approve", "at": NOW}
    return Vote.objects.create(change=change, user=user, **defaults | fields)


def found() -> dict[str, int]:
    return {duty.key: duty.open for duty in queries.duties(since=days_ago(30), at=NOW + timedelta(days=2))}


NONE = {"self-approved": 0, "bypassed": 0, "edited": 0, "unreviewed": 0}


def test_the_trigger_keeps_the_same_table_as_the_code(own, author):
    allowed = {(was.value, then.value) for (was, _), after in MOVES.items() for then in after if then != was}
    change = propose(own, author)
    tried, answers = set(), set()
    for was in ChangeState:
        for then in ChangeState:
            with asleep("prompts_changerequest", "request_keeps_to_the_table"):
                ChangeRequest.objects.filter(pk=change.pk).update(
                    state=was, broken_revision=change.revision, broken_by=author, broken_at=NOW, broken_reason="x",
                    rolled_back_by=author, rollback_reason="x",
                )  # fmt: skip
            try:
                with transaction.atomic():
                    ChangeRequest.objects.filter(pk=change.pk).update(state=then)
                if was != then:
                    tried.add((was.value, then.value))
            except IntegrityError as error:
                answers.add(str(error).partition(" from ")[0])
    assert tried == allowed
    assert answers == {"a change request cannot go"}


def test_nobody_approves_what_they_wrote(own, author, colleague):
    change = propose(own, author)
    for person in (author,):
        with refused("nobody approves what they wrote"):
            vote(change, person)
    make_version(own, 9, written_by=colleague)
    changes.edit_change(change_id=change.pk, version=own.versions.get(number=9), reason="Theirs.", actor=author, at=NOW)
    with refused("nobody approves what they wrote"):
        vote(ChangeRequest.objects.get(), colleague)


def test_a_vote_is_for_the_revision_and_the_hash_that_count(own, author, approver):
    change = propose(own, author)
    with refused("for another revision"):
        vote(change, approver, content_hash="0" * 64)
    other = propose(make_own_prompt(), author)
    with refused("for another revision"):
        vote(change, approver, revision=other.current, content_hash=other.current.content_hash)


def test_a_vote_is_said_once_and_never_changes(own, author, approver):
    make_policy()
    change = propose(own, author)
    kept = vote(change, approver)
    with refused("one_vote_a_reviewer_and_revision"):
        vote(change, approver)
    with refused("a vote never changes"):
        Vote.objects.update(decision="reject")
    with refused("is kept"):
        kept.delete()


def test_there_is_nothing_to_vote_on_outside_a_review(own, author, approver):
    change = propose(own, author, is_submitted=False)
    with refused("not in review"):
        vote(change, approver)


def test_a_revision_never_changes_and_never_goes(own, author):
    change = propose(own, author)
    with refused("a revision never changes"):
        ChangeRevision.objects.update(reason="Something else.")
    with refused("is kept"):
        change.current.delete()
    with refused("of another prompt"):
        foreign = make_own_prompt().versions.get(number=1)
        ChangeRevision.objects.create(
            change=change, number=2, version=foreign, reason="x", content_hash="x", author=author, created_at=NOW
        )


def test_a_request_begins_as_a_draft_and_is_kept(own, author):
    with refused("begins as a draft"):
        ChangeRequest.objects.create(
            prompt=own, label="x", title="x", state="approved", author=author, created_at=NOW, changed_at=NOW
        )
    change = propose(own, author)
    with refused("is kept"):
        change.delete()
    with refused("never changes"):
        ChangeRequest.objects.update(label="staging")
    with refused("one_open_change_a_label"):
        ChangeRequest.objects.create(
            prompt=own, label="production", title="x", author=author, created_at=NOW, changed_at=NOW
        )


def test_approval_takes_the_votes_that_were_asked_for(own, author, approver):
    make_policy(minimum_approvals=2)
    change = propose(own, author)
    approve(change, approver)
    with refused("not complete"):
        ChangeRequest.objects.update(state="approved")
    with refused("fixed when"):
        ChangeRequest.objects.update(minimum_approvals=1)


def test_an_open_gate_is_part_of_approval(own, author, approver):
    change = propose(own, author)
    vote(change, approver)
    with refused("approved_change_has_passed_its_gate"):
        ChangeRequest.objects.update(state="approved", gate_state="failed")


def test_another_revision_needs_another_approval(own, author, approver):
    change = propose(own, author)
    approve(change, approver)
    changed = ChangeRevision.objects.create(
        change=change, number=2, version=own.versions.get(number=3), reason="x", content_hash="x", author=author,
        created_at=NOW,
    )  # fmt: skip
    with refused("another revision needs another approval"):
        ChangeRequest.objects.update(revision=changed)


def test_a_broken_glass_stays_broken_and_is_reviewed_by_somebody_else(own, author, commander):
    change = propose(own, author)
    changes.break_glass(change_id=change.pk, actor=commander, reason="It leaks.", at=NOW)
    with refused("stays broken"):
        ChangeRequest.objects.update(broken_revision=None, broken_by=None)
    with refused("broken_glass_has_a_reason"):
        ChangeRequest.objects.update(broken_reason="")
    for person in (author, commander):
        with refused("nobody reviews a glass they broke"):
            AfterReview.objects.update(reviewed_by=person, reviewed_at=NOW, verdict="justified", note="Fine.")
    with refused("is kept"):
        AfterReview.objects.get().delete()


def test_a_rollback_has_a_reason(own, author, approver):
    go_live(own, author, approver)
    with refused("rollback_has_a_reason"):
        ChangeRequest.objects.update(state="rolled_back")


def test_the_label_of_a_prompt_of_ours_moves_by_a_request_alone(own, author, approver):
    change = go_live(own, author, approver)
    other = own.versions.get(number=3)
    with refused("approved change request"):
        PromptLabel.objects.update(version=other)
    with refused("approved change request"):
        PromptLabel.objects.create(prompt=own, name="staging", version=other, moved_at=NOW)
    with refused("approved change request"):
        LabelMove.objects.create(prompt=own, name="production", to_version=other, at=NOW)
    with refused("approved change request"):
        LabelMove.objects.create(prompt=own, name="production", to_version=other, at=NOW, change=change)
    with refused("one_move_and_one_return_a_change"):
        LabelMove.objects.create(
            prompt=own, name="production", to_version=change.current.version, at=NOW, change=change
        )


def test_a_rule_asks_for_somebody(db):
    with refused("policy_needs_one_to_six"):
        ApprovalPolicy.objects.create(minimum_approvals=0, changed_at=NOW)


def test_the_report_is_empty_when_all_went_well(own, author, approver):
    go_live(own, author, approver)
    assert found() == NONE


def test_the_report_finds_who_approved_their_own(own, author):
    change = propose(own, author)
    with asleep("prompts_vote", "vote_is_of_somebody_else"):
        vote(change, author)
    assert found() == NONE | {"self-approved": 1}


def test_the_report_finds_an_approver_who_turns_out_to_be_the_author(own, author, approver):
    """Nothing forbids it when it happens: two accounts are seen to be one person only later."""
    go_live(own, author, approver)
    assert found() == NONE
    User.objects.filter(pk__in=[author.pk, approver.pk]).update(email="one.person@example.com")
    assert found() == NONE | {"self-approved": 1}


def test_who_approved_and_edits_afterwards_has_not_approved_their_own(own, author, approver, second):
    make_policy(minimum_approvals=1)
    change = propose(own, author)
    approve(change, approver)
    edit(change, approver, 2)
    approve(change, second)
    apply(change, author)
    assert found() == NONE


def test_the_report_finds_what_was_moved_past_approval(own, author, approver):
    go_live(own, author, approver)
    other = own.versions.get(number=3)
    with asleep("prompts_labelmove", "own_move_has_a_request"):
        LabelMove.objects.create(prompt=own, name="production", to_version=other, at=NOW, actor="mallory")
    PromptLabel.objects.filter(prompt=own).update(version=other)  # with such a history the label may follow
    assert found() == NONE | {"bypassed": 1}


def test_the_report_finds_a_label_that_was_pointed_elsewhere_in_the_database(own, author, approver):
    go_live(own, author, approver)
    with asleep("prompts_promptlabel", "own_label_has_a_move"):
        PromptLabel.objects.filter(prompt=own).update(version=own.versions.get(number=3))
    assert found() == NONE | {"bypassed": 1}


def test_a_move_behind_our_back_is_listed_until_somebody_explains_it(source, prompt, approver):
    """No trigger forbids it: it happens in the other system, and a poll brings it."""
    services.upsert_labels(source=source, records=[a_label(1, moved_at=days_ago(5))], at=days_ago(5))
    make_policy()
    services.upsert_labels(source=source, records=[a_label(2, moved_at=days_ago(4))], at=days_ago(4))
    assert found() == NONE | {"bypassed": 1}
    bypass = LabelBypass.objects.get()
    services.adopt_bypass(bypass_id=bypass.pk, actor=approver, reason="The vendor's hotfix.", at=days_ago(3))
    assert found() == NONE
    listed = queries.duties(since=days_ago(30), at=NOW)[1].breaches
    assert [breach.explanation for breach in listed] == [f"Accepted afterwards by {approver}. The vendor's hotfix."]


def test_putting_a_label_back_explains_the_bypass_and_is_none_itself(source, prompt):
    for day, number in ((5, 1), (4, 2), (3, 3), (2, 1)):
        services.upsert_labels(source=source, records=[a_label(number, moved_at=days_ago(day))], at=days_ago(day))
        if day == 5:
            make_policy()  # protected from then on
    assert found() == NONE
    listed = queries.duties(since=days_ago(30), at=NOW)[1].breaches
    assert [breach.explanation for breach in listed] == ["Put back.", "Put back."]


def test_the_report_finds_what_was_edited_after_approval(own, author, approver):
    change = go_live(own, author, approver)
    with asleep("prompts_changerequest", "request_keeps_to_the_table"):
        newer = ChangeRevision.objects.create(
            change=change, number=2, version=own.versions.get(number=3), reason="x", content_hash="x", author=author,
            created_at=NOW,
        )  # fmt: skip
        ChangeRequest.objects.update(revision=newer)
    assert found() == NONE | {"edited": 2}  # it lacks its approvals, and the label went elsewhere


def test_the_report_finds_what_went_out_with_votes_that_are_gone(own, author, approver):
    go_live(own, author, approver)
    with asleep("prompts_vote", "vote_is_kept"):
        Vote.objects.all().delete()
    assert found() == NONE | {"edited": 1}


def test_the_report_finds_what_was_made_to_need_nobody(own, author):
    change = propose(own, author)
    with asleep("prompts_changerequest", "request_keeps_to_the_table"):
        ChangeRequest.objects.update(minimum_approvals=0, state="applied", applied_at=NOW)
    assert found() == NONE | {"edited": 1}
    assert not change.votes.exists()


def test_the_report_lists_a_broken_glass_until_it_is_explained(own, author, commander, approver):
    change = propose(own, author)
    changes.break_glass(change_id=change.pk, actor=commander, reason="It leaks.", at=NOW)
    assert found() == NONE | {"unreviewed": 1}
    changes.review_broken_glass(change_id=change.pk, verdict="justified", note="Right.", actor=approver, at=NOW)
    assert found() == NONE


def test_the_report_is_a_page_and_a_file(signed_in, outsider, own, author, commander):
    change = propose(own, author)
    changes.break_glass(change_id=change.pk, actor=commander, reason="It leaks.", at=NOW)
    client = signed_in(outsider)
    html = client.get("/prompts/duties/?days=365").content.decode()
    assert "Nobody has explained it yet." in html
    told = client.get("/prompts/duties/?days=365&format=json").json()["duties"]
    assert [duty["open"] for duty in told] == [0, 0, 0, 1]
