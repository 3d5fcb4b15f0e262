"""Versions written here go out once to the system that keeps the prompt, and conflicts wait for a decision."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEntry
from apps.connectors import registry
from apps.connectors.base import Connector, Probe
from apps.connectors.errors import ErrorClass, SourceError, check_base
from apps.connectors.records import Batch, Kind, WriteVersion
from apps.events.models import Event
from apps.events.services import record_events
from apps.prompts import services
from apps.prompts.models import Prompt, PromptConflict, PromptVersion, VersionPush
from apps.prompts.services.change_requests import (
    ChangeConflictError,
    ChangeInvalidError,
    ChangeNotAllowedError,
    approve_change,
)
from apps.prompts.services.upstream import claim_versions
from apps.prompts.status import ConflictPolicy, Truth
from apps.prompts.writing import Wording
from apps.sources.mapping import Mapper
from apps.sync import writing
from apps.sync.tasks import push_label_moves
from opsportal.waiting import waiting_tasks
from tests.factories import make_source
from tests.prompts.changes.steps import make_policy, propose
from tests.prompts.changes.test_races import at_once, refusals
from tests.prompts.records import a_prompt, a_version

pytestmark = pytest.mark.django_db


class Registry(Connector):
    """A registry of prompts in memory."""

    key: ClassVar[str] = "registry"
    name: ClassVar[str] = "Registry"
    summary: ClassVar[str] = "For tests."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PROMPT})
    fields: ClassVar[tuple[Any, ...]] = ()
    writes_versions: ClassVar[bool] = True
    there: ClassVar[list[dict[str, Any]]] = []
    failure: ClassVar[SourceError | None] = None
    loses_answers: ClassVar[bool] = False

    async def probe(self) -> Probe:
        return Probe(sentence="It answers.")

    async def fetch(self, cursor: Any) -> Batch:
        return Batch(records=(), cursor={})

    async def write(self, version: WriteVersion) -> None:
        if self.failure is not None:
            raise self.failure
        if any(version.marker in told["commit_message"] for told in self.there):
            return
        check_base(now=len(self.there), expected=version.base_number)
        self.there.append({"template": version.template, "commit_message": version.commit_message})
        if self.loses_answers:
            raise SourceError(ErrorClass.TIMEOUT, "No answer.")


@pytest.fixture
def there(monkeypatch) -> type[Registry]:
    monkeypatch.setattr(Registry, "there", [{"template": f"Take {n}.", "commit_message": ""} for n in (1, 2)])
    monkeypatch.setattr(Registry, "failure", None)
    monkeypatch.setattr(Registry, "loses_answers", False)
    monkeypatch.setattr(registry, "CONNECTORS", {**registry.CONNECTORS, "registry": Registry})
    return Registry


@pytest.fixture
def prompt(there) -> Prompt:
    source = make_source(slug="registry", name="Registry", connector="registry")
    services.upsert_prompts(source=source, records=[a_prompt()], mapper=Mapper(source), at=timezone.now())
    made = Prompt.objects.get()
    poll(made)
    return Prompt.objects.get()


def poll(prompt: Prompt) -> None:
    """What the registry has, as a poll stores it."""
    told = [
        a_version(
            number, prompt_external_id=prompt.external_id, messages=(), model_config={}, response_format=None, **said
        )
        for number, said in enumerate(Registry.there, 1)
    ]
    with transaction.atomic():
        stored = services.upsert_versions(source=prompt.source, records=told, at=timezone.now())
        assert not stored.rejected, stored.rejected
        record_events(events=stored.events)


def owned(prompt: Prompt, actor: Any, policy: ConflictPolicy = ConflictPolicy.PERSON) -> Prompt:
    return services.set_truth(prompt=prompt, truth=Truth.PORTAL, on_conflict=policy, actor=actor, at=timezone.now())


def write(prompt: Prompt, actor: Any, text: str = "Mine.") -> VersionPush:
    how = {"prompt": prompt, "actor": actor, "at": timezone.now(), "commit_message": "Shorter"}
    return services.write_upstream(wording=Wording(template=text), **how)


def send(minutes: float = 0) -> str:
    return writing.write_versions(at=timezone.now() + timedelta(minutes=minutes))


def kinds() -> list[str]:
    rows = Event.objects.filter(kind__regex="^prompts:(truth|version|conflict):").exclude(
        kind="prompts:version:created"
    )
    return list(rows.order_by("id").values_list("kind", flat=True))


def test_what_is_written_here_arrives_once_and_keeps_its_author(prompt, there, author):
    owned(prompt, author)
    push = write(prompt, author)
    assert waiting_tasks(at=timezone.now()) == [push_label_moves.name]
    assert send() == "1 of 1 versions were written"
    assert send() == "no version is due"
    poll(prompt)
    poll(prompt)
    version = PromptVersion.objects.get(number=3)
    push.refresh_from_db()
    assert (version.template, version.written_by, push.state, push.version) == ("Mine.", author, "pushed", version)
    assert len(there.there) == 3
    assert not PromptConflict.objects.exists()
    assert kinds() == ["prompts:truth:changed", "prompts:version:sent", "prompts:version:arrived"]
    assert AuditEntry.objects.filter(action="prompt:write-upstream").get().actor == author


def test_who_wrote_it_here_cannot_approve_it(prompt, there, admin, author):
    owned(prompt, admin)
    write(prompt, admin)
    send()
    poll(prompt)
    make_policy(minimum_approvals=1)
    change = propose(prompt, author, 3, at=timezone.now())
    with pytest.raises(ChangeNotAllowedError):
        approve_change(change_id=change.pk, seen_hash=change.current.content_hash, actor=admin, at=timezone.now())


def test_a_lost_answer_writes_nothing_twice(prompt, there, author):
    owned(prompt, author)
    write(prompt, author)
    there.loses_answers = True
    assert send() == "0 of 1 versions were written"
    assert VersionPush.objects.get().state == "failed"
    there.loses_answers = False
    assert send(5) == "1 of 1 versions were written"
    assert len(there.there) == 3


def test_a_poll_that_brings_it_first_ends_the_push(prompt, there, author):
    owned(prompt, author)
    write(prompt, author)
    there.loses_answers = True
    send()
    poll(prompt)
    assert VersionPush.objects.get().state == "pushed"
    assert send(60) == "no version is due"


def test_both_sides_new_is_a_conflict_that_a_person_decides(prompt, there, author, outsider):
    owned(prompt, author)
    write(prompt, author)
    there.there.append({"template": "Theirs.", "commit_message": "By hand"})
    send()
    assert "newest version is 3 there now, not 2" in VersionPush.objects.get().error
    poll(prompt)
    conflict = PromptConflict.objects.get()
    assert (conflict.state, conflict.theirs.number) == ("open", 3)
    assert waiting_tasks(at=timezone.now() + timedelta(hours=1)) == [], "what is in a conflict waits for a decision"
    assert send(60) == "no version is due", "it waits"
    there.there.append({"template": "Theirs again.", "commit_message": "By hand"})
    poll(prompt)
    conflict.refresh_from_db()
    assert conflict.theirs.number == 4
    decide = {"conflict_id": conflict.pk, "keeps": Truth.PORTAL, "at": timezone.now()}
    with pytest.raises(ChangeNotAllowedError):
        services.resolve_conflict(actor=outsider, reason="x", **decide)
    with pytest.raises(ChangeInvalidError):
        services.resolve_conflict(actor=author, reason=" ", **decide)
    services.resolve_conflict(actor=author, reason="Agreed with them.", **decide)
    with pytest.raises(ChangeConflictError, match="over already"):
        services.resolve_conflict(actor=author, reason="x", **decide)
    assert send(60) == "1 of 1 versions were written"
    poll(prompt)
    assert PromptVersion.objects.get(number=5).template == "Mine."
    assert kinds()[2:] == ["prompts:conflict:found", "prompts:conflict:resolved", "prompts:version:arrived"]


def test_keeping_theirs_gives_ours_up(prompt, there, author):
    owned(prompt, author)
    write(prompt, author)
    there.there.append({"template": "Theirs.", "commit_message": ""})
    poll(prompt)
    with pytest.raises(ChangeConflictError, match="decide which"):
        services.take_back(prompt_id=prompt.pk, actor=author, at=timezone.now())
    conflict = PromptConflict.objects.get()
    services.resolve_conflict(
        conflict_id=conflict.pk, keeps=Truth.UPSTREAM, actor=author, reason="Better.", at=timezone.now()
    )
    assert VersionPush.objects.get().state == "void"
    assert send(60) == "no version is due"


@pytest.mark.parametrize(
    ("policy", "state", "sent"),
    [(ConflictPolicy.PORTAL, "kept_portal", 4), (ConflictPolicy.UPSTREAM, "kept_upstream", 3)],
)
def test_a_rule_decides_where_a_prompt_has_one(prompt, there, author, policy, state, sent):
    owned(prompt, author, policy)
    write(prompt, author)
    there.there.append({"template": "Theirs.", "commit_message": ""})
    poll(prompt)
    conflict = PromptConflict.objects.get()
    assert (conflict.state, conflict.ended_by) == (state, None)
    assert "rule of the prompt" in conflict.reason
    send(60)
    assert len(there.there) == sent


def test_a_new_version_there_alone_is_no_conflict(prompt, there, author):
    owned(prompt, author)
    there.there.append({"template": "Theirs.", "commit_message": ""})
    poll(prompt)
    assert not PromptConflict.objects.exists()
    write(prompt, author)
    assert VersionPush.objects.get().base_number == 3


def test_the_portal_only_reads_what_it_is_not_the_truth_of(prompt, there, author, outsider):
    with pytest.raises(ChangeConflictError, match="is the truth"):
        write(prompt, author)
    with pytest.raises(ChangeNotAllowedError):
        owned(prompt, outsider)
    owned(prompt, author)
    write(prompt, author)
    with pytest.raises(ChangeConflictError, match="Another version"):
        write(prompt, author, "More.")
    with pytest.raises(ChangeConflictError, match="on its way"):
        services.set_truth(
            prompt=prompt, truth=Truth.UPSTREAM, on_conflict=ConflictPolicy.PERSON, actor=author, at=timezone.now()
        )
    services.take_back(prompt_id=prompt.pk, actor=author, at=timezone.now())
    with pytest.raises(ChangeConflictError):
        services.take_back(prompt_id=prompt.pk, actor=author, at=timezone.now())
    with pytest.raises(ChangeConflictError, match="exactly the same"):
        write(prompt, author, "Take 2.")
    with pytest.raises(services.FoundSomethingError):
        write(prompt, author, "Write to tomas@fernway.io.")


def test_trouble_that_stays_is_given_up_and_told(prompt, there, author):
    owned(prompt, author)
    write(prompt, author)
    there.failure = SourceError(ErrorClass.AUTH, "The key may only read.")
    send()
    push = VersionPush.objects.get()
    assert (push.state, push.error) == ("abandoned", "The key may only read.")
    assert Event.objects.get(kind="prompts:version:not-sent").tone == "bad"


def test_a_paused_source_and_one_that_cannot_write_say_so(prompt, there, author, monkeypatch):
    owned(prompt, author)
    write(prompt, author)
    prompt.source.is_enabled = False
    prompt.source.save()
    send()
    assert "paused" in VersionPush.objects.get().error
    prompt.source.is_enabled = True
    prompt.source.save()
    monkeypatch.setattr(Registry, "writes_versions", False)
    send(5)
    assert VersionPush.objects.get().state == "abandoned"


def test_a_claim_that_lapsed_is_taken_again_and_the_old_one_says_nothing(prompt, there, author):
    owned(prompt, author)
    write(prompt, author)
    at = timezone.now()
    (old,) = claim_versions(at=at)
    assert claim_versions(at=at) == []
    (new,) = claim_versions(at=at + timedelta(minutes=3))
    assert services.upstream.mark_written(claimed=old, at=at) is False
    assert services.upstream.mark_written(claimed=new, at=at) is True


@pytest.mark.django_db(transaction=True)
def test_two_decisions_at_once_are_one(transactional_db, prompt, there, author):
    owned(prompt, author)
    write(prompt, author)
    there.there.append({"template": "Theirs.", "commit_message": ""})
    poll(prompt)
    pk, at = PromptConflict.objects.get().pk, timezone.now()

    def decide(keeps: Truth) -> Any:
        return services.resolve_conflict(conflict_id=pk, keeps=keeps, actor=author, reason="x", at=at)

    assert refusals(at_once(lambda: decide(Truth.PORTAL), lambda: decide(Truth.UPSTREAM))) == 1


def test_pages_write_decide_and_refuse(prompt, there, author, outsider, signed_in):
    client = signed_in(author)
    truth = reverse("prompts:truth-change", args=[prompt.pk])
    version = reverse("prompts:version-write", args=[prompt.pk])
    assert client.get(version).status_code == 404
    assert client.post(truth, {"truth": "portal", "on_conflict": "nobody"}).status_code == 422
    assert client.post(truth, {"truth": "portal", "on_conflict": "person"}).status_code == 302
    told = {"kind": "text", "text": "Mine, today.", "commit_message": "Shorter"}
    page = client.post(version, told, follow=True).content.decode()
    assert "It is on its way to Registry" in page
    assert "Take it back" in page
    there.there.append({"template": "Theirs.", "commit_message": ""})
    poll(prompt)
    page = client.get(prompt.get_absolute_url()).content.decode()
    assert "Both sides have a new version after v2" in page
    assert "Theirs" in page
    listed = client.get(reverse("prompts:prompt-list") + "?conflict=1").content.decode()
    assert "Conflict" in listed
    card = reverse("prompts:prompt-conflict", args=[prompt.pk])
    decide = reverse("prompts:conflict-resolve", args=[PromptConflict.objects.get().pk])
    assert client.post(card).status_code == 405
    assert client.get(decide).status_code == 405
    assert "nothing was done" in client.post(decide, {"keeps": "portal"}, follow=True).content.decode()
    viewer = signed_in(outsider)
    for url in (truth, decide, reverse("prompts:version-take-back", args=[prompt.pk])):
        assert viewer.post(url, {"keeps": "portal", "reason": "x"}).status_code == 403
    assert "An engineer decides" in viewer.get(card).content.decode()
    client = signed_in(author)
    assert "Decided." in client.post(decide, {"keeps": "upstream", "reason": "Better."}, follow=True).content.decode()
    assert "over already" in client.post(decide, {"keeps": "portal", "reason": "x"}, follow=True).content.decode()
    assert client.get(reverse("prompts:version-take-back", args=[prompt.pk])).status_code == 405
