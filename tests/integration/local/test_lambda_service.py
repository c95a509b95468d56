"""What the emulated Lambda takes for the answer of a function."""

from __future__ import annotations

import json
import subprocess
import sys

from local.stack import ROOT

# In a process of its own, since it changes the emulator. The environment sends part of its answer, or all of it, and is gone.
SCRIPT = """
import json, queue, socket, socketserver, sys, threading
from ministack.core import lambda_runtime
from local.lambda_service import accept_whole_answers_only

accept_whole_answers_only()
config = {"FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f", "FunctionName": "f"}
worker = lambda_runtime.ProvidedWorker("f", config, b"")
results = []
for body in (b'{"whole": true}', b'{"whole"', b""):
    worker._current_request_id, worker._result, worker._stopping = "r", {}, False
    handler = worker._build_handler_class(worker._generation, queue.Queue())
    class Server(socketserver.TCPServer):
        def handle_error(self, *_): pass
    with Server(("127.0.0.1", 0), handler) as server:
        with socket.create_connection(server.server_address) as environment:
            head = b"POST /2018-06-01/runtime/invocation/r/response HTTP/1.1\\r\\nContent-Length: 15\\r\\n\\r\\n"
            environment.sendall(head + body)
        server.handle_request()
    results.append(worker._result)
print(json.dumps(results))
"""


IDLE = """
from types import SimpleNamespace
from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from local.lambda_service import end_every_idle_environment

end_every_idle_environment()
long_ago = 0.0
workers = {
    name: SimpleNamespace(name=name, in_use=in_use, last_used=last_used)
    for name, in_use, last_used in (("idle", False, long_ago), ("busy", True, long_ago), ("warm", False, float("inf")))
}
lambda_runtime._workers |= {"first": [workers["idle"]], "second": [workers["busy"], workers["warm"]]}
lambda_runtime.kill_workers = lambda ended: print(*(each.name for each in ended))
lambda_svc.reap_idle_workers()
print(*(each.name for pool in lambda_runtime._workers.values() for each in pool))
"""


def test_every_idle_environment_is_ended_and_no_other() -> None:
    done = subprocess.run([sys.executable, "-c", IDLE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["idle", "busy warm"]


def test_an_answer_that_breaks_off_is_none() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [{"response": {"whole": True}}, {}, {}]
