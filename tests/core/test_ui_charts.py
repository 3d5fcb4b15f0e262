"""Server-drawn charts: honest about holes, safe with hostile names."""

from __future__ import annotations

import base64
import json
import math
import re
from array import array
from datetime import UTC, datetime
from html import unescape
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.ui import sampling
from apps.core.ui.chart_marks import badges, letters
from apps.core.ui.chart_page import line_chart
from apps.core.ui.chart_svg import svg
from apps.core.ui.charts import Band, Limit, Line, LineChart, Mark
from apps.core.ui.figures import plotly_figure
from apps.core.ui.formats import DAY, HOUR, MINUTE
from apps.core.ui.plotly_page import maplibre_style_id, package_data
from apps.core.ui.ticks import time_ticks, value_ticks

EVIL = '<img src=x onerror="alert(1)">&{{'
START = datetime(2026, 11, 23, 10, 24, tzinfo=UTC).timestamp()
SAMPLES = [(START + step * 5 * MINUTE, 1.5 + math.sin(step / 9)) for step in range(289)]


def chart(lines: list[Line], **changes: object) -> LineChart:
    defaults: dict = {"id": "c", "title": "Wait", "description": "As it was.", "start": START, "end": START + DAY}
    return LineChart(lines=lines, **{**defaults, "unit": "s", **changes})


def paths(drawn: str, css: str) -> list[str]:
    return re.findall(rf'<path class="{css}" d="([^"]+)"', drawn)


def test_a_hole_in_the_samples_is_a_hole_in_the_line_and_in_the_area() -> None:
    holed = [(at, value) for at, value in SAMPLES if not START + 6 * HOUR < at < START + 8 * HOUR]
    drawn = line_chart(chart([Line("Now", holed)]))
    assert paths(drawn, "s1")[0].count("M") == 2
    assert len(paths(drawn, "area")) == 2


def test_an_absent_value_is_a_hole_and_a_lone_one_a_dot() -> None:
    drawn = line_chart(chart([Line("Now", [(START, 1), (START + 60, None), (START + 120, 2), (START + 180, None)])]))
    assert paths(drawn, "s1")[0].count("M") == 2
    assert "h0" in paths(drawn, "s1")[0]


def test_one_late_sample_is_no_hole() -> None:
    late = [(at + (0.4 * 5 * MINUTE if index == 50 else 0), value) for index, (at, value) in enumerate(SAMPLES)]
    assert len(Line("Now", late).runs) == 1


def test_no_samples_is_said_and_never_drawn_as_zero() -> None:
    drawn = line_chart(chart([Line("Now", []), Line("Before", [(START, None)], "previous")]))
    assert "No data in this window." in drawn
    assert not paths(drawn, "s1")


def test_hostile_names_stay_text() -> None:
    drawn = line_chart(
        chart(
            [Line(EVIL, SAMPLES)],
            id=EVIL,
            title=EVIL,
            description=EVIL,
            unit=EVIL,
            marks=[Mark(START + HOUR, "prompt", EVIL, f'javascript:"{EVIL}')],
            bands=[Band(START, START + HOUR, EVIL)],
            limits=[Limit(2, EVIL)],
            sync=EVIL,
        )
    )
    assert "<img" not in drawn
    assert "<script" not in drawn
    ElementTree.fromstring(f"<div>{drawn}</div>")


def test_the_drawing_is_well_formed_and_has_no_inline_style() -> None:
    drawn = line_chart(chart([Line("Now", SAMPLES), Line("Then", SAMPLES, "previous")], limits=[Limit(3, "3 s")]))
    assert "style=" not in drawn
    assert "nan" not in drawn.lower()
    ElementTree.fromstring(f"<div>{drawn}</div>")


def test_the_page_script_gets_the_same_points_with_their_units() -> None:
    drawn = line_chart(chart([Line("Now", [(START, 1.25), (START + 60, 2)])]))
    data = json.loads(unescape(re.search(r'data-points="([^"]+)"', drawn)[1]))
    assert data["a"] == START
    assert data["s"] == [{"n": "Now", "t": [0, 60], "v": ["1.25 s", "2 s"]}]


def test_the_numbers_stand_in_a_table_and_missing_hours_are_left_out() -> None:
    holed = [(at, value) for at, value in SAMPLES if at >= START + 12 * HOUR]
    drawn = line_chart(chart([Line("Now", holed)]))
    assert drawn.count("<tr>") - 1 == 13  # 12 hours and the last instant, under one head
    assert "<caption" in drawn


def test_the_earlier_period_lies_over_this_one() -> None:
    earlier = [(at - 7 * DAY, value) for at, value in SAMPLES]
    moved = Line("Last week", earlier, "previous", shift=7 * DAY)
    assert moved.runs[0][0][0] == START


def test_letters_follow_time_and_those_outside_get_none() -> None:
    marks = [
        Mark(START + 2 * HOUR, "deploy", "second"),
        Mark(START + HOUR, "prompt", "first"),
        Mark(START - 1, "config", "x"),
    ]
    assert [(one.letter, one.mark.label) for one in letters(marks, START, START + DAY)] == [
        ("A", "first"),
        ("B", "second"),
    ]


def test_the_27th_change_is_called_aa() -> None:
    marks = [Mark(START + step, "deploy", str(step)) for step in range(28)]
    assert [one.letter for one in letters(marks, START, START + DAY)][-3:] == ["Z", "AA", "AB"]


