"""The second day of a stack: an update with jobs in progress, rotated secrets, a restored table, and a new stack around it.

The stack is its own, since it is deleted. What the emulator cannot carry: gradual deployments, the import of
secrets, and changes of an imported table.
"""

from __future__ import annotations

import io
import json
import secrets
import subprocess
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from local.simulator import Simulator
from local.stack import ALIAS, STACK_NAME, LocalStack
from suno_jobs.cli.attach import DataAttacher
from suno_jobs.cli.keys import rotate_callback_secret
from suno_jobs.cli.main import main
from suno_jobs.jobs.identifiers import sandbox_of
from suno_jobs.media.sandbox_files import SOUND_SECONDS
from suno_jobs.network import local_origins
from tests.integration.secrets_of_stack import without_secrets_in_logs
from tests.integration.waiting import wait_for, wait_for_end

DATA = ("JobsTable", "ApiKeysTable", "AssetsBucket", "ReceiptsBucket")


class Client:
    """A client of the API, which does not notice what happens to the stack."""

    def __init__(self, stack: LocalStack, api_key: str) -> None:
        self._stack = stack
        headers = {"Authorization": f"Bearer {api_key}"}
        self.api = httpx.Client(base_url=stack.api_url, headers=headers, timeout=40)

    def order(self, key: str, seconds: int = 0, marker: str = "") -> tuple[int, str]:
        prompt = f"a song about rain [fault:slow_task={seconds}]" if seconds else f"a song about rain {marker}"
        body = {"gateway": "ttapi", "kind": "music", "input": {"prompt": prompt}}
        answer = self.api.post("/v1/jobs", json=body, headers={"Idempotency-Key": key})
        return answer.status_code, answer.json()["job_id"]

    def task_of(self, job_id: str) -> Any:
        return self.api.get(f"/v1/jobs/{job_id}").json()["task_id"]

    def succeeded(self, job_id: str) -> bool:
        job = wait_for_end(self.api, job_id, self._stack.logs)
        return job["state"] == "SUCCEEDED" and all(track["state"] == "stored" for track in job["tracks"])


def versions(stack: LocalStack) -> dict[str, str]:
    """The version that each function's callers use."""
    functions = stack.client("lambda")
    names = [each["FunctionName"] for each in functions.list_functions()["Functions"]]
    return {name: functions.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"] for name in names}


@contextmanager
def tail(stack: LocalStack) -> Iterator[subprocess.Popen[str]]:
    """`suno-jobs tail` in the shell of an operator, until the first event."""
    script = f". {stack.shell_file}; suno-jobs tail --tenant local --count 1 --seconds 60 --json"
    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert running.stderr.readline().startswith("Waiting for the events of ")
        yield running


class Operator:
    """A person with the AWS credentials of the stack and its name, and nothing else."""

    def __init__(self, stack: LocalStack, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        for name, value in stack.operator_environment().items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        patch.setattr(local_origins, "LOCAL_ORIGINS", frozenset(stack.runtime().local_origins))
        self._capsys = capsys

    def run(self, *arguments: str) -> Any:
        """What the command prints as JSON."""
        self._capsys.readouterr()
        code = main([*arguments, "--json"])
        out, errors = self._capsys.readouterr()
        assert code == 0, f"{arguments}: {out}{errors}"
        return json.loads(out)

    def callbacks(self, job_id: str) -> int:
        return sum(each["times"] for each in self.run("receipts", job_id) if each["source"] == "callback")


def operate(operator: Operator, job_id: str) -> None:
    before = operator.callbacks(job_id)
    assert before > 0
    operator.run("replay", job_id)
    wait_for(lambda: operator.callbacks(job_id) == before + 1)
    assert operator.run("explain", job_id)["job"]["state"] == "SUCCEEDED"
    assert operator.run("stuck") == []
    assert operator.run("sweep")["complete"]
    found = operator.run("doctor")
    assert {each["subject"] for each in found if each["state"] == "failed"} == set()
    assert {"stack", "callbacks", "jobs", "ttapi/default"} <= {each["subject"] for each in found if each["state"] == "ok"}
    assert operator.run("tenants", "keys", "list", "local")


def update(stack: LocalStack, client: Client) -> None:
    _, running = client.order("order-2", seconds=8)
    wait_for(lambda: client.task_of(running))
    before = versions(stack)
    stack.update({"BreakerFailures": "6"})
    changed = {name for name, version in versions(stack).items() if version != before[name]}
    assert [name.split("-")[-2] for name in changed] == ["CreateTaskFunction"]
    assert client.succeeded(running)


def rotate(stack: LocalStack, client: Client) -> None:
    _, running = client.order("order-3", seconds=8)
    wait_for(lambda: client.task_of(running))
    manager = stack.client("secretsmanager")
    rotate_callback_secret(manager, stack.output("CallbackSecretArn"), lambda: secrets.token_urlsafe(32))
    assert client.succeeded(running)
    # The simulator takes another key for another account, which does not know the tasks of the first one.
    stack.simulator.keys["ttapi"] = "another-key"
    stack.put_gateway_accounts()
    assert client.succeeded(client.order("order-4")[1])


def switch_on(dynamodb: Any, table: str) -> None:
    """What a restored table lacks. On AWS, the deployment does it; the emulator would replace the table, as it has another
    name than the emulator gives to a new one."""
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True, SSESpecification={"Enabled": True})
    ttl = {"AttributeName": "expires_at", "Enabled": True}
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=ttl)
    backups = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=backups)


