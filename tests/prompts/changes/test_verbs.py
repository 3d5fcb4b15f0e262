from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import AuditEntry
from apps.events.models import Event
from apps.prompts.models import ChangeRequest, LabelMove, LabelPush, Vote
from apps.prompts.services import change_requests as changes
from apps.prompts.status import ChangeState, PushState, ReviewVerdict
from tests.prompts.changes.steps import (
    apply,
    approve,
    edit,
    go_live,
    later,
    live,
    make_policy,
    make_version,
    propose,
    state,
)
from tests.prompts.records import NOW, a_label, days_ago

pytestmark = pytest.mark.django_db


def kinds() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


def test_a_change_that_somebody_else_approved_goes_live(own, author, approver):
    change = propose(own, author, 2)
    approve(change, approver, note="Read it twice.")
    assert (state(change), live(own)) == ("approved", None)
    apply(change, author)
    assert (state(change), live(own)) == ("applied", 2)
    assert kinds() == [
        "prompts:change:proposed",
        "prompts:change:submitted",
        "prompts:change:endorsed",
        "prompts:change:approved",
        "prompts:label:moved",
        "prompts:change:applied",
    ]
    assert LabelMove.objects.get().change_id == change.pk
    assert AuditEntry.objects.filter(object_kind="prompts.changerequest").count() == 5


def test_a_rule_may_ask_for_two(own, author, approver, second):
    make_policy(minimum_approvals=2)
    change = propose(own, author)
    approve(change, approver)
    assert state(change) == "in_review"
    approve(change, second)
    assert state(change) == "approved"


def test_nobody_approves_what_they_wrote_whatever_their_role(own, admin):
    change = propose(own, admin)
    with pytest.raises(changes.ChangeNotAllowedError, match="somebody else decides"):
        approve(change, admin)


def test_who_edits_becomes_an_author(own, author, approver, second):
    change = propose(own, author)
    edit(change, approver)
    with pytest.raises(changes.ChangeNotAllowedError):
        approve(change, approver)
    assert approve(change, second).state == ChangeState.APPROVED


def test_a_second_account_with_the_same_address_is_the_same_person(own, author, approver):
    type(author).objects.filter(pk__in=[author.pk, approver.pk]).update(email="One@example.com")
    change = propose(own, author)
    with pytest.raises(changes.ChangeNotAllowedError):
        approve(change, approver)


def test_an_edit_lets_every_approval_fall(own, author, approver):
    change = propose(own, author)
    approve(change, approver)
    edited = edit(change, author, 2)
    assert (edited.state, edited.current.number) == ("in_review", 2)
    with pytest.raises(changes.ChangeConflictError):
        apply(change, author)
    assert live(own) is None
    assert Vote.objects.count() == 1  # what was said stays


def test_a_vote_for_what_was_on_an_older_screen_is_refused(own, author, approver):
    change = propose(own, author)
    seen = change.current.content_hash
    edit(change, author, 2)
    with pytest.raises(changes.ChangeConflictError, match="revision 2 is what counts now"):
        approve(change, approver, seen_hash=seen)


def test_nobody_says_yes_twice(own, author, approver):
    make_policy()
    change = propose(own, author)
    approve(change, approver)
    with pytest.raises(changes.ChangeConflictError, match="already"):
        approve(change, approver)


def test_asked_for_changes_means_that_something_must_change(own, author, approver, second):
    make_policy(minimum_approvals=1)
    change = propose(own, author)
    seen = change.current.content_hash
    changes.request_changes(change_id=change.pk, seen_hash=seen, actor=approver, at=NOW, note="Forbid “usually”.")
    with pytest.raises(changes.ChangeConflictError, match="Edit the change first"):
        changes.submit_change(change_id=change.pk, actor=author, at=NOW)
    edit(change, author, 2)
    changes.submit_change(change_id=change.pk, actor=author, at=NOW)
    assert approve(change, approver).state == "approved"


