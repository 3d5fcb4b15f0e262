"""Writes about sources by people, each audited in its own transaction, and the workers' sign of life.

What the poller writes lies in `sync`; the two never write the same row's columns at the same time, because a change
by people takes the claim away and the poller writes only while it holds it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models.functions import Now
from django.utils.text import slugify

from apps.accounts.models import AuditEntry, User
from apps.accounts.services import differences, record_audit
from apps.catalog.models import Environment, Team
from apps.connectors.base import Scope
from apps.connectors.registry import get_connector
from apps.events import services as events
from apps.sources.models import Heartbeat, Source, SourceState
from apps.sources.rights import FIELDS as RIGHTS
from apps.sources.rights import note_rights
from apps.sources.secrets import SecretsError, decrypt_secrets, encrypt_secrets
from apps.sources.status import Circuit

RESERVED_SLUGS = frozenset({"add", "test", "telemetry", "mapping", "unmatched"})  # addresses of pages


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDraft:
    """What people decide about a source. `secrets` holds only what was entered anew; an absent one is kept."""

    name: str
    connector: str
    config: Mapping[str, Any]
    interval_seconds: int
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    allowed_networks: Sequence[str] = ()
    team: Team | None = None
    environment: Environment | None = None
    raw_kept_days: int = 30
    trusted_ca: str = ""


def create_source(*, draft: SourceDraft, actor: User | None, is_demo: bool = False) -> Source:
    """The new source, due at once if it is one that is polled."""
    with transaction.atomic():
        source = Source(slug=_free_slug(draft.name), connector=draft.connector, created_by=actor, is_demo=is_demo)
        source.is_polled = get_connector(draft.connector).is_polled
        _fill(source, draft)
        source.save()
        source.secrets = encrypt_secrets(source.pk, draft.secrets)  # bound to the id, so only now
        source.save(update_fields=["secrets"])
        SourceState.objects.create(source=source, scopes_due_at=Now())
        _audit(actor, "source:add", source, after=_audited(source, draft.secrets))
        _ring(source)
    return source


def change_source(*, source: Source, draft: SourceDraft, actor: User | None) -> Source:
    """The source as changed, due at once; a poll that is under way is superseded and writes nothing.

    Another host loses the stored secrets, so that they are never sent to a stranger. Another configuration loses the
    cursor, so that everything it asks for is read from the beginning.
    """
    with transaction.atomic():
        state = SourceState.objects.select_for_update().get(source=source)
        source = Source.objects.select_for_update().get(pk=source.pk)
        before = _audited(source, {})
        is_reconfigured = dict(draft.config) != source.config
        state.scopes_due_at = Now() if is_reconfigured or draft.secrets else state.scopes_due_at
        secrets = merged_secrets(source=source, draft=draft)
        _fill(source, draft)
        source.secrets = encrypt_secrets(source.pk, secrets)
        source.save()
        _start_over(state, forgets_cursor=is_reconfigured)
        old, new = differences(before, _audited(source, draft.secrets))
        _audit(actor, "source:change", source, before=old, after=new)
        _ring(source)
    return source


def merged_secrets(*, source: Source, draft: SourceDraft) -> dict[str, str]:
    """The secrets to use with `draft`: the stored ones if the host stays the same, and over them what was entered."""
    if hosts_of(source.config) != hosts_of(draft.config):
        return dict(draft.secrets)
    try:
        kept = decrypt_secrets(source)
    except SecretsError:
        kept = {}  # unreadable anyway; what is entered now replaces it
    return {**kept, **draft.secrets}


def hosts_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Where a configuration may send its secrets: scheme, host and port of every address in it, by setting."""
    names = sorted(name for name in {*config, "url"} if name == "url" or name.endswith("_url"))
    return {name: host for name in names if (host := _host(str(config.get(name) or ""))) or name == "url"}


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else ""


def request_poll(*, source: Source, at: datetime, actor: User | None) -> bool:
    """Make the source due at once, an open circuit or not; False when it is paused, never asked, or wants quiet."""
    with transaction.atomic():
        state = SourceState.objects.select_for_update().get(source=source)
        if not source.is_enabled or not source.is_polled or (state.not_before is not None and state.not_before > at):
            return False
        state.is_poll_requested = True
        state.next_poll_at = min(state.next_poll_at, at)
        state.save(update_fields=["is_poll_requested", "next_poll_at"])
        _audit(actor, "source:poll", source)
        _ring(source)
    return True


