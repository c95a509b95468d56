"""From the unmodified `template.yaml` to plain CloudFormation that the emulator can deploy.

The file itself stays as it is for AWS. Its deployed form differs in these points only: the functions run the project's own
Python through a `bootstrap`; the state machine's definition is inlined; the API's OpenAPI body becomes routes and a CORS
configuration, as the emulator reads those alone, and the front plays its routes into queues; fewer batches of a queue are
processed at once; a reference to a secret becomes its ARN, which on AWS it is; presigned URLs lead to the emulator; and no
bucket insists on TLS, which is not there.
"""

import io
import json
import logging
import shlex
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from samtranslator.feature_toggle import feature_toggle
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template

from local import limits
from local.conditions import Choices, Json
from local.queue_routes import is_queue_route

Upload = Callable[[str, bytes], Json]
"""Stores a package under a name and answers where it lies: {"Bucket": ..., "Key": ...}."""

BOOTSTRAP = Path(__file__).with_name("lambda_bootstrap.py")


UNKNOWN_TYPES = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard")
"""The emulator refuses some of them. Nothing refers to them, and on the local stack no alarm is sent."""


@dataclass(frozen=True)
class Runtime:
    """How the emulated functions run: with which Python, forked by the template in which folder, logging to which folder, and
    the loopback origins that they may reach.
    """

    python: str
    template: Path
    logs: Path
    local_origins: Sequence[str]


def of_type(template: Json, kind: str) -> dict[str, Json]:
    """The resources of one type, by logical id."""
    return {name: item for name, item in template["Resources"].items() if item["Type"] == kind}


def functions(template: Json) -> dict[str, str]:
    """Folder name (such as `submit_job`) to logical id."""
    found = of_type(template, "AWS::Serverless::Function")
    return {Path(item["Properties"]["CodeUri"]).name: logical_id for logical_id, item in found.items()}


def layer_folders(template: Json, root: Path) -> list[str]:
    layers = of_type(template, "AWS::Serverless::LayerVersion").values()
    return [str(root / item["Properties"]["ContentUri"]) for item in layers]


def package(template: Json, root: Path, runtime: Runtime, upload: Upload) -> None:
    """Puts each function's and layer's folder into a zip, and the state machine's definition into the template, in place."""
    import_path = layer_folders(template, root)
    for item in of_type(template, "AWS::Serverless::LayerVersion").values():
        properties = item["Properties"]
        properties["ContentUri"] = upload(properties["ContentUri"], zip_folder(root / properties["ContentUri"], {}))
    for name, logical_id in functions(template).items():
        properties = template["Resources"][logical_id]["Properties"]
        extra = {"bootstrap": bootstrap(name, import_path, runtime)}
        properties["CodeUri"] = upload(name, zip_folder(root / properties["CodeUri"], extra))
    for item in of_type(template, "AWS::Serverless::StateMachine").values():
        source = root / item["Properties"].pop("DefinitionUri")
        item["Properties"]["Definition"] = json.loads(source.read_text(encoding="utf-8"))


def bootstrap(name: str, import_path: Sequence[str], runtime: Runtime) -> str:
    settings = {
        "path": list(import_path),
        "log": str(runtime.logs / f"{name}.log"),
        "local_origins": list(runtime.local_origins),
    }
    command = shlex.join([runtime.python, "-IS", str(BOOTSTRAP), str(runtime.template), json.dumps(settings)])
    return f"#!/bin/sh\nexec {command}\n"


def zip_folder(folder: Path, extra: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, str(file.relative_to(folder)))
        for name, text in extra.items():
            # Without the present time, so that the same content makes the same archive.
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o600 << 16
            archive.writestr(info, text)
    return buffer.getvalue()


def translate(template: Json, parameters: Mapping[str, str], session: boto3.Session, assets_origin: str) -> Json:
    """Plain CloudFormation, made by AWS's own translator; it asks nobody, as no policy in the template is a name."""
    # It warns of switches that only AWS's own service has.
    logging.getLogger(feature_toggle.__name__).setLevel(logging.ERROR)
    values = dict(parameters)
    to_py27_compatible_template(template, values)
    translator = Translator({}, Parser(), boto_session=session)
    translated: Json = undo_mark_unicode_str_in_template(translator.translate(template, values))
    for kind in UNKNOWN_TYPES:
        for logical_id in of_type(translated, kind):
            del translated["Resources"][logical_id]
    for item in of_type(translated, "AWS::Lambda::Function").values():
        localise(item["Properties"], assets_origin)
    for item in of_type(translated, "AWS::Lambda::EventSourceMapping").values():
        item["Properties"]["ScalingConfig"] = {"MaximumConcurrency": limits.QUEUE_BATCHES}
    for logical_id, item in of_type(translated, "AWS::ApiGatewayV2::Api").items():
        translated["Resources"].update(api_resources(logical_id, item["Properties"]))
    choices = Choices(translated, parameters)
    for item in of_type(translated, "AWS::ApiGatewayV2::Api").values():
        item["Properties"] |= cors(choices.made(item["Properties"]["Body"]))
    for logical_id, item in of_type(translated, "AWS::S3::BucketPolicy").items():
        item["Properties"] = choices.made(item["Properties"])
        drop_tls_only(translated["Resources"], logical_id)
    secrets = of_type(translated, "AWS::SecretsManager::Secret").keys()
    resolved: Json = with_secret_arns(translated, secrets)
    return resolved


