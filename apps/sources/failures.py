"""Every class of failure in the words people read: its name, its look and what to do about it. One table."""

from __future__ import annotations

from typing import Final

from apps.connectors.errors import ErrorClass
from apps.core.ui.status import StatusChoices


class FailureKind(StatusChoices):
    """The classes of `connectors.errors.ErrorClass`; "bad" needs a person, "warn" may heal by itself."""

    CONFIG = "config", "Settings cannot work", "bad"
    DNS = "dns", "Name not found", "bad"
    UNREACHABLE = "unreachable", "Not reached", "warn"
    TLS = "tls", "TLS failed", "bad"
    TIMEOUT = "timeout", "Too slow", "warn"
    BLOCKED_ADDRESS = "blocked_address", "Address is closed", "bad"
    REDIRECT = "redirect", "Points elsewhere", "bad"
    AUTH = "auth", "Credential refused", "bad"
    AUTH_OR_PROXY = "auth_or_proxy", "Login page in front", "bad"
    NOT_FOUND = "not_found", "Address unknown there", "bad"
    RATE_LIMIT = "rate_limit", "Asked to slow down", "wait"
    UPSTREAM = "upstream", "Trouble of its own", "warn"
    TOO_LARGE = "too_large", "Answer too large", "bad"
    PROTOCOL = "protocol", "Answer broke off", "warn"
    MALFORMED = "malformed", "Answer unreadable", "bad"
    SCHEMA = "schema", "Unexpected shape", "bad"
    REJECTED = "rejected", "Question refused", "bad"
    INTERNAL = "internal", "Our own mistake", "bad"


_WRONG_SYSTEM: Final = "Check that the address leads to the right kind of system, in a version the connector knows."
ADVICE: Final[dict[str, str]] = {
    ErrorClass.CONFIG: "Mend the settings with Change.",
    ErrorClass.DNS: "Check the host name, and that the name server of this machine knows it.",
    ErrorClass.UNREACHABLE: "Check address and port, and whether the system is up.",
    ErrorClass.TLS: "Check https or http, and whether the certificate is valid; Change takes an authority of your own.",
    ErrorClass.TIMEOUT: "Look at the system itself; the portal tries again by itself.",
    ErrorClass.BLOCKED_ADDRESS: "Ask an administrator to allow the network of this source.",
    ErrorClass.REDIRECT: "Enter the final address in the settings.",
    ErrorClass.AUTH: "Enter a credential that is still valid and may read.",
    ErrorClass.AUTH_OR_PROXY: "Enter an address that does not pass a login page, or a credential for it.",
    ErrorClass.NOT_FOUND: "Check the path in the address.",
    ErrorClass.RATE_LIMIT: "Nothing to do: the portal waits as long as the source asked.",
    ErrorClass.UPSTREAM: "Look at the system itself; the portal tries again by itself.",
    ErrorClass.TOO_LARGE: "Narrow what is read in the settings.",
    ErrorClass.PROTOCOL: "Look at what stands between, such as a proxy; the portal tries again by itself.",
    ErrorClass.MALFORMED: _WRONG_SYSTEM,
    ErrorClass.SCHEMA: _WRONG_SYSTEM,
    ErrorClass.REJECTED: "Read what it says against the question, and check the settings.",
    ErrorClass.INTERNAL: "Tell whoever runs the portal; the worker’s log has the details.",
}


def advice(error_class: str) -> str:
    """One sentence on what to do about a class of failure; a class of another version gets the general one."""
    return ADVICE.get(error_class, _WRONG_SYSTEM)
