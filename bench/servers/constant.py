"""The least ASGI application that checks a token (CONSTANT_TOKEN) and answers constant bytes (CONSTANT_BODY)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
KNOWN = {hashlib.sha256(b"Bearer " + os.environ["CONSTANT_TOKEN"].encode()).digest()}
BODY = os.environ["CONSTANT_BODY"].encode()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
START = {"type": "http.response.start", "status": 200, "headers": HEADERS}
REFUSED = {"type": "http.response.start", "status": 401, "headers": []}


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """The same bytes for everybody with the token."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    authorization = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
    if hashlib.sha256(authorization).digest() not in KNOWN:
        await send(REFUSED)
        await send({"type": "http.response.body", "body": b""})
        return
    await send(START)
    await send({"type": "http.response.body", "body": BODY})
