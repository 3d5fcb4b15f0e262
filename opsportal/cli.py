"""`opsportal`: report to an OpsPortal from a shell or a CI job. Python's standard library only, this file alone.

It reads OPSPORTAL_URL, OPSPORTAL_TOKEN and OPSPORTAL_SOURCE, fills in what a CI system says of itself (GitHub, GitLab),
tries again when the portal cannot be reached, and never fails the job around it unless --strict is given.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any, NoReturn

REPORTED, REFUSED, WRONG_USE, NOT_REACHED = 0, 1, 2, 3  # exit codes with --strict; without it always 0
TRIES = 4
LONGEST_WAIT = 30.0  # seconds between two tries
RETRIED = (429, 500, 502, 503, 504)
STATES = ("queued", "running", "succeeded", "failed", "crashed", "cancelled", "skipped")
DEPLOYMENT_STATES = ("queued", "running", "succeeded", "failed", "cancelled")
GITHUB_TRIGGERS = {"schedule": "schedule", "workflow_dispatch": "manual", "repository_dispatch": "api"}
GITLAB_TRIGGERS = {"schedule": "schedule", "web": "manual", "api": "api", "trigger": "api"}

Item = dict[str, Any]
Environ = Mapping[str, str]


class ReportError(Exception):
    """What went wrong in one sentence, and the exit code that --strict gives it."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def main(argv: Sequence[str] | None = None) -> int:
    """Report what the arguments say; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    is_strict = "--strict" in arguments
    try:
        given = parse(arguments)
        path, items = given.make(given, os.environ)
        if given.make is _run_start:
            print(items[0]["external_id"])  # whether it is reached or not: the end of the run is told under it
        print(f"opsportal: {_send(given, os.environ, path, items)}", file=sys.stderr)
    except ReportError as error:
        print(f"opsportal: {error}", file=sys.stderr)
        return error.code if is_strict else REPORTED
    return REPORTED


# ── what each command reports ────────────────────────────────────────────────────────────────────────────────────────
def _run_start(given: argparse.Namespace, environ: Environ) -> tuple[str, list[Item]]:
    return "runs", [_run(given, environ) | {"state": "running"}]


def _run_finish(given: argparse.Namespace, environ: Environ) -> tuple[str, list[Item]]:
    state = given.state or ("succeeded" if not given.exit_code else "failed")
    more = _said(error=given.error, rows_in=given.rows_in, rows_out=given.rows_out, cost=given.cost)
    return "runs", [_run(given, environ) | {"state": state} | more]


def _run(given: argparse.Namespace, environ: Environ) -> Item:
    ci = ci_facts(environ)
    pipeline = given.pipeline or ci.get("pipeline")
    if not pipeline:
        raise ReportError(WRONG_USE, "Say --pipeline; no CI system names one here.")
    external_id = given.id or ci.get("run_id")
    if not external_id and given.make is _run_finish:
        raise ReportError(WRONG_USE, "Say --id, the one that “opsportal run start” printed.")
    branch = {"branch": ci["branch"]} if "branch" in ci else {}
    return _said(
        external_id=external_id or str(uuid.uuid4()),
        pipeline=pipeline,
        name=given.name,
        revision=given.revision or ci.get("revision"),
        triggered_by=ci.get("actor"),
        trigger=ci.get("trigger"),
        attempts=ci.get("attempts"),
        url=given.link or ci.get("url"),
        labels=branch | given.label,
    )


def _deploy(given: argparse.Namespace, environ: Environ) -> tuple[str, list[Item]]:
    ci = ci_facts(environ)
    revision = given.revision or ci.get("revision")
    if not revision:
        raise ReportError(WRONG_USE, "Say --revision; no CI system names a commit here.")
    external_id = given.id or f"{given.component}-{given.environment}-{ci.get('run_id') or uuid.uuid4()}"
    item = _said(
        external_id=external_id,
        component=given.component,
        environment=given.environment,
        revision=revision,
        state=given.state,
        deployed_by=ci.get("actor"),
        description=given.description,
        is_rollback=given.rollback or None,
        url=given.link or ci.get("url"),
        labels=given.label,
    )
    return "deployments", [item]


def _change(given: argparse.Namespace, environ: Environ) -> tuple[str, list[Item]]:
    ci = ci_facts(environ)
    item = _said(
        external_id=given.id or str(uuid.uuid4()),
        what=given.what,
        title=given.title,
        actor=ci.get("actor"),
        detail=given.detail,
        component=given.component,
        environment=given.environment,
        before=given.before,
        after=given.after,
        url=given.link or ci.get("url"),
        labels=given.label,
    )
    return "changes", [item]


def _sample(given: argparse.Namespace, _environ: Environ) -> tuple[str, list[Item]]:
    more = _said(measure=given.measure, unit=given.unit, at=given.at, kind=given.kind, labels=given.label)
    items = []
    for name, text in given.values:
        try:
            items.append({"name": name, "value": float(text)} | more)
        except ValueError:
            raise ReportError(WRONG_USE, f"“{text}” is not a number; write {name}=1.5.") from None
    return "samples", items


def _evaluate(given: argparse.Namespace, environ: Environ) -> tuple[str, list[Item]]:
    try:
        text = sys.stdin.read() if given.file == "-" else _read(given.file)
        value = json.loads(text)
    except (OSError, ValueError) as error:
        raise ReportError(WRONG_USE, f"{given.file} cannot be read as JSON ({error}).") from None
    items = value.get("items", [value]) if isinstance(value, dict) else value
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise ReportError(WRONG_USE, f"{given.file} must hold one evaluation, or a list of them.")
    facts = _said(revision=ci_facts(environ).get("revision"), url=ci_facts(environ).get("url"))
    return "evaluations", [facts | item for item in items]


def _heartbeat(_given: argparse.Namespace, _environ: Environ) -> tuple[str, list[Item]]:
    return "heartbeat", []


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _said(**values: Any) -> Item:
    """The values that say something."""
    return {name: value for name, value in values.items() if value not in (None, "", {})}


# ── what a CI system says of itself ──────────────────────────────────────────────────────────────────────────────────
def ci_facts(environ: Environ) -> Item:
    """Run, pipeline, revision, branch, actor, trigger and address of the CI job this runs in; {} outside of one."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ)
    return _gitlab(environ) if environ.get("GITLAB_CI") == "true" else {}


