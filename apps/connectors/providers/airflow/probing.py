"""The answer of **Test connection**: what this user may read, right by right."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from apps.connectors.base import Probe, Scope
from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.providers.airflow.client import AirflowClient

T = TypeVar("T")


@dataclass(slots=True)
class _Rights:
    """The rights asked for so far."""

    scopes: list[Scope] = field(default_factory=list)
    refusals: list[SourceError] = field(default_factory=list)

    async def ask(self, name: str, why: str, question: Awaitable[T]) -> T | None:
        """The answer, or None when the right to it is missing."""
        try:
            answer = await question
        except SourceError as error:
            if error.error_class is not ErrorClass.AUTH:
                raise
            self.refusals.append(error)
            self.scopes.append(Scope(name=name, why=why, is_granted=False))
            return None
        self.scopes.append(Scope(name=name, why=why, is_granted=True))
        return answer


async def probe(client: AirflowClient, *, with_tasks: bool) -> Probe:
    """Each right asked for by itself; raises SourceError when not one is granted, for then the sign-in is wrong."""
    rights = _Rights()
    dags = await rights.ask("DAGs", "read pipelines and their schedules", client.dags(limit=1))
    runs = await rights.ask("DAG runs", "read runs and their states", client.runs_of("~", limit=1))
    if with_tasks:
        task = await rights.ask("task instances", "read the tasks of a run", client.any_task_instance())
        if task:
            await rights.ask("task logs", "say why a task failed", _can_read_log(client, task))
    await rights.ask("import errors", "warn of files that Airflow cannot read", client.import_errors(limit=1))
    if len(rights.refusals) == len(rights.scopes):
        raise rights.refusals[0]
    found = [f"{page.total} {name}" for page, name in ((dags, "DAGs"), (runs, "runs")) if page is not None]
    sentence = f"Airflow {client.version} answers; it has {' and '.join(found) or 'no DAGs that may be read'}."
    return Probe(sentence=sentence, version=client.version, scopes=tuple(rights.scopes))


async def _can_read_log(client: AirflowClient, task: Mapping[str, Any]) -> bool:
    """True unless the right is missing: a log that is gone or too large is no matter of rights."""
    try:
        await client.log(task)
    except SourceError as error:
        if error.error_class is ErrorClass.AUTH:
            raise
    return True
