"""Several people press buttons at the same moment: no unapproved version goes live, and no vote is lost."""

from __future__ import annotations

from datetime import timedelta
from functools import wraps
from threading import Barrier, Thread

import pytest
from django.db import connection

from apps.events.models import Event
from apps.prompts import queries, services
from apps.prompts.models import ChangeRequest, LabelMove, LabelPush, Vote
from apps.prompts.services import change_requests as changes
from apps.prompts.services.change_requests import ChangeRefusedError
from tests.prompts.changes.steps import (
    apply,
    approve,
    edit,
    go_live,
    later,
    live,
    make_own_prompt,
    make_policy,
    propose,
    state,
)
from tests.prompts.records import NOW, a_label, days_ago

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4


def at_once(*works) -> list[object]:
    """Call every work in its own thread, all starting together; returns what each answered or raised."""
    barrier, answers = Barrier(len(works)), [None] * len(works)

    def run(number: int) -> None:
        try:
            barrier.wait()
            answers[number] = works[number]()
        except Exception as error:  # told by the assertion of the test
            answers[number] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not [one for one in answers if isinstance(one, Exception) and not isinstance(one, ChangeRefusedError)]
    return answers


def several_times(test):
    """The test again and again with new prompts: one round rarely meets the moment that matters."""

    @wraps(test)
    def repeated(**given) -> None:
        for _ in range(ROUNDS):
            test(**given)

    return repeated


def refusals(answers) -> int:
    return sum(isinstance(one, ChangeRefusedError) for one in answers)


@pytest.fixture
def two_needed(transactional_db):
    return make_policy(minimum_approvals=2)


@pytest.fixture(autouse=True)
def _nothing_went_past_the_four_eyes(transactional_db):
    yield
    assert not [duty for duty in queries.duties(since=NOW - timedelta(days=1), at=NOW) if duty.breaches]
    for change in ChangeRequest.objects.all():
        told = Event.objects.filter(kind="prompts:change:endorsed", subject_id=change.pk).count()
        assert told == change.votes.filter(decision="approve").count()


@several_times
def test_two_approvals_at_once_both_count(two_needed, author, approver, second):
    change = propose(make_own_prompt(), author)
    answers = at_once(lambda: approve(change, approver), lambda: approve(change, second))
    assert refusals(answers) == 0
    assert (state(change), change.votes.count()) == ("approved", 2)


@several_times
def test_a_double_click_is_one_vote(two_needed, author, approver):
    change = propose(make_own_prompt(), author)
    answers = at_once(*[lambda: approve(change, approver)] * 3)
    assert (refusals(answers), change.votes.count()) == (2, 1)


@several_times
def test_an_approval_never_reaches_words_that_its_reviewer_has_not_seen(author, approver):
    change = propose(make_own_prompt(), author)
    seen = change.current.content_hash
    at_once(lambda: approve(change, approver, seen_hash=seen), lambda: edit(change, author, 2))
    assert state(change) == "in_review"
    assert not Vote.objects.filter(change=change, revision__number=2).exists()


@several_times
def test_a_withdrawn_change_stays_withdrawn(author, approver):
    change = propose(make_own_prompt(), author)
    at_once(
        lambda: approve(change, approver),
        lambda: changes.cancel_change(change_id=change.pk, actor=author, at=NOW),
    )
    assert state(change) == "cancelled"


@several_times
def test_a_change_is_applied_once(author, approver, colleague):
    own = make_own_prompt()
    change = propose(own, author)
    approve(change, approver)
    changes.schedule_change(change_id=change.pk, apply_at=later(), actor=author, at=NOW)
    answers = at_once(
        lambda: apply(change, author, at=later(2)),
        lambda: apply(change, colleague, at=later(2)),
        lambda: changes.apply_due_change(change_id=change.pk, at=later(2)),
    )
    assert (state(change), live(own)) == ("applied", 1)
    assert LabelMove.objects.filter(change=change).count() == 1
    assert refusals(answers) + answers.count(False) == 2


@several_times
def test_an_edit_and_an_apply_never_both_happen(author, approver, colleague):
    own = make_own_prompt()
    change = propose(own, author)
    approve(change, approver)
    answers = at_once(lambda: apply(change, author), lambda: edit(change, colleague, 2))
    assert refusals(answers) == 1
    assert (state(change), live(own)) in {("applied", 1), ("in_review", None)}


@several_times
def test_a_rollback_and_the_next_change_never_both_happen(author, approver, colleague):
    own = make_own_prompt()
    go_live(own, author, approver, 1)
    first = go_live(own, author, approver, 2)
    following = propose(own, author, 3)
    approve(following, approver)
    answers = at_once(
        lambda: changes.roll_back_change(change_id=first.pk, actor=colleague, reason="Worse.", at=NOW),
        lambda: apply(following, author),
    )
    assert refusals(answers) == 1
    assert live(own) == (3 if state(following) == "applied" else 1)


@several_times
def test_one_of_several_proposals_wins(author, colleague):
    own = make_own_prompt()
    answers = at_once(*[lambda: propose(own, author), lambda: propose(own, colleague, 2)] * 2)
    assert refusals(answers) == 3
    assert own.changes.count() == 1


def test_one_worker_pushes(source, prompt, author, approver):
    services.upsert_labels(source=source, records=[a_label(1)], at=days_ago(2))
    change = propose(prompt, author, 2)
    approve(change, approver)
    apply(change, author)
    taken = [push for pushes in at_once(*[lambda: changes.claim_pushes(at=later())] * 4) for push in pushes]
    assert len(taken) == 1
    done = at_once(
        *[lambda: changes.mark_applied(push_id=taken[0].push_id, claim_id=taken[0].claim_id, at=later())] * 3
    )
    assert sorted(done) == [False, False, True]
    assert LabelPush.objects.get().state == "pushed"
