"""The local stack itself: faithful where it claims to be, harmless everywhere, and gone when it is gone."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import httpx
import miniaudio
import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from local import aws, demo, template
from local.front import Front, as_api_gateway
from local.parameters import UnknownParameter
from local.screen import Saved, Screen
from local.simulator import Simulator
from local.source import read_template
from local.stack import GATEWAYS, ROOT, LocalStack
from suno_jobs.cli.client.trigger import LOCAL_PATH
from tests.integration.secrets_of_stack import secrets_in_logs, secrets_of
from tests.integration.waiting import wait_for_end

Json = dict[str, Any]
SONG = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "a song about a lighthouse"}}


# ---------------------------------------------------------------------- the deployed template


def test_a_song_comes_from_request_to_bytes(api: httpx.Client, finished: Callable[[str], Json]) -> None:
    job = finished(api.post("/v1/jobs", json=SONG).raise_for_status().json()["job_id"])
    assert job["state"] == "SUCCEEDED", job
    for track in job["tracks"]:
        audio = httpx.get(track["assets"][0]["url"], trust_env=False)
        assert audio.status_code == 200, audio.text
        assert hashlib.sha256(audio.content).hexdigest() == track["assets"][0]["sha256"]


def test_make_run_brings_songs_that_a_decoder_plays_for_as_long_as_their_jobs_say(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[Saved] = []
    monkeypatch.setattr(Screen, "summary", lambda _screen, _rows, tracks, _bucket: saved.extend(tracks))
    assert demo.run(stack, tmp_path, Console(quiet=True)) == 0
    assert len(saved) == len(list(tmp_path.iterdir())) == 2 * len(demo.SONGS)
    for track in saved:
        sound = miniaudio.decode_file(str(track.path))
        assert sound.num_frames / sound.sample_rate == pytest.approx(track.seconds, abs=0.1), track.path


def test_every_route_of_the_template_is_served_with_its_authorizer(stack: LocalStack) -> None:
    api = stack.client("apigatewayv2")
    (served,) = api.get_apis()["Items"]
    routes = {route["RouteKey"]: route["AuthorizationType"] for route in api.get_routes(ApiId=served["ApiId"])["Items"]}
    wanted = {}
    for function in template.of_type(read_template(ROOT), "AWS::Serverless::Function").values():
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] == "HttpApi":
                route = event["Properties"]
                is_open = route.get("Auth", {}).get("Authorizer") == "NONE"
                key = f"{route['Method'].upper()} {route['Path']}".replace("ANY $default", "$default")
                wanted[key] = "NONE" if is_open else "CUSTOM"
    assert routes == wanted


def test_a_key_is_needed(stack: LocalStack, anonymous: httpx.Client) -> None:
    assert anonymous.get("/v1/jobs/job_unknown").status_code == 401
    assert anonymous.get("/v1/jobs/job_unknown", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert anonymous.get("/v1/jobs/job_unknown", headers={"Authorization": f"Bearer {stack.api_key}"}).status_code == 404


def test_functions_have_the_timeouts_of_the_template(stack: LocalStack) -> None:
    deployed = stack.client("lambda").list_functions()["Functions"]
    timeouts = {each["FunctionName"]: each["Timeout"] for each in deployed}
    functions = template.of_type(read_template(ROOT), "AWS::Serverless::Function")
    wanted = {stack.physical_id(name): each["Properties"]["Timeout"] for name, each in functions.items()}
    assert {name: timeouts[name] for name in wanted} == wanted


def test_what_the_emulator_drops_is_put_back(stack: LocalStack) -> None:
    ttl = stack.client("dynamodb").describe_time_to_live(TableName=stack.output("JobsTable"))["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_at")
    rules = stack.client("s3").get_bucket_lifecycle_configuration(Bucket=stack.bucket)["Rules"]
    assert {rule["ID"] for rule in rules} == {"abort-incomplete-uploads", "expire-deleted-versions", "expire-quarantine"}
    machine = stack.client("stepfunctions").describe_state_machine(stateMachineArn=stack.state_machine_arn)
    assert "${" not in machine["definition"]


def test_a_function_may_do_what_its_policy_says_and_no_more(stack: LocalStack) -> None:
    roles = [role["Arn"] for role in stack.client("iam").list_roles()["Roles"] if "ReadJobsFunctionRole" in role["RoleName"]]
    keys = stack.client("sts").assume_role(RoleArn=roles[0], RoleSessionName="test")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], aws.REGION)
    table = stack.output("JobsTable")
    with closing(aws.make_client(session, "dynamodb", stack.endpoint("dynamodb"))) as dynamodb:
        condition = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "JOB#none"}}}
        assert dynamodb.query(TableName=table, **condition)["Items"] == []
        with pytest.raises(ClientError, match="AccessDenied"):
            dynamodb.put_item(TableName=table, Item={"pk": {"S": "JOB#none"}, "sk": {"S": "JOB"}})


def test_twenty_requests_at_once(api: httpx.Client) -> None:
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda number: api.get(f"/v1/jobs/job_unknown{number}").status_code, range(20)))
    assert statuses == [404] * 20


def test_a_function_can_be_invoked_and_logs_to_a_file(stack: LocalStack) -> None:
    stack.invoke("reconcile_jobs", {})
    assert (stack.logs / "reconcile_jobs.log").exists()


def test_forty_jobs_at_once_are_all_taken_and_all_succeed(api: httpx.Client, finished: Callable[[str], Json]) -> None:
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: api.post("/v1/jobs", json=SONG), range(40)))
    assert [answer.status_code for answer in answers] == [202] * 40
    assert {finished(answer.json()["job_id"])["state"] for answer in answers} == {"SUCCEEDED"}


def test_an_environment_that_was_killed_is_replaced(stack: LocalStack, api: httpx.Client) -> None:
    api.get("/v1/jobs/job_unknown")
    killed = stack.environments()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    await_end(set(killed))
    assert api.get("/v1/jobs/job_unknown").status_code == 404
    assert set(stack.environments()).isdisjoint(killed)


def test_each_invocation_writes_where_its_function_logs(stack: LocalStack) -> None:
    stack.invoke("reconcile_jobs", {})
    logs = stack.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    lines = [event["message"] for name in groups for event in logs.filter_log_events(logGroupName=name)["events"]]
    assert any(str(stack.logs.resolve() / "reconcile_jobs.log") in line for line in lines)


def test_the_ready_line_names_what_another_program_needs(stack: LocalStack) -> None:
    ready = json.loads(json.dumps(stack.describe()))
    assert ready["tables"]["JobsTable"] == stack.output("JobsTable")
    assert set(ready["tables"].values()) <= set(stack.client("dynamodb").list_tables()["TableNames"])
    for secret in ready["secrets"].values():
        assert stack.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    assert ready["secrets"].keys() == template.of_type(read_template(ROOT), "AWS::SecretsManager::Secret").keys()
    stack.client("s3").head_bucket(Bucket=ready["bucket"])
    # By this, the command line knows that a live key costs nothing here.
    assert httpx.get(f"{ready['api_url']}{LOCAL_PATH}", trust_env=False).json() == {"simulated": list(GATEWAYS)}


def test_its_secrets_are_known_and_found_in_a_log(
    stack: LocalStack, api: httpx.Client, finished: Callable[[str], Json], tmp_path: Path
) -> None:
    finished(api.post("/v1/jobs", json=SONG).raise_for_status().json()["job_id"])
    secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.output("CallbackSecretArn"))["SecretString"]
    mac = stack.simulator.orders()[-1]["callback_url"].split("/")[7]
    known = secrets_of(stack)
    for number, planted in enumerate((json.loads(secret)["current"], mac, stack.simulator.keys["ttapi"], stack.api_key)):
        (tmp_path / f"{number}.log").write_text(f'{{"message": "a line with {planted}"}}')
    assert [place.split(":")[0] for place in secrets_in_logs(tmp_path, known)] == ["0.log", "1.log", "2.log", "3.log"]


def test_a_misspelt_parameter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownParameter, match="FirstCheckSecond"), LocalStack({"FirstCheckSecond": "1"}, logs=tmp_path):
        pytest.fail("it started")


# ------------------------------------------------------------------------------------ the front


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        seen = {
            "path": self.path,
            "header": self.headers["X-Header"],
            "host": self.headers["Host"],
            "body": body.decode("latin-1"),
        }
        self.send_response(418)
        self.send_header("ETag", 'W/"1"')
        self.end_headers()
        self.wfile.write(json.dumps(seen).encode())

    def log_message(self, *_: object) -> None: ...


@contextmanager
def echo_server() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_front_changes_nothing() -> None:
    with echo_server() as port, Front() as front, httpx.Client(trust_env=False) as http:
        front.route_to(port, "/prefix")
        answer = http.patch(front.origin + "/a%2Fb%25/c+d?x=1&x=%20", content=b"\xff\x00", headers={"X-Header": "y"})
    host = front.origin.removeprefix("http://")
    assert answer.status_code == 418
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.json() == {"path": "/prefix/a%2Fb%25/c+d?x=1&x=%20", "header": "y", "host": host, "body": "\xff\x00"}


def test_the_front_says_when_nobody_is_behind_it() -> None:
    with Front() as front, httpx.Client(base_url=front.origin, trust_env=False) as http:
        assert http.get("/").status_code == 503
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        front.route_to(port, "")
        assert http.get("/").status_code == 502
        assert http.post("/", content=iter([b"chunk"])).status_code == 411


def test_the_front_tells_clients_nothing_about_a_function_that_failed() -> None:
    body = b'{"errorType": "KeyError", "stackTrace": ["app.py"]}'
    assert as_api_gateway((502, [], body)) == (
        500,
        [("Content-Type", "application/json")],
        b'{"message":"Internal Server Error"}',
    )
    assert as_api_gateway((404, [], b"{}")) == (404, [], b"{}")


# ----------------------------------------------------------------------------- no way out to AWS


def test_every_endpoint_is_on_loopback(stack: LocalStack) -> None:
    described = stack.describe()
    for url in (described["api_url"], described["simulator_url"], *described["endpoints"].values()):
        aws.require_loopback(url)


def test_the_callers_aws_settings_are_not_read(stack: LocalStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile mine]\nregion = eu-central-1\nendpoint_url = https://example.invalid\n")
    settings = {
        "AWS_PROFILE": "mine",
        "AWS_CONFIG_FILE": str(config),
        "AWS_ACCESS_KEY_ID": "mine",
        "AWS_ENDPOINT_URL": "https://example.invalid",
        "HTTP_PROXY": "http://example.invalid:1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = aws.make_client(aws.isolated_session(), "dynamodb", stack.endpoint("dynamodb"))
    assert client.meta.region_name == aws.REGION
    assert stack.output("JobsTable") in client.list_tables()["TableNames"]
    client.close()
    assert "mine" not in aws.clean_environment(tmp_path).values()


def test_a_client_for_aws_itself_is_refused() -> None:
    for endpoint in ("https://dynamodb.us-east-1.amazonaws.com", "http://localhost.example.com:4566", "http://10.0.0.1"):
        with pytest.raises(ValueError, match=r"loopback|does not appear to be"):
            aws.make_client(aws.isolated_session(), "dynamodb", endpoint)


# ------------------------------------------------------------------------------ nothing is left behind


def processes() -> dict[int, int]:
    """Process id to its parent's."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)  # noqa: S607
    return {int(pid): int(parent) for pid, parent in (line.split() for line in listed.stdout.splitlines())}


