"""The web process's own pulse: it sleeps until it is told to stop."""

from __future__ import annotations

import signal
import socket
import threading
import time
from typing import Any

import uvicorn

from opsportal import web


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """The least application."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_signal_ends_the_server_long_before_its_next_pulse(monkeypatch):
    monkeypatch.setattr(web, "PULSE_SECONDS", 3600.0)
    listener = socket.create_server(("127.0.0.1", 0))
    server = web.Server(uvicorn.Config(nothing, lifespan="off", log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        with socket.create_connection(listener.getsockname(), timeout=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 204")
        while server._loop is None:
            time.sleep(0.01)
    finally:
        server.handle_exit(signal.SIGTERM, None)
        thread.join(20)
    assert not thread.is_alive()