def test_changes_that_stand_too_close_share_a_badge() -> None:
    marks = [Mark(START + minutes * MINUTE, "deploy", "d") for minutes in (60, 65, 70, 600)]
    assert [badge.text for badge in badges(letters(marks, START, START + DAY))] == ["A–C", "D"]


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_value_ticks_are_round_even_and_cover_everything(low: float, span: float) -> None:
    ticks = [tick.at for tick in value_ticks(low, low + span)]
    assert ticks[0] <= low + 1e-6 * max(1, abs(low))
    assert ticks[-1] >= low + span - 1e-6 * max(1, abs(low), span)
    assert 2 <= len(ticks) <= 9


def test_times_are_round_in_the_readers_zone_across_a_clock_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 10, 24, 22, 0, tzinfo=UTC).timestamp()  # midnight in Berlin before clocks go back
    labels = [tick.label for tick in time_ticks(start, start + DAY, berlin)]
    assert labels[0] == "25 Oct"
    assert labels[1:4] == ["03:00", "06:00", "09:00"]


def test_half_hour_zones_get_round_hours_too() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    assert all(tick.label.endswith(":00") for tick in time_ticks(START, START + 6 * HOUR, kolkata))


@given(st.sampled_from([HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY]))
def test_there_are_always_a_few_ticks_and_never_too_many(span: int) -> None:
    assert 2 <= len(time_ticks(START, START + span, ZoneInfo("America/New_York"))) <= 14


def test_no_spike_disappears_when_points_are_thinned() -> None:
    values = [1.0] * 50_000
    values[31_337], values[77] = 99.0, -5.0
    kept = sampling.thin([[(float(index), value) for index, value in enumerate(values)]], 480)[0]
    assert len(kept) <= 480
    assert (31_337.0, 99.0) in kept
    assert (77.0, -5.0) in kept
    assert kept[0][0] == 0.0
    assert kept[-1][0] == 49_999.0


@given(st.lists(st.tuples(st.integers(0, 10_000), st.none() | st.floats(-5, 5)), max_size=60))
def test_runs_hold_exactly_the_values_there_are(samples: list[tuple[int, float | None]]) -> None:
    ordered = sorted(samples, key=lambda sample: sample[0])
    found = [point for stretch in sampling.runs(ordered, gap=50) for point in stretch]
    assert found == [(at, value) for at, value in ordered if value is not None]


def test_a_plotly_figure_is_one_that_plotly_accepts() -> None:
    holed = [(at, value) for at, value in SAMPLES if not START + 6 * HOUR < at < START + 8 * HOUR]
    figure = plotly_figure(
        chart(
            [Line("Now", SAMPLES), Line("Holed", holed, "second"), Line("Before", SAMPLES, "previous")],
            marks=[Mark(START + HOUR, "prompt", "v22")],
            bands=[Band(START, START + HOUR, "Incident")],
            limits=[Limit(3, "3 s")],
        )
    )
    accepted = go.Figure(figure)
    assert {trace.type for trace in accepted.data} == {"scatter"}
    by_name = {trace["name"]: trace for trace in figure["data"]}
    assert by_name["Now"]["dx"] == 5 * MINUTE * 1000
    values = array("f")
    values.frombytes(base64.b64decode(by_name["Holed"]["y"]["bdata"]))
    assert sum(math.isnan(value) for value in values) == 1
    assert len(values) == len(holed) + 1


def test_plotly_gets_the_readers_wall_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    figure = plotly_figure(chart([Line("Now", SAMPLES)], zone=berlin))
    shown = datetime.fromtimestamp(figure["data"][0]["x0"] / 1000, UTC)
    assert shown.strftime("%H:%M") == "11:24"


def test_a_clock_change_sends_every_time_instead_of_a_step() -> None:
    start = datetime(2026, 10, 24, 22, 0, tzinfo=UTC).timestamp()
    samples = [(start + step * HOUR, 1.0) for step in range(24)]
    figure = plotly_figure(chart([Line("Now", samples)], start=start, end=start + DAY, zone=ZoneInfo("Europe/Berlin")))
    assert "x0" not in figure["data"][0]


def test_plotly_gets_no_markup_out_of_names() -> None:
    figure = plotly_figure(chart([Line(EVIL, SAMPLES)], marks=[Mark(START + 1, "deploy", EVIL)]))
    assert "<" not in json.dumps(figure)


def test_the_map_style_of_the_installed_plotly_is_found() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", maplibre_style_id())
    assert (package_data() / "plotly.min.js").is_file()


@pytest.mark.parametrize(("level", "is_below"), [(1.0, False), (2.6, True)])
def test_the_label_of_a_limit_lies_on_no_line(level: float, is_below: bool) -> None:
    samples = [(60.0 * n, level) for n in range(60)]
    chart = LineChart("c", "T", "d", [Line("now", samples)], start=0, end=3600, limits=[Limit(2.5, "Our promise")])
    [label] = re.findall(r'<text class="limit-label"[^>]*dy="(-?\d+)"', svg(chart))
    assert (int(label) > 0) is is_below


def test_a_label_without_a_free_place_stands_in_the_legend_alone() -> None:
    samples = [(60.0 * n, 2.4 if n % 2 else 2.6) for n in range(60)]
    lines = [Line("now", samples)]
    chart = LineChart("c", "T", "d", lines, start=0, end=3600, limits=[Limit(2.5, "Our promise")], from_zero=False)
    assert "limit-label" not in svg(chart)
    assert "Our promise" in line_chart(chart)
