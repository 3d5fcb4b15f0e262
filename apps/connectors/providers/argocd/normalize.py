"""One Argo CD application as its server describes it: who it is, where it runs, and what of it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from apps.connectors.pruning import leaves, prune
from apps.connectors.records import Kind, Rejected
from apps.connectors.values import (
    UnreadableError,
    as_labels,
    as_object,
    list_or_empty,
    object_or_empty,
    optional_text,
    reject,
    required_text,
)

MAX_REVISION = 300  # characters
SHORT = 12  # of a commit, where several must fit
IN_CLUSTER = "https://kubernetes.default.svc"

# Values, parameters and plugin settings stay out: passwords are sometimes written there.
_SOURCE = leaves("repoURL", "path", "chart", "targetRevision", "ref", "name")
_SYNC = {
    **leaves("revision", "revisions", "dryRun"),
    "resources": leaves("kind", "name", "namespace"),
    "source": _SOURCE,
    "sources": _SOURCE,
}
_RESULT = {**leaves("revision", "revisions"), "source": _SOURCE, "sources": _SOURCE}
_OPERATION = {
    **leaves("phase", "message", "startedAt", "finishedAt", "retryCount"),
    "operation": {"initiatedBy": None, "sync": _SYNC},
    "syncResult": _RESULT,
}
_SHAPE = {
    "metadata": leaves("name", "namespace", "uid", "labels", "creationTimestamp", "resourceVersion"),
    "spec": {
        **leaves("project", "destination"),
        "source": _SOURCE,
        "sources": _SOURCE,
        "syncPolicy": {"automated": None},
    },
    "status": {
        **leaves("health", "conditions", "controllerNamespace", "reconciledAt"),
        "sync": leaves("status", "revision", "revisions"),
        "summary": leaves("images"),
        "history": {**leaves("id", "deployStartedAt", "deployedAt", "initiatedBy"), **_RESULT},
        "operationState": _OPERATION,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How this source is read: where its pages are, and what names the environment (and for a label, which)."""

    ui: str
    environment_from: str = "none"  # none, namespace, cluster, project, label
    environment_label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One application. `component` is its name, with its namespace before it outside Argo CD's own."""

    uid: str
    component: str
    environment: str
    url: str
    labels: Mapping[str, str]
    item: Mapping[str, Any]

    @property
    def status(self) -> Mapping[str, Any]:
        """What the controller found out about it."""
        return object_or_empty(self.item.get("status"))

    @property
    def history(self) -> list[Mapping[str, Any]]:
        """Its syncs that went through, oldest first; entries without a number are left out."""
        entries = map(object_or_empty, list_or_empty(self.status.get("history")))
        return sorted((entry for entry in entries if _has_number(entry)), key=lambda entry: entry["id"])

    @property
    def images(self) -> str:
        """The images that run now, as one text."""
        images = list_or_empty(object_or_empty(self.status.get("summary")).get("images"))
        return ", ".join(sorted(image for image in images if isinstance(image, str)))[:512]

    @property
    def is_synced_by_itself(self) -> bool:
        """Whether automatic sync is on."""
        automated = object_or_empty(object_or_empty(self.item.get("spec")).get("syncPolicy")).get("automated")
        return isinstance(automated, Mapping) and automated.get("enabled") is not False


def read_apps(items: Sequence[Any], reading: Reading) -> tuple[list[App], list[Rejected]]:
    """Applications in a stable order, and those that show no identity."""
    apps: list[App] = []
    rejected: list[Rejected] = []
    for whole in items:
        item = prune(whole, _SHAPE)
        try:
            apps.append(_app(as_object(item), reading))
        except UnreadableError as error:
            name = optional_text(object_or_empty(object_or_empty(item).get("metadata")), "name")
            rejected.append(replace(reject(item, kind=Kind.DEPLOYMENT, id_key="uid", error=error), external_id=name))
    return sorted(apps, key=lambda app: app.uid), rejected


def _app(item: Mapping[str, Any], reading: Reading) -> App:
    metadata = object_or_empty(item.get("metadata"))
    uid, name = required_text(metadata, "uid"), required_text(metadata, "name")
    namespace = optional_text(metadata, "namespace")
    home = optional_text(object_or_empty(item.get("status")), "controllerNamespace")
    is_elsewhere = bool(home and namespace and home != namespace)
    path = "/".join(quote(part, safe="") for part in (namespace, name) if part)
    return App(
        uid=uid,
        component=f"{namespace}/{name}" if is_elsewhere else name,
        environment=_environment(item, reading),
        url=f"{reading.ui}/applications/{path}",
        labels=_labels(item, reading),
        item=item,
    )


def _environment(item: Mapping[str, Any], reading: Reading) -> str:
    match reading.environment_from:
        case "namespace":
            return optional_text(_destination(item), "namespace")
        case "cluster":
            return _cluster(item)
        case "project":
            return _project(item)
        case "label":
            return as_labels(object_or_empty(item.get("metadata")).get("labels")).get(reading.environment_label, "")
        case _:
            return ""


def _labels(item: Mapping[str, Any], reading: Reading) -> dict[str, str]:
    """The application's own labels and its place; what the source's settings say about environments comes first."""
    own = as_labels(object_or_empty(item.get("metadata")).get("labels"))
    if reading.environment_from != "none":
        own.pop("environment", None)
    facts = {
        "project": _project(item),
        "namespace": optional_text(_destination(item), "namespace"),
        "cluster": _cluster(item),
    }
    return {**own, **{name: value for name, value in facts.items() if value}}


def _destination(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return object_or_empty(object_or_empty(item.get("spec")).get("destination"))


def _project(item: Mapping[str, Any]) -> str:
    return optional_text(object_or_empty(item.get("spec")), "project") or "default"


def _cluster(item: Mapping[str, Any]) -> str:
    destination = _destination(item)
    server = optional_text(destination, "server")
    if name := optional_text(destination, "name"):
        return name
    if server.rstrip("/") == IN_CLUSTER:
        return "in-cluster"
    try:
        return urlsplit(server).hostname or ""
    except ValueError:
        return ""


def revision_of(result: Mapping[str, Any]) -> str:
    """The revision of a sync; of several sources their revisions joined, commits shortened if there are many."""
    several = [text for text in list_or_empty(result.get("revisions")) if isinstance(text, str) and text]
    joined = " + ".join(several)
    if len(joined) > MAX_REVISION:
        joined = " + ".join(text[:SHORT] for text in several)[:MAX_REVISION]
    return joined or optional_text(result, "revision", limit=MAX_REVISION)


def sources_of(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The sources of a sync or an application, however many there are."""
    several = [source for source in map(object_or_empty, list_or_empty(result.get("sources"))) if source]
    single = object_or_empty(result.get("source"))
    return several or ([single] if single.get("repoURL") else [])


def describe_source(source: Mapping[str, Any]) -> str:
    """One source in words a person can search for: `apps/checkout of https://git.example/deploy.git at main`."""
    what = optional_text(source, "chart") or optional_text(source, "path")
    repository, target = optional_text(source, "repoURL"), optional_text(source, "targetRevision")
    text = f"{what} of {repository}" if what and what != "." else repository
    return f"{text} at {target}" if target else text


def first_time(*times: datetime | None) -> datetime | None:
    """The first of these that is known."""
    return next((at for at in times if at is not None), None)


def _has_number(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("id"), int) and not isinstance(entry.get("id"), bool)
