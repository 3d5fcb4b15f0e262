"""Bodies of the addresses of change requests: strict, so that a word that is written wrong is not quietly left out."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from apps.api.errors import ApiError
from apps.connectors.body import parse_json
from apps.connectors.errors import SourceError

Found = TypeVar("Found", bound="Body")


class Body(BaseModel):
    """What every body is: an object without unknown fields."""

    model_config = ConfigDict(extra="forbid", str_max_length=20_000)


class Proposal(Body):
    """A change request to make."""

    prompt: str = Field(description="The name of the prompt.")
    source: str = Field("", description="The short name of its source; empty for a prompt of the portal's own.")
    label: str
    version: int
    title: str
    reason: str
    submit: bool = Field(True, description="Whether it is sent for review at once.")


class Edit(Body):
    """Another revision."""

    version: int
    reason: str
    title: str = ""


class Decision(Body):
    """What a reviewer says of the revision with this hash, as `GET` showed it."""

    seen_hash: str
    note: str = ""


class Reason(Body):
    """Why."""

    reason: str = ""


class Plan(Body):
    """When to apply; null takes the plan back."""

    apply_at: AwareDatetime | None = None


class Rollout(Body):
    """A share of the callers of a label gets another version."""

    prompt: str = Field(description="The name of the prompt.")
    source: str = Field("", description="The short name of its source; empty for a prompt of the portal's own.")
    label: str
    version: int
    percent: int = Field(ge=0, le=100, description="0 ends it.")
    guards: list[str] | None = Field(
        None, description='Such as "monitor:7" and "objective:3"; null keeps them, or takes those of its features.'
    )
    soak_minutes: int | None = Field(None, ge=0, le=10_080, description="Healthy minutes before it may grow.")
    on_alert: Literal["return", "halt"] | None = None


class Resume(Body):
    """Why a rollout that an alert stopped goes on."""

    reason: str = ""
    drops_alerting: bool = Field(False, description="Whether guards that still alert are taken out.")


class Nothing(Body):
    """An empty object, or no body at all."""


class Remark(Body):
    """A remark, on lines of a part if `part` is set."""

    body: str
    part: str = ""
    first_line: int | None = None
    last_line: int | None = None
    answer_to: int | None = None


def read_object(body: bytes, model: type[Found]) -> Found:
    """The body as `model`; raises ApiError 400 for what is no JSON, 422 with the field for another shape."""
    try:
        value = parse_json(body) if body.strip() else {}
        return model.model_validate(value)
    except SourceError as error:
        raise ApiError(400, "malformed", error.message.replace("The answer", "The body", 1)) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        raise ApiError(422, "invalid", f"{field or 'The body'}: {first['msg']}.", field=field) from None
