"""Clients that ask an HTTP server as fast as it answers, over connections that stay open."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence

Heard = Callable[[bytes, float, float], None]


class Asker(asyncio.Protocol):
    """One connection that asks again as soon as it has its answer; tells `heard` each body, when it was asked for and
    when it came."""

    def __init__(self, requests: Sequence[bytes], heard: Heard | None = None) -> None:
        self.answers = 0
        self.done = asyncio.Event()
        self._requests, self._heard = requests, heard
        self._left = 0
        self._buffer = b""
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to ask."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, times: int) -> None:
        """Ask so many times, one after the other; `done` is set at the end."""
        self._left = times
        self.done.clear()
        self._send()

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer; when it is whole, ask again."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        assert head.startswith(b"HTTP/1.1 200"), head[:200]
        self._buffer = b""
        self.answers += 1
        if self._heard is not None:
            self._heard(body, self._asked_at, time.perf_counter())
        self._left -= 1
        if self._left > 0:
            self._send()
        else:
            self.done.set()

    def _send(self) -> None:
        self._asked_at = time.perf_counter()
        self._transport.write(self._requests[self.answers % len(self._requests)])


async def connected(port: int, requests: Sequence[bytes], heard: Heard | None = None) -> Asker:
    """A client that is connected and asks nothing yet."""
    _, asker = await asyncio.get_running_loop().create_connection(lambda: Asker(requests, heard), "127.0.0.1", port)
    return asker


async def storm(port: int, requests: Sequence[bytes], *, times: int, clients: int = 8) -> float:
    """`times` requests over `clients` connections; seconds by the clock."""
    askers = [await connected(port, requests) for _ in range(clients)]
    began = time.perf_counter()
    for asker in askers:
        asker.ask(times // clients)
    await asyncio.gather(*(asker.done.wait() for asker in askers))
    took = time.perf_counter() - began
    for asker in askers:
        asker.close()
    return took


def get(path: str, *, token: str = "") -> bytes:
    """A GET as bytes."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n".encode()


def post(path: str, body: object) -> bytes:
    """A POST of JSON as bytes."""
    text = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(text) + text


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length: ")
    return int(rest.partition(b"\r\n")[0] or 0)
