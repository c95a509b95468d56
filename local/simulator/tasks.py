"""Orders and tasks: what was asked for, how far it is, and what each stage shows.

The life of a task is a pure function of the time: nothing has to run for it to go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from local.simulator.faults import Faults, without_markers
from local.simulator.media import Recording, record

TAKES = 2


class Stage(IntEnum):
    QUEUED = 0
    RUNNING = 1
    TEXT = 2
    FIRST = 3
    DONE = 4


STAGE_SHARES = {Stage.RUNNING: 0.1, Stage.TEXT: 0.4, Stage.FIRST: 0.7, Stage.DONE: 1.0}
"""At which part of a task's time it enters each stage."""


@dataclass(frozen=True, slots=True)
class Song:
    """One submission in words of our own. ``fields`` is the request as it came; ``undocumented`` names fields of it that
    the gateway does not document. ``waits``: the caller wants the result as the answer."""

    fields: Mapping[str, Any]
    words: str
    title: str
    style: str
    model: str
    callback_url: str | None
    undocumented: tuple[str, ...] = ()
    waits: bool = False

    @property
    def shown_title(self) -> str:
        """The title asked for, or one made up, as the gateways do."""
        return self.title or " ".join(without_markers(self.words).split()[:4]) or "Untitled"


@dataclass(slots=True)
class Order:
    """All submissions with one callback URL: the unit that must not be paid for twice."""

    gateway: str
    callback_url: str | None
    faults: Faults
    submissions: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One callback that was sent. ``outcome`` is the HTTP status, or the name of the error that hindered it."""

    stage: str
    outcome: int | str


@dataclass(slots=True)
class Take:
    """One of the songs that a task makes."""

    track_id: str
    number: int
    seconds: float
    downloads: int = 0

    def recording(self) -> Recording:
        return record(self.track_id, self.seconds)


@dataclass(slots=True)
class Task:
    task_id: str
    order: Order
    song: Song
    created_at: float
    seconds: float
    takes: tuple[Take, ...]
    polls: int = 0
    callbacks: list[Delivery] = field(default_factory=list)

    @property
    def gateway(self) -> str:
        return self.order.gateway

    @property
    def faults(self) -> Faults:
        return self.order.faults

    def moment(self, stage: Stage) -> float:
        """When the task enters a stage. A task that fails does so where another has its text."""
        if stage is Stage.DONE and "failed_task" in self.faults:
            stage = Stage.TEXT
        return self.created_at + self.seconds * STAGE_SHARES.get(stage, 0.0)

    def stage(self, now: float) -> Stage:
        reached = [stage for stage in Stage if self.moment(stage) <= now]
        return max(reached, default=Stage.QUEUED)

    def has_audio(self, take: Take, stage: Stage) -> bool:
        if self.faults.keys() & {"failed_task", "success_without_audio"}:
            return False
        if take.number > 0:
            return stage is Stage.DONE and "one_track_failed" not in self.faults
        return stage >= Stage.FIRST


@dataclass(frozen=True, slots=True)
class TrackReport:
    """A track at some stage. ``audio_url`` and ``duration`` are None until its audio is there."""

    track_id: str
    audio_url: str | None
    duration: float | None
    preview_url: str
    image_url: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A task at some stage, as a gateway words it. ``strange``: with a status word that nobody documented."""

    task: Task
    stage: Stage
    cdn: str
    strange: bool = False

    @property
    def song(self) -> Song:
        return self.task.song

    @property
    def done(self) -> bool:
        return self.stage is Stage.DONE and not self.strange

    @property
    def failed(self) -> bool:
        return self.done and "failed_task" in self.task.faults

    @property
    def finished_at(self) -> float:
        return self.task.moment(Stage.DONE)

    def tracks(self) -> list[TrackReport]:
        return [self._track(take) for take in self.task.takes]

    def _track(self, take: Take) -> TrackReport:
        there = self.task.has_audio(take, self.stage)
        return TrackReport(
            track_id=take.track_id,
            audio_url=f"{self.cdn}/{take.track_id}.mp3" if there else None,
            duration=take.recording().duration_seconds if there else None,
            preview_url=f"{self.cdn}/preview/{take.track_id}.mp3",
            image_url=f"{self.cdn}/{take.track_id}.png",
            failed=self.done and not there,
        )
