"""How long a client waits for an answer of the API: on the warm local stack, beside a function that answers at once.

The floor is behind the same API and the same authorizer, and runs as the bundle's functions do. Both answer in turns, so that a
busy moment of the machine affects both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import httpx

from bench.shipped import ROOT
from local.simulator import Simulator
from local.source import read_template
from local.stack import LocalStack
from local.template import bootstrap, layer_folders, zip_folder
from suno_jobs.tenants.limits import Limits
from suno_jobs.tenants.tenant_list import Tenant, TenantList

FLOORS = ROOT / "bench/floors"
NAME, PATH = "bare-answer", "/bench/floor"
RUNS, WARM_UP = 200, 10
LIMITED = "limited"
SONG = {"gateway": "ttapi", "kind": "music", "input": {"prompt": "a song about a lighthouse"}}
# No job ends while answers are measured.
TASK_SECONDS = 3600

Ask = Callable[[httpx.Client], httpx.Response]


class NotAnswered(Exception):
    """The API answered with an error, so there is nothing to measure."""


@dataclass
class Answers:
    """Milliseconds of one route and of the floor."""

    route: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    def percentile(self, percent: int) -> tuple[float, float]:
        route, floor = (quantiles(each, n=100, method="inclusive")[percent - 1] for each in (self.route, self.floor))
        return route, floor


def measure() -> tuple[dict[str, Answers], Answers]:
    """The answers by route, and those under limits."""
    with LocalStack(simulator=Simulator(task_seconds=TASK_SECONDS)) as stack:
        return measure_on(stack, RUNS), measure_limits_on(stack, RUNS)


def measure_on(stack: LocalStack, runs: int) -> dict[str, Answers]:
    """By route. Raises NotAnswered."""
    headers = {"Authorization": f"Bearer {stack.create_api_key('bench')}"}
    with floor_of(stack), httpx.Client(base_url=stack.api_url, headers=headers, timeout=40, trust_env=False) as client:
        job_id = ask_one(client, submit).json()["job_id"]
        routes: Mapping[str, Ask] = {
            "POST /v1/jobs": submit,
            "GET /v1/jobs/{job_id}": lambda api: api.get(f"/v1/jobs/{job_id}"),
            "GET /v1/jobs": lambda api: api.get("/v1/jobs"),
        }
        return {name: in_turns(client, ask, runs) for name, ask in routes.items()}


def measure_limits_on(stack: LocalStack, runs: int) -> Answers:
    """POST /v1/jobs of a tenant that has every limit; the floor is that of a tenant without limits. Raises NotAnswered."""
    tenants = TenantList(stack.client("dynamodb"), stack.output("JobsTable"))
    most = 1_000_000
    limits = Limits(requests_per_second=most, jobs_in_progress=most, jobs_per_day=most, jobs_per_month=most, usd_per_month=most)
    tenants.create(Tenant(LIMITED, int(time.time()), limits))
    key = {"Authorization": f"Bearer {stack.create_api_key(LIMITED)}"}
    headers = {"Authorization": f"Bearer {stack.create_api_key('bench')}"}
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=40, trust_env=False) as client:
        return in_turns(client, lambda api: api.post("/v1/jobs", json=SONG, headers=key), runs, submit)


def submit(client: httpx.Client) -> httpx.Response:
    return client.post("/v1/jobs", json=SONG)


def ask_floor(client: httpx.Client) -> httpx.Response:
    return client.get(PATH)


def in_turns(client: httpx.Client, ask: Ask, runs: int, floor_ask: Ask = ask_floor) -> Answers:
    found = Answers()
    for number in range(WARM_UP + runs):
        route, floor = milliseconds(client, ask), milliseconds(client, floor_ask)
        if number >= WARM_UP:
            found.route.append(route)
            found.floor.append(floor)
    return found


def milliseconds(client: httpx.Client, ask: Ask) -> float:
    begun = time.perf_counter()
    ask_one(client, ask)
    return (time.perf_counter() - begun) * 1000


def ask_one(client: httpx.Client, ask: Ask) -> httpx.Response:
    answer = ask(client)
    if not answer.is_success:
        raise NotAnswered(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
    return answer


@contextmanager
def floor_of(stack: LocalStack) -> Iterator[None]:
    """A function that answers at once, behind the stack's API. It is removed afterwards."""
    functions, gateway = stack.client("lambda"), stack.client("apigatewayv2")
    (api,) = gateway.get_apis()["Items"]
    (authorizer,) = gateway.get_authorizers(ApiId=api["ApiId"])["Items"]
    with ExitStack() as removed:
        arn = create_function(stack, functions)
        removed.callback(functions.delete_function, FunctionName=NAME)
        integration = gateway.create_integration(
            ApiId=api["ApiId"], IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
        )["IntegrationId"]
        removed.callback(gateway.delete_integration, ApiId=api["ApiId"], IntegrationId=integration)
        route = gateway.create_route(
            ApiId=api["ApiId"],
            RouteKey=f"GET {PATH}",
            Target=f"integrations/{integration}",
            AuthorizationType="CUSTOM",
            AuthorizerId=authorizer["AuthorizerId"],
        )["RouteId"]
        removed.callback(gateway.delete_route, ApiId=api["ApiId"], RouteId=route)
        functions.add_permission(
            FunctionName=NAME, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
        )
        yield


def create_function(stack: LocalStack, functions: Any) -> str:
    """With the settings of a function of the bundle that has no permission."""
    listed = functions.get_paginator("list_functions").paginate().build_full_result()["Functions"]
    [alike] = [each for each in listed if "DescribeApiFunction" in each["FunctionName"]]
    code = zip_folder(FLOORS, {"bootstrap": bootstrap(NAME, layer_folders(read_template(ROOT), ROOT), stack.runtime())})
    created = functions.create_function(
        FunctionName=NAME,
        Handler="answer.lambda_handler",
        Code={"ZipFile": code},
        Environment={"Variables": alike["Environment"]["Variables"]},
        **{name: alike[name] for name in ("Runtime", "Role", "Timeout", "MemorySize")},
    )
    arn: str = created["FunctionArn"]
    return arn
