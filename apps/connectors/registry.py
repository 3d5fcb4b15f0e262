"""Every kind of source the portal knows: a dict one can read."""

from __future__ import annotations

from apps.connectors.base import Connector
from apps.connectors.errors import ConfigError
from apps.connectors.providers.airflow.connector import AirflowConnector
from apps.connectors.providers.alertmanager.connector import AlertmanagerConnector
from apps.connectors.providers.argocd.connector import ArgoCdConnector
from apps.connectors.providers.dagster.connector import DagsterConnector
from apps.connectors.providers.github.connector import GithubConnector
from apps.connectors.providers.gitlab.connector import GitlabConnector
from apps.connectors.providers.http.connector import HttpConnector
from apps.connectors.providers.kubernetes.connector import KubernetesConnector
from apps.connectors.providers.langfuse.connector import LangfuseConnector
from apps.connectors.providers.litellm.connector import LitellmConnector
from apps.connectors.providers.mlflow.connector import MlflowConnector
from apps.connectors.providers.openmetrics.connector import OpenMetricsConnector
from apps.connectors.providers.phoenix.connector import PhoenixConnector
from apps.connectors.providers.prefect.connector import PrefectConnector
from apps.connectors.providers.prometheus.connector import PrometheusConnector
from apps.connectors.providers.push.connector import PushConnector
from apps.connectors.providers.statuspage.connector import StatuspageConnector

CONNECTORS: dict[str, type[Connector]] = {
    "prometheus": PrometheusConnector,
    "alertmanager": AlertmanagerConnector,
    "prefect": PrefectConnector,
    "airflow": AirflowConnector,
    "mlflow": MlflowConnector,
    "litellm": LitellmConnector,
    "dagster": DagsterConnector,
    "openmetrics": OpenMetricsConnector,
    "statuspage": StatuspageConnector,
    "argocd": ArgoCdConnector,
    "kubernetes": KubernetesConnector,
    "push": PushConnector,
    "langfuse": LangfuseConnector,
    "phoenix": PhoenixConnector,
    "github": GithubConnector,
    "gitlab": GitlabConnector,
    "http": HttpConnector,
}


def get_connector(key: str) -> type[Connector]:
    """The connector class for a key; raises ConfigError for one that this version does not know."""
    try:
        return CONNECTORS[key]
    except KeyError:
        raise ConfigError("kind", f"This version has no connector “{key}”; it knows {', '.join(CONNECTORS)}.") from None
