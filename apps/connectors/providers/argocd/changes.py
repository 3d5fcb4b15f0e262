"""Changes of what an application follows and whether it follows by itself; pure.

1. Two entries of the history that follow each other and name different Git branches, tags, paths or repositories:
   told by the history itself, so it may be read again at any time. A chart's version is the revision of its
   deployment already.
2. Automatic sync that is on now and was off at the last look, or the other way round. Argo CD tells neither when nor
   by whom, so the time is that of the look, and the identity is a count that the cursor keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.connectors.providers.argocd.deployments import Deployments
from apps.connectors.providers.argocd.normalize import App, describe_source, sources_of
from apps.connectors.records import ChangeRecord
from apps.connectors.values import optional_text


def read_changes(app: App, deployments: Deployments, *, after: int) -> list[ChangeRecord]:
    """A change for every entry of the history above `after` that follows something else than the one before it."""
    changes = []
    for before, entry in zip(app.history, app.history[1:], strict=False):
        deployment = deployments.history.get(entry["id"])
        was, now = _followed(before), _followed(entry)
        if deployment is None or entry["id"] <= after or not was or not now or was == now:
            continue
        record = ChangeRecord(
            external_id=f"{app.uid}/source/{entry['id']}",
            raw={"before": before, "after": entry},
            what="config",
            title=f"{app.component} follows another source",
            at=deployment.started_at,
            actor=deployment.deployed_by,
            detail=f"{was} → {now}"[:2000],
            component=app.component,
            environment=app.environment,
            before=was[:512],
            after=now[:512],
            url=app.url,
            labels=app.labels,
        )
        changes.append(record)
    return changes


def auto_sync_change(app: App, *, count: int, at: datetime) -> ChangeRecord:
    """Automatic sync was switched, for the `count`-th time since this source looks."""
    word, other = ("on", "off") if app.is_synced_by_itself else ("off", "on")
    return ChangeRecord(
        external_id=f"{app.uid}/auto-sync/{count}",
        raw={"metadata": app.item.get("metadata"), "spec": app.item.get("spec")},
        what="config",
        title=f"Automatic sync of {app.component} was switched {word}",
        at=at,
        component=app.component,
        environment=app.environment,
        before=other,
        after=word,
        url=app.url,
        labels=app.labels,
    )


def _followed(entry: Mapping[str, Any]) -> str:
    """What the Git sources of an entry follow, in words."""
    return "; ".join(describe_source(source) for source in sources_of(entry) if not optional_text(source, "chart"))
