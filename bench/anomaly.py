"""How well anomalies are found: planted faults in made-up series, and simple detectors beside ours in the same run.

`python -m bench.anomaly [--seed N]` prints the whole report without starting any server.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

from apps.monitors.anomaly import ALARM
from bench.anomalies.baselines import DETECTORS
from bench.anomalies.made import Array, Labelled, made_series
from bench.anomalies.scoring import Found, best, judge

if TYPE_CHECKING:
    from bench.results import Result
    from bench.stage import Stage
    from bench.timing import Options

HELD_OUT = 2  # the seed that nobody looked at while building


def measure(_stage: Stage, _options: Options) -> list[Result]:
    """Ours at its fixed alarm line against the best of the others at the threshold that suits it best."""
    from bench.results import Result

    series, scores, _seconds = _run(HELD_OUT)
    ours = judge(series, scores["ours"], ALARM)
    others = {name: best(series, scores[name]) for name in DETECTORS if name != "ours"}
    name = max(others, key=lambda other: others[other].score)
    return [
        Result(
            what="anomalies found, windowed score",
            ours=ours.score,
            against=name,
            theirs=others[name].score,
            unit="of 100",
        )
    ]


def report(seed: int) -> str:
    """Every detector in one line, then ours by fault."""
    series, scores, seconds = _run(seed)
    rows = sum(len(one.values) for one in series)
    lines = [f"{len(series)} series, {rows:,} rows, seed {seed}"]
    lines.append(f"{'detector':18}{'threshold':>10}{'score':>8}{'recall':>8}{'precision':>11}{'delay':>7}{'µs/row':>8}")
    for name in DETECTORS:
        if name == "ours":
            found = judge(series, scores[name], ALARM)
            lines.append(_line("ours, fixed", found, seconds[name] / rows))
        lines.append(_line(name, best(series, scores[name]), seconds[name] / rows))
    lines.append("ours, fixed line, by fault:")
    groups: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(series):
        groups[one.fault].append(place)
    for fault, places in groups.items():
        found = judge([series[place] for place in places], [scores["ours"][place] for place in places], ALARM)
        lines.append(_line(f"  {fault}", found, 0.0))
    return "\n".join(lines)


def _line(name: str, found: Found, seconds: float) -> str:
    delay = f"{median(found.delays):.0f}" if found.delays else "-"
    return (
        f"{name:18}{found.threshold:10.3f}{found.score:8.1f}{found.recall:8.2f}{found.precision:11.2f}{delay:>7}"
        f"{seconds * 1e6:8.1f}"
    )


def _run(seed: int) -> tuple[list[Labelled], dict[str, list[Array]], dict[str, float]]:
    series = list(made_series(seed=seed))
    scores, seconds = {}, {}
    for name, detect in DETECTORS.items():
        started = process_time()
        scores[name] = [detect(one) for one in series]
        seconds[name] = process_time() - started
    return series, scores, seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=HELD_OUT)
    print(report(parser.parse_args().seed))
