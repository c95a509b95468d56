"""Schemas of the errors of a request: our own problem documents (RFC 9457), and what API Gateway answers by itself."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from openapi.schemas import Json
from suno_jobs.errors import PROBLEMS, AssetNotFound, ClientError, InvalidRequest, QuotaExceeded, WrongState
from suno_jobs.jobs.answers import FaultAnswer, Time
from suno_jobs.jobs.record import TrackState
from suno_jobs.jobs.states import Charged


class ApiGatewayAnswer(TypedDict):
    """What API Gateway answers by itself. It is no problem document."""

    message: str


class WrongValue(TypedDict):
    """A wrong value of the request, and its place: a JSON pointer into the body, a parameter of the query or a header."""

    detail: str
    pointer: NotRequired[str]
    parameter: NotRequired[str]
    header: NotRequired[str]


class WrongValues(TypedDict):
    errors: list[WrongValue]


class WhatExists(TypedDict):
    tracks: NotRequired[list[str]]
    assets: NotRequired[list[str]]
    track_state: NotRequired[TrackState]
    error: NotRequired[FaultAnswer | None]


class WhatItCosts(TypedDict):
    charged: NotRequired[Charged]
    recoverable_until: NotRequired[Time | None]


ViolatedPolicies = TypedDict("ViolatedPolicies", {"violated-policies": list[str]})
"""The limits that refused the request, by their names in the header ``RateLimit``."""

MEMBERS: dict[type[ClientError], Any] = {
    InvalidRequest: WrongValues,
    AssetNotFound: WhatExists,
    WrongState: WhatItCosts,
    QuotaExceeded: ViolatedPolicies,
}
"""The further members of a problem that has any."""


def problem_name(problem: type[ClientError]) -> str:
    return f"{problem.__name__}Problem"


def problem_schemas(members: dict[str, Json]) -> dict[str, Json]:
    """The schema of every problem, by name. ``members`` are the schemas of MEMBERS, by the names of their types."""
    return {problem_name(each): _problem(each, members) for each in PROBLEMS}


def _problem(problem: type[ClientError], members: dict[str, Json]) -> Json:
    more = members[MEMBERS[problem].__name__] if problem in MEMBERS else {}
    known: Json = {
        "type": {"type": "string", "const": problem.type_uri()},
        "title": {"type": "string", "const": problem.title},
        "status": {"type": "integer", "const": problem.status},
        "detail": {"type": "string"},
    }
    return {
        "type": "object",
        "description": f"{problem.meaning} {problem.remedy}",
        "properties": known | more.get("properties", {}),
        "required": [*known, *more.get("required", [])],
    }
