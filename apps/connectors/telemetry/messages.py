"""Protobuf messages that no package of ours brings: Prometheus remote write 1 and 2, and google.rpc.Status.

They are described here by name, number and type of their fields, after the published specifications; fields that are
not read (exemplars, native histograms) are left out and skipped by the parser.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "string": _Field.TYPE_STRING,
    "double": _Field.TYPE_DOUBLE,
    "int64": _Field.TYPE_INT64,
    "int32": _Field.TYPE_INT32,
    "uint32": _Field.TYPE_UINT32,
    "enum": _Field.TYPE_INT32,  # open enums have the same wire form
}
_ONE = {
    "WriteRequest": {1: ("timeseries", "*TimeSeries"), 3: ("metadata", "*Metadata")},
    "TimeSeries": {1: ("labels", "*Label"), 2: ("samples", "*Sample"), 4: ("histograms", "*Native")},
    "Label": {1: ("name", "string"), 2: ("value", "string")},
    "Sample": {1: ("value", "double"), 2: ("timestamp", "int64")},
    "Metadata": {1: ("type", "enum"), 2: ("metric_family_name", "string"), 5: ("unit", "string")},
    "Native": {15: ("timestamp", "int64")},
}
_TWO = {
    "Request": {4: ("symbols", "*string"), 5: ("timeseries", "*TimeSeries")},
    "TimeSeries": {
        1: ("labels_refs", "*uint32"),
        2: ("samples", "*Sample"),
        3: ("histograms", "*Native"),
        5: ("metadata", "Metadata"),
    },
    "Sample": {1: ("value", "double"), 2: ("timestamp", "int64")},
    "Metadata": {1: ("type", "enum"), 3: ("help_ref", "uint32"), 4: ("unit_ref", "uint32")},
    "Native": {15: ("timestamp", "int64")},
}
_STATUS = {"Status": {1: ("code", "int32"), 2: ("message", "string")}}


def _describe(package: str, messages: dict[str, dict[int, tuple[str, str]]]) -> dict[str, Any]:
    """The classes of a package's messages by name, in a pool of their own."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in fields.items():
            label = _Field.LABEL_REPEATED if kind.startswith("*") else _Field.LABEL_OPTIONAL
            kind = kind.lstrip("*")
            added = message.field.add(name=field, number=number, label=label)
            if kind in _TYPES:
                added.type = _TYPES[kind]
            else:
                added.type, added.type_name = _Field.TYPE_MESSAGE, f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}


WriteRequest: Any = _describe("opsportal.remote1", _ONE)["WriteRequest"]
Request: Any = _describe("opsportal.remote2", _TWO)["Request"]
Status: Any = _describe("opsportal.rpc", _STATUS)["Status"]
