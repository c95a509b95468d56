"""Records what the policies of each role grant, and which calls it made. Nothing is recorded unless it is requested."""

import importlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.conditions import Json

VARIABLE = "RECORD_CALLS"
"""The folder that has a folder for each stack, with a file of the grants and a file of the calls that each emulator got."""

_KEY = re.compile(r"Credential=(\w+)/")


def folder_of_stack(environment: Mapping[str, str]) -> Path | None:
    """A new folder for the records of one stack; None if none are requested."""
    if not (folder := environment.get(VARIABLE)):
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="stack-", dir=folder)).resolve()


class CallRecorder:
    """Writes each different call once. Requests of several threads may be recorded at the same time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._recorded: set[str] = set()

    def record(self, **call: Any) -> None:
        line = json.dumps(call)
        with self._lock:
            if line not in self._recorded:
                self._recorded.add(line)
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")


def requested_recorder(name: str) -> CallRecorder | None:
    """Of this process. The variable is removed, so that no function inherits it."""
    folder = os.environ.pop(VARIABLE, None)
    return CallRecorder(Path(folder) / f"{name}.jsonl") if folder else None


def record_decisions(recorder: CallRecorder) -> None:
    """Each decision of the emulator about a role. Has to be called before the emulator is imported."""
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    sessions: Any = importlib.import_module("ministack.services.sts")._sessions  # noqa: SLF001 - who has which key
    enforce = evaluator.enforce

    def recorded(key: str, action: str, service: str, region: str, resource_arn: str = "*", **context: Any) -> Any:
        refusal = enforce(key, action, service, region, resource_arn=resource_arn, **context)
        if session := sessions.get(key):
            recorder.record(key=key, role=session["Arn"], action=action, resource=resource_arn, allowed=refusal is None)
        return refusal

    evaluator.enforce = recorded


def record_actions(recorder: CallRecorder) -> None:
    """Each call of the interpreter, which checks no policy. The other emulator knows whose key it is."""
    response: Any = importlib.import_module("moto.stepfunctions.responses").StepFunctionResponse
    call_action = response.call_action

    def recorded(self: Any) -> Any:
        if key := _KEY.search(self.headers.get("Authorization", "")):
            resource = self._get_param("stateMachineArn") or self._get_param("executionArn") or ""
            recorder.record(key=key[1], action=f"states:{self._get_action()}", resource=resource)
        return call_action(self)

    response.call_action = recorded


def write_grants(folder: Path, iam: Any, template: Json, ids: Mapping[str, str]) -> None:
    """The statements of each role of the template, by its logical id, as they are deployed now."""
    roles = {name: ids[name] for name, item in template["Resources"].items() if item["Type"] == "AWS::IAM::Role"}
    grants = {logical_id: {"role": role, "statements": statements(iam, role)} for logical_id, role in roles.items()}
    with (folder / "grants.jsonl").open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(grants)}\n")


def statements(iam: Any, role: str) -> list[Json]:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = (iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names)
    return [statement for document in documents for statement in document["Statement"]]
