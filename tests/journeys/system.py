"""PostgreSQL, Valkey, web, worker and beat as real processes, each of which a test may kill and start again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from apps.core.embedded import paths
from apps.core.embedded.child import Child, Ending
from apps.core.embedded.postgres import Postgres
from apps.core.embedded.valkey import Valkey
from apps.core.launcher.processes import BEAT, WEB, WORKER, Program
from tests.journeys.running import PASSWORD, USERNAME, environment, free_port, until
from tests.journeys.stored import Tables
from tests.journeys.visitor import Visitor

OTHERS = ["ada", "enno", "iris", "viola"]  # who only look
PREPARE = f"""
import django
django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
call_command("create_admin", username="{USERNAME}", verbosity=0)
from apps.accounts.models import User
for name in {OTHERS}:
    User.objects.create_user(name, password="{PASSWORD}", role="viewer", full_name=name.title())
"""
ADDED = """
WITH made AS (
    INSERT INTO sources_source (slug, name, connector, config, secrets, interval_seconds, is_enabled, is_demo,
                                allowed_networks, raw_kept_days, created_at, updated_at)
    VALUES (%(name)s, %(name)s, 'scripted', jsonb_build_object('url', %(url)s::text), '', %(interval)s, true, false,
            '{}', 30, now(), now()) RETURNING id
)
INSERT INTO sources_sourcestate (source_id, is_poll_requested, cursor, has_backlog, error_class, error, failures,
                                 circuit, missing_scopes)
SELECT id, false, '{}', false, '', '', 0, 'closed', '{}' FROM made RETURNING source_id
"""


@dataclass(slots=True)
class System:
    """The servers and processes in one home; `start_…` returns when the process serves."""

    home: Path
    postgres: Postgres
    valkey: Valkey
    port: int = field(default_factory=free_port)
    children: list[Child] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the web process answers."""
        return f"http://127.0.0.1:{self.port}"

    def tables(self) -> Tables:
        """A new connection to the portal's tables."""
        return Tables(self.home)

    def prepare(self) -> None:
        """Migrate and make the administrator, as the launcher does."""
        (self.home / "static").mkdir()
        subprocess.run([sys.executable, "-c", PREPARE], cwd=paths.CHECKOUT, env=self._environment(), check=True)

    def manage(self, *arguments: str) -> None:
        """Run one management command."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=paths.CHECKOUT, env=self._environment(), check=True, capture_output=True)

    def start_web(self) -> Child:
        """The web process."""
        quick = [part.replace("opsportal.asgi", "tests.journeys.quick_web") for part in self._command(WEB)]
        child = self._start("web", quick, WEB.ending)
        until(self.is_web_ready, seconds=30, what="the web process is ready")
        return child

    def is_web_ready(self) -> bool:
        """Whether it can serve."""
        try:
            return Visitor(self.url).ask("/readyz")[0] == 200
        except OSError:
            return False

    def start_worker(self, name: str = "worker") -> Child:
        """A worker that knows the scripted source and gives leases of a few seconds."""
        command = [*self._command(WORKER), "--include", "tests.journeys.scripted_worker", "--hostname", f"{name}@here"]
        return self._start(name, command, WORKER.ending)

    def start_beat(self) -> Child:
        """The ticking."""
        paths.make_private(self.home / "beat")
        return self._start("beat", self._command(BEAT), BEAT.ending)

    def add_source(self, *, name: str, url: str, interval: int = 5) -> int:
        """A scripted source, due at once."""
        tables = self.tables()
        try:
            return int(tables.one(ADDED, name=name, url=url, interval=interval))
        finally:
            tables.close()

    def stop(self) -> None:
        """Stop the processes that still run, then the servers."""
        for child in reversed(self.children):
            child.stop()
        self.valkey.stop()
        self.postgres.stop()

    def _command(self, program: Program) -> list[str]:
        return program.command(home=self.home, bind="127.0.0.1", port=self.port)

    def _start(self, name: str, command: list[str], ending: Ending) -> Child:
        child = Child(name, self.home, ending)
        child.spawn([sys.executable, "-m", *command], env=self._environment())
        self.children.append(child)
        return child

    def _environment(self) -> dict[str, str]:
        given = {"OPSPORTAL_ADMIN_PASSWORD": PASSWORD, "DJANGO_SETTINGS_MODULE": "opsportal.settings"}
        return environment(self.home, **given, **self.settings)


@contextmanager
def running_system(home: Path, **settings: str) -> Iterator[System]:
    """Servers that answer and tables that are there; no process of the portal runs yet."""
    system = System(home, Postgres(home), Valkey(home), settings=settings)
    try:
        system.postgres.start()
        system.valkey.start()
        system.prepare()
        yield system
    finally:
        with suppress(ProcessLookupError):
            system.stop()
