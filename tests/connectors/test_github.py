"""GitHub: late updates, paging, ETags, rate limits, rollbacks, and what one missing right leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.base import Probe
from apps.connectors.errors import ConfigError, ErrorClass, SourceError
from apps.connectors.http import Limits
from apps.connectors.providers.github.connector import GithubConnector
from apps.connectors.providers.github.cursor import Memory
from apps.connectors.providers.github.normalize import (
    web_base,
)
from apps.connectors.records import (
    Batch,
    ChangeRecord,
    DeploymentRecord,
    DeploymentState,
    Kind,
    Listing,
    PipelineRecord,
    Record,
    RunRecord,
    RunState,
    TaskRunRecord,
)
from tests.connectors.conftest import ask, patient
from tests.connectors.github_world import REPOSITORY, GithubWorld
from tests.connectors.test_prometheus import JSON
from tests.connectors.upstream import Upstream
from tests.connectors.worlds import iso

ROOMY = Limits(total_seconds=5, fetch_seconds=20)
TIGHT = replace(ROOMY, max_requests=20)
SECRETS = {"token": "github_pat_demo"}


def fetch(
    upstream: Upstream, world: GithubWorld, cursor: Any = None, *, limits: Limits = ROOMY, **settings: Any
) -> Batch:
    """One poll at the world's time; the cursor goes through JSON, as it does when it is stored."""
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": upstream.url, "repositories": [REPOSITORY], **settings}
    with time_machine.travel(world.clock, tick=False):
        return ask(lambda http: GithubConnector(config=config, secrets=SECRETS, http=http).fetch(saved), limits=limits)


def fetch_all(upstream: Upstream, world: GithubWorld, cursor: Any = None, **settings: Any) -> list[Batch]:
    """Polls until the source has no more."""
    batches = [fetch(upstream, world, cursor, **settings)]
    while batches[-1].has_more:
        batches.append(fetch(upstream, world, batches[-1].cursor, **settings))
        assert len(batches) < 60
    return batches


def probe(upstream: Upstream, world: GithubWorld, **settings: Any) -> Probe:
    upstream.handler = world
    config = {"url": upstream.url, "repositories": [REPOSITORY], **settings}
    return ask(lambda http: GithubConnector(config=config, secrets=SECRETS, http=http).probe(), limits=ROOMY)


def of(batch: Batch, kind: type[Record]) -> dict[str, Any]:
    return {record.external_id: record for record in batch.records if isinstance(record, kind)}


def asked(upstream: Upstream, ending: str) -> int:
    """How often an address was asked; the memory of it is wiped."""
    count = sum(request.path.endswith(ending) for request in upstream.requests)
    upstream.requests.clear()
    return count


def deploy(world: GithubWorld, shas: str, *, minutes: int = 60) -> None:
    """One successful deployment of each revision, two minutes apart, the first so many minutes ago."""
    for position, sha in enumerate(shas):
        number = 100 + len(world.repository().deployments)
        world.add_deployment(number, minutes=minutes - 2 * position, sha=sha * 40)


def rollbacks(batches: list[Batch]) -> dict[str, bool]:
    return {key: record.is_rollback for batch in batches for key, record in of(batch, DeploymentRecord).items()}


def test_a_rollback_is_one_however_the_polls_fell(upstream: Upstream) -> None:
    whole, bit_by_bit = GithubWorld(), GithubWorld()
    deploy(whole, "abab")
    at_once = rollbacks(fetch_all(upstream, whole))
    assert at_once == {"100": False, "101": False, "102": True, "103": True}
    cursor, found = {}, {}
    for sha in "abab":
        bit_by_bit.clock += timedelta(minutes=2)
        deploy(bit_by_bit, sha, minutes=1)
        batches = fetch_all(upstream, bit_by_bit, cursor)
        cursor, found = dict(batches[-1].cursor), {**found, **rollbacks(batches)}
    assert found == at_once
    assert rollbacks(fetch_all(upstream, bit_by_bit, limits=TIGHT)) == at_once


