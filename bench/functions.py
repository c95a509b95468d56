"""The functions whose start is measured, and their floors."""

from __future__ import annotations

import json
from pathlib import Path

from bench.shipped import ROOT
from bench.start import Function
from bench.stub import Json

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
    "partial": {"BOOL": False},
    "task_id": {"S": "task"},
    "fingerprint": {"S": "f" * 64},
    "created_at": {"N": "1795312157"},
    "submitted_at": {"N": "1795312158"},
    "updated_at": {"N": "1795312158"},
    "deadline_at": {"N": "1795313357"},
    "checks": {"N": "0"},
    "no_audio": {"N": "0"},
    "execution": {"N": "0"},
    "task_token": {"S": "token"},
}

CLIENT = Function(name="client", file=FLOORS / "client.py", event={}, status=200)

CALL = Function(
    name="call", file=FLOORS / "call.py", event={}, status=200, replies={"DynamoDB_20120810.GetItem": {"Item": WAITING_JOB}}
)


def receive_callback() -> Function:
    """The usual callback: it is kept, and wakes an execution, which takes a client of three services."""
    return Function(
        name="receive_callback",
        file=ROOT / "functions/receive_callback/app.py",
        event=_event("receive_callback/success"),
        status=200,
        environment={
            "JOBS_TABLE": "jobs",
            "RECEIPTS_BUCKET": "receipts",
            "CALLBACK_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:callback",
            "RECEIPT_TTL_DAYS": "30",
            "STATE_MACHINE_ARN": MACHINE,
            "MAX_CHECK_INTERVAL_SECONDS": "60",
        },
        replies={
            "secretsmanager.GetSecretValue": {"SecretString": json.dumps({"current": "local-test-secret", "previous": ""})},
            "DynamoDB_20120810.UpdateItem": {"Attributes": WAITING_JOB},
            "AWSStepFunctions.SendTaskSuccess": {},
        },
    )


def submit_job() -> Function:
    return Function(
        name="submit_job",
        file=ROOT / "functions/submit_job/app.py",
        event=_event("submit_job/lyrics"),
        status=202,
        environment={
            "JOBS_TABLE": "jobs",
            "STATE_MACHINE_ARN": MACHINE,
            "JOB_DEADLINE_SECONDS": "1200",
            "MAX_CHECK_INTERVAL_SECONDS": "60",
            "AUTO_GATEWAYS": "crun",
            "AMBIGUOUS_SUBMIT_POLICY": "fail",
        },
        replies={
            # The job is looked for first, since the event has an Idempotency-Key.
            "DynamoDB_20120810.Query": {"Items": [], "Count": 0, "ScannedCount": 0},
            "DynamoDB_20120810.TransactWriteItems": {},
            "AWSStepFunctions.StartExecution": {"executionArn": f"{MACHINE}:{JOB_ID}", "startDate": 1795312157.0},
        },
    )


def _event(name: str) -> Json:
    loaded: Json = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return loaded