def _github(environ: Environ) -> Item:
    repository, run = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_RUN_ID", "")
    event, server = environ.get("GITHUB_EVENT_NAME", ""), environ.get("GITHUB_SERVER_URL", "https://github.com")
    return _said(
        run_id="-".join(filter(None, ("github", run, environ.get("GITHUB_JOB")))) if run else None,
        pipeline="/".join(filter(None, (repository, environ.get("GITHUB_WORKFLOW")))),
        revision=environ.get("GITHUB_SHA"),
        branch=environ.get("GITHUB_REF_NAME"),
        actor=environ.get("GITHUB_ACTOR"),
        trigger=GITHUB_TRIGGERS.get(event, "event" if event else None),
        attempts=_number(environ.get("GITHUB_RUN_ATTEMPT")),
        url=f"{server}/{repository}/actions/runs/{run}" if run else None,
    )


def _gitlab(environ: Environ) -> Item:
    origin = environ.get("CI_PIPELINE_SOURCE", "")
    return _said(
        run_id=f"gitlab-{environ['CI_JOB_ID']}" if environ.get("CI_JOB_ID") else None,
        pipeline="/".join(filter(None, (environ.get("CI_PROJECT_PATH"), environ.get("CI_JOB_NAME")))),
        revision=environ.get("CI_COMMIT_SHA"),
        branch=environ.get("CI_COMMIT_REF_NAME"),
        actor=environ.get("GITLAB_USER_LOGIN"),
        trigger=GITLAB_TRIGGERS.get(origin, "event" if origin else None),
        url=environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL"),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────
class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to another host."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def _send(given: argparse.Namespace, environ: Environ, path: str, items: list[Item]) -> str:
    """Send the items, again if need be under the same key; returns a sentence about what the portal did with them."""
    request = _request(given, environ, path, items)
    opener = urllib.request.build_opener(_NoRedirect)
    sentence = ""
    for number in range(TRIES):
        wait = min(2.0**number, LONGEST_WAIT)
        try:
            with opener.open(request, timeout=given.timeout) as answer:
                return _result(answer.read())
        except urllib.error.HTTPError as error:
            code, sentence = _told(error)
            if error.code not in RETRIED and code != "in_progress":
                raise ReportError(REFUSED, sentence) from None
            wait = _wished(error.headers.get("Retry-After"), wait)
        except (OSError, ValueError, HTTPException) as error:
            sentence = f"{given.url or environ.get('OPSPORTAL_URL')} does not answer ({_reason(error)})."
        if number < TRIES - 1:
            time.sleep(wait)
    raise ReportError(NOT_REACHED, f"Not reported after {TRIES} tries: {sentence}")


def _request(given: argparse.Namespace, environ: Environ, path: str, items: list[Item]) -> urllib.request.Request:
    url = (given.url or environ.get("OPSPORTAL_URL", "")).rstrip("/")
    source = given.source or environ.get("OPSPORTAL_SOURCE", "")
    token = environ.get("OPSPORTAL_TOKEN", "").strip()
    for name, value in (("OPSPORTAL_URL", url), ("OPSPORTAL_SOURCE", source), ("OPSPORTAL_TOKEN", token)):
        if not value:
            raise ReportError(WRONG_USE, f"Set {name}.")
    if not url.startswith(("https://", "http://")):
        raise ReportError(WRONG_USE, "OPSPORTAL_URL must begin with https:// or http://.")
    if not token.isascii() or not token.isprintable():
        raise ReportError(WRONG_USE, "OPSPORTAL_TOKEN holds odd characters; paste it again.")
    return urllib.request.Request(  # noqa: S310 - the scheme is checked above
        f"{url}/api/v1/sources/{urllib.parse.quote(source, safe='')}/{path}",
        data=json.dumps({"items": items}).encode() if items else b"",
        method="POST",
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
            "User-Agent": "opsportal-cli",
        },
    )


