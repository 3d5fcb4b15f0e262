"""From OTLP's attributes to labels: what tells series apart, and what only tells processes apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from apps.connectors.values import MAX_LABELS, MAX_NAME

MOST_ATTRIBUTES = 128
# Names of our own labels, by the attributes that mean the same; the first that is there counts.
PLACES = {
    "feature": ("feature", "feature.name", "opsportal.feature"),
    "component": ("component", "service.name"),
    "environment": ("environment", "deployment.environment.name", "deployment.environment"),
}
_RENAMED = {name for names in PLACES.values() for name in names}
# They change with every process or version: a series goes on across them, a stream does not.
_OF_PROCESSES = ("telemetry.", "process.", "os.", "container.id", "k8s.pod.uid", "host.id", "service.version")

_STORABLE = str.maketrans({"\x00": "\ufffd"})


def read_attributes(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Names and values as text; a value that is no text, number or list of them is left out."""
    found: dict[str, str] = {}
    for attribute in attributes:
        text = _text(attribute.value)
        if attribute.key and text is not None and len(found) < MOST_ATTRIBUTES:
            found[_fit(attribute.key)] = _fit(text)
    return found


def labels_of(attributes: Mapping[str, str]) -> dict[str, str]:
    """The labels of a series, with our own names for its place."""
    places = {
        label: next((attributes[name] for name in names if attributes.get(name)), "") for label, names in PLACES.items()
    }
    kept = {
        name: value
        for name, value in attributes.items()
        if value and name not in _RENAMED and not name.startswith(_OF_PROCESSES)
    }
    room = dict(sorted(kept.items())[: MAX_LABELS - len(places)])
    return dict(sorted({**room, **{name: value for name, value in places.items() if value}}.items()))


def _text(value: AnyValue) -> str | None:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "int_value":
            return str(value.int_value)
        case "double_value":
            return f"{value.double_value:g}"
        case "array_value":
            texts = [_text(one) for one in value.array_value.values[:32] if one.WhichOneof("value") != "array_value"]
            return ",".join(text for text in texts if text is not None)
        case _:
            return None


def _fit(text: str) -> str:
    return text[:MAX_NAME].translate(_STORABLE)
