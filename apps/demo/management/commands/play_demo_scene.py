"""`manage.py play_demo_scene SCENE`: something happens at the demo's company, for whoever watches the portal."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.demo.servers.stage import SCENES
from apps.sources.models import Source

SECONDS = 10


class Command(BaseCommand):
    help = "Let something happen in the demo world: " + "; ".join(
        f"{name}: {(scene.__doc__ or '').strip()}" for name, scene in SCENES.items()
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("scene", choices=list(SCENES))

    def handle(self, *args: Any, scene: str, **options: Any) -> None:
        told = json.loads(_post(f"{_base()}/stage/{scene}"))
        self.stdout.write(f"{told['done']} The portal tells of it at its next poll.")


def _base() -> str:
    source = Source.objects.filter(is_demo=True, connector="prometheus").first()
    if source is None:
        raise CommandError("The demo is not set up here; `make run` does, unless OPSPORTAL_DEMO=0.")
    return str(source.config["url"]).removesuffix("/prometheus")


def _post(url: str) -> bytes:
    try:
        with urlopen(Request(url, data=b"", method="POST"), timeout=SECONDS) as answer:  # noqa: S310 - the demo's own
            return bytes(answer.read())
    except URLError as error:
        raise CommandError(f"The demo world does not answer at {url} ({error}); is the portal running?") from error