def test_one_request_a_label_is_open(own, author, colleague):
    first = propose(own, author)
    with pytest.raises(changes.ChangeConflictError, match=f"change {first.pk}"):
        propose(own, colleague, 2)
    changes.cancel_change(change_id=first.pk, actor=author, at=NOW)
    assert propose(own, colleague, 2).state == "in_review"


def test_a_move_of_another_label_is_no_conflict(own, author, approver):
    change = propose(own, author, 2)
    approve(change, approver)
    other = propose(own, author, 3, label="staging")
    approve(other, approver)
    apply(other, author)
    apply(change, author)
    assert (live(own), live(own, "staging")) == (2, 3)


def test_a_moved_label_is_a_conflict_until_somebody_edits(source, prompt, author, approver):
    from apps.prompts import services

    services.upsert_labels(source=source, records=[a_label(1)], at=days_ago(1))
    change = propose(prompt, author, 3)
    approve(change, approver)
    services.upsert_labels(source=source, records=[a_label(2)], at=NOW)
    with pytest.raises(changes.ChangeConflictError, match="points at v2 now"):
        apply(change, author)
    edited = edit(change, author, 3)
    assert edited.current.base.number == 2


def test_what_an_approval_takes_is_fixed_when_it_is_sent(own, author, approver):
    policy = make_policy(minimum_approvals=2)
    change = propose(own, author)
    policy.minimum_approvals = 1
    policy.save()
    approve(change, approver)
    assert state(change) == "in_review"


def test_an_approval_lapses_with_the_role(own, author, approver):
    change = propose(own, author)
    approve(change, approver)
    approver.role = "viewer"
    approver.save()
    with pytest.raises(changes.ChangeConflictError, match="0 of 1"):
        apply(change, author)
    assert live(own) is None


def test_an_approval_lapses_with_time(own, author, approver):
    change = propose(own, author)
    approve(change, approver)
    with pytest.raises(changes.ChangeConflictError, match="0 of 1"):
        apply(change, author, at=NOW + timedelta(days=8))


def test_a_planned_change_is_applied_once_when_it_is_due(own, author, approver):
    change = propose(own, author)
    approve(change, approver)
    changes.schedule_change(change_id=change.pk, apply_at=later(60), actor=author, at=NOW)
    assert not changes.apply_due_change(change_id=change.pk, at=later(59))
    assert changes.apply_due_change(change_id=change.pk, at=later(61))
    assert not changes.apply_due_change(change_id=change.pk, at=later(62))
    assert live(own) == 1
    assert LabelMove.objects.count() == 1


def test_a_planned_change_that_cannot_go_says_why(own, author, approver):
    change = propose(own, author)
    approve(change, approver)
    changes.schedule_change(change_id=change.pk, apply_at=later(60), actor=author, at=NOW)
    assert changes.apply_due_change(change_id=change.pk, at=later(61), obstacles=["Frozen until Monday."])
    change.refresh_from_db()
    assert (change.state, change.failure) == ("apply_failed", "Frozen until Monday.")
    assert apply(change, author, at=later(90)).state == "applied"


def test_a_rollback_puts_back_what_was_there(own, author, approver, colleague):
    go_live(own, author, approver, 1)
    change = go_live(own, author, approver, 2)
    changes.roll_back_change(change_id=change.pk, actor=colleague, reason="Refunds were promised.", at=later())
    assert (state(change), live(own)) == ("rolled_back", 1)
    move = LabelMove.objects.latest("pk")
    assert (move.is_rollback, move.change_id) == (True, change.pk)


def test_only_what_is_live_can_be_rolled_back(own, author, approver):
    first = go_live(own, author, approver, 1)
    go_live(own, author, approver, 2)
    with pytest.raises(changes.ChangeConflictError, match="points at v2 now"):
        changes.roll_back_change(change_id=first.pk, actor=author, reason="Why not.", at=NOW)


