"""From a configuration to a connector with its door to the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings

from apps.connectors.address import AddressRule, parse_networks
from apps.connectors.base import Connector
from apps.connectors.http import Http, Limits, check_url
from apps.connectors.pool import Pool
from apps.connectors.registry import get_connector


def open_door(
    *, networks: Sequence[str], trusted_ca: str = "", pool: Pool | None = None, limits: Limits | None = None
) -> Http:
    """The door that lets this source reach what the whole portal or its own `networks` allow."""
    rule = _rule(tuple(settings.ALLOWED_NETWORKS), tuple(networks))
    return Http(rule=rule, pool=pool, limits=limits, user_agent=f"OpsPortal/{settings.VERSION}", trusted_ca=trusted_ca)


@lru_cache(maxsize=256)  # nearly all sources of a portal share one
def _rule(everywhere: tuple[str, ...], networks: tuple[str, ...]) -> AddressRule:
    return AddressRule().plus(parse_networks([*everywhere, *networks]))


def check_address(url: str) -> None:
    """Raises ConfigError with a sentence for an address that no door would be opened to."""
    check_url(url)


def make_connector(*, key: str, config: Mapping[str, Any], secrets: Mapping[str, str], http: Http) -> Connector:
    """The connector, with every secret protected from showing up in a message; raises ConfigError."""
    http.protect(secrets.values())
    return get_connector(key)(config=config, secrets=secrets, http=http)


def networks_of(config: Mapping[str, Any], allowed_networks: Sequence[str]) -> list[str]:
    """Every network of a source: those of its row and those its connector's form asked for."""
    return [*allowed_networks, *config.get("allowed_networks", [])]
