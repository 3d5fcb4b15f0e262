"""Runs that left without a word.

1. A run that was open and comes neither as open nor as changed was deleted, unless its DAG's list still has it. The
   runs of its DAG are listed now and at the next poll, because gone means missing twice.
2. Every SWEEP_EVERY polls the runs of all DAGs are listed, in pieces if need be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from apps.connectors.providers.airflow.cursor import SWEEP_EVERY, Memory
from apps.connectors.providers.airflow.fetching import Fetch
from apps.connectors.providers.airflow.normalize import OPEN, read_runs, run_key
from apps.connectors.records import Kind, Listing
from apps.connectors.values import object_or_empty, optional_text

MOST_SWEPT = 2_000  # runs of one DAG


def open_runs(fetch: Fetch) -> dict[str, str]:
    """Run -> DAG of the runs that this fetch saw and that are not over."""
    return {key: run.pipeline_external_id for key, run in fetch.seen.items() if run.state in OPEN}


def keep_open(fetch: Fetch, memory: Memory) -> Memory:
    """What to remember when not all news is read yet: a run that was not seen may still come."""
    unseen = {key: dag for key, dag in memory.open_runs.items() if key not in fetch.seen}
    return replace(memory, open_runs={**unseen, **open_runs(fetch)})


async def look_up_lost(fetch: Fetch, memory: Memory) -> Memory:
    """List the DAGs that lost an open run, once more those that did at the last poll; returns what to remember."""
    still_open = open_runs(fetch)
    lost: dict[str, list[str]] = {dag: [] for dag in memory.suspects}
    for key, dag in memory.open_runs.items():
        if key not in fetch.seen and fetch.is_wanted(dag):
            lost.setdefault(dag, []).append(key)
    suspects, waiting = set[str](), dict[str, str]()
    for dag, keys in sorted(lost.items()):
        if fetch.is_spent():
            suspects.add(dag)
            waiting |= dict.fromkeys(keys, dag)
        elif await _list_runs(fetch, dag, wanted=keys):
            suspects.add(dag)
    return replace(memory, open_runs={**still_open, **waiting}, suspects=tuple(sorted(suspects)))


async def sweep(fetch: Fetch, memory: Memory) -> Memory:
    """List the runs of the next DAGs, if a sweep is due or under way; returns what to remember."""
    after = memory.sweep_after
    if after is None:
        if memory.polls % SWEEP_EVERY:
            return memory
        after = ""
    for dag in (dag for dag in fetch.dag_ids if dag > after):
        if fetch.is_spent():
            return replace(memory, sweep_after=after)
        await _list_runs(fetch, dag)
        after = dag
    return replace(memory, sweep_after=None)


async def _list_runs(fetch: Fetch, dag: str, *, wanted: Sequence[str] = ()) -> bool:
    """List a DAG's runs, at most once a fetch, and tell the `wanted` ones; returns whether one of these is not there.

    There is no listing if the DAG has too many runs or their number changed meanwhile.
    """
    if any(listing.kind is Kind.RUN and listing.scope == dag for listing in fetch.listings):
        return False
    first = await fetch.client.runs_of(dag, limit=1)
    if first.total > MOST_SWEPT:
        for key in wanted:
            if (item := await fetch.client.run(dag, key.removeprefix(f"{dag}/"))) is not None:
                await _tell(fetch, [item])
        return False
    items, is_complete = await fetch.everything(lambda at: fetch.client.runs_of(dag, offset=at), most=MOST_SWEPT)
    run_ids = [optional_text(object_or_empty(item), "dag_run_id") for item in items]
    found = {run_key(dag, run_id) for run_id in run_ids if run_id}
    await _tell(fetch, [item for item in items if _is_among(item, wanted)])
    if is_complete and all(run_ids) and len(found) >= first.total:
        fetch.listings.append(Listing(kind=Kind.RUN, external_ids=frozenset(found), scope=dag))
    return not found.issuperset(wanted)


async def _tell(fetch: Fetch, items: Sequence[Any]) -> None:
    for run in read_runs(items, fetch.reading)[0]:
        await fetch.tell(run)


def _is_among(item: object, wanted: Sequence[str]) -> bool:
    run = object_or_empty(item)
    return run_key(optional_text(run, "dag_id"), optional_text(run, "dag_run_id")) in wanted