def test_a_broken_glass_is_loud_and_owes_a_review(own, author, commander, approver):
    make_policy(minimum_approvals=2)
    change = propose(own, author)
    changes.break_glass(change_id=change.pk, actor=commander, reason="It leaks data.", at=NOW)
    assert (state(change), live(own)) == ("applied", 1)
    assert Event.objects.get(kind="prompts:change:glass-broken").tone == "bad"
    for person in (commander, author):
        with pytest.raises(changes.ChangeNotAllowedError):
            changes.review_broken_glass(
                change_id=change.pk, verdict=ReviewVerdict.JUSTIFIED, note="Fine.", actor=person, at=NOW
            )
    review = changes.review_broken_glass(
        change_id=change.pk, verdict=ReviewVerdict.JUSTIFIED, note="Right.", actor=approver, at=NOW
    )
    assert review.reviewed_by == approver


def test_the_label_of_another_system_moves_by_a_push(source, prompt, author, approver):
    from apps.prompts import services

    services.upsert_labels(source=source, records=[a_label(1)], at=days_ago(1))
    change = propose(prompt, author, 2)
    approve(change, approver)
    apply(change, author)
    assert (state(change), live(prompt)) == ("approved", 1)
    (push,) = changes.claim_pushes(at=later())
    assert (push.external_id, push.label, push.to_number, push.attempt) == ("search-answers", "production", 2, 1)
    assert changes.claim_pushes(at=later()) == []
    with pytest.raises(changes.ChangeConflictError, match="right now"):
        edit(change, author, 3, at=later())
    again = later(1.5)
    assert changes.mark_apply_failed(
        push_id=push.push_id, claim_id=push.claim_id, why="It answered 503.", at=later(), next_try_at=again
    )
    assert state(change) == "apply_failed"
    (push,) = changes.claim_pushes(at=later(2))
    assert changes.mark_applied(push_id=push.push_id, claim_id=push.claim_id, at=later(2))
    assert not changes.mark_applied(push_id=push.push_id, claim_id=push.claim_id, at=later(2))
    assert (state(change), live(prompt)) == ("applied", 2)
    assert services.upsert_labels(source=source, records=[a_label(2)], at=later(3)).changed == 0


def test_a_push_for_what_is_not_approved_any_more_is_void(source, prompt, author, approver):
    change = propose(prompt, author, 2)
    approve(change, approver)
    apply(change, author)
    approver.is_active = False
    approver.save()
    assert changes.claim_pushes(at=later()) == []
    assert (state(change), LabelPush.objects.get().state) == ("apply_failed", PushState.VOID)


def test_an_edit_takes_back_what_waits_to_be_pushed(source, prompt, author, approver):
    change = propose(prompt, author, 2)
    approve(change, approver)
    apply(change, author)
    edit(change, author, 3)
    assert LabelPush.objects.get().state == PushState.VOID
    assert changes.claim_pushes(at=later()) == []


def test_a_rollback_in_another_system_is_pushed_too(source, prompt, author, approver):
    from apps.prompts import services

    services.upsert_labels(source=source, records=[a_label(1)], at=days_ago(1))
    change = propose(prompt, author, 2)
    approve(change, approver)
    apply(change, author)
    (push,) = changes.claim_pushes(at=later())
    changes.mark_applied(push_id=push.push_id, claim_id=push.claim_id, at=later())
    changes.roll_back_change(change_id=change.pk, actor=author, reason="Worse.", at=later(2))
    (push,) = changes.claim_pushes(at=later(3))
    assert push.to_number == 1
    changes.mark_applied(push_id=push.push_id, claim_id=push.claim_id, at=later(3))
    assert (state(change), live(prompt)) == ("rolled_back", 1)


def test_a_source_with_changes_can_still_be_removed(source, prompt, author, approver):
    propose(prompt, author, 2)
    source.delete()
    assert ChangeRequest.objects.count() == 0


def test_a_version_that_the_reviewer_wrote_is_their_change(own, author, approver):
    make_version(own, 4, written_by=approver)
    change = propose(own, author, 4)
    with pytest.raises(changes.ChangeNotAllowedError):
        approve(change, approver)
