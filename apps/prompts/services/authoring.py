"""Prompts that the portal itself owns: a name, and versions that are checked and scanned before they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from apps.accounts.models import AuditEntry, User
from apps.accounts.services import record_audit
from apps.catalog.models import Feature
from apps.events.services import NewEvent, record_events
from apps.prompts.models import Prompt, PromptKind, PromptVersion, ScanOverride
from apps.prompts.scanning import Finding, scan
from apps.prompts.services.change_requests.locking import check_person
from apps.prompts.services.change_requests.refusals import ChangeConflictError, ChangeInvalidError
from apps.prompts.writing import Wording, complaints

Origin = AuditEntry.Origin


class FoundSomethingError(ChangeInvalidError):
    """The scan found secrets or personal data; `findings` say what, where and how to go on."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        more = " If it is a false alarm, say why and save again."
        super().__init__(" ".join(map(str, findings[:5])) + more, field="override_reason")
        self.findings = list(findings)


def create_prompt(
    *,
    name: str,
    wording: Wording,
    actor: User,
    at: datetime,
    description: str = "",
    feature: Feature | None = None,
    commit_message: str = "",
    tags: Mapping[str, str] | None = None,
    override_reason: str = "",
    origin: Origin = Origin.PAGE,
) -> PromptVersion:
    """A new prompt of the portal with its first version; the part of the name before the last slash is its folder."""
    check_person(actor=actor, action="prompt:write")
    name = name.strip().strip("/")
    if not name or len(name) > 300 or "@" in name:
        raise ChangeInvalidError("Give it a name of up to 300 characters, such as support/reply.", field="name")
    try:
        with transaction.atomic():
            prompt = Prompt.objects.create(
                external_id=name,
                name=name,
                folder=name.rpartition("/")[0],
                description=description,
                feature=feature,
                first_seen_at=at,
                last_changed_at=at,
            )
            return add_version(
                prompt=prompt,
                wording=wording,
                actor=actor,
                at=at,
                commit_message=commit_message or "First version",
                tags=tags,
                override_reason=override_reason,
                origin=origin,
            )
    except IntegrityError as error:
        if "one_prompt_an_external_id" not in str(error):
            raise
        raise ChangeConflictError(f"There is a prompt called {name} already; write a new version of it.") from None


def add_version(
    *,
    prompt: Prompt,
    wording: Wording,
    actor: User,
    at: datetime,
    commit_message: str,
    tags: Mapping[str, str] | None = None,
    override_reason: str = "",
    origin: Origin = Origin.PAGE,
) -> PromptVersion:
    """The next version of a prompt of the portal; no label moves. Raises ChangeRefusedError, FoundSomethingError."""
    check_person(actor=actor, action="prompt:write")
    if prompt.source_id is not None:
        raise ChangeConflictError(f"{prompt.source} owns this prompt; write the new version there.")
    findings = check_wording(prompt, wording, commit_message=commit_message, override_reason=override_reason)
    with transaction.atomic():
        locked = Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
        latest = PromptVersion.objects.filter(prompt=locked, number=locked.latest_number).first()
        if latest is not None and latest.content_hash == wording.hash:
            raise ChangeConflictError(f"Version {latest.number} says exactly the same.")
        version = _store(locked, wording, actor, at, commit_message, tags or {})
        ScanOverride.objects.bulk_create(
            ScanOverride(
                version=version, kind=one.kind[:60], place=one.place, reason=override_reason, user=actor, at=at
            )
            for one in findings
        )
        _tell(version, actor, at, findings, override_reason, origin)
    return version


def check_wording(prompt: Prompt, wording: Wording, *, commit_message: str, override_reason: str) -> list[Finding]:
    """What the scan found and a reason overrides; raises ChangeInvalidError for what may not be kept."""
    if not commit_message.strip():
        raise ChangeInvalidError("Say in a few words what is different.", field="commit_message")
    snippets = _about_snippets(prompt, wording) if prompt.source_id is None else []
    for field, sentence in [*complaints(wording), *snippets]:
        raise ChangeInvalidError(sentence, field=field)
    findings = list(scan(wording.parts))
    if findings and not override_reason.strip():
        raise FoundSomethingError(findings)
    return findings


def _about_snippets(prompt: Prompt, wording: Wording) -> list[tuple[str, str]]:
    names = wording.snippets
    known = set(Prompt.objects.filter(source=None, external_id__in=names).values_list("external_id", flat=True))
    told = [f"There is no prompt called {name} to take in." for name in names if name not in known]
    told += [f"{name} cannot take in itself." for name in names if name == prompt.name]
    return [("template", sentence) for sentence in told]


def _store(
    prompt: Prompt, wording: Wording, actor: User, at: datetime, commit_message: str, tags: Mapping[str, str]
) -> PromptVersion:
    number = prompt.latest_number + 1
    version = PromptVersion.objects.create(
        prompt=prompt,
        number=number,
        external_id=f"{prompt.external_id}/{number}",
        template=wording.template,
        messages=list(wording.messages),
        model_config=dict(wording.model_config),
        response_format=wording.response_format,
        variables=list(wording.variables),
        snippets=wording.snippets,
        content_hash=wording.hash,
        commit_message=commit_message,
        author=str(actor)[:200],
        written_by=actor,
        tags=dict(tags),
        created_at=at,
        first_seen_at=at,
    )
    prompt.latest_number, prompt.last_changed_at = number, at
    prompt.kind = PromptKind.CHAT if wording.messages else PromptKind.TEXT
    prompt.save(update_fields=["latest_number", "last_changed_at", "kind"])
    return version


def _tell(
    version: PromptVersion, actor: User, at: datetime, findings: Sequence[Finding], reason: str, origin: Origin
) -> None:
    prompt = version.prompt
    event = NewEvent(
        kind="prompts:version:created",
        at=at,
        title=f"{prompt.name[:150]} prompt: v{version.number} was written",
        detail=version.commit_message,
        actor=str(actor)[:150],
        feature_id=prompt.feature_id,
        component_id=prompt.component_id,
        subject_kind="prompt_version",
        subject_id=version.pk,
        dedupe_key=f"prompt-version:{version.pk}",
        data={"prompt_id": prompt.pk, "number": version.number},
        topics=(prompt.topic, "prompts"),
    )
    record_events(events=[event])
    after = {"number": version.number, "hash": version.content_hash, "overridden": [str(one) for one in findings]}
    record_audit(
        actor=actor,
        action="prompt:write",
        subject=version,
        after=after,
        reason=reason if findings else "",
        origin=origin,
    )
