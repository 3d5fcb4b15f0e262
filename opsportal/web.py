"""`python -m opsportal.web`: the web process, uvicorn with a slower pulse."""

from __future__ import annotations

import argparse
import asyncio
import sys
from types import FrameType

import uvicorn

PULSE_SECONDS = 1.0  # between two looks at the clock, for the Date of the answers


class Server(uvicorn.Server):
    """Uvicorn looks ten times a second whether it should stop; this one is told, and sleeps for a second at a time."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._is_over = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Serve until told to stop."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            try:
                async with asyncio.timeout(PULSE_SECONDS):
                    await self._is_over.wait()
            except TimeoutError:
                continue

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once; a second SIGINT stops without waiting for anybody, as uvicorn has it."""
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._is_over.set)


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m opsportal.web", description=__doc__)
    parser.add_argument("application", nargs="?", default="opsportal.asgi:application")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--grace", type=int, default=2, metavar="SECONDS", help="for answers that are under way")
    parser.add_argument("--log-level", default="warning")
    asked = parser.parse_args()
    config = uvicorn.Config(
        asked.application,
        host=asked.host,
        port=asked.port,
        timeout_graceful_shutdown=asked.grace,
        access_log=False,
        server_header=False,
        log_level=asked.log_level,
    )
    server = Server(config)
    server.run()
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    main()