def descendants(root: int) -> set[int]:
    parents = processes()
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {root}


def await_end(pids: set[int], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while alive := pids & processes().keys():
        assert time.monotonic() < deadline, f"still running: {alive}"
        time.sleep(0.05)


@contextmanager
def local_up(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`suno-jobs local up`, with `folder` for all that it writes."""
    command = [sys.executable, "-m", "local", "up", *arguments]
    pipe = subprocess.PIPE
    environment = {**os.environ, "TMPDIR": str(folder), "AWS_PROFILE": "nobody"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_up_leaves_no_process_behind(number: signal.Signals, tmp_path: Path) -> None:
    with local_up(tmp_path) as process:
        assert process.stdout
        ready = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {ready['api_key']}"}
        assert (
            httpx.get(ready["api_url"] + "/v1/jobs/job_unknown", headers=headers, trust_env=False, timeout=40).status_code
            == 404
        )
        children = descendants(process.pid)
        assert len(children) >= 4, "two emulators and two functions"
        process.send_signal(number)
        code = process.wait(timeout=20)
    await_end(children)
    if number is not signal.SIGKILL:
        assert (code, list(tmp_path.iterdir())) == (0, [])


@pytest.mark.slow
def test_a_key_of_ones_own_is_used_at_its_gateway_and_shown_to_nobody(tmp_path: Path) -> None:
    """A second simulator is the real gateway: with a key that the first one does not know, and without a way to call back."""
    key = "sk-of-my-own"
    (tmp_path / "key").write_text(key)
    home = tmp_path / "home"
    home.mkdir()
    with Simulator(keys={"ttapi": key}, task_seconds=1.0) as real:
        own = ["--account", f"ttapi=@{tmp_path / 'key'}", "--gateway", f"ttapi={real.base_url('ttapi')}"]
        soon = ["--parameter", "FirstCheckSeconds=2", "--parameter", "CheckIntervalSeconds=1", "--task-seconds", "1"]
        with local_up(home, *own, "--audio-origin", real.audio_origin, *soon) as process:
            assert process.stdout
            line = process.stdout.readline()
            ready = json.loads(line)
            headers = {"Authorization": f"Bearer {ready['api_key']}"}
            with httpx.Client(base_url=ready["api_url"], headers=headers, timeout=40, trust_env=False) as api:
                created = [api.post("/v1/jobs", json=SONG | {"gateway": name}).json() for name in ("ttapi", "crun")]
                ended = [wait_for_end(api, each["job_id"], Path(ready["logs"])) for each in created]
                simulated = httpx.get(f"{ready['simulator_url']}/_simulator/tasks", trust_env=False).json()["tasks"]
            logs = [file.read_bytes() for file in Path(ready["logs"]).rglob("*") if file.is_file()]
            shown = [visible(pid) for pid in descendants(process.pid) | {process.pid}]
            process.send_signal(signal.SIGHUP)
            assert (process.wait(timeout=20), list(home.iterdir())) == (0, [])
        [task] = real.tasks("ttapi")
    assert [job["state"] for job in ended] == ["SUCCEEDED", "SUCCEEDED"]
    assert [each["outcome"] for each in task["callbacks"]] == ["ConnectError"]
    assert [(each["gateway"], each["callbacks"][-1]["outcome"]) for each in simulated] == [("crun", 200)]
    assert "ttapi" not in ready["simulated"]
    assert not any(key.encode() in text for text in [line.encode(), *logs, *shown])


def visible(pid: int) -> bytes:
    """What others can see of a process, and what it has handed on to its children."""
    return b"".join((Path("/proc") / str(pid) / name).read_bytes() for name in ("cmdline", "environ"))


def test_a_failed_start_leaves_nothing_behind_and_says_why(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with local_up(tmp_path, "--port", str(port)) as process:
            _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"port {port} cannot be used" in errors


@pytest.mark.slow
def test_a_failed_deploy_leaves_nothing_behind_and_says_why(tmp_path: Path) -> None:
    with local_up(tmp_path, "--parameter", "PublicBaseUr=x") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no parameter PublicBaseUr" in errors
    assert [path.name[:15] for path in tmp_path.iterdir()] == ["suno-jobs-logs-"]
