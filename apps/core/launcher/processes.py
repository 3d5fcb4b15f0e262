"""The portal's own processes, one table. `docker-compose.yml` runs the same commands and a test compares the two."""

import signal
from dataclasses import dataclass

from apps.core.embedded.child import Ending

WEB_GRACE = 2  # seconds that open pages and streams get when the portal stops
WORKER_QUEUES = "polls,effects,celery"


@dataclass(frozen=True)
class Program:
    """One process: its name, the Python module it runs with its arguments, and how it likes to be stopped.

    Arguments may hold `{bind}`, `{port}`, `{home}` and `{demo_port}`.
    """

    name: str
    arguments: tuple[str, ...]
    ending: Ending

    def command(self, **places: object) -> list[str]:
        """Return the arguments for `python -m` with every place filled in."""
        return [argument.format(**places) for argument in self.arguments]


WEB = Program(
    "web",
    (
        *("opsportal.web", "opsportal.asgi:application", "--host", "{bind}", "--port", "{port}"),
        *("--grace", str(WEB_GRACE)),
    ),
    Ending(steps=((signal.SIGTERM, WEB_GRACE + 1.0),)),
)
WORKER = Program(
    "worker",
    (
        *("celery", "--app", "opsportal", "worker", "--pool", "threads", "--concurrency", "8"),
        *("--queues", WORKER_QUEUES, "--without-gossip", "--without-mingle", "--loglevel", "warning"),
    ),
    # Warm, then SIGKILL: threads cannot be cancelled, and every task survives it (polls by lease, effects by late ack).
    Ending(steps=((signal.SIGTERM, 2.0),), orphaned=signal.SIGKILL),
)
BEAT = Program(
    "beat",
    (
        *("celery", "--app", "opsportal.beat", "beat", "--schedule", "{home}/beat/schedule"),
        *("--pidfile", "", "--loglevel", "warning"),
    ),
    Ending(steps=((signal.SIGTERM, 1.5),)),
)
DEMO = Program(
    "demo",
    ("apps.demo.server", "--port", "{demo_port}"),
    Ending(steps=((signal.SIGTERM, 1.5),)),
)
PORTAL = (WEB, WORKER, BEAT)
EVERY_NAME = ("prepare", "static", *(program.name for program in (*PORTAL, DEMO)))