def test_a_rollback_to_before_the_backfill_is_seen(upstream: Upstream) -> None:
    world = GithubWorld()
    deploy(world, "ab", minutes=60 * 24 * 50)
    deploy(world, "a")
    assert rollbacks(fetch_all(upstream, world)) == {"102": True}


def test_another_environment_makes_no_rollback(upstream: Upstream) -> None:
    world = GithubWorld()
    world.add_deployment(1, minutes=30, sha="a" * 40)
    world.add_deployment(2, minutes=20, sha="b" * 40, environment="staging")
    world.add_deployment(3, minutes=10, sha="a" * 40)
    assert set(rollbacks(fetch_all(upstream, world)).values()) == {False}


def test_a_long_backfill_goes_on_where_it_stopped(upstream: Upstream) -> None:
    """Backfill in pieces with few questions each, and nothing is lost or told twice."""
    world = GithubWorld()
    for number in range(1, 131):
        world.add_run(number, minutes=number * 10)
        world.add_job(1000 + number, number)
    for number in range(200, 231):
        world.add_deployment(number, minutes=300 - number, sha=f"{number}" * 13)
    batches = fetch_all(upstream, world, limits=TIGHT)
    assert len(batches) > 8
    for kind, count in ((RunRecord, 130), (TaskRunRecord, 130), (DeploymentRecord, 31)):
        found = [key for batch in batches for key in of(batch, kind)]
        assert (len(found), len(set(found))) == (count, count), kind
    assert not fetch(upstream, world, batches[-1].cursor).has_more


def test_more_runs_than_a_search_gives_are_read_in_pieces(upstream: Upstream) -> None:
    world = GithubWorld(most_found=50)
    for number in range(1, 2102):
        world.add_run(number, minutes=number * 4)
    world.most_found = 1000
    found = {key for batch in fetch_all(upstream, world, include_jobs=False) for key in of(batch, RunRecord)}
    assert len(found) == 2101


def test_the_same_cursor_again_gives_the_same_things(upstream: Upstream) -> None:
    world = GithubWorld()
    world.add_run(11)
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=1)
    world.add_run(12, minutes=0.5)
    again = [set(of(fetch(upstream, world, first.cursor), RunRecord)) for _ in range(2)]
    assert again == [{"12"}, {"12"}]


def test_a_rerun_keeps_its_id_and_is_seen(upstream: Upstream) -> None:
    """Also one of a run that began long before the hours that are listed again: the sweep finds it."""
    world = GithubWorld()
    recent, old = world.add_run(11, "failure", minutes=90), world.add_run(12, "failure", minutes=60 * 24 * 9)
    first = fetch(upstream, world)
    assert set(of(first, RunRecord)) == {"11", "12"}
    world.clock += timedelta(hours=1)
    recent |= {"run_attempt": 2, "conclusion": "success", "updated_at": world.ago(minutes=1)}
    old |= {"run_attempt": 2, "conclusion": "success", "updated_at": world.ago(minutes=1)}
    second = fetch(upstream, world, first.cursor)
    assert {key: run.attempts for key, run in of(second, RunRecord).items()} == {"11": 2}
    world.clock += timedelta(hours=6)
    third = fetch(upstream, world, second.cursor)
    assert of(third, RunRecord)["12"].attempts == 2
    world.clock += timedelta(minutes=1)
    assert not of(fetch(upstream, world, third.cursor), RunRecord)


def test_an_open_run_is_followed_however_old_it_is(upstream: Upstream) -> None:
    world = GithubWorld()
    run = world.add_run(11, None, minutes=60 * 24 * 2)
    first = fetch(upstream, world)
    world.clock += timedelta(minutes=5)
    run |= {"status": "completed", "conclusion": "cancelled", "updated_at": world.ago(minutes=1)}
    second = fetch(upstream, world, first.cursor)
    assert of(second, RunRecord)["11"].state is RunState.CANCELLED
    upstream.requests.clear()
    fetch(upstream, world, second.cursor)
    assert asked(upstream, "/runs/11") == 0


