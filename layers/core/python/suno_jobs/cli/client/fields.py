"""Input fields from the command line: ``--field title="42" --field duration=42``, typed as the API's document says."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from suno_jobs.cli.problems import WrongArgument
from suno_jobs_client import requests

KINDS: dict[str, Any] = {
    get_args(get_type_hints(kind)["kind"])[0]: get_type_hints(kind)["input"] for kind in get_args(requests.JobRequest)
}
"""The input of each kind."""


def read_input(kind: str, given: str | None, fields: Sequence[str], source: str | None) -> dict[str, Any]:
    """``given`` is a JSON object, or ``@FILE`` with one; ``@-`` is the standard input. Raises WrongArgument."""
    types = get_type_hints(KINDS[kind])
    made = _read_object(given) if given else {}
    for field in fields:
        name, separator, value = field.partition("=")
        if not separator:
            raise WrongArgument(f"--field {field}: write NAME=VALUE")
        if name not in types:
            raise WrongArgument(f"{kind} has no field {name}; it has {', '.join(types)}")
        made[name] = _value(name, types[name], value)
    if source:
        made["source"] = _source(source)
    return made


def _read_object(given: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if given == "@-" else Path(given[1:]).read_text("utf-8") if given.startswith("@") else given
        value = json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise WrongArgument(f"--input: {error}") from error
    except (ValueError, RecursionError) as error:
        raise WrongArgument(f"--input is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise WrongArgument("--input must be a JSON object")
    return value


def _value(name: str, expected: Any, text: str) -> Any:
    """A text stays one if the field may be a text. Anything else is JSON: ``true``, ``42``, ``["a", "b"]``."""
    options = get_args(expected) if get_origin(expected) in (Union, UnionType) else (expected,)
    if any(option is str or get_origin(option) is Literal for option in options):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongArgument(f"--field {name}: {text} is no JSON value, such as true, 42 or a list") from error


def _source(text: str) -> dict[str, str]:
    job_id, _, track_id = text.partition("/")
    if not track_id:
        raise WrongArgument("--source: write JOB_ID/TRACK_ID")
    return {"job_id": job_id, "track_id": track_id}
