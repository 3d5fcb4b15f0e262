"""What is read of every Kubernetes object: its identity, its place, its images, and what of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from apps.connectors.pruning import Shape, leaves, prune
from apps.connectors.records import Kind, Rejected
from apps.connectors.values import (
    UnreadableError,
    as_labels,
    as_object,
    first_line,
    from_iso,
    list_or_empty,
    object_or_empty,
    optional_iso,
    optional_text,
    reject,
    required_text,
    safe_url,
)

REVISION = "deployment.kubernetes.io/revision"
REVISIONS_BEFORE = "deployment.kubernetes.io/revision-history"
CHANGE_CAUSE = "kubernetes.io/change-cause"
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
SCHEDULED_FOR = "batch.kubernetes.io/cronjob-scheduled-timestamp"
INSTANTIATED = "cronjob.kubernetes.io/instantiate"
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"

# Environment variables, arguments and the last applied configuration stay out: passwords are sometimes written there.
_METADATA = {
    **leaves("name", "namespace", "uid", "labels", "creationTimestamp", "resourceVersion", "generation"),
    "generateName": None,
    "ownerReferences": leaves("kind", "name", "uid", "controller"),
    "annotations": leaves(REVISION, REVISIONS_BEFORE, CHANGE_CAUSE, TEMPLATE_GENERATION, SCHEDULED_FOR, INSTANTIATED),
}
_TEMPLATE = {
    "metadata": {"annotations": leaves(_DEFAULT_CONTAINER)},
    "spec": {"containers": leaves("name", "image")},
}
_CONTAINER_STATUS = leaves("name", "ready", "restartCount", "state", "lastState")
WORKLOAD: Shape = {
    "metadata": _METADATA,
    "spec": {**leaves("replicas", "paused", "selector", "updateStrategy"), "template": _TEMPLATE},
    "status": None,
}
PAST: Shape = {
    "metadata": _METADATA,
    "spec": {"template": _TEMPLATE},
    "revision": None,
    "data": {"spec": {"template": _TEMPLATE}},
}
CRON_JOB: Shape = {
    "metadata": _METADATA,
    "spec": leaves("schedule", "timeZone", "suspend", "concurrencyPolicy"),
    "status": None,
}
JOB: Shape = {
    "metadata": _METADATA,
    "spec": {**leaves("completions", "parallelism", "backoffLimit", "suspend"), "template": _TEMPLATE},
    "status": None,
}
POD: Shape = {
    "metadata": _METADATA,
    "status": {
        **leaves("phase", "reason", "message", "conditions"),
        "containerStatuses": _CONTAINER_STATUS,
        "initContainerStatuses": _CONTAINER_STATUS,
    },
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How this source is read.

    `environment_from`: none, namespace or label. `is_qualified`: names need their namespace to be unique.
    `page`: the address of an object's page with {namespace}, {kind} and {name}, or "".
    """

    environment_from: str = "none"
    environment_label: str = ""
    is_qualified: bool = False
    page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One object. `kind` is lowercase (deployment, cronjob …), `component` its name in the portal."""

    kind: str
    uid: str
    name: str
    namespace: str
    component: str
    environment: str
    version: str  # resourceVersion
    created_at: datetime
    url: str
    labels: Mapping[str, str]
    item: Mapping[str, Any]

    @property
    def spec(self) -> Mapping[str, Any]:
        """What is wanted."""
        return object_or_empty(self.item.get("spec"))

    @property
    def status(self) -> Mapping[str, Any]:
        """What is."""
        return object_or_empty(self.item.get("status"))

    def annotation(self, name: str) -> str:
        """One of the annotations that are kept, or ""."""
        return annotation(self.item, name)

    @property
    def owner(self) -> Mapping[str, Any]:
        """The object that controls this one, or {}."""
        return owner_of(self.item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a status. `is_true` is None when it is there but unknown."""

    is_true: bool | None
    reason: str
    message: str
    changed_at: datetime | None
    updated_at: datetime | None


def read_things(
    items: Sequence[Any], kind: str, shape: Shape, reading: Reading, *, rejected_as: Kind
) -> tuple[list[Thing], list[Rejected]]:
    """Objects in a stable order, and those that show no identity."""

    def read(item: Mapping[str, Any]) -> Thing:
        return _thing(item, kind, reading)

    things, rejected = read_pruned(items, read, shape, rejected_as=rejected_as)
    return sorted(things, key=lambda thing: (thing.namespace, thing.name, thing.uid)), rejected


def read_pruned(
    items: Sequence[Any], read: Callable[[Mapping[str, Any]], T], shape: Shape, *, rejected_as: Kind
) -> tuple[list[T], list[Rejected]]:
    """Like read_items, but only what `shape` keeps is ever seen or stored."""
    found: list[T] = []
    rejected: list[Rejected] = []
    for whole in items:
        item = prune(whole, shape)
        try:
            found.append(read(as_object(item)))
        except UnreadableError as error:
            metadata = object_or_empty(object_or_empty(item).get("metadata"))
            name = optional_text(metadata, "uid") or optional_text(metadata, "name")
            rejected.append(replace(reject(item, kind=rejected_as, id_key="uid", error=error), external_id=name))
    return found, rejected


