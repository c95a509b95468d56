"""The local stack: starts the emulators and the simulator, deploys the template, and takes everything down again."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from local import aws, calls, limits, own_accounts, stalls
from local.conditions import Json
from local.deploy import Deployed, deploy, make_uploader
from local.front import Front
from local.operating import write_shell_file
from local.parameters import check
from local.processes import Emulator, EnvironmentTemplate
from local.queue_routes import Message, queue_routes
from local.simulator import Simulator
from local.simulator.simulator import DEFAULT_KEYS
from local.source import read_template
from local.template import Runtime, functions, layer_folders, of_type, package, translate
from suno_jobs.cli.stack import VARIABLE as STACK_VARIABLE
from suno_jobs.tenants.api_keys import TENANT_SCOPES, Scope
from suno_jobs.tenants.key_ring import KeyRing
from suno_jobs.tenants.key_table import KeyTable

ROOT = Path(__file__).resolve().parent.parent
STACK_NAME = "suno-jobs-local"
ALIAS = "live"
GATEWAYS = tuple(DEFAULT_KEYS)
# The emulator has no CodeDeploy, so a new version gets all invocations at once.
LOCAL_PARAMETERS = {"SweepIntervalMinutes": "1", "WaitConcurrency": "2", "GradualDeployment": "false"}
SERVICES = ("cloudformation", "dynamodb", "events", "lambda", "logs", "s3", "secretsmanager", "sqs", "stepfunctions")


class FunctionFailed(Exception):
    """A function that was invoked directly raised; the message holds what Lambda reported and where the log is."""


class LocalStack:
    """A context manager: ready on entry; on exit, whatever happened, no process, socket or file is left but the logs.

    `accounts` has keys of one's own by gateway: these gateways are really used, at their own address unless `gateways` has
    another. They call back to `public_url`, where this API can be reached from outside, or not at all. `gateways` replaces the
    simulator by another server for the gateways named; `audio_origins` are loopback origins beside the
    simulator's that audio may be fetched from. `logs` is a folder for a file of each function and emulator; it is not removed.
    """

    def __init__(  # noqa: PLR0913
        self,
        parameters: Mapping[str, str] | None = None,
        *,
        port: int = 0,
        gateways: Mapping[str, str] | None = None,
        accounts: Mapping[str, str] | None = None,
        public_url: str | None = None,
        audio_origins: Iterable[str] = (),
        simulator: Simulator | None = None,
        logs: Path | None = None,
        root: Path = ROOT,
    ) -> None:
        self._parameters = dict(parameters or {})
        self._port = port
        self._gateways = dict(gateways or {})
        self._accounts = dict(accounts or {})
        self._public_url = public_url
        self._audio_origins = tuple(audio_origins)
        self.simulator = simulator or Simulator()
        self.logs = logs or Path(tempfile.mkdtemp(prefix="suno-jobs-logs-"))
        self._root = root
        self._calls = calls.folder_of_stack(os.environ)
        self._session = aws.isolated_session()
        self._clients: dict[str, Any] = {}
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self._start(started)
            self._exit = started.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._exit.close()

    def _start(self, started: ExitStack) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        home = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="suno-jobs-", ignore_cleanup_errors=True)))
        self._stalled = home / "dynamodb-is-stalled"
        self._front = started.enter_context(Front(self._port))
        self._ministack = started.enter_context(Emulator("ministack", self.logs / "ministack.log"))
        self._interpreter = started.enter_context(Emulator("stepfunctions", self.logs / "stepfunctions.log"))
        self._ministack.start(self._ministack_environment(home))
        self._interpreter.start(aws.clean_environment(home) | {"MOTO_PORT": str(self._ministack.port)} | self._recording())
        template = read_template(self._root)
        check(template, self._parameters)
        layers = layer_folders(template, self._root)
        self._environments = started.enter_context(EnvironmentTemplate(home, layers, self.logs / "environments.log"))
        self._environments.start(aws.clean_environment(home))
        started.enter_context(self.simulator)
        started.callback(self._close_clients)
        self._deploy(template)

    def _ministack_environment(self, home: Path) -> dict[str, str]:
        """The functions inherit this: it is where they learn the endpoints from."""
        return aws.clean_environment(home) | {
            "GATEWAY_PORT": str(self._ministack.port),
            "MINISTACK_ACCOUNT_ID": aws.ACCOUNT_ID,
            "MINISTACK_REGION": aws.REGION,
            # Every function is held to its own role's policy.
            "AUTH": "true",
            "LAMBDA_EXECUTOR": "local",
            "LAMBDA_ACCOUNT_CONCURRENCY": str(limits.ACCOUNT_CONCURRENCY),
            "LAMBDA_WARM_TTL_SECONDS": str(limits.WARM_SECONDS),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "S3_DATA_DIR": str(home / "s3"),
            "STATE_DIR": str(home / "state"),
            "AWS_ENDPOINT_URL": self._ministack.url,
            "AWS_ENDPOINT_URL_SFN": self._interpreter.url,
            stalls.VARIABLE: str(self._stalled),
            **self._recording(),
        }

    def _recording(self) -> dict[str, str]:
        return {calls.VARIABLE: str(self._calls)} if self._calls else {}

    def _deploy(self, template: Json) -> None:
        self._environments.wait_until_ready()
        self._ministack.wait_until_ready("/_ministack/ready")
        self._interpreter.wait_until_ready("/moto-api/")
        self._function_ids = functions(template)
        self._table_ids = sorted(of_type(template, "AWS::DynamoDB::Table"))
        self._secret_ids = sorted(of_type(template, "AWS::SecretsManager::Secret"))
        self._install(template)
        self.put_gateway_accounts()
        self.api_key = self.create_api_key("local")
        write_shell_file(self.shell_file, self.operator_environment(), self.runtime().local_origins)

    def _install(self, template: Json) -> None:
        values = LOCAL_PARAMETERS | self._callbacks() | self._parameters
        self.simulator.call_back_directly(values["PublicBaseUrl"], self.api_url)
        package(template, self._root, self.runtime(), make_uploader(self.client))
        translated = translate(template, values, self._session, self._ministack.url)
        self._deployed: Deployed = deploy(self.client, STACK_NAME, translated, values)
        if self._calls:
            calls.write_grants(self._calls, self.client("iam"), translated, self._deployed.ids)
        self._front.put_into_queues(queue_routes(translated["Resources"]["HttpApi"]["Properties"]["Body"]["paths"]), self._send)
        self._front.simulated = self.simulated
        self._front.route_to(self._ministack.port, f"/_aws/execute-api/{self._deployed.ids['HttpApi']}/$default")

    def _callbacks(self) -> dict[str, str]:
        if self._public_url:
            return {"PublicBaseUrl": self._public_url.rstrip("/")}
        if self._accounts:
            return own_accounts.POLLING | {"PublicBaseUrl": own_accounts.NO_CALLBACKS}
        return {"PublicBaseUrl": self.api_url}

    def update(self, parameters: Mapping[str, str]) -> None:
        """Deploys the application again, with other values of these parameters. Requests and jobs go on meanwhile."""
        self._parameters |= parameters
        self._install(read_template(self._root))

    def remove(self) -> None:
        """Deletes the stack. What the template retains is kept, and `update` creates the stack again."""
        cloudformation = self.client("cloudformation")
        cloudformation.delete_stack(StackName=STACK_NAME)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK_NAME, WaiterConfig={"Delay": 1})

    def runtime(self) -> Runtime:
        """How its functions run."""
        urls = [self.simulator.url, self.simulator.audio_origin, *self._gateways.values(), *self._audio_origins]
        return Runtime(
            python=sys.executable,
            template=self._environments.folder,
            logs=self.logs.resolve(),
            local_origins=sorted({origin(url) for url in urls}),
        )

    def put_gateway_accounts(self) -> None:
        """With the present keys of the simulator, and the accounts of one's own."""
        urls = {name: self.simulator.base_url(name) for name in self.simulated} | self._gateways
        keys = {name: self.simulator.keys[name] for name in GATEWAYS} | self._accounts
        # Without a base_url, the adapter of the gateway has it.
        accounts = {f"{name}/default": {"api_key": key, "base_url": urls.get(name)} for name, key in keys.items()}
        secret = self.output("GatewayAccountsSecretArn")
        self.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=json.dumps(accounts))

    def _send(self, message: Message) -> str:
        """As API Gateway does: with the role that the template gives it."""
        sender = self._client_as(self._deployed.ids[message.role["Fn::GetAtt"][0]], "sqs")
        sent = sender.send_message(
            QueueUrl=self._deployed.ids[message.queue["Ref"]], MessageBody=message.body, MessageAttributes=message.attributes
        )
        return str(sent["MessageId"])

    def create_api_key(self, tenant: str) -> str:
        """A new key of this tenant, which may do everything but operate."""
        keys = KeyTable(self.client("dynamodb"), self.output("ApiKeysTable"))
        ring = KeyRing(table=keys, clock=time.time, random_bytes=os.urandom)
        secret, _ = ring.create(tenant, "", [*TENANT_SCOPES, Scope.MANAGE_WEBHOOKS, Scope.MANAGE_KEYS])
        return secret

    def client(self, service: str) -> Any:
        """A boto3 client of this stack. `stepfunctions` is the interpreter that runs the executions."""
        if service not in self._clients:
            name = service.removeprefix("ministack-")
            self._clients[service] = aws.make_client(self._session, name, self.endpoint(service))
        return self._clients[service]

    def _client_as(self, role: str, service: str) -> Any:
        name = f"{service} as {role}"
        if name not in self._clients:
            endpoint = self.endpoint(service)
            session = aws.assume_role(f"arn:aws:iam::{aws.ACCOUNT_ID}:role/{role}", endpoint)
            self._clients[name] = aws.make_client(session, service, endpoint)
        return self._clients[name]

    def _close_clients(self) -> None:
        for client in self._clients.values():
            client.close()

    def endpoint(self, service: str) -> str:
        return self._interpreter.url if service == "stepfunctions" else self._ministack.url

    def invoke(self, function: str, payload: Any) -> Any:
        """Runs a function, named by its folder, and answers what it returned. Raises FunctionFailed."""
        name = self._deployed.ids[self._function_ids[function]]
        answer = self.client("lambda").invoke(FunctionName=name, Qualifier=ALIAS, Payload=json.dumps(payload).encode())
        result = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise FunctionFailed(f"{function}: {json.dumps(result)}; its log: {self.logs / function}.log")
        return result

    @contextmanager
    def stalled_dynamodb(self) -> Iterator[None]:
        """Within the context, DynamoDB answers nothing. What it got is executed afterwards."""
        self._stalled.touch()
        try:
            yield
        finally:
            self._stalled.unlink()

    def environments(self) -> list[int]:
        """The process ids of the Lambda environments that there are now."""
        return self._environments.running()

    def function_log(self, function: str) -> str:
        """All that this function, named by its folder, has written so far."""
        file = self.logs / f"{function}.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def physical_id(self, logical_id: str) -> str:
        return self._deployed.ids[logical_id]

    def output(self, name: str) -> str:
        return self._deployed.outputs[name]

    @property
    def api_url(self) -> str:
        return self._front.origin

    @property
    def console_url(self) -> str:
        return f"{self.api_url}/console"

    @property
    def bucket(self) -> str:
        return self.output("AssetsBucket")

    @property
    def state_machine_arn(self) -> str:
        return self.output("StateMachineArn")

    @property
    def simulated(self) -> list[str]:
        """The gateways that cost nothing here."""
        return [name for name in GATEWAYS if name not in self._accounts and name not in self._gateways]

    def operator_environment(self) -> dict[str, str]:
        """What `suno-jobs` and the AWS CLI need to operate this stack."""
        return {
            "AWS_ENDPOINT_URL": self._ministack.url,
            "AWS_ENDPOINT_URL_SFN": self._interpreter.url,
            "AWS_ACCESS_KEY_ID": aws.DUMMY,
            "AWS_SECRET_ACCESS_KEY": aws.DUMMY,
            "AWS_DEFAULT_REGION": aws.REGION,
            STACK_VARIABLE: STACK_NAME,
        }

    @property
    def shell_file(self) -> Path:
        """What a shell has to read so that `suno-jobs` operates this stack."""
        return self.logs / "operator.sh"

    def describe(self) -> dict[str, Any]:
        """What another program needs to use this stack."""
        return {
            "api_url": self.api_url,
            "api_key": self.api_key,
            "console_url": self.console_url,
            "bucket": self.bucket,
            "tables": {name: self._deployed.ids[name] for name in self._table_ids},
            "secrets": {name: self._deployed.ids[name] for name in self._secret_ids},
            "endpoints": {service: self.endpoint(service) for service in SERVICES},
            "simulator_url": self.simulator.url,
            "simulated": self.simulated,
            "region": aws.REGION,
            "shell": str(self.shell_file),
            "logs": str(self.logs),
        }


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
