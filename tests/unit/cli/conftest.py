from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from suno_jobs.cli.client import access
from suno_jobs_client import AsyncSunoJobs, SunoJobs
from tests.unit.cli.running import Serving
from tests.unit.client.service import KEY, URL, Reply, Service


@pytest.fixture
def aws(aws_on_moto: SimpleNamespace) -> SimpleNamespace:
    """A command makes its own clients of boto3."""
    return aws_on_moto


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No API key is stored or set."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv(access.KEY, raising=False)
    monkeypatch.delenv(access.URL, raising=False)
    return tmp_path


@pytest.fixture
def serving(home: Path, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """Logged in, at a service that gives these replies."""
    monkeypatch.setenv(access.URL, URL)
    monkeypatch.setenv(access.KEY, KEY)
    monkeypatch.setattr("suno_jobs_client.retrying.ATTEMPTS", 1)

    def serve(*replies: Reply) -> Service:
        service = Service(list(replies))
        transport = httpx.MockTransport(service)
        monkeypatch.setattr(access, "SunoJobs", lambda *at: SunoJobs(*at, http=httpx.Client(transport=transport)))
        monkeypatch.setattr(
            access, "AsyncSunoJobs", lambda *at: AsyncSunoJobs(*at, http=httpx.AsyncClient(transport=transport))
        )
        return service

    return serve


class CloudFormation:
    """CloudFormation with the one stack ``songs``, for a caller that may only describe it. ``calls`` counts."""

    def __init__(self, stack: dict[str, Any], resources: dict[str, str]) -> None:
        self.stack = stack
        self.resources = resources
        self.calls = 0

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        self._refuse_unless(StackName == "songs", f"Stack with id {StackName} does not exist")
        headers = {"date": "Fri, 27 Nov 2026 12:00:00 GMT"}
        return {"Stacks": [self.stack], "ResponseMetadata": {"HTTPHeaders": headers}}

    def describe_stack_resource(self, *, StackName: str, LogicalResourceId: str) -> dict[str, Any]:  # noqa: N803
        self._refuse_unless(LogicalResourceId in self.resources, f"Resource {LogicalResourceId} does not exist for {StackName}")
        return {"StackResourceDetail": {"PhysicalResourceId": self.resources[LogicalResourceId]}}

    @staticmethod
    def _refuse_unless(right: bool, message: str) -> None:
        if not right:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")


class Describe(Protocol):
    """Makes a stack of this description. Outputs may be a mapping."""

    def __call__(self, **description: Any) -> CloudFormation: ...


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> Describe:
    """Every other service is that of moto, or none."""
    client = boto3.client

    def describe(**description: Any) -> CloudFormation:
        outputs = description.pop("Outputs", [])
        if isinstance(outputs, dict):
            outputs = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
        resources = description.pop("Resources", {})
        stack = {"StackName": "songs", "StackStatus": "UPDATE_COMPLETE", "Outputs": outputs, **description}
        found = CloudFormation(stack, resources)
        monkeypatch.setattr(
            boto3, "client", lambda service, **given: {"cloudformation": found}.get(service) or client(service, **given)
        )
        return found

    return describe