def _thing(item: Mapping[str, Any], kind: str, reading: Reading) -> Thing:
    metadata = object_or_empty(item.get("metadata"))
    name, namespace = required_text(metadata, "name"), required_text(metadata, "namespace")
    own = as_labels(metadata.get("labels"))
    environment = ""
    if reading.environment_from == "namespace":
        environment = namespace
    elif reading.environment_from == "label":
        environment = own.get(reading.environment_label, "")
    if reading.environment_from != "none":
        own.pop("environment", None)
    return Thing(
        kind=kind,
        uid=required_text(metadata, "uid"),
        name=name,
        namespace=namespace,
        component=f"{namespace}/{name}" if reading.is_qualified else name,
        environment=environment,
        version=optional_text(metadata, "resourceVersion"),
        created_at=from_iso(metadata.get("creationTimestamp")),
        url=page_url(reading.page, namespace=namespace, kind=kind, name=name),
        labels={**own, "namespace": namespace, "workload": kind},
        item=item,
    )


def page_url(page: str, **names: str) -> str:
    """The address of an object's page; "" when the source has no pages."""
    for name, value in names.items():
        page = page.replace(f"{{{name}}}", quote(value, safe=""))
    return safe_url(page)


def conditions_of(status: Mapping[str, Any]) -> dict[str, Condition]:
    """type -> condition; the last of a type wins."""
    found = {}
    for entry in map(object_or_empty, list_or_empty(status.get("conditions"))):
        changed_at = time_or_none(entry.get("lastTransitionTime"))
        found[optional_text(entry, "type")] = Condition(
            is_true={"True": True, "False": False}.get(optional_text(entry, "status")),
            reason=optional_text(entry, "reason"),
            message=first_line(entry.get("message")),
            changed_at=changed_at,
            updated_at=time_or_none(entry.get("lastUpdateTime")) or changed_at,
        )
    return found


def annotation(item: Mapping[str, Any], name: str) -> str:
    """An annotation of an object as JSON, or ""."""
    annotations = object_or_empty(object_or_empty(item.get("metadata")).get("annotations"))
    return optional_text(annotations, name)


def owner_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The owner reference of the object that controls this one, or {}."""
    references = list_or_empty(object_or_empty(item.get("metadata")).get("ownerReferences"))
    return next((entry for entry in map(object_or_empty, references) if entry.get("controller") is True), {})


def time_or_none(value: Any) -> datetime | None:
    """A time, or None for nothing and for what is none."""
    try:
        return optional_iso(value)
    except UnreadableError:
        return None


def count(values: Mapping[str, Any], name: str, *, default: int = 0) -> int:
    """A count; Kubernetes leaves out those that are 0."""
    value = values.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def selector_text(spec: Mapping[str, Any]) -> str:
    """The label selector of a workload as a query wants it; "" when it has none that can be written."""
    selector = object_or_empty(spec.get("selector"))
    parts = [f"{name}={value}" for name, value in sorted(as_labels(selector.get("matchLabels")).items())]
    for rule in map(object_or_empty, list_or_empty(selector.get("matchExpressions"))):
        key, operator = optional_text(rule, "key"), optional_text(rule, "operator")
        values = ",".join(value for value in list_or_empty(rule.get("values")) if isinstance(value, str))
        written = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }.get(operator)
        if written is None:
            return ""
        parts.append(written)
    return ",".join(parts)


def images_of(template: Any, *, name: str) -> tuple[str, dict[str, str]]:
    """(revision, labels `container`, `image` and `images`) of a pod template; raises UnreadableError without an image.

    The main container is the one that kubectl takes by default, or the one called like the workload, or the first.
    """
    pod = object_or_empty(template)
    containers = [
        (optional_text(entry, "name"), optional_text(entry, "image"))
        for entry in map(object_or_empty, list_or_empty(object_or_empty(pod.get("spec")).get("containers")))
    ]
    containers = [(container, image) for container, image in containers if image]
    if not containers:
        raise UnreadableError("no container has an image")
    by_name = dict(reversed(containers))
    wanted = annotation(pod, _DEFAULT_CONTAINER)
    main = next((one for one in (wanted, name) if one in by_name), containers[0][0])
    labels = {"container": main, "image": by_name[main]}
    if len(containers) > 1:
        labels["images"] = ", ".join(image for _, image in containers)[:512]
    return revision_of(by_name[main]), {name: value for name, value in labels.items() if value}


def revision_of(image: str) -> str:
    """The tag of an image, or the start of its digest when the tag says nothing."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if digest and tag in ("", "latest"):
        return digest[: len("sha256:") + 12]
    return (tag or "latest")[:300]
