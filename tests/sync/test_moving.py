"""Approved label moves go out to the system that owns the prompt; what was moved there past the approval is found."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from apps.connectors import registry
from apps.connectors.base import Connector, Probe
from apps.connectors.errors import ErrorClass, SourceError, check_move
from apps.connectors.records import Batch, Kind, MoveLabel
from apps.events.models import Event
from apps.monitors.models import Alert
from apps.prompts import services
from apps.prompts.models import ApprovalPolicy, ChangeRequest, LabelBypass, LabelPush, Prompt, PromptLabel
from apps.prompts.services.change_requests import (
    ChangeConflictError,
    ChangeInvalidError,
    ChangeNotAllowedError,
    claim_pushes,
)
from apps.sources.mapping import Mapper
from apps.sources.models import SourceState
from apps.sync import moving
from apps.sync.tasks import push_label_moves
from opsportal.waiting import waiting_tasks
from tests.factories import make_source
from tests.prompts.changes.steps import apply, approve, live, make_policy, propose, state
from tests.prompts.records import a_label, a_prompt, a_version

pytestmark = pytest.mark.django_db
AN_HOUR = timedelta(hours=1)


class Registry(Connector):
    """A registry of prompts in memory."""

    key: ClassVar[str] = "registry"
    name: ClassVar[str] = "Registry"
    summary: ClassVar[str] = "For tests."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PROMPT})
    fields: ClassVar[tuple[Any, ...]] = ()
    moves_labels: ClassVar[bool] = True
    labels: ClassVar[dict[str, int]] = {}
    failure: ClassVar[SourceError | None] = None
    asked: ClassVar[list[MoveLabel]] = []

    async def probe(self) -> Probe:
        return Probe(sentence="It answers.")

    async def fetch(self, cursor: Any) -> Batch:
        return Batch(records=(), cursor={})

    async def push(self, move: MoveLabel) -> None:
        self.asked.append(move)
        if self.failure is not None:
            raise self.failure
        now = self.labels.get(move.label)
        if check_move(label=move.label, now=now, expected=move.from_number, wanted=move.number):
            self.labels[move.label] = move.number


@pytest.fixture
def there(monkeypatch) -> type[Registry]:
    """The other system, where production points at version 1."""
    monkeypatch.setitem(registry.CONNECTORS, "registry", Registry)
    Registry.labels, Registry.failure, Registry.asked = {"production": 1}, None, []
    return Registry


@pytest.fixture
def source(there, db):
    found = make_source(slug="registry", name="Registry", connector="registry")
    SourceState.objects.filter(source=found).update(last_success_at=timezone.now())
    return found


@pytest.fixture
def prompt(source) -> Prompt:
    """`search-answers` with three versions, production at 1, and a rule that asks for one approval."""
    at = timezone.now() - AN_HOUR
    services.upsert_prompts(source=source, records=[a_prompt()], mapper=Mapper(source), at=at)
    services.upsert_versions(source=source, records=[a_version(n) for n in (1, 2, 3)], at=at)
    poll(source, at=at)
    make_policy(minimum_approvals=1)
    return Prompt.objects.get()


def poll(source, *, at=None, by: str = "") -> None:
    """What a poll of the labels brings."""
    at = at or timezone.now()
    records = [a_label(number, name, moved_by=by) for name, number in Registry.labels.items()]
    stored = services.upsert_labels(source=source, records=records, at=at)
    from apps.events.services import record_events

    record_events(events=stored.events)


def approved(prompt, author, approver, number: int = 2) -> ChangeRequest:
    change = propose(prompt, author, number, at=timezone.now())
    approve(change, approver, at=timezone.now())
    return apply(change, author, at=timezone.now())


def push(minutes: float = 0) -> str:
    return moving.push_label_moves(at=timezone.now() + timedelta(minutes=minutes))


def open_bypass() -> LabelBypass:
    return LabelBypass.objects.get(state="open")


def open_alerts() -> list[str]:
    return list(Alert.objects.filter(resolved_at=None).values_list("name", flat=True))


def test_an_approved_change_moves_the_label_there_and_the_next_poll_finds_nothing_new(
    source, prompt, there, author, approver
):
    change = approved(prompt, author, approver)
    assert (state(change), there.labels["production"]) == ("approved", 1)
    assert push() == "1 of 1 labels were moved"
    assert (there.labels["production"], live(prompt), state(change)) == (2, 2, "applied")
    assert (there.asked[0].from_number, there.asked[0].number) == (1, 2)
    poll(source)
    push()
    assert not LabelBypass.objects.exists()
    assert Event.objects.filter(kind="prompts:label:moved", title__contains="v2").count() == 1
    assert push() == "nothing is due"


def test_a_poll_between_the_move_there_and_our_note_of_it_raises_no_alarm(source, prompt, there, author, approver):
    approved(prompt, author, approver)
    claim_pushes(at=timezone.now())
    there.labels["production"] = 2
    poll(source)
    assert not LabelBypass.objects.exists()


def test_a_poll_that_began_before_the_move_does_not_take_it_back(source, prompt, there, author, approver):
    approved(prompt, author, approver)
    push()
    there.labels["production"] = 1
    poll(source)  # what was read a moment ago
    assert live(prompt) == 2
    assert not LabelBypass.objects.exists()
    poll(source, at=timezone.now() + timedelta(minutes=1))  # it still says so: somebody moved it
    assert open_bypass().found.number == 1


def test_a_change_whose_approval_fell_is_not_pushed(prompt, there, author, approver):
    approved(prompt, author, approver)
    approver.role = "viewer"
    approver.save()
    assert push() == "nothing is due"
    assert there.asked == []
    assert LabelPush.objects.get().state == "void"


def test_trouble_that_passes_is_tried_again_later_each_time(prompt, there, author, approver):
    change = approved(prompt, author, approver)
    there.failure = SourceError(ErrorClass.UPSTREAM, "Registry has trouble of its own (503).")
    push()
    first = LabelPush.objects.get()
    assert (first.state, first.attempts, state(change)) == ("failed", 1, "apply_failed")
    assert "503" in ChangeRequest.objects.get().failure
    assert push() == "nothing is due", "not before its time"
    assert waiting_tasks(at=timezone.now()) == []
    assert waiting_tasks(at=timezone.now() + timedelta(minutes=1)) == [push_label_moves.name]
    there.failure = None
    assert push(minutes=1) == "1 of 1 labels were moved"
    assert (state(change), live(prompt)) == ("applied", 2)


@pytest.mark.parametrize("error_class", sorted(moving.FINAL))
def test_trouble_that_stays_is_given_up(prompt, there, author, approver, error_class):
    change = approved(prompt, author, approver)
    there.failure = SourceError(error_class, "It will never work.")
    push()
    assert (LabelPush.objects.get().state, state(change)) == ("abandoned", "apply_failed")
    assert push(minutes=60) == "nothing is due"


def test_a_label_that_somebody_moved_since_the_last_poll_is_not_overwritten(prompt, there, author, approver):
    change = approved(prompt, author, approver)
    there.labels["production"] = 3
    push()
    assert there.labels["production"] == 3
    assert state(change) == "apply_failed"
    assert "points at version 3 there now, not at version 1" in ChangeRequest.objects.get().failure


def test_a_label_that_is_there_already_counts_as_moved(prompt, there, author, approver):
    approved(prompt, author, approver)
    there.labels["production"] = 2  # by a push whose answer was lost
    assert push() == "1 of 1 labels were moved"


def test_a_paused_source_is_left_alone_until_it_goes_on(source, prompt, there, author, approver):
    approved(prompt, author, approver)
    source.is_enabled = False
    source.save()
    push()
    assert there.asked == []
    assert "paused" in LabelPush.objects.get().error


def test_a_mistake_of_our_own_is_told_without_its_words(prompt, there, author, approver, monkeypatch):
    async def broken(self: Any, move: MoveLabel) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Registry, "push", broken)
    approved(prompt, author, approver)
    push()
    assert "ZeroDivisionError" in LabelPush.objects.get().error
    assert "secret" not in LabelPush.objects.get().error


def test_pauses_grow_and_end():
    at = timezone.now()
    trouble = SourceError(ErrorClass.TIMEOUT, "slow")
    pauses = [moving.next_try(failure=trouble, attempt=n, at=at) for n in range(1, moving.MOST_ATTEMPTS)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == at + moving.LONGEST_PAUSE
    assert moving.next_try(failure=trouble, attempt=moving.MOST_ATTEMPTS, at=at) is None
    asked = SourceError(ErrorClass.RATE_LIMIT, "slower", retry_after=1800)
    assert moving.next_try(failure=asked, attempt=1, at=at) == at + timedelta(seconds=1800)


def test_a_move_past_the_approval_is_told_within_one_poll_with_who_and_what(source, prompt, there):
    there.labels["production"] = 3
    poll(source, by="mallory")
    push()
    bypass = open_bypass()
    assert bypass.sentence == "production was moved from v1 to v3 outside approval by mallory."
    event = Event.objects.get(kind="prompts:bypass:found")
    assert (event.actor, event.tone, event.data["diff"]) == ("mallory", "bad", f"/prompts/{prompt.pk}/?from=1&to=3")
    assert open_alerts() == ["search-answers: production moved outside approval"]
    poll(source)
    push()
    assert Event.objects.filter(kind="prompts:bypass:found").count() == 1
    assert Alert.objects.count() == 1


def test_a_move_past_the_approval_after_an_approved_one_is_found(source, prompt, there, author, approver):
    approved(prompt, author, approver)
    push()
    there.labels["production"] = 3
    poll(source)
    assert (open_bypass().expected.number, open_bypass().found.number) == (2, 3)


def test_a_protected_label_that_is_removed_or_newly_set_is_found(source, prompt, there):
    from apps.connectors.records import Listing

    listing = Listing(kind=Kind.PROMPT_LABEL, external_ids=frozenset(), scope="search-answers")
    services.mark_absent(source=source, listing=listing, at=timezone.now())
    assert open_bypass().sentence == "production was removed from v1 outside approval."
    there.labels["production"] = 2
    poll(source)
    assert open_bypass().found.number == 2


def test_no_alarm_for_labels_without_a_rule_or_for_what_a_new_source_brings(source, prompt, there):
    there.labels["staging"] = 1
    poll(source)
    there.labels["staging"] = 2
    poll(source)
    other = make_source(slug="other", connector="registry")
    at = timezone.now()
    services.upsert_prompts(source=other, records=[a_prompt()], mapper=Mapper(other), at=at)
    services.upsert_versions(source=other, records=[a_version(1)], at=at)
    services.upsert_labels(source=other, records=[a_label(1)], at=at)
    assert not LabelBypass.objects.exists()
    ApprovalPolicy.objects.all().delete()
    there.labels["production"] = 3
    poll(source)
    assert not LabelBypass.objects.exists()


def test_it_clears_itself_when_the_label_is_put_back_there(source, prompt, there):
    there.labels["production"] = 3
    poll(source)
    push()
    there.labels["production"] = 1
    poll(source)
    push()
    assert LabelBypass.objects.get().state == "returned"
    assert open_alerts() == []


def test_one_click_puts_it_back(source, prompt, there, author):
    there.labels["production"] = 3
    poll(source)
    services.revert_bypass(bypass_id=open_bypass().pk, actor=author, at=timezone.now())
    assert push() == "1 of 1 labels were moved"
    assert (there.labels["production"], live(prompt)) == (1, 1)
    assert LabelBypass.objects.get().state == "returned"
    assert open_alerts() == []
    poll(source)
    assert LabelBypass.objects.count() == 1


def test_it_may_be_adopted_by_an_approver_with_a_reason(source, prompt, there, author, approver):
    there.labels["production"] = 3
    poll(source)
    adopt = {"bypass_id": open_bypass().pk, "at": timezone.now()}
    with pytest.raises(ChangeNotAllowedError, match="it takes Administrator or Approver"):
        services.adopt_bypass(actor=author, reason="fine", **adopt)
    with pytest.raises(ChangeInvalidError):
        services.adopt_bypass(actor=approver, reason=" ", **adopt)
    services.adopt_bypass(actor=approver, reason="An outage; it was right.", **adopt)
    push()
    assert open_alerts() == []
    event = Event.objects.get(kind="prompts:bypass:adopted")
    assert (event.actor, event.detail) == ("Approver", "An outage; it was right.")
    with pytest.raises(ChangeConflictError, match="This is over"):
        services.adopt_bypass(actor=approver, reason="again", **adopt)
    there.labels["production"] = 2
    poll(source)
    assert open_bypass().expected.number == 3


def test_an_approved_change_on_top_covers_it(source, prompt, there, author, approver):
    there.labels["production"] = 3
    poll(source)
    approved(prompt, author, approver, 2)
    push()
    assert LabelBypass.objects.get().state == "covered"


def test_viewers_put_nothing_back_and_nothing_is_put_back_twice(source, prompt, there, author, outsider):
    there.labels["production"] = 3
    poll(source)
    with pytest.raises(ChangeNotAllowedError):
        services.revert_bypass(bypass_id=open_bypass().pk, actor=outsider, at=timezone.now())
    services.revert_bypass(bypass_id=open_bypass().pk, actor=author, at=timezone.now())
    with pytest.raises(ChangeConflictError, match="on its way"):
        services.revert_bypass(bypass_id=open_bypass().pk, actor=author, at=timezone.now())
    assert LabelPush.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_push_a_move_once(prompt, there, author, approver):
    approved(prompt, author, approver)
    barrier, told = threading.Barrier(2), []

    def work() -> None:
        from django.db import connection

        try:
            barrier.wait()
            told.append(push())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["1 of 1 labels were moved", "nothing is due"]
    assert len(there.asked) == 1
    assert PromptLabel.objects.get(prompt=prompt, name="production").version.number == 2
