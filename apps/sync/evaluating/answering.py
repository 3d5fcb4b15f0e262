"""The cases of one order on their way through the network: a thread with an event loop, answers as they come."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from queue import Empty, SimpleQueue

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.pool import Pool
from apps.evaluations.models import Case
from apps.evaluations.scorers.base import MISSING
from apps.evaluations.scorers.judge import question_of
from apps.evaluations.scorers.registry import applies, expected_by
from apps.evaluations.services import Job
from apps.evaluations.targets import rendered
from apps.sync.evaluating.asking import Line, Reply

HEARTBEAT_SECONDS = 2.0  # how often the caller gets to renew its lease while nothing comes

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came back for one case: the answer, and the judge's words if one was asked; or what went wrong."""

    case: Case
    reply: Reply | None = None
    judged: Reply | None = None
    error: SourceError | None = None

    @property
    def cost(self) -> Decimal:
        """USD, the judge included."""
        return sum((one.cost for one in (self.reply, self.judged) if one is not None), Decimal(0))


class Answers:
    """Iterate over it: an answer, or None now and then when nothing has come. `stop` lets no further case begin."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._arrived: SimpleQueue[Answered | BaseException | None] = SimpleQueue()
        self._is_stopped = threading.Event()

    def stop(self) -> None:
        """Begin no other case; what is under way is still told."""
        self._is_stopped.set()

    def __iter__(self) -> Iterator[Answered | None]:
        threading.Thread(target=self._run, name="evaluation", daemon=True).start()
        try:
            while True:
                try:
                    found = self._arrived.get(timeout=HEARTBEAT_SECONDS)
                except Empty:
                    yield None
                    continue
                if found is None:
                    return
                if isinstance(found, BaseException):
                    raise found
                yield found
        finally:
            self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._ask_all())
        except SourceError as error:
            self._arrived.put(error)
        except Exception as error:
            logger.exception("evaluating run %s broke off on our side", self._job.claim.run_id)
            self._arrived.put(error)
        finally:
            self._arrived.put(None)

    async def _ask_all(self) -> None:
        job = self._job
        async with AsyncExitStack() as stack:
            pool = await stack.enter_async_context(Pool())
            line = Line(job.endpoint, pool)
            judge = Line(job.judge, pool) if job.judge is not None else None
            await stack.enter_async_context(line.http)
            if judge is not None:
                await stack.enter_async_context(judge.http)
            async with asyncio.TaskGroup() as group:
                for case in job.cases:
                    await line.room.acquire()
                    if self._is_stopped.is_set():
                        line.room.release()
                        break
                    group.create_task(self._one(case, line, judge))

    async def _one(self, case: Case, line: Line, judge: Line | None) -> None:
        reply = None
        try:
            reply = await line.ask(
                rendered(self._job.order.messages, case.inputs), _parameters(self._job), self._job.order.model
            )
            judged = await self._judge(case, reply, judge)
            self._arrived.put(Answered(case=case, reply=reply, judged=judged))
        except SourceError as error:
            self._arrived.put(Answered(case=case, reply=reply, error=error))
        except ValueError as error:  # the case does not fit the prompt
            self._arrived.put(Answered(case=case, error=SourceError(ErrorClass.CONFIG, str(error))))
        finally:
            line.room.release()

    async def _judge(self, case: Case, reply: Reply, judge: Line | None) -> Reply | None:
        setting = next((one for one in self._job.scorers if one["kind"] == "judge"), None)
        if setting is None or not applies(setting, case.tags):
            return None
        if judge is None:
            raise SourceError(ErrorClass.CONFIG, "The judge's endpoint was removed.", is_permanent=True)
        expected = expected_by(setting, case.expected)
        question = question_of(
            inputs=case.inputs,
            expected="" if expected is MISSING else expected,
            output=reply.text,
            options=setting["options"],
        )
        async with judge.room:
            return await judge.ask(question, {"temperature": 0}, setting["options"]["model"])


def _parameters(job: Job) -> dict[str, object]:
    return {name: value for name, value in job.order.parameters.items() if name not in ("model", "messages", "stream")}
