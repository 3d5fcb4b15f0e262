"""`python -m bench [NAME ...] [--quick] [--runs N] [--pipelines N]`: measure, print one table, write results.json."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from bench.results import Result, table, write
from bench.stage import Stage
from bench.timing import Options

RESULTS = Path(__file__).parent / "results.json"
MEASUREMENTS = {
    "prompts": "goals 1 to 3: a prompt fetched, from the server and from the client; a moved label",
    "overview": "goals 4 and 5: the overview and the pipeline list, growth and floors",
    "run_list": "goal 6: a page of runs, the first beside one far back",
    "last_run": "goal 7: the latest run of every pipeline, and what keeping it costs",
    "reliability": "rolling runs up by day: the list, the sweep, and what a mark costs",
    "poll": "goal 11: 500 sources in one cycle, and one schedule edited among 10,000",
    "ingest": "goal 10: samples stored anew and again",
    "charts": "goals 8 and 14: six charts of 30 days beside a real Prometheus, figures beside Plotly's own",
    "packing": "goal 9: bytes a sample of packed days beside a real Prometheus' blocks and beside rows",
    "volume": "a hundred million samples: pages beside a million, while days are packed (an hour, 20 GB; by name only)",
    "live": "goal 12: one event to 1,000 open pages",
    "anomaly": "anomalies found in made-up series with planted faults, beside simple detectors",
    "gate": "the evaluation gate: 10,000 cases, and how often it is wrong over seeded trials",
    "suspects": "what changed before an incident: 90 days, 50 features, 100,000 events",
    "idle": "the portal doing nothing: CPU and memory, with the demo world and without (ten minutes)",
}
BY_NAME_ONLY = {"volume"}


def main(arguments: list[str]) -> int:
    """Run what was asked for; the exit code says whether it could be measured, never whether a goal is met."""
    asked = _parser().parse_args(arguments)
    if asked.list:
        print("\n".join(f"{name:10} {text}" for name, text in MEASUREMENTS.items()))
        return 0
    options = Options(pairs=3 if asked.quick else 5, runs=asked.runs, pipelines=asked.pipelines, is_quick=asked.quick)
    results: list[Result] = []
    with Stage() as stage:
        for name in asked.names or [name for name in MEASUREMENTS if name not in BY_NAME_ONLY]:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            try:
                results += importlib.import_module(f"bench.{name}").measure(stage, options)
            except RuntimeError as error:
                print(f"{name} could not be measured: {error}", file=sys.stderr, flush=True)
            write(RESULTS, results)
    print(table(results))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", choices=[[], *MEASUREMENTS], help="see --list; default: all"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--runs", type=int, default=1_000_000, help="runs in the large history (default 1,000,000)")
    parser.add_argument("--pipelines", type=int, default=1_000, help="of which they are (default 1,000)")
    parser.add_argument("--list", action="store_true", help="say what there is")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
