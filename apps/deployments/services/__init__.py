"""Writing deployments as sources tell them."""

from apps.deployments.services.deployments import upsert_deployments
from apps.deployments.services.remapping import remap

__all__ = ["remap", "upsert_deployments"]
