"""Any order of writes by any number of writers, each based on a read that may be stale: the store keeps the invariants."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from suno_jobs.catalog.results import Link, Result
from suno_jobs.errors import Conflict, ErrorCode, Fault
from suno_jobs.jobs.history import Entry
from suno_jobs.jobs.record import Asset, Candidate, FileTerms, Job, TaskEnd, Track, TrackState
from suno_jobs.jobs.states import LEGAL, TERMINAL, Cause, JobState, Progress
from suno_jobs.storage.attribute_values import pack
from suno_jobs.storage.jobs import JobStore
from suno_jobs.storage.table import key
from tests.simulation.aws_table import DynamoDb
from tests.world import JOBS_TABLE, START, TABLE, a_job

JOB_ID = "job_" + "0" * 26
TRACKS = ("t-1", "t-2")
LINK = Link("audio", "https://cdn.example/a.mp3")
FAULT = Fault(ErrorCode.RATE_LIMITED, "x")
moments = st.integers(0, 10_000)


class JobWrites(RuleBasedStateMachine):
    """``snapshots`` are the job as it was read at some time; a rule may act on any of them."""

    snapshots = Bundle("snapshots")

    @initialize(target=snapshots, resubmit=st.booleans())
    def accept(self, resubmit: bool) -> Job:
        self.table = DynamoDb({TABLE: JOBS_TABLE})
        self.jobs = JobStore(self.table, TABLE)  # type: ignore[arg-type]
        self.now = START
        self.intents = 0
        self.tasks = 0
        self.open_submissions = 0
        self.announced: set[JobState] = set()
        self.recorded: set[str] = set()
        self.stored: dict[str, tuple[Asset, ...]] = {}
        job = a_job(
            job_id=JOB_ID,
            state=JobState.ACCEPTED,
            created_at=START,
            updated_at=START,
            deadline_at=START + 1200,
            resubmit=resubmit,
            history=(Entry(START, JobState.ACCEPTED, Cause.CLIENT, 0, "ttapi").line(),),
        )
        assert self.jobs.submissions.create(job, {"input": {}}, due_at=START)
        self.before = job
        return job

    def job(self) -> Job:
        found = self.jobs.get(JOB_ID)
        assert found
        return found

    def attempt(self, write: Any, *given: Any, **named: Any) -> Any:
        """None if another writer was faster."""
        try:
            return write(*given, **named)
        except Conflict:
            return None

    @rule(target=snapshots)
    def read(self) -> Job:
        return self.job()

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    # Submission

    @rule(job=snapshots)
    def submit(self, job: Job) -> None:
        self.intents += 1
        begun = self.attempt(
            self.jobs.submissions.begin_submission, job, f"i{self.intents}", FileTerms(), now=self.now, due_at=self.now
        )
        if begun:
            assert begun.intent == f"i{self.intents}"
            self.open_submissions += 1
            assert self.open_submissions <= 1 + begun.resubmit
            assert len(begun.attempts) == self.open_submissions

    @rule(job=snapshots, after=moments)
    def refuse(self, job: Job, after: int) -> None:
        order = [Candidate("crun", self.now + after), Candidate("ttapi")]
        refused = self.attempt(
            self.jobs.submissions.refuse_submission, job, FAULT, order, Result.TRACKS, now=self.now, due_at=self.now
        )
        if refused:
            assert refused.intent is None
            self.open_submissions -= job.intent is not None

    @rule(job=snapshots)
    def lose(self, job: Job) -> None:
        self.attempt(
            self.jobs.submissions.lose_submission, job, FAULT, grace_until=self.now + 60, now=self.now, due_at=self.now
        )

    @rule(job=snapshots)
    def allow_resubmission(self, job: Job) -> None:
        if self.attempt(self.jobs.submissions.allow_resubmission, job, now=self.now):
            assert job.resubmit

    @rule(job=snapshots, end=st.none() | st.sampled_from(TaskEnd))
    def accept_task(self, job: Job, end: TaskEnd | None) -> None:
        self.tasks += 1
        self.attempt(self.jobs.submissions.accept_task, job, f"J{self.tasks}", now=self.now, due_at=self.now, end=end)

    # Signals and checks

    @rule(cause=st.sampled_from(Cause))
    def signal(self, cause: Cause) -> None:
        found = self.jobs.signals.signal(JOB_ID, cause)
        assert found
        # A repetition of the same write finds it again.
        assert found.task_token == self.item().get("task_token", {}).get("S")

    @rule(target=snapshots)
    def check(self) -> Job:
        found = self.jobs.begin_check(JOB_ID, now=self.now, due_at=self.now + 60)
        assert found
        return found

    @rule(progress=st.sampled_from(Progress))
    def advance(self, progress: Progress) -> None:
        rank = self.job().progress.rank
        self.jobs.advance(JOB_ID, progress, now=self.now)
        assert self.job().progress.rank >= rank

    # Storing

    @rule(job=snapshots)
    def start_storing(self, job: Job) -> None:
        self.attempt(self.jobs.start_storing, job, job.with_ends({0: TaskEnd.COMPLETE}), now=self.now, due_at=self.now)

    @rule(track_id=st.sampled_from(TRACKS), ready=st.booleans())
    def record(self, track_id: str, ready: bool) -> None:
        state, links = (TrackState.READY, (LINK,)) if ready else (TrackState.FAILED, ())
        self.jobs.tracks.record_track(JOB_ID, Track(track_id=track_id, position=0, state=state, links=links))
        self.recorded.add(track_id)

    @rule(track_id=st.sampled_from(TRACKS), size=st.integers(1, 5), missing=st.booleans())
    def store(self, track_id: str, size: int, missing: bool) -> None:
        asset = Asset(kind="audio", key="k", content_type="audio/mpeg", bytes=size, sha256="00")
        self.jobs.tracks.store_track(JOB_ID, track_id, [asset], {"image": FAULT} if missing else {}, 1.0)
        if track_id in self.recorded:
            self.stored.setdefault(track_id, (asset,))

    @rule(track_id=st.sampled_from(TRACKS), final=st.booleans())
    def fail(self, track_id: str, final: bool) -> None:
        self.jobs.tracks.fail_track(JOB_ID, track_id, FAULT, final=final)

    # The end

    @rule(job=snapshots, state=st.sampled_from(sorted(TERMINAL)), recovery=st.none() | moments)
    def finish(self, job: Job, state: JobState, recovery: int | None) -> None:
        until = None if recovery is None else self.now + recovery
        ended = self.attempt(self.jobs.finish, job, state, FAULT, now=self.now, recoverable_until=until)
        if ended:
            assert (ended.state, ended.event_pending) == (state, True)
            assert state not in self.announced
            self.announced.add(state)

    @rule(job=snapshots, recovery=st.none() | moments)
    def mark_announced(self, job: Job, recovery: int | None) -> None:
        if job.terminal:
            until = None if recovery is None else self.now + recovery
            self.jobs.mark_announced(job, recoverable_until=until, due_at=until, now=self.now)

    @rule(job=snapshots)
    def claim(self, job: Job) -> None:
        number = self.job().execution
        self.attempt(
            self.jobs.signals.claim_execution,
            JOB_ID,
            Cause.SWEEP,
            before=job.execution,
            number=job.execution + 1,
            due_at=self.now,
        )
        assert self.job().execution in (number, number + 1)

    @rule()
    def wait(self) -> None:
        """Does what Await Signal does, with its condition."""
        try:
            self.table.update_item(
                TableName=TABLE,
                Key=pack(key(JOB_ID, "JOB")),
                UpdateExpression="SET task_token = :token",
                ConditionExpression="attribute_exists(pk) AND attribute_not_exists(signalled)",
                ExpressionAttributeValues={":token": {"S": "token"}},
            )
        except self.table.exceptions.ConditionalCheckFailedException:
            assert "signalled" in self.item()

    # Invariants

    def item(self) -> dict[str, Any]:
        found: dict[str, Any] = self.table.get_item(TableName=TABLE, Key=pack(key(JOB_ID, "JOB")))["Item"]
        return found

    @invariant()
    def state_moves_forward_only(self) -> None:
        job = self.job()
        before, self.before = self.before, job
        assert job.state is before.state or job.state in LEGAL[before.state]
        assert job.history[: len(before.history)] == before.history
        known = [(number, attempt.task_id) for number, attempt in enumerate(before.attempts) if attempt.task_id]
        assert all(job.attempts[number].task_id == task_id for number, task_id in known)
        if job.state is not before.state:
            assert Entry.read(job.history[-1]).state is job.state

    @invariant()
    def an_open_or_unannounced_job_is_due(self) -> None:
        job = self.job()
        pending = not job.terminal or job.event_pending
        assert not pending or "due_shard" in self.item()

    @invariant()
    def a_stored_track_keeps_its_assets(self) -> None:
        view = self.jobs.view(JOB_ID)
        assert view
        assets = {track.track_id: track.assets for track in view.tracks if track.state is TrackState.STORED}
        assert assets == self.stored

    @invariant()
    def an_end_leaves_a_signal(self) -> None:
        job = self.job()
        assert not job.event_pending or job.recoverable_until or "signalled" in self.item()


JobWrites.TestCase.settings = settings(max_examples=300, stateful_step_count=40)
TestJobWrites = JobWrites.TestCase