def set_paused(*, source: Source, is_paused: bool, actor: User | None) -> bool:
    """Stop or go on polling; False when that was so already. A resumed source is due at once."""
    with transaction.atomic():
        state = SourceState.objects.select_for_update().get(source=source)
        moved = Source.objects.filter(pk=source.pk, is_enabled=is_paused).update(is_enabled=not is_paused)
        if not moved:
            return False
        _start_over(state, forgets_cursor=False)
        action = "source:pause" if is_paused else "source:resume"
        _audit(actor, action, source, after={"is_enabled": not is_paused})
        _ring(source)
    return True


def remove_source(*, source: Source, actor: User | None) -> None:
    """Remove the source and everything that came from it; the ledger and the audit log stay."""
    with transaction.atomic():
        SourceState.objects.select_for_update().filter(source=source).first()  # no poll begins meanwhile
        _audit(actor, "source:remove", source, before=_audited(source, {}))
        _ring(source)
        source.delete()


def note_scopes(*, source: Source, scopes: Sequence[Scope], at: datetime) -> None:
    """Keep which rights a connection test of the stored settings found, and tell what has changed."""
    with transaction.atomic():
        state = SourceState.objects.select_for_update().get(source=source)
        news = note_rights(state=state, source=source, scopes=scopes, at=at)
        state.save(update_fields=RIGHTS)
        events.record_events(events=news)
        _ring(source)


def beat_heart(*, at: datetime) -> None:
    """Note that this worker is alive."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    Heartbeat.objects.bulk_create(
        [Heartbeat(worker=worker, at=at)], update_conflicts=True, unique_fields=["worker"], update_fields=["at"]
    )


def _fill(source: Source, draft: SourceDraft) -> None:
    source.name = draft.name
    source.config = dict(draft.config)
    source.interval_seconds = draft.interval_seconds
    source.allowed_networks = list(draft.allowed_networks)
    source.team, source.environment = draft.team, draft.environment
    source.raw_kept_days = draft.raw_kept_days
    source.trusted_ca = draft.trusted_ca


def _start_over(state: SourceState, *, forgets_cursor: bool) -> None:
    """Take the claim away and make the source due at once, with a clean slate for its circuit."""
    state.claim_id = state.claimed_at = state.claimed_until = None
    state.not_before = None
    state.circuit, state.circuit_opened_at = Circuit.CLOSED, None
    state.next_poll_at = Now()
    fields = ["claim_id", "claimed_at", "claimed_until", "not_before", "circuit", "circuit_opened_at", "next_poll_at"]
    fields += ["scopes_due_at"]
    if forgets_cursor:
        state.cursor, state.has_backlog = {}, False
        fields += ["cursor", "has_backlog"]
    state.save(update_fields=fields)


def _free_slug(name: str) -> str:
    base = slugify(name)[:70] or "source"
    taken = set(Source.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | RESERVED_SLUGS
    number = 2
    slug = base
    while slug in taken:
        slug, number = f"{base}-{number}", number + 1
    return slug


def _audited(source: Source, secrets: Mapping[str, str]) -> dict[str, Any]:
    """What the audit log shows of a source: of secrets only which were entered."""
    return {
        "name": source.name,
        "connector": source.connector,
        "config": source.config,
        "interval_seconds": source.interval_seconds,
        "allowed_networks": source.allowed_networks,
        "team": source.team_id,
        "environment": source.environment_id,
        "raw_kept_days": source.raw_kept_days,
        "trusted_ca": source.trusted_ca,
        **({"secrets_entered": sorted(secrets)} if secrets else {}),
    }


def _audit(
    actor: User | None,
    action: str,
    source: Source,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    origin = AuditEntry.Origin.PAGE if actor else AuditEntry.Origin.COMMAND
    record_audit(actor=actor, action=action, subject=source, before=before, after=after, origin=origin)


def _ring(source: Source) -> None:
    events.ring(topics=["sources", f"source-{source.pk}"])