def drop_tls_only(resources: Json, logical_id: str) -> None:
    document = resources[logical_id]["Properties"]["PolicyDocument"]
    kept = [item for item in document["Statement"] if "aws:SecureTransport" not in item.get("Condition", {}).get("Bool", {})]
    document["Statement"] = kept
    if not kept:
        del resources[logical_id]


def with_secret_arns(node: Any, secrets: Collection[str]) -> Any:
    """Ref of a secret is its ARN on AWS and its name here; policies and settings need the ARN."""
    if isinstance(node, dict):
        if node.keys() == {"Ref"} and node["Ref"] in secrets:
            return {"Fn::GetAtt": [node["Ref"], "Id"]}
        return {key: with_secret_arns(value, secrets) for key, value in node.items()}
    return [with_secret_arns(item, secrets) for item in node] if isinstance(node, list) else node


def localise(function: Json, assets_origin: str) -> None:
    """Our own runtime, with the variables that AWS sets for every function and this emulator does not."""
    function["Runtime"] = "provided.al2023"
    logging = function["LoggingConfig"]
    variables = function.setdefault("Environment", {}).setdefault("Variables", {})
    if "ASSETS_ORIGINS" in variables:
        variables["ASSETS_ORIGINS"] = assets_origin
    variables.update(
        {
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": logging["LogGroup"],
            "AWS_LAMBDA_LOG_FORMAT": logging["LogFormat"],
            "AWS_LAMBDA_LOG_LEVEL": logging["ApplicationLogLevel"],
        }
    )


def api_resources(api: str, properties: Json) -> dict[str, Json]:
    """The authorizers, integrations and routes that stand in the API's OpenAPI body, each as a resource."""
    body = properties["Body"]
    resources: dict[str, Json] = {}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        resources[f"{api}{name}Authorizer"] = authorizer(api, name, scheme)
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            if is_queue_route(operation):
                continue
            logical_id = f"{api}Route{len(resources)}"
            resources[f"{logical_id}Integration"] = integration(api, operation["x-amazon-apigateway-integration"])
            key = path if path == "$default" else f"{method.upper()} {path}"
            resources[logical_id] = route(api, key, f"{logical_id}Integration", operation)
    return resources


def cors(body: Json) -> Json:
    """Under the names of the OpenAPI body: the emulator takes them as they are."""
    return {"CorsConfiguration": body["x-amazon-apigateway-cors"]} if "x-amazon-apigateway-cors" in body else {}


def authorizer(api: str, name: str, scheme: Json) -> Json:
    settings = scheme["x-amazon-apigateway-authorizer"]
    return {
        "Type": "AWS::ApiGatewayV2::Authorizer",
        "Properties": {
            "ApiId": {"Ref": api},
            "Name": name,
            "AuthorizerType": settings["type"].upper(),
            "AuthorizerUri": settings["authorizerUri"],
            "AuthorizerPayloadFormatVersion": settings["authorizerPayloadFormatVersion"],
            "AuthorizerResultTtlInSeconds": settings.get("authorizerResultTtlInSeconds", 0),
            "EnableSimpleResponses": settings.get("enableSimpleResponses", False),
            "IdentitySource": settings["identitySource"],
        },
    }


def integration(api: str, settings: Json) -> Json:
    return {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {
            "ApiId": {"Ref": api},
            "IntegrationType": settings["type"].upper(),
            "IntegrationMethod": settings["httpMethod"],
            "IntegrationUri": settings["uri"],
            "PayloadFormatVersion": settings["payloadFormatVersion"],
        },
    }


def route(api: str, key: str, integration_id: str, operation: Json) -> Json:
    properties: Json = {
        "ApiId": {"Ref": api},
        "RouteKey": key,
        "Target": {"Fn::Join": ["/", ["integrations", {"Ref": integration_id}]]},
    }
    for requirement in operation.get("security", []):
        for name in requirement:
            if name != "NONE":
                properties |= {"AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": f"{api}{name}Authorizer"}}
    return {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties}
