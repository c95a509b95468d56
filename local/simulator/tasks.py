"""Orders and tasks: what was asked for, how far it is, and what each stage shows.

The life of a task is a pure function of the time: nothing has to run for it to go on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from local.simulator.faults import FAILURES, Faults, without_markers
from local.simulator.media import Media, Recording, record, render
from local.simulator.parts import SONGS, Part


class Stage(IntEnum):
    QUEUED = 0
    RUNNING = 1
    TEXT = 2
    FIRST = 3
    DONE = 4


STAGE_SHARES = {Stage.RUNNING: 0.1, Stage.TEXT: 0.4, Stage.FIRST: 0.7, Stage.DONE: 1.0}
"""At which part of a task's time it enters each stage."""


@dataclass(frozen=True, slots=True)
class Source:
    """An earlier task, and one of its takes where a gateway asks for one."""

    task: Task
    take: Take | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One submission in words of our own.

    ``operation`` is what the gateway calls it, ``fields`` the request as it came; ``undocumented`` names fields of it that the
    gateway does not document. ``waits``: the caller wants the result as the answer. ``instant``: it is made at once, if no
    fault slows it. ``recovers``: it makes no new files, but new links to those of the source.
    """

    operation: str
    fields: Mapping[str, Any]
    parts: tuple[Part, ...] = SONGS
    words: str = ""
    title: str = ""
    style: str = ""
    model: str = ""
    callback_url: str | None = None
    source: Source | None = None
    undocumented: tuple[str, ...] = ()
    waits: bool = False
    instant: bool = False
    recovers: bool = False

    @property
    def shown_title(self) -> str:
        """The title asked for, or the source's, or one made up, as the gateways do."""
        if self.source and not self.title:
            return self.source.task.work.shown_title
        return self.title or " ".join(without_markers(self.words).split()[:4]) or "Untitled"

    @property
    def comes_in_stages(self) -> bool:
        """Songs have their words first, then one take, then all; everything else is there at the end only."""
        return self.parts == SONGS and not self.recovers


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


@dataclass(slots=True, eq=False)
class Take:
    """One of the things that a task makes. ``expired_at`` is when a download was first refused because of an old link."""

    track_id: str
    number: int
    seconds: float
    part: Part = SONGS[0]
    downloads: int = 0
    expired_at: float | None = None

    def recording(self) -> Recording:
        return record(self.track_id, self.seconds)

    def file(self, media: Media) -> bytes:
        return render(media, self.track_id, self.seconds)


@dataclass(slots=True, eq=False)
class Task:
    """``number`` counts the tasks of all gateways, in the order of their making. ``refused``: the answer denied it."""

    task_id: str
    order: Order
    work: Work
    created_at: float
    seconds: float
    takes: tuple[Take, ...]
    number: int = 0
    polls: int = 0
    callbacks: list[Delivery] = field(default_factory=list)
    refused: bool = False

    @property
    def gateway(self) -> str:
        return self.order.gateway

    @property
    def faults(self) -> Faults:
        return self.order.faults

    @property
    def fails(self) -> bool:
        """Whether it fails for good."""
        return bool(self.faults.keys() & FAILURES)

    def failed(self, at: float) -> bool:
        """Whether a report at that time, after the end, calls it failed."""
        late = self._late("failed_then_success")
        return self.fails or (late > 0 and at < self.moment(Stage.DONE) + late)

    def links_at(self, take: Take) -> float:
        """When the link to a take appears, if the task is not reported as failed then."""
        late = max(self._late("late_links"), self._late("late_second_link") if take.number == 1 else 0.0)
        return self.moment(Stage.DONE) + late if late else -math.inf

    def ready_at(self, take: Take) -> float | None:
        """When a report of the ended task first contains a take; None if none ever does."""
        if not self.has(take, Stage.DONE):
            return None
        return max(self.moment(Stage.DONE) + self._late("failed_then_success"), self.links_at(take))

    def links_end(self, take: Take) -> float:
        """When the first link to a take dies; a renewed one does not."""
        if "expired_links" in self.faults:
            return -math.inf
        return max(self.moment(Stage.DONE), self.links_at(take)) + self.faults.get("dying_links", math.inf)

    def served(self, take: Take, now: float) -> Take:
        """The take whose file is behind the link to ``take`` at that time."""
        one_file_until = self.moment(Stage.DONE) + self.faults.get("one_file_for_both", -math.inf)
        return self.takes[0] if take.number == 1 and self.work.comes_in_stages and now < one_file_until else take

    def is_missing(self, take: Take, now: float) -> bool:
        """Whether the link to a take leads nowhere at that time."""
        return take.number == 0 and now < self.moment(Stage.DONE) + self.faults.get("late_first_file", -math.inf)

    def _late(self, name: str) -> float:
        """Seconds. What is answered with the result is reported once only, so nothing comes later."""
        return 0.0 if self.work.waits or self.work.instant else self.faults.get(name, 0.0)

    def moment(self, stage: Stage) -> float:
        """When the task enters a stage. A task that fails does so where another begins or has its text."""
        if stage is Stage.DONE and (self.fails or self._late("failed_then_success")):
            stage = Stage.RUNNING if "creation_failed" in self.faults else Stage.TEXT
        return self.created_at + self.seconds * STAGE_SHARES.get(stage, 0.0)

    def stage(self, now: float) -> Stage:
        reached = [stage for stage in Stage if self.moment(stage) <= now]
        return max(reached, default=Stage.QUEUED)

    def has(self, take: Take, stage: Stage, at: float = math.inf) -> bool:
        """Whether a report of a stage, made at that time, contains a take."""
        if self.failed(at) or at < self.links_at(take) or "success_without_audio" in self.faults:
            return False
        if self.work.recovers and self.work.source and not self.work.source.task.has(take, Stage.DONE, at):
            return False
        if take.number == 0:
            return stage >= (Stage.FIRST if self.work.comes_in_stages else Stage.DONE)
        return stage is Stage.DONE and not (take.number == 1 and "one_track_failed" in self.faults)


