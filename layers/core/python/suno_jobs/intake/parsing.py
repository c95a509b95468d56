"""The body of a request as its model. That of a new job needs more: see ``validation``."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from suno_jobs.catalog.inputs import StrictModel
from suno_jobs.intake.wording import invalid, wrong_members

Request = TypeVar("Request", bound=StrictModel)


def parse_body(model: type[Request], body: Any) -> Request:
    """Raises InvalidRequest, which lists everything that is wrong."""
    try:
        return model.model_validate(body, strict=True)
    except ValidationError as error:
        raise invalid(wrong_members(error)) from error
