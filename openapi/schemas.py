"""Schemas of requests, made from the models that validate them, and of answers, made from the types of the views."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from openapi import prose
from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.intake.adoption import AdoptionRequest
from suno_jobs.intake.requests import AUTO, REQUESTS
from suno_jobs.steps.manage_deliveries import ReplayRequest
from suno_jobs.steps.manage_keys import KeyRequest, RotationRequest
from suno_jobs.steps.manage_webhooks import SecretRotation, WebhookChange, WebhookRequest

Json = dict[str, Any]

OTHER_REQUESTS = (AdoptionRequest, KeyRequest, RotationRequest, WebhookRequest, WebhookChange, SecretRotation, ReplayRequest)

_PREFIX = "#/components/schemas/"


def reference(name: str) -> Json:
    return {"$ref": f"{_PREFIX}{name}"}


def name_of(model: Any) -> str:
    """The name of a model in the document: JobAnswer is called Job there."""
    return str(model.__name__).removesuffix("Answer")


def all_schemas(answers: list[Any]) -> dict[str, Json]:
    """The schemas of every request, of these answers, and of everything in them, by name."""
    names = {request.__name__: _request_name(kind) for kind, request in REQUESTS.items()}
    adapters = [(each.__name__, "validation", TypeAdapter(each)) for each in (*REQUESTS.values(), *OTHER_REQUESTS, *answers)]
    _, found = TypeAdapter.json_schemas(adapters, ref_template=f"{_PREFIX}{{model}}")  # type: ignore[arg-type]
    renamed = {name: names.get(name, name.removesuffix("Answer")) for name in found["$defs"]}
    schemas = {renamed[name]: _plain(schema, renamed) for name, schema in found["$defs"].items()}
    for kind in Kind:
        _complete_request(schemas, kind)
    _complete_adoption(schemas)
    return schemas | _choices()


def _request_name(kind: Kind) -> str:
    return f"{''.join(word.capitalize() for word in kind.split('_'))}Request"


def _plain(node: Any, names: Mapping[str, str]) -> Any:
    """With the names of the document, without titles that only repeat a name, and with Markdown instead of our docstrings."""
    if isinstance(node, list):
        return [_plain(each, names) for each in node]
    if not isinstance(node, dict):
        return node
    kept: Json = {}
    for key, value in node.items():
        if key == "properties":
            kept[key] = {name: _plain(each, names) for name, each in value.items()}
        elif key == "$ref":
            kept[key] = _PREFIX + names[value.removeprefix(_PREFIX)]
        elif key == "description":
            kept[key] = " ".join(re.sub(r"``(.+?)``", r"`\1`", value).split())
        elif not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None):
            kept[key] = _plain(value, names)
    return kept


def _choices() -> dict[str, Json]:
    kinds = {kind: _request_name(kind) for kind in Kind}
    return {
        "GatewayName": {"type": "string", "enum": list(GATEWAYS)},
        "GatewayChoice": {
            "description": prose.request_fields()["gateway"],
            "anyOf": [
                reference("GatewayName"),
                {"type": "string", "const": AUTO},
                {"type": "array", "items": reference("GatewayName"), "minItems": 1, "uniqueItems": True},
            ],
        },
        "JobRequest": {
            "description": "A job to create. `kind` decides which fields `input` has.",
            "oneOf": [reference(name) for name in kinds.values()],
            "discriminator": {
                "propertyName": "kind",
                "mapping": {kind: f"{_PREFIX}{name}" for kind, name in kinds.items()},
            },
        },
    }


def _complete_request(schemas: dict[str, Json], kind: Kind) -> None:
    """What the model checks in code, what docs/api.md says about each field, and names for what all requests share."""
    request, job_input = schemas[_request_name(kind)], schemas[INPUTS[kind].__name__]
    job_input["description"] = f"The input of the kind `{kind}`: {prose.kinds()[kind]}."
    request["description"] = f"A job of the kind `{kind}`: {prose.kinds()[kind]}."
    request["properties"]["kind"] = {"type": "string", "const": kind.value}
    request["properties"]["gateway"] = reference("GatewayChoice")
    for name, shared in (("metadata", "Metadata"), ("ambiguous_submit", "AmbiguousSubmit")):
        schemas[shared], _ = request["properties"][name]["anyOf"]
        request["properties"][name] = {"anyOf": [reference(shared), {"type": "null"}]}
    for fields, texts in ((request, prose.request_fields()), (job_input, prose.input_fields())):
        for name, schema in fields["properties"].items():
            if texts[name] and "const" not in schema:
                schema["description"] = texts[name]


def _complete_adoption(schemas: dict[str, Json]) -> None:
    request = schemas["AdoptionRequest"]
    request["description"] = "A task to take over that was created elsewhere. Nothing is submitted and nothing is charged."
    request["properties"]["kind"] = {"type": "string", "enum": [kind.value for kind in Kind]}
    request["properties"]["gateway"] = reference("GatewayName")
    for name in ("kind", "metadata", "adopt", "callback_url"):
        request["properties"][name] = {**request["properties"][name], "description": prose.request_fields()[name]}


def closed(schema: Any) -> Any:
    """The same schema, but an object may have no other members than those that are described. For tests of our answers."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: closed(each) for name, each in schema.items()}
    return {"additionalProperties": False} | kept if isinstance(schema.get("properties"), dict) and "type" in schema else kept


def references(node: Any) -> Iterator[str]:
    """Every name that is referred to."""
    return iter(re.findall(rf'"{re.escape(_PREFIX)}(\w+)"', json.dumps(node)))