@dataclass(frozen=True, slots=True)
class TrackReport:
    """A take at some stage. ``url`` and ``duration`` are None until it is made; texts have no URL at all."""

    track_id: str
    number: int
    name: str
    there: bool
    url: str | None
    duration: float | None
    preview_url: str
    image_url: str
    image_large_url: str
    video_url: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A task at some stage, as a gateway words it at the time ``at``. ``strange``: with an undocumented status word.
    ``renewed``: with new links."""

    task: Task
    stage: Stage
    cdn: str
    strange: bool = False
    renewed: bool = False
    at: float = math.inf

    @property
    def work(self) -> Work:
        return self.task.work

    @property
    def done(self) -> bool:
        return self.stage is Stage.DONE and not self.strange

    @property
    def failed(self) -> bool:
        return self.done and self.task.failed(self.at)

    @property
    def failure(self) -> str:
        if "rejected_artist" in self.task.faults:
            return "Your tags contained artist name: nobody"
        return "The words are not allowed" if "content_rejected" in self.task.faults else "Generation failed"

    @property
    def rejected(self) -> bool:
        """Failed because of what was ordered."""
        return bool({"content_rejected", "rejected_artist"} & set(self.task.faults))

    @property
    def finished_at(self) -> float:
        return self.task.moment(Stage.DONE)

    def tracks(self) -> list[TrackReport]:
        return [self._track(take) for take in self.task.takes]

    def track(self) -> TrackReport:
        """Of a task that makes one thing."""
        return self._track(self.task.takes[0])

    def _track(self, take: Take) -> TrackReport:
        there, name = self.task.has(take, self.stage, self.at), take.track_id
        return TrackReport(
            track_id=name,
            number=take.number,
            name=take.part.name,
            there=there,
            url=self._url(take) if there and take.part.media else None,
            duration=self._seconds(take) if there and take.part.media is Media.MP3 else None,
            preview_url=f"{self.cdn}/preview/{name}.mp3",
            image_url=f"{self.cdn}/images/{name}.png",
            image_large_url=f"{self.cdn}/images/{name}-large.png",
            video_url=f"{self.cdn}/videos/{name}.mp4",
            failed=self.done and not there and self.at >= self.task.links_at(take),
        )

    def _seconds(self, take: Take) -> float:
        return self.task.faults.get("wrong_length", take.recording().duration_seconds)

    def _url(self, take: Take) -> str:
        if take.part.media is Media.MP3 and self.task.polls <= self.task.faults.get("stream_first", -1):
            return f"https://audiopipe.suno.ai/?item_id={take.track_id}"
        media = Media.M4A if self.work.recovers and "recovered_as_m4a" in self.task.faults else take.part.media
        folder = f"{self.cdn}/renewed" if self.renewed or self.work.recovers else self.cdn
        return f"{folder}/{take.track_id}.{media}"
