"""The subset of the Amazon States Language that ``statemachine/suno_job.asl.json`` uses.

Any other field is refused, so that the file cannot contain anything that is not simulated. Sources: the specification at
states-language.net, and the developer guide on error names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

INVOKE = "arn:aws:states:::lambda:invoke"
INVOKE_TOKEN = "arn:aws:states:::lambda:invoke.waitForTaskToken"
UPDATE_ITEM = "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken"

_FIELDS = {
    "machine": {"Comment", "StartAt", "States", "TimeoutSeconds"},
    "Task": {"Resource", "Parameters", "ResultPath", "OutputPath", "TimeoutSeconds", "TimeoutSecondsPath", "Retry", "Catch"},
    "Pass": {"Parameters"},
    "Succeed": set(),
    "Fail": {"Error", "Cause"},
    "retrier": {
        "Comment",
        "ErrorEquals",
        "IntervalSeconds",
        "BackoffRate",
        "MaxAttempts",
        "MaxDelaySeconds",
        "JitterStrategy",
    },
    "catcher": {"Comment", "ErrorEquals", "ResultPath", "Next"},
}


class UnsupportedField(ValueError):
    """The state machine contains something that this interpreter does not support."""


class StateError(Exception):
    """An error, with the name that retriers and catchers match."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause


def check_fields(given: Mapping[str, Any], kind: str) -> None:
    """Raises UnsupportedField."""
    common = {"Type", "Comment", "Next", "End"} if kind[0].isupper() else set()
    unknown = given.keys() - _FIELDS[kind] - common
    if unknown:
        raise UnsupportedField(f"{kind} with {', '.join(sorted(unknown))}")
    for state in given.get("States", {}).values():
        if state["Type"] not in _FIELDS:
            raise UnsupportedField(state["Type"])
        check_fields(state, state["Type"])
        _check_details(state)


def _check_details(state: Mapping[str, Any]) -> None:
    for parts, kind in (("Retry", "retrier"), ("Catch", "catcher")):
        for part in state.get(parts, ()):
            check_fields(part, kind)
            if part.get("JitterStrategy", "FULL") != "FULL":
                raise UnsupportedField("only full jitter is supported")
    if state["Type"] == "Task" and state["Resource"] not in (INVOKE, INVOKE_TOKEN, UPDATE_ITEM):
        raise UnsupportedField(state["Resource"])


def catches(handler: Mapping[str, Any], error: str) -> bool:
    """Whether a retrier or catcher applies to the error. States.TaskFailed means all errors but States.Timeout."""
    names = handler["ErrorEquals"]
    return error in names or "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")


def caught(state: Mapping[str, Any], data: Any, error: StateError) -> tuple[Any, str]:
    for catcher in state.get("Catch", ()):
        if catches(catcher, error.name):
            return with_result(catcher, data, {"Error": error.name, "Cause": error.cause}), catcher["Next"]
    raise error


def with_result(state: Mapping[str, Any], data: Any, result: Any) -> Any:
    """ResultPath: null discards the result, "$" discards the input, "$.name" keeps both."""
    where = state.get("ResultPath", "$")
    if where is None:
        return data
    return result if where == "$" else {**data, where.removeprefix("$."): result}


def seconds(state: Mapping[str, Any], data: Any) -> int:
    seconds = path(data, state["TimeoutSecondsPath"])
    if not isinstance(seconds, int) or not 0 < seconds < 100_000_000:
        raise StateError("States.Runtime", f"TimeoutSeconds {seconds!r}")
    return seconds


def path(data: Any, text: str) -> Any:
    """A reference path of names, such as ``$.job_id``, which must exist."""
    for name in text.split(".")[1:]:
        if not isinstance(data, Mapping) or name not in data:
            raise StateError("States.ParameterPathFailure", text)
        data = data[name]
    return data


def fill(template: Any, data: Any, context: Mapping[str, Any]) -> Any:
    """A payload template: members whose name ends in ``.$`` are taken from the data, the context or a function."""
    if not isinstance(template, Mapping):
        return template
    return dict(_filled(template, data, context))


def _filled(template: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in template.items():
        if name.endswith(".$"):
            yield name[:-2], _expression(value, data, context)
        else:
            yield name, fill(value, data, context)


def _expression(text: str, data: Any, context: Mapping[str, Any]) -> Any:
    if text.startswith("$$."):
        return path(context, text[1:])
    if text.startswith("$"):
        return path(data, text)
    called = re.fullmatch(r"States\.Format\('([^']*)', (\$\.[\w.]+)\)", text)
    if called:
        return called[1].replace("{}", str(path(data, called[2])))
    parsed = re.fullmatch(r"States\.StringToJson\((\$\.[\w.]+)\)", text)
    if parsed is None:
        raise UnsupportedField(text)
    return json.loads(path(data, parsed[1]))
