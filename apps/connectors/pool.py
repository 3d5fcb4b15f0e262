"""Connections shared by many sources, each opened only to an address that the source's own rule allows.

Sources with an equal rule and equal trust share one session, so a connection that a lenient rule opened is never
reused under a strict one. The rule is asked twice, both times on the address itself: for every answer of the resolver
(one bad answer refuses them all), and again when the socket for that very address is made. A name that is rebound
between check and use cannot slip through, because nothing is resolved in between.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from apps.connectors.address import AddressRule
from apps.connectors.errors import ErrorClass, SourceError

DNS_THREADS = 32  # own threads: a dead name server must not hold up the loop's shared executor
DNS_SECONDS = 10  # how long a checked answer is reused; what was checked is what is connected to


class Pool:
    """One aiohttp session for every distinct address rule and trust. Made in the running loop, closed with it."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[AddressRule, str], aiohttp.ClientSession] = {}
        self._dns = ThreadPoolExecutor(max_workers=DNS_THREADS, thread_name_prefix="source-dns")

    def session(self, rule: AddressRule, trusted_ca: str = "") -> aiohttp.ClientSession:
        """The session that connects only where `rule` allows; `trusted_ca` (PEM) adds to whom it believes.

        Raises SourceError when `trusted_ca` is no certificate.
        """
        key = (rule, trusted_ca)
        session = self._sessions.get(key)
        if session is None:
            session = self._sessions[key] = _new_session(rule, trusted_ca, self._dns)
        return session

    async def close(self) -> None:
        """Close every connection; name lookups still under way are left to end by themselves."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        self._dns.shutdown(wait=False, cancel_futures=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _CheckedResolver(AbstractResolver):
    """Answers a name with its addresses, or refuses it when a single one of them is closed."""

    def __init__(self, rule: AddressRule, threads: ThreadPoolExecutor) -> None:
        self._rule = rule
        self._threads = threads

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _addresses, host, port, family)
        for ip, _ in found:
            self._rule.check(ip)
        return [
            ResolveResult(hostname=host, host=ip, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for ip, kind in found
        ]

    async def close(self) -> None:
        """Nothing to release: the threads belong to the pool."""


def _addresses(host: str, port: int, family: int) -> list[tuple[str, int]]:
    """(address, family) of a name, in the order the system prefers; raises OSError."""
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
    return [(str(entry[4][0]), entry[0]) for entry in found]


def trust(trusted_ca: str) -> ssl.SSLContext | bool:
    """Whom TLS believes: this machine's authorities, and with `trusted_ca` (PEM) those too; raises SourceError."""
    if not trusted_ca.strip():
        return True
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cadata=trusted_ca)
    except (ssl.SSLError, ValueError):
        message = "The certificate authority is not readable; paste it as PEM, from BEGIN to END CERTIFICATE."
        raise SourceError(ErrorClass.CONFIG, message, is_permanent=True) from None
    return context


def _new_session(rule: AddressRule, trusted_ca: str, threads: ThreadPoolExecutor) -> aiohttp.ClientSession:
    def checked_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = info
        if family not in (socket.AF_INET, socket.AF_INET6):
            raise SourceError(ErrorClass.BLOCKED_ADDRESS, "Only IPv4 and IPv6 are spoken.", is_permanent=True)
        rule.check(str(target[0]))
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        ssl=trust(trusted_ca),
        limit=0,  # how many sources are asked at once is the caller's decision
        ttl_dns_cache=DNS_SECONDS,
        resolver=_CheckedResolver(rule, threads),
        socket_factory=checked_socket,
    )
    settings: dict[str, Any] = {
        "connector": connector,
        "cookie_jar": aiohttp.DummyCookieJar(),
        "timeout": aiohttp.ClientTimeout(total=None, sock_connect=None),  # Http holds the only, total, deadline
        "trust_env": False,  # no proxy and no .netrc from the environment
        "auto_decompress": False,  # Http caps what is decompressed
        "max_headers": 100,
    }
    return aiohttp.ClientSession(**settings)
