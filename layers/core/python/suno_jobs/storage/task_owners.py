"""Which job owns a gateway's task: one item per gateway, account and task id, in the partition ``TASK#...``.

It is written for every task that is submitted or adopted, and never deleted, so that no task is adopted by two tenants.
"""

from __future__ import annotations

from typing import Any

from suno_jobs.jobs.record import Item, Job
from suno_jobs.storage.attribute_values import pack
from suno_jobs.storage.table import Table
from suno_jobs.storage.update_expressions import Change


def owner_key(gateway: str, account: str, task_id: str) -> Item:
    return {"pk": f"TASK#{gateway}#{account}#{task_id}", "sk": "OWNER"}


class TaskOwners(Table):
    """While the adopting job has not read its task, its claim is provisional: the job that submitted the task comes first."""

    def owner(self, gateway: str, account: str, task_id: str) -> str | None:
        """The id of the job that owns the task."""
        item = self._get(owner_key(gateway, account, task_id))
        return str(item["job_id"]) if item else None

    def claim_submitted(self, job: Job, task_id: str) -> None:
        """For the job that submitted the task. A task that has another owner keeps it."""
        change = Change(sets={"job_id": job.job_id}, removes=("provisional",))
        change.require("attribute_not_exists(pk) OR attribute_exists(#provisional)", "provisional")
        self._unless_conflict_at(owner_key(job.gateway, job.account, task_id), change)

    def confirm_adopted(self, job: Job, task_id: str) -> None:
        """For the job that adopts the task, once its gateway knows the task. Conflict: another job owns it."""
        change = Change(removes=("provisional",)).require("#job_id = :mine", "job_id", mine=job.job_id)
        self._update(owner_key(job.gateway, job.account, task_id), change, "NONE")


def adoption(table: str, job: Job) -> list[dict[str, Any]]:
    """The part of the transaction that creates an adopting job.

    It fails if a job owns the task, unless the new job repeats that job.
    """
    if job.adopts is None:
        return []
    item = owner_key(job.gateway, job.account, job.adopts) | {"job_id": job.job_id, "provisional": True}
    repeated = {
        "ConditionExpression": "attribute_not_exists(pk) OR job_id = :repeated",
        "ExpressionAttributeValues": pack({":repeated": job.retry_of or job.job_id}),
    }
    return [{"Put": {"TableName": table, "Item": pack(item), **repeated}}]
