"""Deployments replace each function as a whole: what SAM makes of the template, see decision 61."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.conditions import Choices
from local.parameters import broken_rule
from local.source import read_template
from tests.world import ROOT

Json = dict[str, Any]

DESCRIPTION_LENGTH = 256
NAME = "a-name"
UNVERSIONED = {"ReservedConcurrentExecutions"}
"""What belongs to a function as a whole and not to one of its versions."""
MANAGEMENT = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Version",
}
"""Types that name a function without calling it."""


def source() -> Json:
    template: Json = read_template(ROOT)
    for logical_id, resource in template["Resources"].items():
        for name in {"CodeUri", "ContentUri", "DefinitionUri"} & resource["Properties"].keys():
            resource["Properties"][name] = f"s3://bucket/{logical_id}"
    return template


def deployed(change: Callable[[Json], None] = lambda _: None, **parameters: str) -> Json:
    """The template as CloudFormation gets it from SAM."""
    template = source()
    change(template)
    made: Json = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1")).translate(template, parameters)
    return made


DEPLOYED = deployed()
PARAMETERS: Json = DEPLOYED["Parameters"]


def of_type(template: Json, *types: str) -> dict[str, Json]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] in types}


def evaluated(template: Json, properties: Json, **parameters: str) -> Any:
    """With the values of parameters, which CloudFormation puts in; references to resources stay as they are."""
    values = {name: str(parameter.get("Default")) for name, parameter in PARAMETERS.items()} | parameters

    def filled(node: Any) -> Any:
        match node:
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)
            case dict():
                return {name: filled(member) for name, member in node.items()}
            case list():
                return [filled(member) for member in node]
        return node

    return filled(Choices(template, parameters).made(properties))


def configurations(template: Json, **parameters: str) -> dict[str, Json]:
    """What Lambda compares with the latest version before it publishes another."""
    functions = of_type(template, "AWS::Lambda::Function")
    made = {name: evaluated(template, each["Properties"], **parameters) for name, each in functions.items()}
    return {name: {key: value for key, value in each.items() if key not in UNVERSIONED} for name, each in made.items()}


def versions(template: Json, **parameters: str) -> dict[str, tuple[str, Any]]:
    """The version of each function: CloudFormation publishes another if its logical id or its description changes."""
    found = of_type(template, "AWS::Lambda::Version").items()
    return {
        each["Properties"]["FunctionName"]["Ref"]: (name, evaluated(template, each["Properties"], **parameters))
        for name, each in found
    }


def another(name: str) -> str:
    """A permitted value that is not the default."""
    parameter = PARAMETERS[name]
    default = str(parameter["Default"])
    candidates = [*map(str, parameter.get("AllowedValues", ())), "7", "https://a.example", "ttapi", "arn:aws:sns:x", "*", "K1"]
    candidates += ["arn:aws:kms:eu-central-1:123456789012:key/1", NAME, "a.example"]
    candidates.append("arn:aws:acm:us-east-1:123456789012:certificate/1")
    return next(each for each in candidates if each != default and broken_rule(parameter, each) is None)


@pytest.mark.parametrize("layer", ["CoreLayer", "DependenciesLayer"])
def test_a_change_of_a_layer_alone_publishes_every_function(layer: str) -> None:
    def change(template: Json) -> None:
        template["Resources"][layer]["Properties"]["ContentUri"] = "s3://bucket/changed"

    before, after = versions(DEPLOYED), versions(deployed(change))
    assert before.keys() == of_type(DEPLOYED, "AWS::Lambda::Function").keys()
    assert [name for name in before if before[name] == after[name]] == []


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_change_of_a_parameter_alone_publishes_exactly_the_functions_that_it_changes(name: str) -> None:
    """Without a new version, the alias would keep the old value. With one for an unchanged function, the deployment fails."""
    value = another(name)
    before, after = configurations(DEPLOYED), configurations(DEPLOYED, **{name: value})
    old, new = versions(DEPLOYED), versions(DEPLOYED, **{name: value})
    changed = {function for function in before if before[function] != after[function]}
    assert {function for function in old if old[function] != new[function]} == changed


def test_sam_itself_sees_no_change_of_a_parameter() -> None:
    """The reason for the descriptions. If this fails, they may be superfluous."""
    after = deployed(FirstCheckSeconds="7")
    assert of_type(DEPLOYED, "AWS::Lambda::Version").keys() == of_type(after, "AWS::Lambda::Version").keys()
    assert versions(after, FirstCheckSeconds="7")["CreateTaskFunction"] != versions(DEPLOYED)["CreateTaskFunction"]


def longest(parameter: Json) -> str:
    allowed = [str(each) for each in parameter.get("AllowedValues", ())]
    bound = "x" * int(parameter["MaxLength"]) if "MaxLength" in parameter else str(parameter.get("MaxValue", ""))
    found = max([*allowed, bound], key=len)
    assert found, "a parameter of a function needs a MaxLength"
    return found


def test_the_description_of_a_version_is_never_too_long() -> None:
    for name, version in of_type(DEPLOYED, "AWS::Lambda::Version").items():
        text = version["Properties"].get("Description", {}).get("Fn::Sub", "")
        values = {parameter: longest(PARAMETERS[parameter]) for parameter in re.findall(r"\$\{(\w+)\}", text)}
        for parameter, value in values.items():
            text = text.replace(f"${{{parameter}}}", value)
        assert len(text) <= DESCRIPTION_LENGTH, name


def references(node: Any) -> Iterator[str]:
    match node:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), dict()]}:
            yield from (found.partition(".")[0] for found in re.findall(r"\$\{([\w.]+)\}", text))
            yield from references(node["Fn::Sub"][1:] if isinstance(node["Fn::Sub"], list) else [])
        case dict():
            yield from references(list(node.values()))
        case list():
            for member in node:
                yield from references(member)


def test_every_caller_uses_the_alias() -> None:
    """Routes, authorizer, schedules, event sources, the state machine, other functions, and the permissions of each."""
    functions = of_type(DEPLOYED, "AWS::Lambda::Function").keys()
    unqualified = {
        (name, function)
        for name, resource in DEPLOYED["Resources"].items()
        if resource["Type"] not in MANAGEMENT
        for function in functions & set(references(resource))
    }
    assert unqualified == set()
    [asynchronous] = of_type(DEPLOYED, "AWS::Lambda::EventInvokeConfig").values()
    assert asynchronous["Properties"]["Qualifier"] == "live"


def test_a_new_version_is_taken_back_if_an_alarm_is_raised() -> None:
    groups = of_type(DEPLOYED, "AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == len(of_type(DEPLOYED, "AWS::Lambda::Alias"))
    alarms = of_type(DEPLOYED, "AWS::CloudWatch::Alarm")
    for group in groups.values():
        watched = [each["Name"]["Ref"] for each in group["Properties"]["AlarmConfiguration"]["Alarms"]]
        assert len(watched) >= 5
        assert set(watched) <= alarms.keys()
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["Properties"]["AutoRollbackConfiguration"]["Events"]
    [create_task] = (group for name, group in groups.items() if name.startswith("CreateTaskFunction"))
    assert {"Name": {"Ref": "CreateTaskFailedAlarm"}} in create_task["Properties"]["AlarmConfiguration"]["Alarms"]


def test_an_urgent_deployment_takes_no_detour() -> None:
    at_once = deployed(GradualDeployment="false")
    assert of_type(at_once, "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup") == {}
    assert [name for name, each in of_type(at_once, "AWS::Lambda::Alias").items() if "UpdatePolicy" in each] == []


def test_functions_that_clients_wait_for_may_start_from_a_snapshot() -> None:
    functions = {name: each["Properties"] for name, each in source()["Resources"].items() if name.endswith("Function")}
    routed = {
        name
        for name, each in functions.items()
        for event in each.get("Events", {}).values()
        if event["Type"] == "HttpApi" and "/callbacks/" not in event["Properties"]["Path"]
    }
    for value, expected in (("true", {"ApplyOn": "PublishedVersions"}), ("false", None)):
        made = configurations(DEPLOYED, SnapStart=value)
        assert {name for name, each in made.items() if each.get("SnapStart") == expected} >= routed | {"AuthorizeFunction"}
    assert {name for name, each in functions.items() if "SnapStart" in each} == routed | {"AuthorizeFunction"}
