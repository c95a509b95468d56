"""What a world shows about one job: its records, its order, its receipts, and the tasks that were created for it."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from local.simulator.evolink import PREFIX
from suno_jobs.jobs.record import Job, JobView, Track
from suno_jobs.jobs.views import job_view
from suno_jobs.storage.attribute_values import unpack
from tests.simulation.faults import TOKEN, Order
from tests.simulation.state_monitor import ENDS

if TYPE_CHECKING:
    from tests.simulation.expressions import Item
    from tests.simulation.world import World


def order_token(item: Item) -> str:
    return str(item["metadata"]["M"]["order"]["S"])


def tasks_by_job(world: World) -> defaultdict[str, list[dict[str, Any]]]:
    """Tasks that name no order, such as renewals of links, create nothing. One from elsewhere is that of its jobs."""
    found = defaultdict(list)
    jobs = {job_id: order_token(item) for job_id, item in world.jobs().items() if "metadata" in item}
    for task in world.studio.tasks():
        if token := TOKEN.search(json.dumps(task["request"])):
            submitter = world.courier.submitters[task["task_id"]]
            for job_id in [submitter] if submitter else [job_id for job_id, order in jobs.items() if order == token[0]]:
                found[job_id].append(task)
    return found


OVERLOOKED_SWEEPS = 2
"""A job that was due before as many sweeps began, and still is, was overlooked."""

STUCK_SWEEPS = 10
"""The same for sweeps that got stuck at another gateway. In about every second one, that is the first gateway they ask."""


@dataclass(frozen=True, slots=True)
class JobEvidence:
    """``tasks`` are those that the gateways created for the job."""

    world: World
    job_id: str
    item: dict[str, Any]
    order: Order
    tasks: list[dict[str, Any]]

    @property
    def state(self) -> str:
        return str(self.item["state"])

    def tracks(self) -> list[dict[str, Any]]:
        partition = self.world.jobs_table.items[f"JOB#{self.job_id}"]
        return [unpack(item) for sort, item in partition.items() if sort.startswith("JOB#TRACK#")]

    def known_tasks(self) -> set[str]:
        """The tasks that the record names, by the ids of the simulator."""
        named = {attempt["task_id"] for attempt in self.item["attempts"] if "task_id" in attempt}
        return {task_id.removeprefix(PREFIX) for task_id in named}

    @property
    def partial(self) -> bool:
        """What the client is shown."""
        tracks = tuple(Track.from_item(track) for track in self.tracks())
        return bool(job_view(JobView(Job.from_item(self.item), tracks))["partial"])

    def quarantine(self) -> list[dict[str, Any]]:
        """The refused files that the job lists."""
        partition = self.world.jobs_table.items[f"JOB#{self.job_id}"]
        return [unpack(item) for sort, item in partition.items() if sort.startswith("JOB#QUARANTINE#")]

    def requested(self, action: str, *statuses: int) -> bool:
        """Whether a client requested that action and received one of these statuses."""
        return any((self.job_id, action, status) in self.world.client_actions for status in statuses)

    @property
    def cancel_requested(self) -> bool:
        """Whether a cancellation may have taken effect; after a 500 this is unknown."""
        return self.requested("cancel", 200, 500)

    def events(self) -> list[dict[str, Any]]:
        """The events of its ends."""
        mine = [event for event in self.world.events.taken if event["Detail"].get("job_id") == self.job_id]
        return [event["Detail"] for event in mine if event["DetailType"] != "job.progress"]

    def stages(self) -> list[str]:
        """The stages that were announced, in their order."""
        mine = [event for event in self.world.events.taken if event["Detail"].get("job_id") == self.job_id]
        return [event["Detail"]["event_id"].rpartition(".")[2] for event in mine if event["DetailType"] == "job.progress"]

    @property
    def ended(self) -> bool:
        return self.state in ENDS

    @property
    def in_recovery(self) -> bool:
        """Whether a sweep will check the ended job again."""
        return float(self.item.get("recoverable_until", 0)) > self.world.loop.now and not self.overlooked

    @property
    def executing(self) -> bool:
        """Whether the world ended in the middle of an execution of the job."""
        executions = self.world.state_machine.executions.values()
        return any(each.status == "RUNNING" and each.subject == self.job_id for each in executions)

    @property
    def overlooked(self) -> bool:
        """Whether the job has left the due index, or sweeps that nothing disturbed have passed it over."""
        # A sweep compares whole seconds. One that got stuck at a gateway only shows that its jobs cannot be read either.
        since = max(float(self.item.get("due_at", -inf)) + 1, self.world.faults_end)
        all_sweeps = self.world.lambdas.begun["ReconcileJobsFunction"]
        sweeps = [sweep for sweep in all_sweeps if not sweep.disturbed and sweep.began > since]
        stuck = sum(sweep.stuck for sweep in sweeps)
        overlooked = len(sweeps) - stuck >= OVERLOOKED_SWEEPS or (stuck >= STUCK_SWEEPS and not self.in_silence)
        return "due_at" not in self.item or overlooked

    @property
    def in_silence(self) -> bool:
        """Whether a gateway that the job may be submitted to answers nothing any more, to the end of the world.

        Then no claim can be made about its songs: nothing that the product does gets them. That its job ends, is never called
        free and disturbs no other one is claimed all the same. One that is silent for hours only is no such gateway.
        """
        return bool(self.world.plan.troubles.endless & set(self.order.gateways))

    @property
    def forgotten(self) -> bool:
        """Whether nothing will check the job any more."""
        return self.ended and not self.in_recovery

    @property
    def result(self) -> bool:
        """Whether a result besides files is recorded."""
        return "JOB#RESULT" in self.world.jobs_table.items[f"JOB#{self.job_id}"]

    def receipts(self, source: str) -> Iterator[bytes]:
        """The bodies that were received."""
        return (body for _, body in self.dated_receipts(source))

    def dated_receipts(self, source: str) -> Iterator[tuple[float, bytes]]:
        """The bodies that were received, each with the time at which it came first."""
        for sort, item in self.world.jobs_table.items[f"JOB#{self.job_id}"].items():
            if sort.startswith(f"RECEIPT#{source}#"):
                receipt = unpack(item)
                stored = receipt["body"] if "body" in receipt else self._object(receipt["body_key"])
                yield float(receipt["first_at"]), zlib.decompress(stored)

    def _object(self, key: str) -> bytes:
        return self.world.s3.objects["ReceiptsBucket", key].body
