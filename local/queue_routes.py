"""API Gateway's integration SQS-SendMessage, by which a request becomes a message of a queue without a function.

It refuses what AWS documents as refused, and what is not documented but was observed: a request without a value to be mapped.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from local.conditions import Json

MAX_BYTES = 1024**2
_EXPRESSION = re.compile(r"\$\{request\.(path|header)\.([\w-]+)\}")
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_REFUSED_CHARACTERS = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXT = re.compile(r"text/|application/(json|javascript|xml)\b")


class RequestRefused(Exception):
    """The answer is 400, and nothing is in the queue."""


@dataclass(frozen=True)
class Message:
    """``queue`` and ``role`` are the template's references to the queue and to the role that may send to it."""

    queue: Json
    role: Json
    body: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class QueueRoute:
    key: str
    role: Json
    parameters: Mapping[str, Any]

    def message(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Message | None:
        """None if the request is for another route. Raises RequestRefused."""
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/?]+)", self.key) + r"(\?.*)?", f"{method} {path}")
        if found is None:
            return None
        values = {
            "path": {name: unquote(value) for name, value in found.groupdict().items()},
            "header": {name.lower(): value for name, value in headers.items()},
        }

        def value(expression: re.Match[str]) -> str:
            if not (given := values[expression[1]].get(expression[2])):
                raise RequestRefused(f"unable to resolve {expression[0]}")
            return json.dumps(given)[1:-1]

        attributes = json.loads(_EXPRESSION.sub(value, self.parameters["MessageAttributes"]))
        text = text_of(values["header"], body)
        size = len(text.encode()) + sum(len(name + each["StringValue"]) + 6 for name, each in attributes.items())
        if not text or size > MAX_BYTES or _REFUSED_CHARACTERS.search(text):
            raise RequestRefused("the body is empty, too large, or contains characters that are not allowed")
        return Message(self.parameters["QueueUrl"], self.role, text, attributes)


def text_of(headers: Mapping[str, str], body: bytes) -> str:
    """As API Gateway passes a body on; the names of ``headers`` are in lower case."""
    if _TEXT.match(headers.get("content-type", "text/plain")):
        return body.decode(errors="replace")
    return base64.b64encode(body).decode()


def is_queue_route(operation: Json) -> bool:
    return bool(operation["x-amazon-apigateway-integration"].get("integrationSubtype") == "SQS-SendMessage")


def queue_routes(paths: Json) -> Iterator[QueueRoute]:
    """Of the paths of an API's OpenAPI body."""
    for path, operations in paths.items():
        for method, operation in operations.items():
            if is_queue_route(operation):
                settings = operation["x-amazon-apigateway-integration"]
                yield QueueRoute(f"{method.upper()} {path}", settings["credentials"], settings["requestParameters"])
