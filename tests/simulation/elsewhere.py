# ruff: noqa: S311 - random faults, no secrets
"""Tasks that were created elsewhere with our gateway accounts, their adoption, and to whom a task may be shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from local.simulator import evolink
from local.simulator.server import route
from local.simulator.wire import Request
from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.cli.adopt import FileAdopter, Line
from suno_jobs.gateways.protocol import Accepted, GatewayReply
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.intake.adoption import TaskAdopter
from suno_jobs.intake.creation import JobCreator
from suno_jobs.jobs.identifiers import SHARED_ACCOUNT, Mode
from suno_jobs.jobs.record import Job
from suno_jobs.runtime.executions import Executions
from suno_jobs.storage.attribute_values import unpack
from suno_jobs.storage.jobs import JobStore
from tests.simulation.faults import TOKEN, Order, Plan
from tests.simulation.network import KEYS

if TYPE_CHECKING:
    from tests.simulation.job_evidence import JobEvidence
    from tests.simulation.world import World

HOST = "elsewhere.example.com"
"""Callbacks of these tasks do not come to us."""

NO_SUCH_TASK = "5eed0000-0000-4000-8000-000000000000"

REPEATS_OUR_URL = "crun"
"""This gateway repeats the callback URL in every report of a task. TTAPI does so only once the task has succeeded."""

OF_SUBMISSIONS = frozenset(
    {
        *("rate_limited", "quota_exhausted", "maintenance", "retired_model", "server_error_on_submit", "dropped_connection"),
        *("refused_after_create", "rejected_after_create"),
        *("server_error_after_create", "error_names_task", "timeout_on_submit", "garbled_answer", "callback_before_answer"),
    }
)
"""Faults of a submission, which is not ours."""

UNKNOWN_READS = 3
"""A gateway that does not know a task so often has none."""


def with_adoptions(plan: Plan) -> Plan:
    """In a third of the plans, about every fifth song was ordered elsewhere, or by another tenant, or not at all.

    Where gateways take few tasks, tasks from elsewhere would take the places of our own.
    """
    random = Random(f"adoptions {plan.seed}")
    share = 0.0 if plan.most_tasks else random.choice((0.0, 0.0, 0.2))
    return replace(plan, orders=tuple(_adoption(each, random) if random.random() < share else each for each in plan.orders))


def _adoption(order: Order, random: Random) -> Order:
    if order.kind is not Kind.MUSIC:
        return order
    faults = {name: number for name, number in order.faults.items() if name not in OF_SUBMISSIONS}
    adopts = random.choices(("task", "unknown", "taken"), weights=(6, 1, 3))[0]
    # Until then the other tenant's task may exist.
    at = order.at + (random.choice((50.0, 200.0, 600.0)) if adopts == "taken" else 0.0)
    return replace(order, at=at, gateways=order.gateways[:1], faults=faults, adopts=adopts, resubmit=False)


def body(world: World, order: Order) -> dict[str, Any]:
    """The request that adopts the task of the order."""
    given = order.body()
    return {name: given[name] for name in ("gateway", "kind", "metadata")} | {"adopt": {"task_id": task_of(world, order)}}


def task_of(world: World, order: Order) -> str:
    """The gateway's id of the task, which is created when it is first asked for."""
    if order.adopts == "unknown":
        return NO_SUCH_TASK
    if order.token not in world.elsewhere:
        world.elsewhere[order.token] = _taken(world, order) if order.adopts == "taken" else _create(world, order)
    return world.elsewhere[order.token]


def _taken(world: World, order: Order) -> str:
    """A task that another tenant's job submitted with the same account: rather one that its job does not know.

    The job may be deleted.
    """
    name = order.gateways[0]
    if world.plan.account(name, order.tenant) != SHARED_ACCOUNT:
        return NO_SUCH_TASK
    deleted = [deletion.item for deletion in world.deletions.deletions.values()]
    jobs = [Job.from_item(unpack(item)) for item in (*world.jobs().values(), *deleted) if "state" in item]
    others = [job for job in jobs if job.tenant != order.tenant and not job.adopts and job.mode is Mode.LIVE]
    others = [job for job in others if world.plan.account(name, job.tenant) == SHARED_ACCOUNT]
    unknown = [task_id for job in others if _may_submit_at(job, name) for task_id in _unknown_tasks(world, job, name)]
    known = [task_id for job in others if job.gateway == name for task_id in job.tasks]
    return max(unknown or known, default=NO_SUCH_TASK)


