"""Families as nearly every exporter writes them in the classic format, read with one pattern a line: pure.

The library's parser looks at every character. It stays the reference: whatever it might read otherwise (escapes,
quoted names, blanks, exemplars, names of another family) is not plain and is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from prometheus_client import Metric
from prometheus_client.samples import Sample

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'(?!__)[a-zA-Z_][a-zA-Z0-9_]*="[^"\\]*"'
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|Inf|NaN)"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? ({_NUMBER})(?: (-?[0-9]{{1,16}}))?")
_PAIR = re.compile(r'([a-zA-Z0-9_]+)="([^"]*)"')
_TYPE = re.compile(rf"# TYPE {_NAME} (counter|gauge|summary|histogram|untyped)")
_HELP = re.compile(rf"# HELP {_NAME}(?: .*)?")
_UNTYPED = "untyped"
_SUFFIXES = {"summary": ("", "_count", "_sum"), "histogram": ("_bucket", "_count", "_sum")}


def read_plain(name: str, *, metadata: Sequence[str], lines: Sequence[str]) -> list[Metric] | None:
    """The family `name` as metrics without their help texts; None when it is not plain."""
    kind = _kind(metadata)
    samples = [_sample(line) for line in lines]
    if kind is None or not all(samples):
        return None
    found = [sample for sample in samples if sample is not None]
    if not metadata:
        return [_metric(sample.name, _UNTYPED, [sample]) for sample in found]
    names = {name + suffix for suffix in _SUFFIXES.get(kind, ("",))}
    if not all(sample.name in names for sample in found):
        return None
    if kind != "counter":
        return [_metric(name, kind, found)]
    if name.endswith("_total"):
        return [_metric(name.removesuffix("_total"), kind, found)] if name != "_total" else None
    return [_metric(name, kind, [sample._replace(name=f"{name}_total") for sample in found])]


def _kind(metadata: Sequence[str]) -> str | None:
    """What the metadata of one family say it is; None when they are not plain."""
    kind = _UNTYPED
    for line in metadata:
        if found := _TYPE.fullmatch(line):
            kind = found.group(1)
        elif not _HELP.fullmatch(line):
            return None
    return kind


def _sample(line: str) -> Sample | None:
    found = _SAMPLE.fullmatch(line)
    if found is None:
        return None
    name, text, value, timestamp = found.groups()
    pairs = _PAIR.findall(text) if text else []
    labels = dict(pairs)
    if len(labels) != len(pairs):
        return None
    return Sample(name, labels, float(value), None if timestamp is None else int(timestamp) / 1000)


def _metric(name: str, kind: str, samples: list[Sample]) -> Metric:
    metric = Metric(name, "", kind)
    metric.samples = samples
    return metric
