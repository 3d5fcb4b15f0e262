"""Speaks the MLflow REST API 2.0: experiments, runs, and prompts, which are registered models with a tag."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from apps.connectors.errors import ErrorClass, SourceError
from apps.connectors.http import Http
from apps.connectors.values import expect_object, object_or_empty, schema_error

PAGE = 500
MAX_PAGES = 40
VERSION = re.compile(r"\d[0-9A-Za-z.+-]{0,39}")
IS_PROMPT = "tags.`mlflow.prompt.is_prompt` = 'true'"  # without this clause a prompt's versions are not found


class MlflowClient:
    """One tracking server; every method raises SourceError. An empty result is `{}`, without the list's key."""

    def __init__(self, *, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._base = f"{url}/api/2.0/mlflow"
        self._url = url
        self._headers = headers

    async def version(self) -> str:
        """The server's version, or "" where it does not tell; MLflow sends the bare number as text/html."""
        try:
            response = await self._http.get_text(f"{self._url}/version", headers=self._headers, may_be_html=True)
        except SourceError as error:
            if error.error_class in (ErrorClass.NOT_FOUND, ErrorClass.AUTH_OR_PROXY, ErrorClass.MALFORMED):
                return ""
            raise
        version = response.text.strip()
        return version if VERSION.fullmatch(version) else ""

    async def experiments(self) -> list[Any]:
        """Every active experiment."""
        found: list[Any] = []
        async for items, _ in self._posted("experiments/search", {}, key="experiments"):
            found += items
        return found

    def runs(
        self, experiment_ids: Sequence[str], *, filter_by: str, order_by: str = ""
    ) -> AsyncIterator[tuple[list[Any], bool]]:
        """(page of active runs, is this the last page) of some experiments."""
        question: dict[str, Any] = {"experiment_ids": list(experiment_ids), "filter": filter_by}
        if order_by:
            question["order_by"] = [order_by]
        return self._posted("runs/search", question, key="runs")

    async def run(self, run_id: str) -> Mapping[str, Any] | None:
        """One run as it is now, or None when it was deleted."""
        try:
            response = await self._http.get_json(
                f"{self._base}/runs/get", params={"run_id": run_id}, headers=self._headers
            )
        except SourceError as error:
            if error.error_class is ErrorClass.NOT_FOUND:
                return None
            raise
        run = expect_object(object_or_empty(response.data).get("run"), host_says="The run")
        is_deleted = object_or_empty(run.get("info")).get("lifecycle_stage") == "deleted"
        return None if is_deleted else run

    async def prompts(self) -> list[Any]:
        """Every prompt, as a registered model."""
        return await self._got("registered-models/search", {"filter": IS_PROMPT}, key="registered_models")

    async def prompt(self, name: str) -> Mapping[str, Any] | None:
        """One prompt with its aliases, or None when it is gone."""
        try:
            url = f"{self._base}/registered-models/get"
            response = await self._http.get_json(url, params={"name": name}, headers=self._headers)
        except SourceError as error:
            if error.error_class is ErrorClass.NOT_FOUND:
                return None
            raise
        model = object_or_empty(response.data).get("registered_model")
        return expect_object(model, host_says="The prompt")

    async def prompt_versions(self, name: str) -> list[Any]:
        """Every version of one prompt; a deleted one is a gap in the numbers."""
        quote = '"' if "'" in name else "'"
        filters = f"name = {quote}{name}{quote} AND {IS_PROMPT}"
        return await self._got("model-versions/search", {"filter": filters}, key="model_versions")

    async def set_alias(self, name: str, alias: str, version: int) -> None:
        """Point an alias at a version; one that points elsewhere moves."""
        payload = {"name": name, "alias": alias, "version": str(version)}
        url = f"{self._base}/registered-models/alias"
        await self._http.change("POST", url, payload=payload, headers=self._headers)

    async def create_version(self, body: Mapping[str, Any]) -> None:
        """Add a version of a prompt; MLflow numbers it."""
        url = f"{self._base}/model-versions/create"
        await self._http.change("POST", url, payload=body, headers=self._headers)

    async def _posted(
        self, path: str, question: Mapping[str, Any], *, key: str
    ) -> AsyncIterator[tuple[list[Any], bool]]:
        token, seen, size = "", set[str](), PAGE
        for _ in range(MAX_PAGES):
            payload = {**question, "max_results": size, **({"page_token": token} if token else {})}
            try:
                response = await self._http.post_json(f"{self._base}/{path}", payload=payload, headers=self._headers)
            except SourceError as error:
                if error.error_class is not ErrorClass.TOO_LARGE or size == 1 or self._http.is_spent(share=0.9):
                    raise
                size = max(size // 8, 1)
                continue
            items, token = _page(response.data, key)
            yield items, not token
            if not token:
                return
            _refuse_loop(token, seen)
        raise _endless(path)

    async def _got(self, path: str, params: Mapping[str, str], *, key: str) -> list[Any]:
        found: list[Any] = []
        token, seen = "", set[str]()
        for _ in range(MAX_PAGES):
            asked = {**params, "max_results": "100", **({"page_token": token} if token else {})}
            response = await self._http.get_json(f"{self._base}/{path}", params=asked, headers=self._headers)
            items, token = _page(response.data, key)
            found += items
            if not token:
                return found
            _refuse_loop(token, seen)
        raise _endless(path)


def _page(data: Any, key: str) -> tuple[list[Any], str]:
    """(items, next page's token); a missing list means none."""
    body = expect_object(data, host_says=f"The list of {key}")
    items, token = body.get(key, []), body.get("next_page_token") or ""
    if not isinstance(items, list) or not isinstance(token, str) or "error_code" in body:
        raise schema_error(f"The list of {key}")
    return items, token


def _refuse_loop(token: str, seen: set[str]) -> None:
    if token in seen:
        raise SourceError(ErrorClass.SCHEMA, "The server hands out the same page again and again.")
    seen.add(token)


def _endless(path: str) -> SourceError:
    return SourceError(ErrorClass.TOO_LARGE, f"{path} has more than {MAX_PAGES} pages; name the experiments to read.")
