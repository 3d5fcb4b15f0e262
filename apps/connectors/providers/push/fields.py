"""The kinds of value that a pushed item is made of: strict about what is stored, with a sentence for what is not."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from apps.connectors.values import MAX_LABELS, MAX_NAME, MAX_TEXT, UnreadableError, from_iso, safe_url


class Item(BaseModel):
    """One entry of `items`. A field that nobody knows is refused: it is a typing mistake more often than not."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _number_as_text(value: Any) -> Any:
    """A number where a text is asked for: ids and label values often are numbers at home."""
    return str(value) if isinstance(value, int | float) else value


def _link(value: Any) -> str:
    if value in ("", None):
        return ""
    if not safe_url(value):
        raise UnreadableError("it must begin with https:// or http://")
    return safe_url(value)


_LONG = StringConstraints(strip_whitespace=True, max_length=MAX_NAME)
_SAID = StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME)
Id = Annotated[str, _SAID, BeforeValidator(_number_as_text)]
Name = Annotated[str, _LONG, BeforeValidator(_number_as_text)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Time = Annotated[datetime, BeforeValidator(from_iso), WithJsonSchema({"type": "string", "format": "date-time"})]
Link = Annotated[str, BeforeValidator(_link), WithJsonSchema({"type": "string", "format": "uri"})]
Labels = Annotated[
    dict[Id, Name],
    Field(max_length=MAX_LABELS, description="Names and values; `feature` and `component` place it in the catalog."),
]
Count = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False, gt=-1e300, lt=1e300)]
