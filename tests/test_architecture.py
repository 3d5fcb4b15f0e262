"""The shape of the house: sizes, where foreign keys point, and that the words people read are in the glossary."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [  # bottom to top; apps on one line are strangers
    {"core"},
    {"accounts", "connectors"},
    {"catalog"},
    {"events"},
    {"sources"},
    {"evaluations"},
    {"deployments", "metrics", "pipelines", "prompts"},
    {"monitors"},
    {"incidents"},
    {"health"},
    {"notifications"},
    {"demo", "portal", "sync"},
    {"api"},
]
LEVEL = {app: level for level, group in enumerate(LAYERS) for app in group}
FORBIDDEN = re.compile(  # what the content security policy or good sense refuses in a template
    r"\bstyle=\"|<style|<script(?![^>]*(\bsrc=|type=\"application/json\"))|\bhx-on|\bjs:"
    r"|\|safe\b|autoescape off|\bon[a-z]+=\""
)
OUR_FILES = [
    path
    for folder in ("apps", "opsportal")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts
]


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _lines(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("path", OUR_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_stays_small_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    too_long = [f"{node.name} ({_lines(node)})" for node in _functions(path) if _lines(node) > 50]
    assert not too_long


@pytest.mark.parametrize("path", [p for p in OUR_FILES if p.name == "tasks.py"], ids=lambda p: p.parent.name)
def test_a_task_stays_thin(path: Path) -> None:
    assert not [node.name for node in _functions(path) if _lines(node) > 14]


def test_views_stay_short() -> None:
    too_long = [
        f"{path.parent.name}.{node.name} ({_lines(node)})"
        for path in OUR_FILES
        if path.name == "views.py" or "views" in path.parent.parts[-1:]
        for node in _functions(path)
        if _lines(node) > 25
    ]
    assert not too_long


@pytest.mark.parametrize(
    "path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: str(path.relative_to(ROOT / "templates"))
)
def test_a_template_is_small_and_safe(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= (80 if path.name.startswith("_") else 160)
    assert not FORBIDDEN.search(text)


def test_foreign_keys_point_down() -> None:
    wrong = []
    for model in apps.get_models():
        if not model.__module__.startswith("apps."):
            continue
        for field in model._meta.get_fields():
            target = getattr(field, "related_model", None)
            if not isinstance(field, models.ForeignKey) or not target.__module__.startswith("apps."):
                continue
            ours, theirs = model._meta.app_label, target._meta.app_label
            if ours != theirs and LEVEL[theirs] >= LEVEL[ours]:
                wrong.append(f"{model.__name__}.{field.name} -> {target.__name__}")
    assert not wrong


def test_every_state_is_in_the_glossary() -> None:
    from apps.core.ui.status import StatusChoices

    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").lower()
    missing = [
        f"{kind.__name__}.{member.value}"
        for kind in StatusChoices.__subclasses__()
        if kind.__module__.startswith("apps.")
        for member in kind
        if member.value not in glossary
    ]
    assert not missing


def test_every_event_kind_is_in_the_glossary() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    kinds = {
        match
        for path in OUR_FILES
        if "demo" not in path.parts  # its metrics are called feature:latency:p95 and the like
        for match in re.findall(r"\"([a-z]+:[a-z_]+:[a-z-]+)\"", path.read_text(encoding="utf-8"))
    }
    assert not sorted(kind for kind in kinds if kind not in glossary)


def test_nothing_writes_safe_markup_outside_the_ui_module() -> None:
    allowed = ROOT / "apps" / "core"
    wrong = [
        str(path.relative_to(ROOT))
        for path in OUR_FILES
        if not path.is_relative_to(allowed) and re.search(r"\b(mark_safe|SafeString|format_html)\b", path.read_text())
    ]
    assert not wrong
