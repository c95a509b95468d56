"""Delete Job: removes an ended job and everything that it stored, and leaves a tombstone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suno_jobs.errors import Conflict, WrongState
from suno_jobs.lifecycle.erasure import JobEraser
from suno_jobs.lifecycle.ownership import tenant_record
from suno_jobs.lifecycle.unknown_tasks import unknown_task
from suno_jobs.storage.deletions import Tombstone
from suno_jobs.storage.jobs import JobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDeleter:
    jobs: JobStore
    eraser: JobEraser
    clock: Callable[[], float]

    def delete_job(self, tenant: str, job_id: str) -> None:
        """Deletes the job. From the first write on, it is gone for its tenant, and no step works on it any more.

        A repetition continues a deletion that was interrupted, and so does the sweep. Raises JobNotFound and WrongState.
        """
        tombstone = self._tombstone(tenant, job_id)
        self.eraser.erase_content(tombstone)

    def _tombstone(self, tenant: str, job_id: str) -> Tombstone:
        while True:
            found = tenant_record(self.jobs, tenant, job_id)
            if isinstance(found, Tombstone):
                return found
            if not found.job.terminal:
                raise WrongState(f"Only a job that has ended can be deleted; this one is {found.job.state}. Cancel it first.")
            try:
                return self.jobs.deletions.place_tombstone(found.job, unknown_task(found.job), now=int(self.clock()))
            except Conflict:
                # Another request has deleted it meanwhile, or a callback came.
                continue
