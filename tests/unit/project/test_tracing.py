"""Traces are recorded by Lambda and Step Functions themselves, and only on request."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tests.unit.project.test_versions import DEPLOYED, deployed, evaluated, of_type, versions
from tests.world import ROOT

PUT_TRACES = "AWSXrayWriteOnlyAccess"


@cache
def traced() -> dict[str, Any]:
    return deployed(Tracing="Active")


def resources(template: dict[str, Any], kind: str, **parameters: str) -> dict[str, dict[str, Any]]:
    return {name: evaluated(template, each["Properties"], **parameters) for name, each in of_type(template, kind).items()}


def test_nothing_is_traced_by_default_and_nothing_may_be() -> None:
    functions = resources(DEPLOYED, "AWS::Lambda::Function")
    assert functions
    assert not any("TracingConfig" in each for each in functions.values())
    [machine] = resources(DEPLOYED, "AWS::StepFunctions::StateMachine").values()
    assert machine["TracingConfiguration"] == {"Enabled": False}
    assert "xray" not in json.dumps(resources(DEPLOYED, "AWS::IAM::Role")).lower()


def test_every_function_and_the_state_machine_are_traced_on_request() -> None:
    functions = resources(traced(), "AWS::Lambda::Function", Tracing="Active")
    assert {each["TracingConfig"]["Mode"] for each in functions.values()} == {"Active"}
    [machine] = resources(traced(), "AWS::StepFunctions::StateMachine", Tracing="Active").values()
    assert machine["TracingConfiguration"] == {"Enabled": True}


def test_what_is_traced_may_put_its_traces() -> None:
    roles = resources(traced(), "AWS::IAM::Role", Tracing="Active")
    for name, function in resources(traced(), "AWS::Lambda::Function", Tracing="Active").items():
        role = function["Role"]["Fn::GetAtt"][0]
        assert any(PUT_TRACES in json.dumps(arn) for arn in roles[role]["ManagedPolicyArns"]), name
    of_machine = roles["SunoJobStateMachineRole"]["Policies"]
    assert "xray:PutTraceSegments" in json.dumps(of_machine)


def test_a_change_of_tracing_publishes_every_function() -> None:
    before, after = versions(DEPLOYED), versions(traced(), Tracing="Active")
    assert [name for name in before if before[name] == after[name]] == []


def test_no_layer_contains_an_sdk_for_traces() -> None:
    """Every function would import it, also without traces."""
    pinned = (ROOT / "layers/dependencies/requirements.txt").read_text().lower()
    assert "boto3==" in pinned
    assert "xray" not in pinned
    assert "opentelemetry" not in pinned
