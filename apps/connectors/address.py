"""Which addresses a source may be reached at: deny what is internal or special, unless somebody listed it.

The lists are explicit. `ipaddress.is_private` and `is_global` disagree with the registries between Python
versions and miss shared address space, NAT64, 6to4 and the metadata services of several clouds.
Registries: https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from apps.connectors.errors import ConfigError, ErrorClass, SourceError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What a machine in a cloud learns its credentials from: opened only by naming the one address, never by a range.
METADATA: frozenset[Address] = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, GCP, OpenStack, DigitalOcean
        "169.254.170.2",  # AWS, container credentials
        "169.254.170.23",  # AWS, EKS pod identity
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure, host agent; looks public
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",  # AWS, EKS pod identity
        "fd20:ce::254",  # GCP
    )
)

BLOCKED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(text), reason)
    for text, reason in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared address space"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::1/128", "loopback"),
        ("::/96", "an embedded IPv4 address"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("100::/64", "discard"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        # Only 2000::/3 is handed out as global unicast; the rest of IPv6 is one of the above or unassigned.
        ("::/3", "reserved"),
        ("4000::/2", "reserved"),
        ("8000::/1", "reserved"),
    )
)


@dataclass(frozen=True, slots=True)
class AddressRule:
    """The decision whether we may connect to an address; `allowed` opens ranges that are closed by default."""

    allowed: tuple[Network, ...] = ()

    def check(self, ip: str | Address) -> None:
        """Return when we may connect to `ip`; raises SourceError (blocked_address) when we may not."""
        address, reason = _judged(self, ip)
        if reason:
            raise SourceError(
                ErrorClass.BLOCKED_ADDRESS,
                f"The address {address} is {reason}, so it stays closed; "
                "add its network to the allowed networks if this source really lives there.",
                is_permanent=True,
            )

    def plus(self, networks: Iterable[Network]) -> AddressRule:
        """The same rule with more ranges opened; equal rules compare equal, whatever the order they came in."""
        return AddressRule(tuple(sorted({*self.allowed, *networks}, key=str)))

    def _reason_against(self, address: Address) -> str:
        if address in METADATA:
            is_named = any(net.prefixlen == net.max_prefixlen and address in net for net in self.allowed)
            return "" if is_named else "a cloud metadata service"
        if any(address in net for net in self.allowed):
            return ""
        return next((reason for net, reason in BLOCKED if address in net), "")


def parse_networks(entries: Iterable[str], *, field: str = "allowed_networks") -> tuple[Network, ...]:
    """The networks of a list of CIDRs or single addresses; raises ConfigError naming `field`."""
    networks: list[Network] = []
    for entry in entries:
        try:
            networks.append(ip_network(entry.strip()))
        except ValueError:
            raise ConfigError(field, f"“{entry}” is not a network; write it like 10.20.0.0/16 or 10.20.1.5.") from None
    return tuple(networks)


@lru_cache(maxsize=4096)  # the sources of a portal are asked again and again
def _judged(rule: AddressRule, ip: str | Address) -> tuple[Address, str]:
    """The address meant by `ip`, and why `rule` keeps it closed; "" when it is open."""
    address = _address(ip)
    return address, rule._reason_against(address)


def _address(ip: str | Address) -> Address:
    """The address that the operating system would really talk to: no zone, IPv4-mapped unwrapped."""
    try:
        address = ip_address(ip.partition("%")[0]) if isinstance(ip, str) else ip
    except ValueError:
        raise SourceError(
            ErrorClass.BLOCKED_ADDRESS, "The source's name leads to something that is no address.", is_permanent=True
        ) from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
