"""I12: every job gets its turn, as far as a world shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from suno_jobs.jobs.states import WaitReason
from tests.simulation.faults import Probabilities
from tests.simulation.job_evidence import JobEvidence
from tests.simulation.paid_songs import named_in_receipt
from tests.simulation.world import START

LONGEST_PAUSE_SECONDS = 300
"""Between two tries of a job that is refused for now: the longest backoff with its jitter, the end of an open circuit breaker
and its probe, and two minutes in the queue."""

FAILING = frozenset(
    ("dropped_connection", "garbled_answer", "quota_exhausted", "server_error_after_create", "server_error_on_submit")
)
"""Faults of submissions that a circuit breaker counts."""

PROBE_SECONDS = 60
"""While a circuit breaker is open, one submission is sent so often."""

UNDER_WAY_SECONDS = 5
"""A submission that began before the job came may be under way as long: its slot may be three seconds ahead."""

SUBMITS = ("SubmitJobFunction", "RetryJobFunction", "CreateTaskFunction", "CheckTaskFunction")
"""The functions that a waiting job goes through: those that record it also start its execution, or leave that to the sweep."""

AHEAD = 2
"""How many more submissions another tenant may have while a job waits: one before its turn, and one whose turn is equal."""


def fair_turns(job: JobEvidence) -> Iterator[str]:
    """A job that was never accepted was tried until its deadline.

    This is claimed while nothing that takes part in its submission is disturbed; troubles of other gateways, of the file
    servers and of other tenants may take no turn from it. Where functions die or writes are throttled, a job may wait for the
    sweep. Where its own gateway is in trouble or takes no more tasks, there is no try to be seen.
    """
    if job.state != "TIMED_OUT" or job.item["attempts"] or not _is_undisturbed(job) or job.world.plan.most_tasks:
        return
    if job.order.adopts or any(named_in_receipt(job, task) for task in job.tasks if task["refused"]):
        # A job is not submitted while a callback names a task of it that cannot be read.
        return
    moments = [float(job.item["created_at"]), *_tries(job), float(job.item["deadline_at"])]
    longest = LONGEST_PAUSE_SECONDS + PROBE_SECONDS * _failing_probes(job)
    if (pause := max(after - before for before, after in pairwise(moments))) > longest:
        yield f"I12: {len(moments) - 2} tries, and {pause:.0f} s without one (from {moments[0] - START:.0f} s on)"


def _failing_probes(job: JobEvidence) -> int:
    """How many requests of its own tenant may be sent before a job that the circuit breaker holds, and fail."""
    mine = [order for order in job.world.plan.orders if order.tenant == job.order.tenant]
    held = any(WaitReason.CIRCUIT_BREAKER in line for line in job.item["history"])
    return sum(bool(order.faults.keys() & FAILING) for order in mine) if held else 0


def _is_undisturbed(job: JobEvidence) -> bool:
    """Lost callbacks, slow file servers and buses, and an API that refuses requests delay no submission."""
    plan = job.world.plan
    troubled = {*plan.troubles.replies, *plan.troubles.keys, *plan.outages}
    calm = replace(plan.probabilities, callback=0.0) == Probabilities() and not (plan.stops or plan.troubles.throttled)
    hit = any(each.disturbed for function in SUBMITS for each in job.world.lambdas.begun[function])
    mine = any(each.disturbed for begun in job.world.lambdas.begun.values() for each in begun if each.subject == job.job_id)
    return calm and not (hit or mine or troubled & {*job.order.gateways})


def _tries(job: JobEvidence) -> list[float]:
    return [moment for moment, subject, text in job.world.timeline if subject == job.job_id and " POST answers " in text]


def fair_shares(job: JobEvidence) -> Iterator[str]:
    """While a job waits for a place at a gateway that takes few tasks, no other tenant gets more of them than its own tenant.

    This is claimed for a tenant whose requests are all in order, since only its own failures hold a tenant. Its jobs that leave
    the queue by themselves have taken a turn, too.
    """
    plan = job.world.plan
    mine = [order for order in plan.orders if order.tenant == job.order.tenant]
    if not plan.most_tasks or any(order.faults for order in mine) or len(job.order.gateways) > 1 or not _is_undisturbed(job):
        return
    [gateway] = job.order.gateways
    begins = float(job.item["created_at"]) + UNDER_WAY_SECONDS
    ends = min([task["created_at"] for task in job.tasks] + [job.world.monitor.ends[job.job_id][0][0]])
    shares = Counter(tenant for moment, tenant in _submissions(job, gateway) if begins < moment < ends)
    left = sum(any(action == "cancel" for _, action in order.actions) for order in mine)
    for tenant, count in shares.items():
        if count > shares[job.order.tenant] + left + AHEAD:
            yield f"I12: while the job waited, {count} of {tenant} were submitted and {shares[job.order.tenant]} of its tenant"


def _submissions(job: JobEvidence, gateway: str) -> Iterator[tuple[float, str]]:
    """The times of the tasks of the gateway, and whose they are, except those whose submission was refused: nothing shows that
    such a task took a place."""
    jobs = job.world.jobs()
    for task in job.world.studio.tasks():
        submitter = job.world.courier.submitters[task["task_id"]]
        if task["gateway"] == gateway and submitter in jobs and not task["refused"]:
            yield task["created_at"], jobs[submitter]["tenant"]["S"]