def _result(body: bytes) -> str:
    """What the portal did with the items, in a sentence; raises ReportError when it refused one."""
    try:
        answer = json.loads(body)
        counts, results = answer["counts"], answer["results"]
        errors = [one["error"] for one in results if one["status"] == "refused"]
        sentence = f"Reported: {counts['stored']} stored, {counts['unchanged']} known already."
    except (ValueError, KeyError, TypeError):
        raise ReportError(NOT_REACHED, "Something else than an OpsPortal answers; check OPSPORTAL_URL.") from None
    if errors:
        raise ReportError(REFUSED, f"{len(errors)} of {len(results)} refused: {errors[0]}")
    return sentence if results else "Heard."


def _told(error: urllib.error.HTTPError) -> tuple[str, str]:
    """The code and the sentence of a refusal."""
    try:
        told = json.loads(error.read())["error"]
        return told["code"], f"The portal refuses this: {told['message']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "", f"The portal answered {error.code}; is OPSPORTAL_URL its address?"


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", error)) or type(error).__name__


def _wished(text: str | None, otherwise: float) -> float:
    return min(float(text), LONGEST_WAIT) if text and text.isdecimal() else otherwise


# ── the command line ─────────────────────────────────────────────────────────────────────────────────────────────────
class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Wrong use is said like everything else, so that it fails a job only with --strict."""
        raise ReportError(WRONG_USE, f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments, with `make` set to what turns them into items; raises ReportError for wrong use."""
    parser = _Parser(prog="opsportal", description="Report to an OpsPortal.", epilog=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_runs(commands)
    _add_events(commands)
    _add_numbers(commands)
    given = parser.parse_args(arguments)
    given.label = dict(getattr(given, "label", None) or [])
    return given


def _add_runs(commands: Any) -> None:
    run = commands.add_parser("run", help="begin or end a run").add_subparsers(required=True, metavar="start|finish")
    start = _command(run, "start", _run_start, "a run has begun; prints its id")
    finish = _command(run, "finish", _run_finish, "a run has ended")
    for one in (start, finish):
        _texts(one, id="of the run; in CI that of the job", pipeline="in CI that of the job", name="of the run")
        _texts(one, revision="commit that runs; in CI that of the job", link="page of the run")
        one.add_argument("--label", action="append", type=_pair, metavar="NAME=VALUE")
    finish.add_argument("--state", choices=STATES)
    finish.add_argument("--exit-code", type=int, default=0, help="instead of --state: 0 succeeded, else failed")
    finish.add_argument("--rows-in", type=int)
    finish.add_argument("--rows-out", type=int)
    _texts(finish, error="why it failed", cost="what it cost")


def _add_events(commands: Any) -> None:
    deploy = _command(commands, "deploy", _deploy, "a revision was put somewhere")
    change = _command(commands, "change", _change, "something else was changed")
    deploy.add_argument("--component", required=True)
    deploy.add_argument("--environment", required=True)
    deploy.add_argument("--state", choices=DEPLOYMENT_STATES, default="succeeded")
    deploy.add_argument("--rollback", action="store_true")
    _texts(deploy, revision="in CI the commit", description="")
    change.add_argument("what", help="a short word: config, flag, index, model, maintenance")
    change.add_argument("title", help="one line for people")
    _texts(change, component="", environment="", before="", after="", detail="")
    for one in (deploy, change):
        _texts(one, id="the same every time the same thing is told", link="page about it")
        one.add_argument("--label", action="append", type=_pair, metavar="NAME=VALUE")


def _add_numbers(commands: Any) -> None:
    sample = _command(commands, "sample", _sample, "numbers, such as answer_seconds=1.8")
    sample.add_argument("values", nargs="+", type=_pair, metavar="NAME=NUMBER")
    sample.add_argument("--kind", choices=("gauge", "counter"))
    sample.add_argument("--label", action="append", type=_pair, metavar="NAME=VALUE")
    _texts(sample, measure="entry of the glossary of measures", unit="", at="time with an offset; left out, now")
    evaluate = _command(commands, "evaluate", _evaluate, "results of an evaluation, from a JSON file")
    evaluate.add_argument("file", help="“-” reads from standard input")
    _command(commands, "heartbeat", _heartbeat, "a sign of life")


def _command(commands: Any, name: str, make: Any, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text[:1].upper()}{text[1:]}."
    )
    command.set_defaults(make=make)
    command.add_argument("--url", help="of the portal; else OPSPORTAL_URL")
    command.add_argument("--source", help="short name of the source; else OPSPORTAL_SOURCE")
    command.add_argument("--timeout", type=float, default=10.0, help="seconds for one try")
    command.add_argument("--strict", action="store_true", help="exit 1 refused, 2 wrong use, 3 not reached")
    return command


def _texts(command: argparse.ArgumentParser, **names: str) -> None:
    for name, text in names.items():
        command.add_argument(f"--{name}", default="", help=text or None)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"“{text}” is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
