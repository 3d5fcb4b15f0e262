"""A connector small enough to see through, over the real door to the network: runs of one pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from apps.connectors.base import Connector, Field, FieldType, Probe, Scope
from apps.connectors.cleaning import clean_fields
from apps.connectors.records import Batch, Kind, Listing, PipelineRecord, RunRecord, RunState
from apps.connectors.values import expect_object, from_iso, list_or_empty, read_items, required_text


class ScriptedConnector(Connector):
    key: ClassVar[str] = "scripted"
    name: ClassVar[str] = "Scripted"
    summary: ClassVar[str] = "Runs of one pipeline, for tests."
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.PIPELINE, Kind.RUN})
    fields: ClassVar[tuple[Field, ...]] = (
        Field(name="url", label="URL", type=FieldType.URL),
        Field(name="token", label="Token", type=FieldType.SECRET, required=False),
        Field(name="pages", label="Pages", type=FieldType.INTEGER, default=3, help="How many at once."),
        Field(name="is_deep", label="Read everything", type=FieldType.BOOLEAN, default=False),
        Field(name="tone", label="Tone", type=FieldType.CHOICE, default="a", choices=(("a", "Low"), ("b", "High"))),
        Field(name="names", label="Names", type=FieldType.LINES, required=False),
        Field(name="extra", label="Extra", type=FieldType.YAML, required=False),
    )

    @classmethod
    def clean(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return clean_fields(cls.fields, config)

    async def probe(self) -> Probe:
        granted = list_or_empty(expect_object(await self._ask(), host_says="The script").get("grants"))
        scopes = (
            Scope(name="runs", why="read runs", is_granted=True),
            Scope(name="costs", why="read what runs cost", is_granted="costs" in granted),
        )
        return Probe(sentence="The script answers.", version="1", scopes=scopes)

    async def fetch(self, cursor: Mapping[str, Any]) -> Batch:
        if self.config["url"].endswith("/bug"):
            raise ZeroDivisionError("our own mistake")
        answer = expect_object(await self._ask(), host_says="The script")
        runs, rejected = read_items(list_or_empty(answer["items"]), _run, kind=Kind.RUN, id_key="id")
        names = dict.fromkeys(run.pipeline_external_id for run in runs)
        pipelines = [PipelineRecord(external_id=name, name=name, raw={"name": name}) for name in names]
        listed = answer.get("listed")
        return Batch(
            records=(*pipelines, *runs),
            rejected=tuple(rejected),
            listings=(Listing(kind=Kind.RUN, external_ids=frozenset(listed)),) if listed is not None else (),
            cursor=answer.get("cursor", {"seen": int(cursor.get("seen", 0)) + 1}),
            has_more=bool(answer.get("more")),
            pause_seconds=answer.get("pause"),
            server_time=self.http.server_time,
        )

    async def _ask(self) -> Any:
        headers = {"X-Token": self.secrets["token"]} if self.secrets.get("token") else {}
        return (await self.http.get_json(f"{self.config['url']}/items", headers=headers)).data


def _run(item: Mapping[str, Any]) -> RunRecord:
    return RunRecord(
        external_id=required_text(item, "id"),
        pipeline_external_id=required_text(item, "pipeline"),
        name=str(item.get("name", item["id"])),
        state=RunState(item["state"]),
        raw_state=str(item["state"]),
        updated_at=from_iso(item["updated"]),
        started_at=from_iso(item["updated"]),
        raw=item,
    )
