"""What was made at one gateway: where operations find the earlier work that they refer to."""

from __future__ import annotations

from local.simulator.faults import FAILURES
from local.simulator.tasks import Source, Take, Task


class Archive:
    """Written under the studio's lock; reading needs none."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._takes: dict[str, tuple[Task, Take]] = {}

    def add(self, task: Task) -> None:
        self._tasks[task.task_id] = task
        for take in task.takes:
            self._takes.setdefault(take.track_id, (task, take))

    def tasks(self) -> list[Task]:
        return list(self._tasks.values())

    def task(self, task_id: str) -> Task | None:
        return self._tasks.get(task_id)

    def take(self, track_id: str) -> tuple[Task, Take] | None:
        return self._takes.get(track_id)

    def of_task(self, task_id: str) -> Source | None:
        return Source(task) if (task := self.task(task_id)) else None

    def of_track(self, track_id: str, task_id: str | None = None) -> Source | None:
        """None also when the track is not of that task."""
        task, take = self.take(track_id) or (None, None)
        if task is None or (task_id is not None and task.task_id != task_id):
            return None
        return Source(task, take)

    def made(self, operation: str, source: Source) -> str | None:
        """The id of the task that was given the same to do and has not failed."""
        for task in self.tasks():
            work = task.work
            if (work.operation, work.source) == (operation, source) and not task.faults.keys() & FAILURES:
                return task.task_id
        return None