def test_an_old_run_that_runs_again_is_followed_while_the_list_stays_the_same(upstream: Upstream) -> None:
    world = GithubWorld()
    run = world.add_run(11, "failure", minutes=60 * 24 * 9)
    cursor = fetch(upstream, world).cursor
    world.clock += timedelta(hours=6)
    began = {"run_attempt": 2, "run_started_at": world.ago(minutes=2), "updated_at": world.ago(minutes=2)}
    run |= {"status": "in_progress", "conclusion": None, **began}
    swept = fetch(upstream, world, cursor)
    assert of(swept, RunRecord)["11"].state is RunState.RUNNING
    cursor = fetch(upstream, world, swept.cursor).cursor
    world.clock += timedelta(minutes=2)
    run |= {"status": "completed", "conclusion": "success", "updated_at": world.ago(minutes=1)}
    assert of(fetch(upstream, world, cursor), RunRecord)["11"].state is RunState.SUCCEEDED


def test_a_sweep_does_not_tell_again_what_the_polls_told(upstream: Upstream) -> None:
    world = GithubWorld()
    world.add_run(11)
    cursor = fetch(upstream, world).cursor
    world.clock += timedelta(hours=1)
    world.add_run(12)
    cursor = fetch(upstream, world, cursor).cursor
    world.clock += timedelta(hours=5, minutes=30)
    world.add_run(13)
    assert set(of(fetch(upstream, world, cursor), RunRecord)) == {"13"}


def test_a_page_too_large_is_read_in_smaller_ones(upstream: Upstream) -> None:
    world = GithubWorld()
    for number in range(1, 131):
        world.add_deployment(number, minutes=200 - number, payload={"blob": "x" * 20_000}, sha=f"{number:040}")
    limits = replace(ROOMY, max_bytes=500_000)
    assert set(rollbacks(fetch_all(upstream, world, limits=limits))) == {str(n) for n in range(1, 131)}


def test_the_jobs_of_an_open_run_are_read_in_every_poll(upstream: Upstream) -> None:
    """Its jobs change while the list of runs stays the same, which the ETag tells."""
    world = GithubWorld()
    world.add_run(11, None)
    job = world.add_job(21, 11, None)
    first = fetch_all(upstream, world)[-1]
    second = fetch(upstream, world, first.cursor)
    job |= {"status": "completed", "conclusion": "success", "completed_at": world.ago(minutes=0)}
    third = fetch(upstream, world, second.cursor)
    assert of(third, TaskRunRecord)["21"].state is RunState.SUCCEEDED


def test_a_deleted_run_is_missing_in_two_listings(upstream: Upstream) -> None:
    world = GithubWorld()
    world.add_workflow(1)
    world.add_run(11)
    world.add_run(12, None, minutes=60 * 24)
    cursor = fetch(upstream, world).cursor
    world.repository().runs.pop()
    listings = []
    for _ in range(3):
        batch = fetch(upstream, world, cursor)
        cursor = batch.cursor
        listings.append([listing for listing in batch.listings if listing.kind is Kind.RUN])
    gone = Listing(kind=Kind.RUN, external_ids=frozenset({"11"}), scope="1")
    assert listings == [[gone], [gone], []]


def test_workflows_that_are_gone_or_called_deleted_leave_the_listing(upstream: Upstream) -> None:
    world = GithubWorld()
    world.add_workflow(1)
    world.add_workflow(2, "Old", state="deleted")
    world.add_workflow(3, "Nightly")
    first = fetch(upstream, world)
    assert [listing.external_ids for listing in first.listings] == [{"1", "3"}]
    world.repository().workflows.pop()
    second = fetch(upstream, world, first.cursor)
    assert [listing.external_ids for listing in second.listings] == [{"1"}]
    third = fetch(upstream, world, second.cursor)
    assert [listing.external_ids for listing in third.listings] == [{"1"}]
    assert not of(third, PipelineRecord)


