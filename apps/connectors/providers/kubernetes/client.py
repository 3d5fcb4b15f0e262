"""Speaks the Kubernetes API: complete lists in pages, and the question what our token may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.values import expect_object, object_or_empty, optional_text, schema_error

PAGE = 250
GROUPS = {
    "deployments": "apps",
    "replicasets": "apps",
    "statefulsets": "apps",
    "daemonsets": "apps",
    "controllerrevisions": "apps",
    "cronjobs": "batch",
    "jobs": "batch",
    "pods": "",
}


class KubernetesClient:
    """One API server; every method raises SourceError."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._url = url
        self._headers = headers

    async def version(self) -> str:
        """The server's version (v1.31.2)."""
        response = await self._http.get_json(f"{self._url}/version", headers=self._headers)
        return optional_text(expect_object(response.data, host_says="The version"), "gitVersion", limit=40)

    async def may_list(self, resource: str, namespace: str) -> bool:
        """Whether our token may list a resource in a namespace ("" for all); asking changes nothing."""
        wanted = {"verb": "list", "group": GROUPS[resource], "resource": resource, "namespace": namespace}
        kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        payload = {**kind, "spec": {"resourceAttributes": wanted}}
        url = f"{self._url}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        response = await self._http.post_json(url, payload=payload, headers=self._headers)
        status = object_or_empty(expect_object(response.data, host_says="The access review").get("status"))
        return status.get("allowed") is True

    async def everything(self, resource: str, namespace: str, *, selector: str = "") -> list[Any]:
        """All items in one namespace, or in all for "".

        A page too large to read is asked for in smaller ones. A page token that expired (410 Gone) means that the
        list is asked for from its begin, once.
        """
        items: list[Any] = []
        token, limit, has_restarted = "", PAGE, False
        while True:
            try:
                page, token = await self._page(resource, namespace, selector=selector, token=token, limit=limit)
            except SourceError as error:
                if error.error_class is ErrorClass.TOO_LARGE and limit > 1 and not self._http.is_spent(share=0.8):
                    limit = max(limit // 4, 1)
                    continue
                if error.error_class is ErrorClass.REJECTED and token and not has_restarted:
                    items, token, has_restarted = [], "", True
                    continue
                raise
            items += page
            if not token:
                return items

    async def _page(
        self, resource: str, namespace: str, *, selector: str, token: str, limit: int
    ) -> tuple[list[Any], str]:
        """(items, token of the next page or "")."""
        group = GROUPS[resource]
        root = f"{self._url}/apis/{group}/v1" if group else f"{self._url}/api/v1"
        address = f"{root}/namespaces/{namespace}/{resource}" if namespace else f"{root}/{resource}"
        more = {"labelSelector": selector, "continue": token}
        params: dict[str, str | int | float] = {
            "limit": limit,
            **{name: value for name, value in more.items() if value},
        }
        response = await self._http.get_json(address, params={"limit": limit, **params}, headers=self._headers)
        answer = expect_object(response.data, host_says=f"The list of {resource}")
        items = answer.get("items")
        if items is None and isinstance(answer.get("metadata"), Mapping):
            items = []
        if not isinstance(items, list):
            raise schema_error(f"The list of {resource}")
        return items, optional_text(object_or_empty(answer.get("metadata")), "continue", limit=10_000)