def restore(stack: LocalStack) -> None:
    data = {name: stack.physical_id(name) for name in DATA}
    stack.remove()
    dynamodb = stack.client("dynamodb")
    restored = {"SourceTableName": data["JobsTable"], "TargetTableName": "restored", "UseLatestRestorableTime": True}
    dynamodb.restore_table_to_point_in_time(**restored)
    switch_on(dynamodb, "restored")
    tables = {"JobsTable": "restored", "ApiKeysTable": data["ApiKeysTable"]}
    buckets = {name: data[name] for name in ("AssetsBucket", "ReceiptsBucket")}
    DataAttacher(stack.client("cloudformation"), dynamodb, seconds=1).attach(STACK_NAME, tables, buckets)
    stack.update({})
    stack.put_gateway_accounts()
    assert {name: stack.physical_id(name) for name in DATA} == {**data, "JobsTable": "restored"}


def use_the_sandbox_without_any_account(stack: LocalStack) -> None:
    """The simulator would count a task that is created all the same."""
    secret = stack.output("GatewayAccountsSecretArn")
    stack.client("secretsmanager").put_secret_value(SecretId=secret, SecretString="{}")
    client = Client(stack, stack.create_api_key(sandbox_of("local")))
    song, failed = client.order("order-1")[1], client.order("order-2", marker="[test:failed]")[1]
    assert client.succeeded(song)
    asset = client.api.get(f"/v1/jobs/{song}").json()["tracks"][0]["assets"][0]
    with wave.open(io.BytesIO(httpx.get(asset["url"]).content)) as sound:
        assert sound.getnframes() == SOUND_SECONDS * sound.getframerate()
    assert not client.succeeded(failed)
    assert client.api.get(f"/v1/jobs/{failed}").json()["error"]["code"] == "generation_failed"
    listed = {job["job_id"] for job in client.api.get("/v1/jobs").json()["jobs"]}
    assert listed == {song, failed}
    client.api.close()


def test_nothing_is_lost_and_nothing_is_paid_twice_on_the_second_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator = Simulator()
    # A function that has read the old key of a gateway waits for the longest interval before it uses the new one.
    intervals = {"CheckIntervalSeconds": "1", "MaxCheckIntervalSeconds": "2"}
    with without_secrets_in_logs(LocalStack(intervals, simulator=simulator, logs=tmp_path)) as stack:
        client = Client(stack, stack.api_key)
        with tail(stack) as running:
            status, first = client.order("order-1")
            assert json.loads(running.communicate(timeout=60)[0])["detail"]["job_id"] == first
        assert (status, client.succeeded(first)) == (202, True)
        operate(Operator(stack, monkeypatch, capsys), first)
        update(stack, client)
        rotate(stack, client)
        restore(stack)
        assert client.order("order-1") == (200, first)
        asset = client.api.get(f"/v1/jobs/{first}").json()["tracks"][0]["assets"][0]
        assert len(httpx.get(asset["url"]).content) == asset["bytes"]
        status, last = client.order("order-5")
        assert (status, client.succeeded(last)) == (202, True)
        client.api.close()
        use_the_sandbox_without_any_account(stack)
    assert len(simulator.tasks()) == 5