def test_what_has_not_changed_costs_no_budget(upstream: Upstream) -> None:
    world = GithubWorld()
    world.add_workflow(1)
    world.add_run(11)
    world.add_deployment(31)
    world.add_release(41, "v1")
    cursor = fetch(upstream, world).cursor
    cursor = fetch(upstream, world, cursor).cursor
    before = world.budget
    batch = fetch(upstream, world, cursor)
    assert (world.budget, batch.records) == (before, ())
    assert len(batch.cursor["repositories"][REPOSITORY]["etags"]) == 4


def test_a_list_of_several_pages_is_never_skipped_for_an_unchanged_first_one(upstream: Upstream) -> None:
    world = GithubWorld()
    for number in range(1, 121):
        world.add_run(number, minutes=number + 20)
    cursor = fetch_all(upstream, world, include_jobs=False)[-1].cursor
    cursor = fetch(upstream, world, cursor, include_jobs=False).cursor
    world.clock += timedelta(minutes=10)
    world.repository().runs[118] |= {"run_attempt": 2, "updated_at": iso(world.clock)}
    batch = fetch(upstream, world, cursor, include_jobs=False)
    assert set(of(batch, RunRecord)) == {"119"}


def test_a_deployment_is_followed_to_its_end(upstream: Upstream) -> None:
    world = GithubWorld()
    item = world.add_deployment(31, "in_progress")
    stuck = world.add_deployment(32, "queued", minutes=60 * 24 * 2)
    first = fetch(upstream, world)
    world.clock += timedelta(hours=6)
    world.add_status(item, "success", at=world.clock - timedelta(minutes=9))
    second = fetch(upstream, world, first.cursor)
    assert of(second, DeploymentRecord)["31"].state is DeploymentState.SUCCEEDED
    world.repository().deployments.remove(stuck)
    world.clock += timedelta(hours=1)
    third = fetch(upstream, world, second.cursor)
    assert third.cursor["repositories"][REPOSITORY]["deployments"]["open"] == []
    assert not of(third, DeploymentRecord)


def test_a_superseded_deployment_is_told_again(upstream: Upstream) -> None:
    world = GithubWorld()
    old = world.add_deployment(31, minutes=60 * 24 * 3)
    first = fetch(upstream, world)
    world.clock += timedelta(hours=1)
    world.add_deployment(32, minutes=2)
    world.add_status(old, "inactive")
    told = of(fetch(upstream, world, first.cursor), DeploymentRecord)
    assert {key: record.raw_state for key, record in told.items()} == {"31": "inactive", "32": "success"}


def test_a_draft_becomes_news_when_it_is_published(upstream: Upstream) -> None:
    world = GithubWorld()
    draft = world.add_release(41, "v1", draft=True, published_at=None, minutes=9)
    first = fetch(upstream, world)
    assert not of(first, ChangeRecord)
    world.clock += timedelta(days=2)
    draft |= {"draft": False, "published_at": world.ago(minutes=1)}
    second = fetch(upstream, world, first.cursor)
    assert set(of(second, ChangeRecord)) == {"release:41"}
    world.clock += timedelta(hours=1)
    assert not of(fetch(upstream, world, second.cursor), ChangeRecord)


def test_polling_pauses_before_the_budget_of_others_is_touched(upstream: Upstream) -> None:
    world = GithubWorld(budget=505)
    for number in range(1, 31):
        world.add_run(number, minutes=number)
    batch = fetch(upstream, world)
    assert (batch.pause_seconds, batch.has_more) == (600.0, True)
    assert world.budget in (498, 499)
    world.budget = 5000
    rest = fetch_all(upstream, world, batch.cursor)
    assert rest[-1].pause_seconds is None


