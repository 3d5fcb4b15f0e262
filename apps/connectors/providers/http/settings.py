"""The form of a generic HTTP source, and the checks that need more than one of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.connectors.base import Field, FieldType
from apps.connectors.cleaning import ALLOWED_NETWORKS, clean_fields, integer_between
from apps.connectors.documents import parse_document
from apps.connectors.errors import ConfigError
from apps.connectors.providers.http import authentication
from apps.connectors.providers.http.client import BODY
from apps.connectors.providers.http.expressions import compile_expression
from apps.connectors.providers.http.mapping import RecordMapping, read_mappings
from apps.connectors.providers.http.rows import DELIMITERS
from apps.connectors.providers.http.trials import run_trials

MOST_PAGES = 1_000


_REQUEST = (
    Field(
        name="url",
        label="URL",
        type=FieldType.URL,
        placeholder="https://jobs.example.com/api/runs?team=search",
        help="The complete address, with its query. Everybody sees it, so no secrets in it.",
    ),
    Field(
        name="method",
        label="Method",
        type=FieldType.CHOICE,
        default="GET",
        choices=(("GET", "GET"), ("POST", "POST with a JSON body")),
        help="A POST is sent anew with every poll, so it must only read.",
    ),
    Field(
        name="body",
        label="JSON body",
        type=FieldType.YAML,
        required=False,
        default=None,
        placeholder='{"query": "status:done"}',
        help="What is posted, as JSON or YAML. No secrets: it is shown to whoever may change the source.",
    ),
    Field(
        name="headers",
        label="Extra headers",
        type=FieldType.LINES,
        required=False,
        placeholder="X-Tenant: search",
        help="One a line, without secrets; credentials have their own fields.",
    ),
)
_FORMAT = (
    Field(
        name="format",
        label="Format",
        type=FieldType.CHOICE,
        default="json",
        choices=(("json", "JSON"), ("json_text", "JSON that is labelled as plain text"), ("csv", "CSV")),
        help="Of CSV every row becomes an object of column names and texts.",
    ),
    Field(
        name="delimiter",
        label="Delimiter",
        type=FieldType.CHOICE,
        default="comma",
        choices=tuple((word, word.capitalize()) for word in DELIMITERS),
        help="What separates the columns of the CSV.",
    ),
    Field(
        name="has_header",
        label="The first row names the columns",
        type=FieldType.BOOLEAN,
        default=True,
        help="Otherwise the columns are called c1, c2 and so on.",
    ),
)
_PAGING = (
    Field(
        name="paging",
        label="Pages",
        type=FieldType.CHOICE,
        default="none",
        choices=(
            ("none", "One answer has everything"),
            ("page", "By page number"),
            ("offset", "By offset and limit"),
            ("cursor", "By a cursor in the answer"),
            ("next", "By an address in the answer"),
            ("link", "By the header Link: rel=next"),
        ),
        help="How the source cuts long lists. Addresses are followed on the same server only.",
    ),
    Field(
        name="page_parameter",
        label="Page parameter",
        required=False,
        default="",
        placeholder="page",
        help="The parameter that takes the page number, the offset or the cursor; body.… puts it into the JSON body.",
    ),
    Field(
        name="first_page",
        label="First page",
        type=FieldType.INTEGER,
        default=1,
        help="The number of the first page, 0 or 1.",
    ),
    Field(
        name="size_parameter",
        label="Page size parameter",
        required=False,
        default="",
        placeholder="per_page",
        help="The parameter that takes the page size; left empty, none is sent.",
    ),
    Field(
        name="page_size",
        label="Page size",
        type=FieldType.INTEGER,
        default=100,
        help="Items asked for at once.",
    ),
    Field(
        name="next_path",
        label="Where the next page stands",
        required=False,
        default="",
        placeholder="meta.next_cursor",
        help="A JMESPath expression on the answer that finds the cursor or the address; nothing there ends the list.",
    ),
    Field(
        name="max_pages",
        label="Most pages",
        type=FieldType.INTEGER,
        default=50,
        help="What lies beyond is not read.",
    ),
)
_SINCE = (
    Field(
        name="since_parameter",
        label="Since parameter",
        required=False,
        default="",
        placeholder="updated_after",
        help="The parameter that asks only for what is new; left empty, every poll reads everything.",
    ),
    Field(
        name="since_template",
        label="Since template",
        required=False,
        default="{since}",
        placeholder="updated >= {since}",
        help="What the parameter is set to; {since} becomes the time.",
    ),
    Field(
        name="since_format",
        label="Since format",
        type=FieldType.CHOICE,
        default="iso",
        choices=(
            ("iso", "2026-01-31T09:00:00Z"),
            ("date", "2026-01-31"),
            ("seconds", "Epoch seconds"),
            ("millis", "Epoch milliseconds"),
        ),
        help="How the source wants the time.",
    ),
    Field(
        name="since_from",
        label="Since when",
        type=FieldType.CHOICE,
        default="clock",
        choices=(("clock", "The source's clock at the last poll"), ("records", "The latest time among the records")),
        help="Choose the records when news turn up later than they happened.",
    ),
    Field(
        name="overlap_minutes",
        label="Overlap (minutes)",
        type=FieldType.INTEGER,
        default=10,
        help="How much further back every poll looks again, for late news.",
    ),
    Field(
        name="backfill_days",
        label="Backfill (days)",
        type=FieldType.INTEGER,
        default=30,
        help="How far back the first poll looks.",
    ),
)
_MAPPING = (
    Field(
        name="mapping",
        label="Mapping",
        type=FieldType.YAML,
        placeholder="- kind: run\n  items: runs\n  fields:\n    external_id: id\n    pipeline_external_id: job\n"
        "    name: name\n    state: status\n    updated_at: finished_at\n  states: {OK: succeeded, ERROR: failed}",
        help="A list: what becomes which record, by JMESPath expressions. Leave it empty and press Preview to see what "
        "the source sends.",
    ),
    Field(
        name="tests",
        label="Tests of the mapping",
        type=FieldType.YAML,
        required=False,
        default=[],
        placeholder="- given: {id: 7, job: nightly, status: ERROR}\n  expect: [{external_id: '7', state: failed}]",
        help="A list: a sample and the records it must become. A source whose tests fail cannot be saved.",
    ),
)
FIELDS = (*_REQUEST, *authentication.FIELDS, *_FORMAT, *_PAGING, *_SINCE, *_MAPPING, ALLOWED_NETWORKS)


def clean(config: Mapping[str, Any]) -> dict[str, Any]:
    """The checked configuration; raises ConfigError. An explicit empty list as `mapping` means: nothing mapped yet.

    Mapping and tests that came as text stay as they were written, with their comments and their order.
    """
    cleaned = clean_fields(FIELDS, config, may_have_query=True)
    authentication.clean(cleaned)
    _check_numbers(cleaned)
    _check_request(cleaned)
    _check_paging(cleaned)
    mappings = read_mappings(cleaned["mapping"])
    if cleaned["since_parameter"]:
        _check_since(cleaned)
        if any(mapping.is_complete for mapping in mappings):
            message = "`complete: true` says that an answer is the whole list; with a since parameter it never is."
            raise ConfigError("mapping", message)
    run_trials(cleaned, mappings)
    return {**cleaned, **{name: config[name] for name in ("mapping", "tests") if _is_written(config.get(name))}}


def mappings_of(config: Mapping[str, Any]) -> list[RecordMapping]:
    """The compiled mapping of a checked configuration."""
    value = config["mapping"]
    return read_mappings(parse_document("mapping", value) if isinstance(value, str) else value)


def _is_written(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _check_numbers(config: Mapping[str, Any]) -> None:
    for name, low, high in (
        ("first_page", 0, 1),
        ("page_size", 1, 10_000),
        ("max_pages", 1, MOST_PAGES),
        ("overlap_minutes", 0, 7 * 1440),
        ("backfill_days", 1, 3_650),
    ):
        integer_between(config, name, low, high)


def _check_request(config: Mapping[str, Any]) -> None:
    is_post = config["method"] == "POST"
    if config["body"] is not None and not is_post:
        raise ConfigError("body", "Only a POST has a body; choose POST or empty it.")
    if is_post and config["format"] != "json":
        raise ConfigError("format", "CSV and labelled texts are read by GET only; choose GET.")
    for name in ("page_parameter", "size_parameter", "since_parameter"):
        if config[name].startswith(BODY) and not (is_post and isinstance(config["body"] or {}, Mapping)):
            raise ConfigError(name, f"“{config[name]}” needs a POST whose body is an object.")


def _check_paging(config: Mapping[str, Any]) -> None:
    paging = config["paging"]
    if paging in ("page", "offset", "cursor") and not config["page_parameter"]:
        raise ConfigError("page_parameter", "This way of paging needs the name of the parameter, like page or offset.")
    if paging in ("cursor", "next"):
        if config["format"] == "csv":
            raise ConfigError("paging", "A CSV holds no cursor; choose page numbers, an offset or the Link header.")
        if not config["next_path"]:
            raise ConfigError("next_path", "This way of paging needs an expression, like meta.next.")
        compile_expression(config["next_path"], field="next_path", where="It")


def _check_since(config: Mapping[str, Any]) -> None:
    if "{since}" not in config["since_template"]:
        raise ConfigError("since_template", "Write {since} where the time belongs.")
