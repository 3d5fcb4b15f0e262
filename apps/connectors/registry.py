"""Every kind of source the portal knows: a dict one can read."""

from __future__ import annotations

from apps.connectors.base import Connector
from apps.connectors.errors import ConfigError
from apps.connectors.providers.http.connector import HttpConnector
from apps.connectors.providers.mlflow.connector import MlflowConnector
from apps.connectors.providers.openmetrics.connector import OpenMetricsConnector
from apps.connectors.providers.prefect.connector import PrefectConnector
from apps.connectors.providers.prometheus.connector import PrometheusConnector

CONNECTORS: dict[str, type[Connector]] = {
    "prometheus": PrometheusConnector,
    "prefect": PrefectConnector,
    "mlflow": MlflowConnector,
    "openmetrics": OpenMetricsConnector,
    "http": HttpConnector,
}


def get_connector(key: str) -> type[Connector]:
    """The connector class for a key; raises ConfigError for one that this version does not know."""
    try:
        return CONNECTORS[key]
    except KeyError:
        raise ConfigError("kind", f"This version has no connector “{key}”; it knows {', '.join(CONNECTORS)}.") from None
