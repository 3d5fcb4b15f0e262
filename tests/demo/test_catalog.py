"""The catalog file, the sources and the simulated world speak of the same company."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from apps.catalog.document.checking import check_document
from apps.catalog.document.reading import read_document
from apps.connectors.base import FieldType
from apps.connectors.registry import get_connector
from apps.demo.rules import RULES
from apps.demo.servers.airflow_shapes import dag_id
from apps.demo.services import CATALOG
from apps.demo.sources import demo_sources
from apps.demo.world.company import ENVIRONMENTS, FEATURES, SERVICES, TEAMS
from apps.demo.world.pipelines import PIPELINES
from apps.demo.world.sheets import SHEETS
from apps.demo.world.systems import ROLLED_OUT_BY, pipelines_of, prompts_in, repositories_in, rolled_out_by
from apps.demo.world.vendors import VENDORS
from apps.metrics.measures import MEASURES


@pytest.fixture(scope="module")
def catalog() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(CATALOG.read_text(encoding="utf-8"))
    return data


def test_the_file_is_a_good_catalog() -> None:
    check_document(read_document(CATALOG.read_text(encoding="utf-8")), known={})


def test_features_and_promises_agree_with_the_world(catalog: dict[str, Any]) -> None:
    written = {
        feature["slug"]: (
            feature["name"], feature["summary"], feature["team"], feature["tier"], feature["is_demo"],
            [tuple(promise.items()) for promise in feature["promises"]],
        )
        for feature in catalog["features"]
    }  # fmt: skip
    simulated = {
        feature.slug: (
            feature.name, feature.summary, feature.team, feature.tier, True,
            [
                (
                    ("measure", promise.measure),
                    (promise.comparison, promise.limit),
                    *([("fails_at", promise.fails_at)] if promise.fails_at is not None else []),
                    ("window_minutes", promise.window_minutes),
                    ("label", promise.label),
                )
                for promise in feature.promises
            ],
        )
        for feature in FEATURES
    }  # fmt: skip
    assert written == simulated


def test_teams_and_environments_agree_with_the_world(catalog: dict[str, Any]) -> None:
    assert {(team["slug"], team["on_call"], team["timezone"]) for team in catalog["teams"]} == {
        (team.slug, team.on_call, team.zone) for team in TEAMS
    }
    assert [place["slug"] for place in catalog["environments"]] == list(ENVIRONMENTS)


def test_everything_that_sources_report_has_a_component(catalog: dict[str, Any]) -> None:
    names = {name for component in catalog["components"] for name in component.get("external_names", ())}
    slugs = {component["slug"] for component in catalog["components"]}
    assert names >= {
        *(f"deployment:{service}" for service in (*rolled_out_by("kubernetes"), *rolled_out_by("prometheus"))),
        *(f"deployment:documents/{service}" for service in rolled_out_by("gitlab")),
        *(f"prompt:{feature.slug}" for feature in FEATURES),
        *(f"pipeline:{pipeline.slug}" for system in ("prefect", "kubernetes") for pipeline in pipelines_of(system)),
        *(f"pipeline:{dag_id(pipeline.slug)}" for pipeline in pipelines_of("airflow")),
        *(f"pipeline:{name}-evaluation" for name in prompts_in("mlflow")),
        *(f"evaluation:{name}-evaluation" for name in (*prompts_in("langfuse"), *prompts_in("phoenix"))),
    }
    assert slugs >= {*SERVICES, *(pipeline.slug for pipeline in PIPELINES), *(vendor.slug for vendor in VENDORS)}
    assert slugs >= {rule.component for rule in RULES if rule.component}


def test_everything_is_told_by_one_system() -> None:
    assert set(ROLLED_OUT_BY) == set(SERVICES)
    systems = {pipeline.system for pipeline in PIPELINES}
    assert systems == {"prefect", "airflow", "dagster", "kubernetes"}
    registries = {sheet.registry for sheet in SHEETS.values()}
    assert registries == {"mlflow", "langfuse", "phoenix"}
    assert sorted((*repositories_in("github"), *repositories_in("gitlab"))) == sorted(SERVICES)


def test_a_feature_reaches_the_index_it_reads(catalog: dict[str, Any]) -> None:
    edges = {(edge["from"], edge["to"]) for edge in catalog["dependencies"]}
    assert {("search-api", "help-center-index"), ("help-center-index", "knowledge-refresh")} <= edges
    for feature in FEATURES:
        assert (feature.service, feature.model) in edges
        assert (feature.service, "model-gateway") in edges


def test_sources_are_ready_for_their_connectors() -> None:
    for source in demo_sources("http://127.0.0.1:8900/"):
        connector = get_connector(source.connector)
        assert connector.clean(source.config)["url"].startswith("http://127.0.0.1:8900/")
        assert 5 <= source.interval <= 300
        assert {field.name for field in connector.fields if field.type is FieldType.SECRET} >= set(source.secrets)


def test_every_query_has_a_measure_of_the_glossary_in_its_unit() -> None:
    queries = demo_sources("http://x")[0].config["queries"]
    assert len(queries) == 13
    for query in queries:
        assert query["measure"] in MEASURES
        assert MEASURES[query["measure"]].unit in ("", query["unit"])
