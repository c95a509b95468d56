"""A loopback server that acts as the Lambda service and as AWS for one starting function, and answers at once.

The emulators would work too, but take milliseconds for each answer, and only the function is to be measured.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from queue import Queue
from typing import Any

from local.loopback import LoopbackServer

Json = dict[str, Any]


class FunctionBroken(Exception):
    """The function did not answer its request as expected; the message contains its answer."""


class Stub(LoopbackServer):
    """Gives `event` to the function as its invocation, and answers its calls to AWS from `replies`.

    `replies` maps an AWS operation, such as ``DynamoDB_20120810.GetItem``, to its reply. `operations` are those that the
    function has called.
    """

    def __init__(self, event: Json, replies: Mapping[str, Json]) -> None:
        super().__init__(_Handler)
        self.event = event
        self.replies = replies
        self.answers: Queue[tuple[float, str, Any]] = Queue()
        self.operations: set[str] = set()

    def answered(self, timeout: float) -> tuple[float, Json]:
        """Waits for the function's answer; returns its time (``time.perf_counter``) and the answer. Raises FunctionBroken."""
        at, path, body = self.answers.get(timeout=timeout)
        if not path.endswith("/response"):
            raise FunctionBroken(json.dumps(body))
        return at, body

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silent: a function is killed after its answer, which breaks its connections."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Stub

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def do_GET(self) -> None:
        """The function requests its next invocation."""
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "00000000-0000-0000-0000-000000000000",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 30) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        }
        self._send(200, self.server.event, headers)

    def do_POST(self) -> None:
        at = time.perf_counter()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/2018-06-01/runtime/"):
            self.server.answers.put((at, self.path, json.loads(body)))
            # It would request the next invocation at once; it is killed instead.
            self.close_connection = True
            self._send(202, {}, {})
            return
        operation = self.headers["X-Amz-Target"]
        self.server.operations.add(operation)
        self._send(200, self.server.replies[operation], {})

    def _send(self, status: int, body: Json, headers: Mapping[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