def _may_submit_at(job: Job, name: str) -> bool:
    """Whether the job has to expect an unknown task at the gateway: an answer from there is awaited, or was lost. Or gateways
    have refused the job, but one of them has called back."""
    return (job.gateway == name and job.lost) or bool(job.unread_callbacks and (job.gateway == name or not job.attempts))


def _unknown_tasks(world: World, job: Job, name: str) -> list[str]:
    """The gateway's ids of the tasks that the job has submitted there and does not know. A renewal of links is none of them."""
    created = [task for task in world.studio.tasks() if task["gateway"] == name and TOKEN.search(json.dumps(task["request"]))]
    mine = [task["task_id"] for task in created if world.courier.submitters[task["task_id"]] == job.job_id]
    named = [evolink.PREFIX + task_id if name == "evolink" else task_id for task_id in mine]
    return [task_id for task_id in named if task_id not in job.tasks]


def _create(world: World, order: Order) -> str:
    name = order.gateways[0]
    gateway = GATEWAYS[name]
    job_input = INPUTS[order.kind].model_validate(order.body()["input"])
    request = gateway.request(order.kind, job_input, sources=[], callback_url=f"https://{HOST}/{order.token}")
    headers = {header.lower(): value for header, value in gateway.authorization(KEYS[name]).items()}
    sent = Request(request.method, f"/{name}{request.path}", request.params, headers, json.dumps(request.json).encode())
    reply = route(world.studio, sent)
    submission = gateway.read_submission(order.kind, GatewayReply(reply.status, reply.body))
    assert isinstance(submission, Accepted), reply
    world.note("", f"{order.token} is created elsewhere: {submission.task_id}")
    return submission.task_id


def adopt_as_operator(world: World, order: Order) -> None:
    """Runs ``suno-jobs adopt-file`` for one task of the account that all tenants share."""
    client: Any = world.dynamodb
    creator = JobCreator(
        jobs=JobStore(client, "JobsTable"),
        executions=Executions(world.state_machine, world.stack.state_machine_arn, 60),  # type: ignore[arg-type]
        deadline_seconds=int(world.stack.parameters["JobDeadlineSeconds"]),
        slack_seconds=120,
        quotas=None,
        clock=lambda: world.loop.now,
    )
    given = body(world, order)
    task_id = given.pop("adopt")["task_id"]
    line, now = Line(1, given | {"task_id": task_id}), lambda: world.loop.now
    shown = _shows_its_submitter(world, order.gateways[0], task_id)
    adopter = FileAdopter(TaskAdopter(creator), order.tenant, SHARED_ACCOUNT, now, world.loop.sleep, allow_unknown_owner=shown)
    adopter.adopt_lines([line], lambda _: None)
    if line.job_id:
        world.job_ids[order.token] = line.job_id
        world.note(line.job_id, f"an operator adopts {task_id}")


def _shows_its_submitter(world: World, gateway: str, task_id: str) -> bool:
    """Whether a report of the task repeats its callback URL, so that an operator need not wait for any other submission."""
    found = [task for task in world.studio.tasks() if task["task_id"] == task_id]
    return gateway == REPEATS_OUR_URL and any(task["callback_url"] for task in found)


def only_own_tasks(job: JobEvidence) -> Iterator[str]:
    """No job shows a task that another job submitted, and of the tasks from elsewhere only the one that it was to adopt."""
    submitters = job.world.courier.submitters
    expected = job.world.elsewhere.get(job.order.token, "")
    for task_id in job.known_tasks():
        # Renewals of links and the prefix of some ids are no matter here.
        submitter = submitters.get(task_id, job.job_id)
        if submitter not in ("", job.job_id):
            yield f"isolation: it shows task {task_id}, which {submitter} submitted"
        if submitter == "" and not expected.endswith(task_id):
            yield f"isolation: it shows task {task_id} from elsewhere"


def an_adoption_submits_nothing(job: JobEvidence) -> Iterator[str]:
    """I1."""
    if not job.order.adopts:
        return
    # A renewal of links is a task too, but creates nothing.
    if any(job.world.courier.submitters[task["task_id"]] == job.job_id for task in job.tasks):
        yield "I1: a job that adopts a task has submitted one"
    if "cost" in job.item:
        yield "a job that adopts a task has a cost"


def unknown_is_not_found(job: JobEvidence) -> Iterator[str]:
    if job.order.adopts in ("unknown", "taken") and job.known_tasks():
        yield "isolation: a task was adopted that does not exist, or belongs to another tenant"


ADOPTIONS = (only_own_tasks, an_adoption_submits_nothing, unknown_is_not_found)
