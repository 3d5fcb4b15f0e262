"""Django's handle on the app."""

from __future__ import annotations

import gc

from django.apps import AppConfig

YOUNG = 20_000  # objects; Python's 700 looks at the young many times a poll


class CoreConfig(AppConfig):
    name = "apps.core"

    def ready(self) -> None:
        """Take what is loaded now out of the garbage collector's sight, and let it look less often."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG, 20, 20)