def test_a_used_up_budget_is_no_wrong_token(upstream: Upstream) -> None:
    world = GithubWorld(budget=0)
    world.repository()
    with pytest.raises(SourceError) as caught:
        fetch(upstream, world)
    assert caught.value.error_class is ErrorClass.RATE_LIMIT
    assert caught.value.retry_after == 600.0
    assert not caught.value.is_permanent


def test_what_was_read_before_the_limit_is_kept(upstream: Upstream) -> None:
    world = GithubWorld(budget=1)
    world.add_workflow(1)
    world.add_run(11)
    batch = fetch(upstream, world, reserve=0)
    assert set(of(batch, PipelineRecord)) == {"1"}
    assert (batch.pause_seconds, batch.has_more) == (600.0, True)
    world.budget = 100
    assert set(of(fetch(upstream, world, batch.cursor), RunRecord)) == {"11"}


def test_one_missing_right_leaves_the_rest(upstream: Upstream) -> None:
    world = GithubWorld(refused={"/deployments": 403})
    world.add_run(11)
    world.add_deployment(31)
    world.add_release(41, "v1")
    batch = fetch(upstream, world)
    assert set(of(batch, RunRecord)) == {"11"}
    assert set(of(batch, ChangeRecord)) == {"release:41"}
    (refused,) = batch.rejected
    assert (refused.kind, refused.external_id) == (Kind.DEPLOYMENT, REPOSITORY)
    assert "Resource not accessible" in refused.reason
    assert not batch.has_more


def test_one_repository_that_is_gone_leaves_its_neighbours_and_their_workflows(upstream: Upstream) -> None:
    world = GithubWorld()
    world.add_workflow(1)
    world.add_workflow(2, to="acme/search")
    both = {"repositories": [REPOSITORY, "acme/search"]}
    first = fetch(upstream, world, **both)
    assert [listing.external_ids for listing in first.listings] == [{"1", "2"}]
    del world.repositories[REPOSITORY]
    second = fetch(upstream, world, first.cursor, **both)
    assert second.listings == ()
    assert {item.external_id for item in second.rejected} == {REPOSITORY}
    assert not second.has_more


def test_many_repositories_have_their_turn(upstream: Upstream) -> None:
    world = GithubWorld()
    names = [f"acme/service-{number}" for number in range(30)]
    for number, name in enumerate(names):
        world.add_workflow(number + 1, to=name)
    batches = fetch_all(upstream, world, repositories=names)
    assert {key for batch in batches for key in of(batch, PipelineRecord)} == {str(n) for n in range(1, 31)}
    assert [len(listing.external_ids) for batch in batches for listing in batch.listings] == [30]
    assert (
        not fetch_all(upstream, world, batches[-1].cursor, repositories=names[:1])[-1]
        .cursor["repositories"]
        .get(names[1])
    )


def test_the_token_never_goes_to_where_a_link_points(upstream: Upstream) -> None:
    """The world's Link headers name another host; only their query is used."""
    world = GithubWorld()
    for number in range(1, 131):
        world.add_workflow(number)
    assert len(of(fetch(upstream, world), PipelineRecord)) == 130
    assert {request.headers["host"] for request in upstream.requests} == {f"127.0.0.1:{upstream.port}"}
    assert upstream.requests[0].headers["authorization"] == "Bearer github_pat_demo"


