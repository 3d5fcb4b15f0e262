"""Plain families of the classic text format: read as the library's own parser reads them, or left to it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from apps.connectors.exposition.plain import read_plain
from apps.connectors.exposition.text import Family, split

KINDS = ("counter", "gauge", "summary", "histogram", "untyped")
NUMBERS = ("0", "7", "-1.5", "+2", "3.", "1e3", "2.5E-7", "NaN", "+Inf", "-Inf", "12345678901234567")
LABEL = st.tuples(st.sampled_from(("job", "le", "quantile", "_x")), st.text(st.characters(codec="utf-8"), max_size=6))


def sample_lines(name: str) -> st.SearchStrategy[str]:
    """Lines that belong to `name`, most of them plain."""
    labels = st.lists(LABEL, max_size=3).map(lambda pairs: ",".join(f'{key}="{value}"' for key, value in pairs))
    parts = st.tuples(
        st.sampled_from((name, f"{name}_total", f"{name}_sum", f"{name}_count", f"{name}_bucket")),
        labels.map(lambda text: f"{{{text}}}" if text else ""),
        st.sampled_from((" ", " ", " ", "  ", "\t", "")),
        st.sampled_from(NUMBERS),
        st.sampled_from(("", "", "", " 1795464773034", " -5", " x", " # {} 1")),
    )
    return parts.map("".join)


def families(name: str) -> st.SearchStrategy[str]:
    """A family with or without its metadata, now and then with a character changed."""
    kind = st.sampled_from(("", *KINDS, "info")).map(lambda kind: f"# TYPE {name} {kind}\n" if kind else "")
    told = st.sampled_from(("", f'# HELP {name} Say "it" \\n.\n', f"# HELP {name}\n", f"# UNIT {name} s\n"))
    lines = st.lists(sample_lines(name), max_size=4).map(lambda lines: "".join(f"{line}\n" for line in lines))
    return st.tuples(told, kind, lines).map("".join)


def as_told(metrics: list[Metric]) -> list[Any]:
    """Everything of the metrics but their help; NaN as a word, so that it equals itself."""

    def number(value: float | None) -> float | str | None:
        return None if value is None else "NaN" if math.isnan(value) else float(value)

    return [
        (metric.name, metric.type, [(s.name, s.labels, number(s.value), number(s.timestamp)) for s in metric.samples])
        for metric in metrics
    ]


def read_by_the_library(family: Family) -> list[Metric] | None:
    """What the reference reads; None when it refuses."""
    try:
        return list(text_string_to_metric_families("\n".join([*family.metadata, *family.samples]) + "\n"))
    except ValueError:
        return None


@given(st.sampled_from(("load", "x_total", "_total", "a:b")).flatmap(families))
@example('# TYPE load gauge\nload{job="a"} 1\n')
@example('# TYPE x_total counter\nx_total{job="a",job="b"} 1\n')
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_plain_family_is_read_as_the_library_reads_it(text: str) -> None:
    for family in split(text, is_wanted=lambda _: True)[0]:
        plain = read_plain(family.name, metadata=family.metadata, lines=family.samples)
        if plain is not None:
            expected = read_by_the_library(family)
            assert expected is not None
            assert as_told(plain) == as_told(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_what_exporters_write_is_plain(kind: str) -> None:
    name = "load_count" if kind in ("summary", "histogram") else "load"
    lines = [f'{name}{{job="a b,c}} # d",zone="eu"}} 1.5e3', f"{name} 7 1795464773034"]
    metadata = ['# HELP load The "load", of \\n one.', f"# TYPE load {kind}"]
    read = read_plain("load", metadata=metadata, lines=lines)
    assert read is not None
    assert read[0].samples[0].labels == {"job": "a b,c} # d", "zone": "eu"}
    assert read[0].samples[0].value == 1500


@pytest.mark.parametrize(
    "line",
    [
        'load{job="a\\"b"} 1',
        'load{__name__="other"} 1',
        'load{job="a",} 1',
        'load{job="a",job="b"} 1',
        'load{"job"="a"} 1',
        "load 1 # {} 2",
        "load 1_000",
        "load",
    ],
)
def test_what_is_not_plain_is_left_to_the_library(line: str) -> None:
    assert read_plain("load", metadata=["# TYPE load gauge"], lines=[line]) is None
