"""LiteLLM: rates, shares and percentiles between two scrapes, added up to models, teams and keys."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.exposition.memory import Memory
from apps.connectors.providers.litellm import connector as litellm
from apps.connectors.providers.litellm.connector import LitellmConnector
from apps.connectors.providers.litellm.families import NAMES, sample_names
from apps.connectors.providers.litellm.normalize import read_interval
from apps.connectors.providers.litellm.reading import SPLITS, read_sums
from apps.connectors.records import Batch, SeriesRecord
from apps.metrics.measures import MEASURES
from tests.connectors.conftest import ask, patient
from tests.connectors.test_prometheus import JSON
from tests.connectors.upstream import Answer, Request, Upstream, text_answer
from tests.connectors.worlds import World

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = AT + timedelta(seconds=60)
SEARCH = {"requested_model": "fast", "team_alias": "search", "api_key_alias": "shop"}
CHAT = {"requested_model": "fast", "team_alias": "chat", "api_key_alias": "bot"}
PEOPLE = {"user": "u1", "user_email": "ada@example.com", "client_ip": "10.0.0.9", "hashed_api_key": "88dc28d0f0"}


def line(name: str, value: float, **labels: str) -> str:
    inside = ",".join(f'{key}="{text}"' for key, text in sorted(labels.items()))
    return f"{name}{{{inside}}} {value}"


def counter(name: str, *samples: tuple[float, dict[str, str]]) -> list[str]:
    """A counter as the proxy writes it."""
    return [f"# TYPE {name}_total counter", *(line(f"{name}_total", value, **labels) for value, labels in samples)]


def requests(value: float, **labels: str) -> list[str]:
    return counter("litellm_proxy_total_requests_metric", (value, labels))


def histogram(name: str, fast: float, slow: float, **labels: str) -> list[str]:
    """`fast` observations below 0.1 s and `slow` ones between 1 and 2 s."""
    bounds = {"0.1": fast, "1.0": fast, "2.0": fast + slow, "+Inf": fast + slow}
    found = [line(f"{name}_bucket", count, le=le, **labels) for le, count in bounds.items()]
    ends = [line(f"{name}_count", fast + slow, **labels), line(f"{name}_sum", fast + slow, **labels)]
    return [f"# TYPE {name} histogram", *found, *ends]


@dataclass
class LitellmWorld(World):
    """One proxy; `lines` is what it tells. With `has_workers` it answers nothing to a question by name."""

    lines: list[str] = field(default_factory=list)
    has_workers: bool = False

    def __call__(self, request: Request) -> Answer:
        if request.path == "/health/readiness":
            return self.answer({"status": "healthy", "litellm_version": "1.80.0"})
        if request.path != "/metrics/":
            return self.answer({"detail": "Not Found"}, 404)
        text = "" if self.has_workers and request.query else "\n".join([*self.lines, ""])
        return text_answer(text, headers=self.date())


def small_world() -> LitellmWorld:
    state = line("litellm_deployment_state", 0.0, litellm_model_name="gpt-4o-mini", api_provider="openai", api_base="x")
    return LitellmWorld(lines=["# TYPE litellm_deployment_state gauge", state, *requests(5.0, **SEARCH)])


def series(first: list[str], second: list[str], *, split: str = "all") -> dict[str, SeriesRecord]:
    """The series of the second of two scrapes, a minute apart, by name; the memory goes through JSON."""
    _, memory = read(first, split=split)
    found, _ = read(second, split=split, before=Memory.load(json.loads(json.dumps(memory.dump()))), at=LATER)
    return {record.name: record for record in found}


def read(
    lines: list[str], *, split: str = "all", before: Memory | None = None, at: datetime = AT
) -> tuple[list[SeriesRecord], Memory]:
    sums = read_sums("\n".join([*lines, ""]), is_openmetrics=False, split_by=SPLITS[split])
    assert sums.rejected == []
    return read_interval(sums, before=before or Memory(), at=at)


def values(found: dict[str, SeriesRecord]) -> dict[str, float]:
    return {name: round(record.samples[0][1], 6) for name, record in found.items()}


def fetch(upstream: Upstream, world: LitellmWorld, cursor: Any = None, **settings: Any) -> Batch:
    upstream.handler = world
    saved = json.loads(json.dumps(cursor or {}))
    config = {"url": upstream.url, **settings}
    return ask(lambda http: LitellmConnector(config=config, secrets={}, http=http).fetch(saved))


def probe(upstream: Upstream, world: LitellmWorld) -> Any:
    upstream.handler = world
    return ask(lambda http: LitellmConnector(config={"url": upstream.url}, secrets={}, http=http).probe())


def test_counters_become_rates_and_money_an_hour() -> None:
    def scrape(requests_so_far: float, dollars: float, tokens: float) -> list[str]:
        return [
            *requests(requests_so_far, **SEARCH),
            *counter("litellm_spend_metric", (dollars, SEARCH)),
            *counter("litellm_input_tokens_metric", (tokens, SEARCH)),
            *counter("litellm_output_tokens_metric", (2 * tokens, SEARCH)),
        ]

    found = series(scrape(100, 1.0, 1000), scrape(220, 1.5, 1600))
    whose = "api_key_alias=shop requested_model=fast team_alias=search"
    assert values(found) == {
        f"requests_rate {whose}": 2.0,
        f"cost_rate {whose}": 30.0,
        f"input_tokens_rate {whose}": 10.0,
        f"output_tokens_rate {whose}": 20.0,
        f"answered_ratio {whose}": 1.0,
    }
    cost = found[f"cost_rate {whose}"]
    assert (cost.measure, cost.unit, cost.labels) == ("cost_rate", "usd", SEARCH)
    assert found[f"input_tokens_rate {whose}"].unit == "tokens/s"


def test_every_measure_is_one_of_the_glossary_in_its_unit() -> None:
    names = ("litellm_proxy_total_requests_metric", "litellm_deployment_total_requests", "litellm_spend_metric")
    first = [text for name in names for text in counter(name, (1.0, SEARCH))]
    second = [text for name in names for text in counter(name, (2.0, SEARCH))]
    latency = "litellm_request_total_latency_metric"
    hits = "litellm_cache_hits_metric"
    first += [*histogram(latency, 1, 1, model="m"), *counter(hits, (1.0, {"model": "m"}))]
    second += [*histogram(latency, 5, 2, model="m"), *counter(hits, (2.0, {"model": "m"}))]
    found = [record for record in series(first, second).values() if record.measure]
    assert {record.measure for record in found} == {
        "requests_rate", "cost_rate", "answered_ratio", "fallback_ratio", "cache_hit_ratio", "latency_p50",
        "latency_p95", "latency_p99",
    }  # fmt: skip
    assert all(MEASURES[record.measure].unit in ("", record.unit) for record in found)


def test_nothing_but_gauges_is_told_at_first() -> None:
    found, memory = read(small_world().lines)
    assert [(record.name, record.samples) for record in found] == [
        ("deployment_state api_provider=openai litellm_model_name=gpt-4o-mini", ((AT, 0.0),))
    ]
    assert memory.at == AT.timestamp()


def test_people_and_addresses_are_added_up_and_never_told() -> None:
    def scrape(one: float, other: float) -> list[str]:
        name, someone = "litellm_proxy_total_requests_metric", {**SEARCH, **PEOPLE, "user": "u2"}
        return counter(name, (one, {**SEARCH, **PEOPLE}), (other, someone))

    found = series(scrape(10, 20), scrape(40, 50))
    assert values(found)["requests_rate api_key_alias=shop requested_model=fast team_alias=search"] == 1.0
    assert not any(text in repr(list(found.values())) for text in PEOPLE.values())


def test_a_line_that_is_set_aside_shows_nobodys_name() -> None:
    text = f'litellm_spend_metric_total{{user_email="{PEOPLE["user_email"]}" 1\n'
    (bad,) = read_sums(text, is_openmetrics=False, split_by=()).rejected
    assert PEOPLE["user_email"] not in repr(bad)


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("all", {
            "api_key_alias=shop requested_model=fast team_alias=search",
            "api_key_alias=bot requested_model=fast team_alias=chat",
        }),
        ("model_team", {"requested_model=fast team_alias=search", "requested_model=fast team_alias=chat"}),
        ("model_key", {"api_key_alias=shop requested_model=fast", "api_key_alias=bot requested_model=fast"}),
        ("model", {"requested_model=fast"}),
        ("team", {"team_alias=search", "team_alias=chat"}),
        ("key", {"api_key_alias=shop", "api_key_alias=bot"}),
        ("none", {""}),
    ],
)  # fmt: skip
def test_numbers_are_told_apart_as_configured(split: str, names: set[str]) -> None:
    def scrape(value: float) -> list[str]:
        return counter("litellm_proxy_total_requests_metric", (value, SEARCH), (value, CHAT))

    found = values(series(scrape(0), scrape(60), split=split))
    rates = {name.removeprefix("requests_rate").strip(): value for name, value in found.items() if "rate" in name}
    assert rates == dict.fromkeys(names, 2.0 / len(names))


def test_what_is_none_to_litellm_is_no_label() -> None:
    labels = {"requested_model": "fast", "team_alias": "None", "team": "None", "api_key_alias": ""}
    assert "requests_rate requested_model=fast" in series(requests(0, **labels), requests(1, **labels))


@pytest.mark.parametrize("model", ["", "None"])
def test_calls_that_ask_no_model_do_not_count(model: str) -> None:
    """A refused scrape of /metrics is counted among the failed requests."""
    labels = {"requested_model": model, "route": "/metrics"}
    failures = "litellm_proxy_failed_requests_metric"
    first = [*requests(1, **labels), *counter(failures, (1, labels))]
    assert series(first, [*requests(9, **labels), *counter(failures, (9, labels))]) == {}


def test_a_proxy_that_leaves_the_model_out_of_its_labels_is_counted_all_the_same() -> None:
    assert values(series(requests(0, team="t1"), requests(60, team="t1"))) == {
        "requests_rate team=t1": 1.0, "answered_ratio team=t1": 1.0,
    }  # fmt: skip


def test_failed_requests_lower_the_share_of_answers() -> None:
    def scrape(total: float, failed: float) -> list[str]:
        return [*requests(total, **SEARCH), *counter("litellm_proxy_failed_requests_metric", (failed, SEARCH))]

    whose = "api_key_alias=shop requested_model=fast team_alias=search"
    found = values(series(scrape(100, 10), scrape(140, 20)))
    assert found[f"answered_ratio {whose}"] == 0.75
    assert found[f"failures_rate {whose}"] == round(10 / 60, 6)


def test_the_first_failure_counts_from_zero() -> None:
    first = requests(100, **SEARCH)
    second = [*requests(110, **SEARCH), *counter("litellm_proxy_failed_requests_metric", (5, SEARCH))]
    assert values(series(first, second, split="none"))["answered_ratio"] == 0.5


def test_without_requests_there_is_no_share() -> None:
    assert values(series(requests(5), requests(5))) == {"requests_rate": 0.0}


def test_a_sum_that_fell_tells_nothing_for_one_interval() -> None:
    """After a restart, or when the proxy dropped label sets, nobody knows what was added."""
    _, memory = read(requests(100))
    found, memory = read(requests(40), before=memory, at=LATER)
    assert found == []
    found, _ = read(requests(100), before=memory, at=LATER + timedelta(seconds=60))
    assert {record.name: record.samples[0][1] for record in found} == {"requests_rate": 1.0, "answered_ratio": 1.0}


def test_fallbacks_are_a_share_of_the_attempts_at_the_model_that_failed() -> None:
    asked = {"requested_model": "limping", "api_key_alias": "shop"}
    answered = {"requested_model": "fast", "api_key_alias": "shop"}

    def scrape(tried: float, fell: float) -> list[str]:
        return [
            *counter("litellm_deployment_total_requests", (tried, asked), (tried, answered)),
            *counter("litellm_deployment_successful_fallbacks", (fell, {**asked, "fallback_model": "fast"})),
        ]

    found = values(series(scrape(0, 0), scrape(60, 15), split="model"))
    assert found["fallback_ratio requested_model=limping"] == 0.25
    assert found["fallback_ratio requested_model=fast"] == 0.0
    assert found["fallbacks_rate requested_model=limping"] == 0.25


@pytest.mark.parametrize(("misses", "share"), [(0, 0.3), (14, 0.3), (54, 0.1)])
def test_cache_hits_are_a_share_of_all_answers_even_when_misses_are_not_counted(misses: float, share: float) -> None:
    def scrape(answers: float, hits: float, missed: float) -> list[str]:
        return [
            *histogram("litellm_request_total_latency_metric", answers, 0, model="gpt", requested_model="fast"),
            *counter("litellm_cache_hits_metric", (hits, {"model": "gpt"})),
            *counter("litellm_cache_misses_metric", (missed, {"model": "gpt"})),
        ]

    found = values(series(scrape(10, 4, 0), scrape(30, 10, misses), split="model"))
    assert found["cache_hit_ratio model=gpt"] == share


def test_a_proxy_without_a_cache_has_no_hit_ratio() -> None:
    first, second = (histogram("litellm_request_total_latency_metric", n, 0, model="gpt") for n in (1, 9))
    assert not [name for name in series(first, second) if "cache" in name]


def test_latency_is_of_what_happened_between_two_scrapes_over_all_label_sets() -> None:
    name = "litellm_request_total_latency_metric"
    first = histogram(name, 500, 500, requested_model="fast", user="u1")
    again = histogram(name, 540, 500, requested_model="fast", user="u1")
    second = [*again, *histogram(name, 50, 10, requested_model="fast", user="u2")[1:]]
    found = values(series(first, second, split="model"))
    assert found == {
        "latency_p50 requested_model=fast": round(0.1 * 50 / 90, 6),
        "latency_p95 requested_model=fast": 1.5,
        "latency_p99 requested_model=fast": 1.9,
    }


def test_time_to_the_first_token_and_the_providers_share_have_no_measure() -> None:
    names = ("litellm_llm_api_time_to_first_token_metric", "litellm_llm_api_latency_metric")
    first, second = ([text for name in names for text in histogram(name, n, 0)] for n in (1, 9))
    found = series(first, second)
    assert {name: record.measure for name, record in found.items() if name.endswith("p95")} == {
        "time_to_first_token_p95": "", "provider_latency_p95": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "slug"),
    [
        ("litellm_requests_metric", "requests_rate"),
        ("litellm_llm_api_failed_requests_metric", "failures_rate"),
        ("litellm_input_tokens", "input_tokens_rate"),
        ("litellm_output_tokens", "output_tokens_rate"),
    ],
)
def test_what_a_metric_was_called_before_is_read_where_the_new_name_is_missing(old: str, slug: str) -> None:
    assert values(series(counter(old, (0, {})), counter(old, (60, {}))))[slug] == 1.0


def test_the_old_name_beside_the_new_one_counts_nothing_twice() -> None:
    def scrape(value: float) -> list[str]:
        return [*requests(value), *counter("litellm_requests_metric", (value, {}))]

    assert values(series(scrape(0), scrape(60)))["requests_rate"] == 1.0


def test_infinite_budgets_are_left_out_and_the_tightest_is_told() -> None:
    name = "litellm_remaining_team_budget_metric"
    head = f"# TYPE {name} gauge"
    budgets = [line(name, value, team_alias="search", team=str(value)) for value in (12.5, 7.0)]
    found, _ = read([head, *budgets, f'{name}{{team_alias="chat"}} +Inf'])
    assert {record.name: record.samples[0][1] for record in found} == {"remaining_team_budget team_alias=search": 7.0}


def test_the_same_second_again_brings_nothing() -> None:
    _, memory = read(small_world().lines)
    assert read(small_world().lines, before=memory) == ([], memory)


def test_only_what_we_read_is_asked_for(upstream: Upstream) -> None:
    fetch(upstream, small_world())
    (request,) = upstream.requests
    assert request.path == "/metrics/"
    assert request.query == {"name[]": sample_names()[-1]}
    asked = {name.removesuffix("_total").removesuffix("_bucket") for name in sample_names()}
    assert set(NAMES) <= asked


def test_a_proxy_with_several_workers_is_asked_for_everything(upstream: Upstream) -> None:
    world = small_world()
    world.has_workers = True
    first = fetch(upstream, world)
    assert (len(first.records), first.cursor["is_whole"]) == (1, True)
    upstream.requests.clear()
    fetch(upstream, world, first.cursor)
    assert [request.query for request in upstream.requests] == [{}]


def test_two_polls_give_rates(upstream: Upstream) -> None:
    world = small_world()
    first = fetch(upstream, world)
    world.clock += timedelta(seconds=60)
    world.lines = requests(65, **SEARCH)
    second = fetch(upstream, world, first.cursor)
    assert [record.samples[0] for record in second.records if isinstance(record, SeriesRecord)] == [
        (world.clock, 1.0), (world.clock, 1.0),
    ]  # fmt: skip


def test_another_split_begins_anew(upstream: Upstream) -> None:
    world = LitellmWorld(lines=requests(1000, **SEARCH))
    first = fetch(upstream, world)
    world.clock += timedelta(seconds=60)
    assert fetch(upstream, world, first.cursor, split="model").records == ()


def test_too_many_parts_are_refused_with_advice(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "MAX_GROUPS", 1)
    world = LitellmWorld(lines=counter("litellm_proxy_total_requests_metric", (1, SEARCH), (1, CHAT)))
    with pytest.raises(SourceError, match="tell less apart") as caught:
        fetch(upstream, world)
    assert caught.value.error_class is ErrorClass.TOO_LARGE
    assert fetch(upstream, world, split="model").rejected == ()


def test_a_proxy_without_metrics_says_what_to_do(upstream: Upstream) -> None:
    upstream.always(Answer(status=404))
    with pytest.raises(SourceError, match="callbacks") as caught:
        ask(lambda http: LitellmConnector(config={"url": upstream.url}, secrets={}, http=http).fetch({}))
    assert caught.value.error_class is ErrorClass.NOT_FOUND


def test_a_page_that_is_no_exposition_is_recognised(upstream: Upstream) -> None:
    upstream.always(text_answer("Welcome to nginx!\n"))
    with pytest.raises(SourceError, match="not metrics") as caught:
        ask(lambda http: LitellmConnector(config={"url": upstream.url}, secrets={}, http=http).fetch({}))
    assert caught.value.error_class is ErrorClass.SCHEMA


def test_the_probe_says_what_there_is(upstream: Upstream) -> None:
    assert probe(upstream, small_world()).sentence == (
        "LiteLLM 1.80.0 answers; its numbers fall into 1 part, rates come from the second scrape on."
    )
    assert "no call of a model yet" in probe(upstream, LitellmWorld()).sentence
    old = LitellmWorld(lines=counter("litellm_not_a_premium_user_metric", (0, {})))
    assert "licence" in probe(upstream, old).sentence


def test_the_address_may_be_that_of_the_metrics() -> None:
    for ending in ("", "/", "/metrics", "/metrics/"):
        assert (
            LitellmConnector.clean({"url": f"https://proxy.example/llm{ending}"})["url"] == "https://proxy.example/llm"
        )


def test_the_newer_format_gives_the_same(upstream: Upstream) -> None:
    world = small_world()
    classic = fetch(upstream, world)
    text = "\n".join([*world.lines, "# EOF", ""]).replace("requests_metric_total counter", "requests_metric counter")
    content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    upstream.always(text_answer(text, content_type=content_type, headers=world.date()))
    newer = ask(lambda http: LitellmConnector(config={"url": upstream.url}, secrets={}, http=http).fetch({}))
    assert (newer.records, newer.rejected, newer.cursor) == (classic.records, (), classic.cursor)


LINES = st.lists(
    st.builds(
        lambda name, labels, value: f"{name}{labels} {value}",
        st.sampled_from(sample_names()),
        st.sampled_from(["", '{requested_model="a"}', '{model="b",le="1"}', '{le="+Inf"}', '{le="x"}', "{le=1}", "{"]),
        st.sampled_from(["1", "0", "-5", "NaN", "+Inf", "1e308", "x", ""]),
    )
    | st.text(max_size=30),
    max_size=12,
)


@patient
@given(LINES, LINES, st.booleans(), st.sampled_from(sorted(SPLITS)))
def test_no_text_breaks_the_reader(one: list[str], two: list[str], is_openmetrics: bool, split: str) -> None:
    memory = Memory()
    for lines, at in ((one, AT), (two, LATER)):
        sums = read_sums("\n".join(lines), is_openmetrics=is_openmetrics, split_by=SPLITS[split])
        found, memory = read_interval(sums, before=memory, at=at)
        json.dumps(memory.dump(), allow_nan=False)
        assert all(math.isfinite(value) for record in found for _, value in record.samples)


@patient
@given(st.dictionaries(st.sampled_from(["at", "counters", "buckets", "split", "is_whole"]), JSON))
def test_any_stored_cursor_is_survived(cursor: dict[str, Any]) -> None:
    sums = read_sums("\n".join(small_world().lines), is_openmetrics=False, split_by=SPLITS["all"])
    found, _ = read_interval(sums, before=Memory.load(cursor), at=AT)
    assert all(math.isfinite(value) for record in found for _, value in record.samples)