@pytest.mark.parametrize(
    ("given_url", "api", "web"),
    [
        ("https://api.github.com/", "https://api.github.com", "https://github.com"),
        ("https://github.com", "https://api.github.com", "https://github.com"),
        ("https://git.example.com", "https://git.example.com/api/v3", "https://git.example.com"),
        ("https://git.example.com/api/v3", "https://git.example.com/api/v3", "https://git.example.com"),
        ("https://api.acme.ghe.com", "https://api.acme.ghe.com", "https://acme.ghe.com"),
    ],
)
def test_the_api_is_found_and_so_are_its_pages(given_url: str, api: str, web: str) -> None:
    config = GithubConnector.clean({"url": given_url, "repositories": "acme/checkout\nACME/Checkout\nacme/search"})
    assert (config["url"], web_base(config["url"])) == (api, web)
    assert config["repositories"] == ["acme/checkout", "acme/search"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"repositories": []}, "repositories"),
        ({"repositories": ["checkout"]}, "repositories"),
        ({"repositories": ["acme/check out"]}, "repositories"),
        ({"repositories": ["acme/../x"]}, "repositories"),
        ({"repositories": ["acme/.."]}, "repositories"),
        ({"repositories": ["../acme"]}, "repositories"),
        ({"repositories": [f"acme/r{n}" for n in range(101)]}, "repositories"),
        ({"backfill_days": 500}, "backfill_days"),
        ({"reserve": -1}, "reserve"),
        ({"include_runs": False, "include_deployments": False, "include_releases": False}, "include_runs"),
    ],
)
def test_a_mistake_in_the_form_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        GithubConnector.clean({"url": "https://api.github.com", "repositories": [REPOSITORY], **settings})
    assert caught.value.field == named


def test_without_a_token_nothing_is_asked(upstream: Upstream) -> None:
    config = {"url": upstream.url, "repositories": [REPOSITORY]}
    with pytest.raises(ConfigError) as caught:
        ask(lambda http: GithubConnector(config=config, secrets={}, http=http).fetch({}))
    assert (caught.value.field, upstream.requests) == ("token", [])


def test_probe_tells_what_each_right_is_for(upstream: Upstream) -> None:
    world = GithubWorld(refused={"/releases": 404, "/actions/workflows": 403})
    world.repository()
    world.headers = {
        "X-OAuth-Scopes": "repo, workflow",
        "GitHub-Authentication-Token-Expiration": "2027-01-02 03:04:05",
    }
    answer = probe(upstream, world, repositories=[REPOSITORY, "acme/nowhere"])
    assert {scope.name: scope.is_granted for scope in answer.scopes} == {
        "metadata: read": False, "actions: read": False, "deployments: read": True, "contents: read": False,
    }  # fmt: skip
    assert answer.scopes[0].why.endswith("refused for acme/nowhere")
    assert answer.sentence == (
        "GitHub answers; 1 of 2 repositories tested can be read; 4998 of 5000 requests are left for this hour; the "
        "token is a classic one with repo, workflow; a fine-grained one can be limited to reading; the token expires "
        "on 2027-01-02."
    )


def test_probe_asks_only_for_the_rights_that_are_needed(upstream: Upstream) -> None:
    world = GithubWorld(headers={"X-GitHub-Enterprise-Version": "3.17.1"})
    world.repository()
    answer = probe(upstream, world, include_runs=False, include_deployments=False)
    assert [scope.name for scope in answer.scopes] == ["metadata: read", "contents: read"]
    assert answer.sentence.startswith("GitHub Enterprise Server 3.17.1 answers")
    assert answer.version == "3.17.1"


def test_probe_fails_when_no_repository_can_be_read(upstream: Upstream) -> None:
    with pytest.raises(SourceError) as caught:
        probe(upstream, GithubWorld())
    assert caught.value.error_class is ErrorClass.NOT_FOUND


SAVED = st.recursive(JSON, lambda inner: st.dictionaries(st.sampled_from(
    ["repositories", "position", "acme/x", "runs", "span", "open", "owed", "suspects", "deployments", "below", "page",
     "etags", "workflows", "since", "began", "floor", "after", "told"]), inner))  # fmt: skip


@patient
@given(st.dictionaries(st.sampled_from(["repositories", "position", "is_listed"]), SAVED))
def test_any_stored_cursor_is_survived(cursor: dict[str, Any]) -> None:
    memory = Memory.load(cursor)
    assert Memory.load(json.loads(json.dumps(memory.dump()))).dump() == memory.dump()
