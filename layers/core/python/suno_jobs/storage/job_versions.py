"""Whether a job has changed, at the lowest price: eventually consistent reads of one item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from suno_jobs.jobs.states import TERMINAL
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.deletions import is_tombstone
from suno_jobs.storage.table import JOB, Table, key

if TYPE_CHECKING:
    from suno_jobs.jobs.record import Job


@dataclass(frozen=True, slots=True)
class Version:
    name: str
    ended: bool


class JobVersions(Table):
    def read(self, job_id: str) -> Version | None:
        """None: there is no such job yet. Half a read unit; the answer may be a second old, so a new job may be missing."""
        answer = self._client.get_item(TableName=self._table, Key=pack(key(job_id, JOB)))
        if "Item" not in answer:
            return None
        item = unpack(answer["Item"])
        if is_tombstone(item):
            return Version("deleted", ended=True)
        return Version(_name(item["updated_at"], len(item["history"]), item["progress"]), item["state"] in TERMINAL)


def version_of(job: Job) -> str:
    """The name of the version that was read. Every change of a job that its owner sees has another one."""
    return _name(job.updated_at, len(job.history), job.progress)


def _name(updated_at: int, changes: int, progress: str) -> str:
    return f"{updated_at}/{changes}/{progress}"
