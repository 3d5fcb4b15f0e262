"""Random people press random buttons on pages, over the API and in services; a small model says what comes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apps.accounts.models import User
from apps.prompts import queries
from apps.prompts.models import ApprovalPolicy, ChangeRequest, LabelMove
from apps.prompts.services import change_requests as changes
from apps.prompts.services.change_requests import ChangeRefusedError
from tests.api.asking import make_token
from tests.prompts.changes.steps import later, live, make_own_prompt, make_person, make_policy, page_status, propose
from tests.prompts.records import NOW

pytestmark = pytest.mark.django_db
PEOPLE = {"ann": "engineer", "ben": "approver", "cleo": "approver", "dora": "admin", "viola": "viewer"}
HANDS_ON, REVIEWERS = {"ann", "ben", "cleo", "dora"}, {"ben", "cleo", "dora"}
OPEN = {"draft", "in_review", "changes_requested", "approved", "apply_failed"}
WAYS = st.sampled_from(["service", "page", "api"])
WHO = st.sampled_from(sorted(PEOPLE))
NEEDED = 2


class Approval(RuleBasedStateMachine):
    """One label of one prompt. `said` are those who approved the revision that counts; `wrote` every author."""

    applied = 0

    @initialize()
    def begin(self) -> None:
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        cache.clear()
        self.people = {name: make_person(name, role) for name, role in PEOPLE.items()}
        self.tokens = {name: make_token(user, *_scopes(user)) for name, user in self.people.items()}
        make_policy(minimum_approvals=NEEDED)
        self.own = make_own_prompt()
        self.change: ChangeRequest | None = None
        self.state, self.live, self.before, self.target = "none", None, None, None
        self.said, self.wrote, self.asked = set(), set(), False

    def teardown(self) -> None:
        if hasattr(self, "transaction"):
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    @invariant()
    def nothing_unapproved_is_live_and_no_vote_is_lost(self) -> None:
        if not hasattr(self, "own"):
            return
        assert live(self.own) == self.live
        if self.change:
            self.change.refresh_from_db()
            assert self.change.state == self.state
            given = self.change.votes.filter(decision="approve", revision=self.change.revision)
            assert set(given.values_list("user__username", flat=True)) == self.said
        for move in LabelMove.objects.filter(is_rollback=False):
            yes = move.change.votes.filter(decision="approve", revision__version=move.to_version)
            assert yes.values("user").distinct().count() >= NEEDED or move.change.is_broken_glass
        assert not any(duty.open for duty in queries.duties(since=NOW - timedelta(days=1), at=NOW)[:3])

    @rule(who=WHO, number=st.integers(1, 3), way=WAYS)
    def propose(self, who: str, number: int, way: str = "service") -> None:
        may = who in HANDS_ON and self.state not in OPEN and number != self.live
        words = {"label": "production", "version": number, "title": "No dates", "reason": "People count on them."}
        done = self._do(
            who, way, "", words | {"prompt": self.own.name}, f"/prompts/{self.own.pk}/propose/", words,
            lambda actor: propose(self.own, actor, number),
        )  # fmt: skip
        assert done == may
        if done:
            self.change = ChangeRequest.objects.latest("pk")
            self.state, self.target, self.before = "in_review", number, self.live
            self.said, self.wrote, self.asked = set(), {who}, False

    @rule(who=st.sampled_from(["ben", "cleo", "dora", "ben", "cleo", "viola"]), way=WAYS)
    def approve(self, who: str, way: str) -> None:
        self._review(who, way, "approve", "approve", changes.approve_change, note="")

    @rule(who=WHO, way=WAYS, word=st.sampled_from(["request-changes", "reject"]))
    def say_no(self, who: str, way: str, word: str) -> None:
        service = changes.reject_change if word == "reject" else changes.request_changes
        self._review(who, way, word, "reject" if word == "reject" else "changes", service, note="No.")

    def _review(self, who: str, way: str, word: str, button: str, service, note: str) -> None:
        if not self.change:
            return
        states = {"in_review", "changes_requested"} if word == "reject" else {"in_review"}
        may = self.state in states and who in REVIEWERS - self.wrote and not (word == "approve" and who in self.said)
        body = {"seen_hash": self.change.current.content_hash, "note": note}
        done = self._do(
            who, way, word, body, "decide", body | {"do": button},
            lambda actor: service(change_id=self.change.pk, actor=actor, at=NOW, **body),
        )  # fmt: skip
        assert done == may
        if done and word == "approve":
            self.said.add(who)
            self.state = "approved" if len(self.said) >= NEEDED else "in_review"
        elif done:
            self.state = "rejected" if word == "reject" else "changes_requested"
            self.asked = word != "reject"

    @rule(who=WHO, way=WAYS, number=st.integers(1, 3))
    def edit(self, who: str, way: str, number: int) -> None:
        if not self.change:
            return
        may = who in HANDS_ON and self.state in OPEN and number != self.live
        body = {"version": number, "reason": "Better.", "title": "No dates"}
        version = self.own.versions.get(number=number)

        def work(actor: User):
            return changes.edit_change(
                change_id=self.change.pk, version=version, reason="Better.", title="No dates", actor=actor, at=NOW
            )

        assert self._do(who, way, "edit", body, "edit", body, work) == may
        if may:
            self.state = {"approved": "in_review", "apply_failed": "in_review"}.get(self.state, self.state)
            self.target, self.before, self.asked = number, self.live, False
            self.said = set()
            self.wrote.add(who)

    @rule(who=WHO, way=WAYS)
    def submit(self, who: str, way: str) -> None:
        if not self.change:
            return
        may = self.state == "changes_requested" and not self.asked and who in self.wrote | {"dora"}
        done = self._do(
            who, way, "submit", {}, "submit", {},
            lambda actor: changes.submit_change(change_id=self.change.pk, actor=actor, at=NOW),
        )  # fmt: skip
        assert done == may
        self.state = "in_review" if done else self.state

    @rule(who=st.sampled_from(["ann", "ben", "viola", "ann"]), way=WAYS)
    def apply(self, who: str, way: str) -> None:
        if not self.change:
            return
        may = self.state in {"approved", "apply_failed"} and who in HANDS_ON and len(self.said) >= NEEDED
        done = self._do(
            who, way, "apply", {}, f"/health/changes/{self.change.pk}/apply/", {},
            lambda actor: changes.apply_change(change_id=self.change.pk, actor=actor, at=NOW),
        )  # fmt: skip
        assert done == may
        if done:
            Approval.applied += 1
            self.state, self.live = "applied", self.target

    @rule(number=st.integers(1, 3))
    def have_a_calm_day(self, number: int) -> None:
        """Nobody gets in the way: without such days little would ever go live."""
        if self.state not in OPEN and number != self.live:
            self.propose("ann", number)
            self.approve("ben", "service")
            self.approve("cleo", "page")
            self.apply("ann", "api")
            assert self.live == number

    @rule(who=WHO, way=WAYS)
    def plan(self, who: str, way: str) -> None:
        if not self.change:
            return
        may, when = self.state == "approved" and who in HANDS_ON, later(90)
        done = self._do(
            who, way, "schedule", {"apply_at": when.isoformat()}, "schedule", {"apply_at": f"{when:%Y-%m-%dT%H:%M}"},
            lambda actor: changes.schedule_change(change_id=self.change.pk, apply_at=when, actor=actor, at=NOW),
        )  # fmt: skip
        assert done == may

    @rule(is_frozen=st.booleans())
    def apply_when_due(self, is_frozen: bool) -> None:
        if not self.change or self.state != "approved":
            return
        changes.schedule_change(change_id=self.change.pk, apply_at=later(), actor=self.people["ann"], at=NOW)
        assert changes.apply_due_change(change_id=self.change.pk, at=later(2), obstacles=["Frozen."] * is_frozen)
        if is_frozen:
            self.state = "apply_failed"
        else:
            Approval.applied += 1
            self.state, self.live = "applied", self.target

    @rule(who=WHO, way=WAYS)
    def roll_back(self, who: str, way: str) -> None:
        if not self.change:
            return
        may = self.state == "applied" and who in HANDS_ON and self.before is not None
        done = self._do(
            who, way, "roll-back", {"reason": "Worse."}, "roll-back", {"note": "Worse."},
            lambda actor: changes.roll_back_change(change_id=self.change.pk, actor=actor, reason="Worse.", at=NOW),
        )  # fmt: skip
        assert done == may
        if done:
            self.state, self.live = "rolled_back", self.before

    @rule(who=WHO, way=WAYS)
    def cancel(self, who: str, way: str) -> None:
        if not self.change or self.state == "approved":  # rarely: otherwise little ever goes live
            return
        may = self.state in OPEN and who in self.wrote | {"dora"}
        done = self._do(
            who, way, "cancel", {}, "cancel", {},
            lambda actor: changes.cancel_change(change_id=self.change.pk, actor=actor, at=NOW),
        )  # fmt: skip
        assert done == may
        self.state = "cancelled" if done else self.state

    def _do(self, who: str, way: str, word: str, body: dict, button: str, form: dict, work) -> bool:
        """Whether it was done, by the service, by a page (`button` is its word or its address) or by the API."""
        if way == "service":
            try:
                work(self.people[who])
            except ChangeRefusedError:
                return False
            return True
        client, pk = Client(), self.change.pk if self.change else 0
        if way == "page":
            client.force_login(self.people[who])
            address = button if button.startswith("/") else f"/prompts/changes/{pk}/{button}/"
            status = page_status(client.post(address, form))
        else:
            cache.clear()
            headers = {"Authorization": f"Bearer {self.tokens[who]}"}
            address = f"/api/v1/change-requests/{pk}/{word}" if word else "/api/v1/change-requests"
            status = client.post(address, body, content_type="application/json", headers=headers).status_code
        assert status in (200, 201, 403, 409, 422)
        return status < 400


def _scopes(user: User) -> list[str]:
    return ["read"] if user.role == "viewer" else ["read", "changes:write", "changes:approve"]


def test_no_run_ends_with_something_unapproved_live_or_a_lost_vote():
    Approval.applied = 0
    calm = settings(
        max_examples=25,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Approval, settings=calm)
    assert Approval.applied >= 5  # a run in which little goes live proves little
    assert not ApprovalPolicy.objects.exists()  # every example was taken back
