"""The server of the Step Functions interpreter: it keeps the causes of failures, and does no work again for nothing.

Its task tokens are as long as those of AWS. Its calls are made with the role of the state machine, whose policy the other
emulator enforces. Nothing else changes what it does. It would read a state machine's text anew for every execution (20 ms),
make an AWS client for every task (10 to 30 ms), and carry the tables of all EC2 instance types (100 MB), as its Batch
integration imports EC2.
"""

import importlib
import os
import socket
import uuid
from functools import cache
from types import ModuleType
from typing import Any

from botocore.exceptions import ClientError

from local import aws, limits
from local.calls import record_actions, requested_recorder
from local.limits import Busy, Turns

TASK_TOKEN_CHARACTERS = 690
PARSER = "moto.stepfunctions.parser.asl"
CLIENT_USERS = (
    "component.state.exec.state_task.lambda_eval_utils",
    "component.state.exec.state_task.service.state_task_service_aws_sdk",
)


def import_without_ec2_tables() -> None:
    utils = importlib.import_module("moto.utilities.utils")
    load = utils.load_resource
    vars(utils)["load_resource"] = lambda *_: {}
    importlib.import_module("moto.ec2")
    vars(utils)["load_resource"] = load


class ThrottledLambda:
    """Invokes functions, and answers as Lambda does when executions use all of their share of the account's concurrency."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._turns = Turns([None] * limits.EXECUTIONS)

    def invoke(self, **parameters: Any) -> Any:
        """Raises TooManyRequestsException, which state machines retry."""
        try:
            with self._turns.turn(limits.EXECUTION_PATIENCE_SECONDS):
                return self._client.invoke(**parameters)
        except Busy as busy:
            error = {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
            metadata = {"HTTPStatusCode": 429, "RequestId": str(uuid.uuid4())}
            raise ClientError({"Error": error, "ResponseMetadata": metadata}, "Invoke") from busy  # type: ignore[typeddict-item]


def share_clients() -> None:
    """One client for each service and role, which several threads may use."""
    endpoint = f"http://127.0.0.1:{os.environ['MOTO_PORT']}"

    @cache
    def client_for(service: str, role: str) -> Any:
        client = aws.make_client(aws.assume_role(role, endpoint), service, endpoint)
        return ThrottledLambda(client) if service == "lambda" else client

    def shared(region: str, service: str, state_credentials: Any) -> Any:
        del region  # the stack has one
        return client_for(service, state_credentials.role_arn)

    for user in CLIENT_USERS:
        vars(importlib.import_module(f"{PARSER}.{user}"))["boto_client_for"] = shared


def parse_paths_once() -> None:
    """A JSONPath is looked up in the data of a state, which does not change the path."""
    module = importlib.import_module(f"{PARSER}.utils.json_path")
    vars(module)["parse"] = cache(module.parse)


def read_definitions_once() -> None:
    """Keeps the syntax tree of a definition, which is only read. What runs is still made anew from it for each execution."""
    module: ModuleType = importlib.import_module(f"{PARSER}.parse.asl_parser")
    parser, preprocessor = module.AmazonStateLanguageParser, module.Preprocessor
    parse = parser.parse

    @cache
    def tree_of(definition: str) -> Any:
        return parse(definition)[1]

    def parse_once(definition: str) -> tuple[Any, Any]:
        tree = tree_of(definition)
        return preprocessor().visit(tree), tree

    parser.parse = staticmethod(parse_once)


def keep_causes() -> None:
    """A failure that is sent with a task token has a cause, which the interpreter takes and its API leaves out."""
    responses = importlib.import_module("moto.stepfunctions.responses")

    def send_task_failure(self: Any) -> Any:
        given = {name: self._get_param(name) for name in ("error", "cause")}
        self.stepfunction_backend.send_task_failure(self._get_param("taskToken"), **given)
        return responses.EmptyResult()

    responses.StepFunctionResponse.send_task_failure = send_task_failure


def make_long_tokens() -> None:
    """Of the length that AWS's task tokens have. By their beginning they are found where they must not be."""
    states = importlib.import_module(f"{PARSER}.eval.states")
    vars(states)["long_uid"] = lambda: f"task-token-{uuid.uuid4()}".ljust(TASK_TOKEN_CHARACTERS, "x")


def serve(fd: int) -> None:
    import_without_ec2_tables()
    keep_causes()
    make_long_tokens()
    if recorder := requested_recorder("stepfunctions"):
        record_actions(recorder)
    share_clients()
    parse_paths_once()
    read_definitions_once()
    config = importlib.import_module("moto.core.config")
    config.default_user_config["stepfunctions"] = {"execute_state_machine": True}
    server: Any = importlib.import_module("moto.moto_server.werkzeug_app")
    host, port = socket.socket(fileno=os.dup(fd)).getsockname()
    application = server.DomainDispatcherApplication(server.create_backend_app)
    make_server = importlib.import_module("werkzeug.serving").make_server
    make_server(host, port, application, threaded=True, request_handler=server.MotoRequestHandler, fd=fd).serve_forever()
