"""Every function of the bundle, ready to be started, and the floors of its start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.shipped import ROOT
from bench.start import Function
from bench.stub import Json
from local.source import read_template

FLOORS = Path(__file__).with_name("floors")
JOB_ID = "job_0123456789abcdefghijklmnop"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:suno-job"

# The job that the callback event names, with the task token of the execution that waits for it.
WAITING_JOB = {
    "pk": {"S": f"JOB#{JOB_ID}"},
    "sk": {"S": "JOB"},
    "job_id": {"S": JOB_ID},
    "tenant": {"S": "acme"},
    "gateway": {"S": "ttapi"},
    "account": {"S": "default"},
    "kind": {"S": "music"},
    "expects": {"S": "tracks"},
    "state": {"S": "GENERATING"},
    "progress": {"S": "queued"},
    "attempts": {"L": [{"M": {"at": {"N": "1795312158"}, "task_id": {"S": "task"}}}]},
    "fingerprint": {"S": "f" * 64},
    "created_at": {"N": "1795312157"},
    "updated_at": {"N": "1795312158"},
    "deadline_at": {"N": "1795313357"},
    "checks": {"N": "0"},
    "no_audio": {"N": "0"},
    "execution": {"N": "0"},
    "task_token": {"S": "token"},
}

CLIENT = Function(name="client", file=FLOORS / "client.py", event={}, expected={"statusCode": 200})

CALL = Function(
    name="call",
    file=FLOORS / "call.py",
    event={},
    expected={"statusCode": 200},
    replies={"DynamoDB_20120810.GetItem": {"Item": WAITING_JOB}},
)


def _job(**changes: str) -> Json:
    return {**WAITING_JOB, **{name: {"S": text} for name, text in changes.items()}}


def _found(*items: Json) -> Json:
    return {"Items": list(items), "Count": len(items), "ScannedCount": len(items)}


_STORED_TRACK: Json = {
    "pk": {"S": f"JOB#{JOB_ID}"},
    "sk": {"S": "JOB#TRACK#m-1"},
    "track_id": {"S": "m-1"},
    "position": {"N": "0"},
    "state": {"S": "stored"},
}

_GET, _QUERY = "DynamoDB_20120810.GetItem", "DynamoDB_20120810.Query"
_GET_VALUE = "secretsmanager.GetSecretValue"
_UPDATE, _TRANSACT = "DynamoDB_20120810.UpdateItem", "DynamoDB_20120810.TransactWriteItems"

# It was used today already, or its use would be written first.
_USED_KEY: Json = {
    **{name: {"S": text} for name, text in {"key_id": "key_1", "tenant": "acme", "last_used_on": "9999-12-31"}.items()},
    "scopes": {"L": [{"S": "jobs:read"}]},
}

# By function: its event, what its answer contains, and what AWS answers to each of its calls.
_STARTS: Mapping[str, tuple[str, Json, Mapping[str, Json]]] = {
    "authorize": ("bearer", {"isAuthorized": True}, {_GET: {"Item": _USED_KEY}}),
    "manage_keys": ("list", {"statusCode": 200}, {_QUERY: _found()}),
    "manage_webhooks": ("list", {"statusCode": 200}, {_QUERY: _found()}),
    "submit_job": (
        "lyrics",
        {"statusCode": 202},
        {
            # The job is looked up first, since the event has an Idempotency-Key.
            _QUERY: _found(),
            # The tenant has no limits.
            _GET: {},
            _TRANSACT: {},
            "AWSStepFunctions.StartExecution": {"executionArn": f"{MACHINE}:{JOB_ID}", "startDate": 1795312157.0},
        },
    ),
    "cancel_job": ("cancel", {"statusCode": 200}, {_QUERY: _found(_job(state="CANCELLED"))}),
    "delete_job": ("delete", {"statusCode": 409}, {_QUERY: _found(WAITING_JOB)}),
    "retry_job": ("retry", {"statusCode": 200}, {_QUERY: _found(_job(state="FAILED", retried_as="job_2"))}),
    "read_jobs": ("job", {"statusCode": 200}, {_QUERY: _found(WAITING_JOB)}),
    "wait_for_job": ("wait", {"changed": True}, {_GET: {"Item": {**_job(state="SUCCEEDED"), "history": {"L": []}}}}),
    "read_usage": ("usage", {"statusCode": 200}, {_GET: {}}),
    "read_gateways": ("gateways", {"statusCode": 200}, {_QUERY: _found()}),
    "describe_api": ("wrong_method", {"statusCode": 405}, {}),
    "serve_console": ("page", {"statusCode": 200}, {}),
    "create_task": ("job", {"wait_seconds": 1}, {_GET: {"Item": WAITING_JOB}}),
    # The usual callback: it is stored and wakes an execution, which takes clients of three services.
    "receive_callback": (
        "success",
        {"batchItemFailures": []},
        {
            _GET_VALUE: {"SecretString": json.dumps({"current": "local-test-secret", "previous": ""})},
            _GET: {"Item": WAITING_JOB},
            _UPDATE: {"Attributes": WAITING_JOB},
            "AWSStepFunctions.SendTaskSuccess": {},
        },
    ),
    # It answers with its task token, and returns nothing.
    "check_task": (
        "job",
        {},
        {_UPDATE: {"Attributes": _job(state="SUCCEEDED")}, "AWSStepFunctions.SendTaskFailure": {}},
    ),
    "store_track": ("job", {"states": {}}, {_QUERY: _found(WAITING_JOB, _STORED_TRACK)}),
    "finish_job": (
        "job",
        {"state": "CANCELLED"},
        {_QUERY: _found(_job(state="CANCELLED")), _UPDATE: {"Attributes": _job(state="CANCELLED")}},
    ),
    "manage_deliveries": ("test", {"statusCode": 404}, {_GET: {}}),
    "deliver_webhook": ("delivery", {"batchItemFailures": []}, {_GET: {}}),
    # It also counts the tasks of each account in the accounts secret, which has none.
    "reconcile_jobs": ("schedule", {"complete": True}, {_QUERY: _found(), _GET_VALUE: {"SecretString": "{}"}}),
}


def started() -> list[Function]:
    """Every function, with an event for which it calls no gateway."""
    return [
        Function(
            name=name,
            file=ROOT / "functions" / name / "app.py",
            event=_event(f"{name}/{event}"),
            expected=expected,
            environment=_environment(name),
            replies=replies,
        )
        for name, (event, expected, replies) in _STARTS.items()
    ]


def _environment(name: str) -> dict[str, str]:
    """The variables that the template gives the function: defaults of parameters, and names of resources that are not there."""
    template = read_template(ROOT)
    (properties,) = (
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource.get("Properties", {}).get("CodeUri") == f"functions/{name}"
    )

    def text(value: Any) -> str:
        parameter = template["Parameters"].get(value.get("Ref"), {})
        return str(parameter.get("Default", "https://name.example"))

    variables = {variable: text(value) for variable, value in properties.get("Environment", {}).get("Variables", {}).items()}
    return {**variables, **({"STATE_MACHINE_ARN": MACHINE} if "STATE_MACHINE_ARN" in variables else {})}


def _event(name: str) -> Json:
    loaded: Json = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return loaded
