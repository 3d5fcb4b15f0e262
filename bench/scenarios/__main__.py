"""`python -m bench.scenarios [--count N] [--seed FIRST] [--kind K] [--show SEED]`."""

from __future__ import annotations

import argparse
import sys
import time

from bench.scenarios.planting import KINDS, make_scenario
from bench.scenarios.pure import ask
from bench.scenarios.report import judge, table

HELD_OUT = 100_000  # seeds from here on were never looked at while the ranking was made


def main(arguments: list[str]) -> int:
    """Ask for every seed, print the figures; the exit code says only whether it could be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.scenarios")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=HELD_OUT, help="the first seed")
    parser.add_argument("--kind", choices=KINDS, default="", help="only causes of one kind")
    parser.add_argument("--show", type=int, help="print one scenario's ranking")
    options = parser.parse_args(arguments)
    if options.show is not None:
        return _show(options.show, options.kind)
    scores, spent = [], 0.0
    for seed in range(options.seed, options.seed + options.count):
        scenario = make_scenario(seed, kind=options.kind)
        begun = time.perf_counter()
        ranking = ask(scenario)
        spent += time.perf_counter() - begun
        scores.append(judge(scenario, ranking))
    print(table(scores))
    print(f"{1000 * spent / options.count:.0f} ms a ranking, binning included", file=sys.stderr)
    return 0


def _show(seed: int, kind: str) -> int:
    scenario = make_scenario(seed, kind=kind)
    ranking = ask(scenario)
    assert scenario.truth is not None
    print(scenario.truth, scenario.traits, f"declared {scenario.declared}", sep="\n")
    print(
        ranking.sentence,
        ranking.onset_text,
        f"onset off by {(ranking.onset_at - scenario.truth.onset) / 60:.1f} min",
        sep="\n",
    )
    for one in ranking.suspects[:8]:
        print(f"{one.score:6.1%} {one.candidate.key} {one.candidate.title}")
        for reason in one.reasons:
            print(f"         x{reason.factor:8.3f} {reason.name}: {reason.text}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
