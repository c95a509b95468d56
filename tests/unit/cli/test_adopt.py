"""An operator adopts a list of tasks: each gets one job, the command may be repeated, and each line is reported."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from suno_jobs.cli.adopt import FileAdopter, Line, read_lines, report
from suno_jobs.cli.main import main
from suno_jobs.cli.problems import ExitCode, WrongArgument
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.intake.adoption import TaskAdopter
from suno_jobs.jobs.record import DAY_SECONDS, FileTerms, Job, Track, TrackState
from suno_jobs.jobs.states import Cause, JobState
from suno_jobs.lifecycle.link_lifetimes import file_terms
from suno_jobs.lifecycle.lost_submission import LOST
from suno_jobs.storage.deletions import ERASE_AGAIN_SECONDS, Tombstone
from tests.builders import AUDIO, always, cancel
from tests.world import TABLE, World

CSV = "gateway,kind,task_id\ncrun,music,T1\n\nkie, music ,T2\n"
JSON_LINES = '{"gateway": "crun", "kind": "music", "task_id": "T1"}\n\n{"gateway": "kie", "kind": "music", "task_id": "T2"}\n'
ROWS = [{"gateway": "crun", "kind": "music", "task_id": "T1"}, {"gateway": "kie", "kind": "music", "task_id": "T2"}]


@pytest.mark.parametrize(("text", "numbers"), [(CSV, [2, 4]), (JSON_LINES, [1, 3])])
def test_a_file_is_csv_or_json_lines(text: str, numbers: list[int]) -> None:
    lines = read_lines(io.StringIO(text))
    assert [line.wanted for line in lines] == ROWS
    assert [line.number for line in lines] == numbers


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n", "empty"),
        ("gateway,task_id\n", "line 1 must name"),
        ("gateway,kind,task_id\ncrun,music\n", "line 2 must have 3 values"),
        ('{"gateway": "crun"}\n', "line 1 must be an object"),
        ('{"gateway": "crun", "kind": "music", "task_id": "T"}\n{"gateway"\n', "line 2 is no JSON"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_is_adopted(text: str, problem: str) -> None:
    with pytest.raises(WrongArgument, match=problem):
        read_lines(io.StringIO(text))


def adopt(world: World, lines: list[Line], seconds: float = 0) -> list[str]:
    said: list[str] = []
    adopter = FileAdopter(TaskAdopter(world.job_creator()), "acme", "default", world.clock, world.clock.sleep)
    adopter.adopt_lines(lines, said.append)
    adopter.watch(lines, seconds, said.append)
    return said


def lines(*more: dict[str, Any]) -> list[Line]:
    return [Line(number, dict(row)) for number, row in enumerate([*ROWS, *more], 1)]


def test_each_task_gets_one_job_however_often_the_command_runs(world: World) -> None:
    first, second = lines(), lines()
    assert adopt(world, first) == ["2 new jobs, 0 known, 0 refused", "2 ACCEPTED"]
    assert adopt(world, second) == ["0 new jobs, 2 known, 0 refused", "2 ACCEPTED"]
    assert [line.job_id for line in first] == [line.job_id for line in second]
    assert len(world.items("JOB")) == 2


def test_what_was_saved_is_reported_line_by_line(world: World) -> None:
    wanted = lines({"gateway": "crun", "kind": "opera", "task_id": "T3"}, {"gateway": "crun", "kind": "music", "task_id": "J1"})
    world.jobs.owners.claim_submitted(world.job(world.accept("crun")), "J1")
    adopt(world, wanted)
    saved = world.job(wanted[0].job_id or "")
    job = world.jobs.submissions.accept_task(saved, "T1", now=world.now, due_at=world.now)
    track = Track(track_id="t", position=0, state=TrackState.READY, links=())
    world.jobs.tracks.record_track(job.job_id, track)
    job = world.start_storing(job.job_id)
    world.jobs.tracks.store_track(job.job_id, "t", [AUDIO], {}, 60.0)
    world.jobs.finish(job, JobState.SUCCEEDED, None, now=world.now)
    said = adopt(world, wanted, 25)
    assert said[0] == "0 new jobs, 3 known, 1 refused"
    assert said[1:] == ["2 ACCEPTED, 1 SUCCEEDED"] * 4
    reported = [json.loads(text) for text in report(wanted)]
    assert reported[0] | {"job_id": ""} == {
        "line": 1,
        **ROWS[0],
        "job_id": "",
        "state": "SUCCEEDED",
        "partial": False,
        "tracks": 1,
        "files": 1,
        "bytes": 1,
        "result": False,
        "error": None,
    }
    assert (reported[1]["state"], reported[1]["tracks"]) == ("ACCEPTED", 0)
    assert (reported[2]["job_id"], reported[2]["state"]) == (None, None)
    assert "kind" in reported[2]["error"]
    assert [line.saved for line in wanted] == [True, False, False, False]


def test_the_task_of_another_tenant_is_refused(world: World) -> None:
    world.jobs.owners.claim_submitted(world.job(world.accept("crun")), "T1")
    adopter = FileAdopter(TaskAdopter(world.job_creator()), "other", "default", world.clock, world.clock.sleep)
    [line] = refused = lines()[:1]
    adopter.adopt_lines(refused, lambda _: None)
    assert line.job_id is None
    assert "No task of yours" in (line.problem or "")


def lost(world: World, gateway: str = "crun") -> Job:
    """A job of the tenant acme, the answer to whose submission is awaited."""
    job = world.job(world.accept(gateway))
    return world.jobs.submissions.begin_submission(job, "i1", FileTerms(), now=world.now, due_at=world.now + 10**6)


def adopt_for_other(world: World, wanted: list[Line], *, allow: bool = False) -> str:
    said: list[str] = []
    adopter = FileAdopter(TaskAdopter(world.job_creator()), "other", "default", world.clock, world.clock.sleep, allow)
    adopter.adopt_lines(wanted, said.append)
    return said[0]


def test_while_a_task_of_another_tenant_is_unknown_none_is_adopted_that_may_be_it(world: World) -> None:
    job, refused = lost(world), lines()
    assert adopt_for_other(world, refused) == "1 new jobs, 0 known, 1 refused"
    crun, kie = refused
    assert (crun.job_id, kie.problem) == (None, None)
    assert job.job_id in (crun.problem or "")
    job = world.jobs.submissions.lose_submission(job, LOST, grace_until=world.now, now=world.now, due_at=world.now)
    assert adopt_for_other(world, lines()) == "0 new jobs, 1 known, 1 refused"
    world.jobs.submissions.accept_task(job, "T9", now=world.now, due_at=world.now)
    assert adopt_for_other(world, lines()) == "1 new jobs, 1 known, 0 refused"


def test_a_deleted_job_keeps_its_unknown_task_from_being_adopted(world: World) -> None:
    """Until its gateway keeps nothing of it."""
    job = world.jobs.submissions.lose_submission(lost(world), LOST, grace_until=world.now, now=world.now, due_at=world.now)
    job = world.jobs.finish(job, JobState.TIMED_OUT, None, now=world.now, recoverable_until=world.now + DAY_SECONDS)
    deleted_at = world.now
    world.job_deleter().delete_job("acme", job.job_id)
    refused = lines()
    assert adopt_for_other(world, refused) == "1 new jobs, 0 known, 1 refused"
    assert job.job_id in (refused[0].problem or "")
    world.clock.sleep(ERASE_AGAIN_SECONDS)
    world.job_reconciler().reconcile_jobs(always)
    assert adopt_for_other(world, lines()) == "0 new jobs, 1 known, 1 refused"
    world.clock.now = job.tasks_kept_until
    world.job_reconciler().reconcile_jobs(always)
    assert adopt_for_other(world, lines()) == "1 new jobs, 1 known, 0 refused"
    assert world.jobs.deletions.tombstone(job.job_id) == Tombstone(job.job_id, "acme", deleted_at)


def test_a_job_that_is_deleted_before_its_end_is_announced_keeps_its_unknown_task_too(world: World) -> None:
    job = lost(world)
    cancel(world, job.job_id)
    world.job_deleter().delete_job("acme", job.job_id)
    assert adopt_for_other(world, lines()) == "1 new jobs, 0 known, 1 refused"


def refused(world: World, *, ended: bool = False) -> Job:
    """A job of the tenant acme that a gateway refused, and about which a gateway has called back."""
    job_id = world.accept("ttapi")
    if ended:
        cancel(world, job_id)
    world.jobs.signals.signal(job_id, Cause.CALLBACK, unread=True)
    world.jobs.signals.reopen(job_id, until=world.now + 1, due_at=world.now)
    return world.job(job_id)


def test_a_callback_that_is_unread_may_name_a_task_at_any_gateway_that_has_refused_its_job(world: World) -> None:
    job, wanted = refused(world), lines()
    assert adopt_for_other(world, wanted) == "0 new jobs, 0 known, 2 refused"
    assert all(job.job_id in (line.problem or "") for line in wanted)
    world.jobs.submissions.mark_callbacks_read(job, now=world.now)
    assert adopt_for_other(world, lines()) == "2 new jobs, 0 known, 0 refused"


def test_a_deleted_job_with_an_unread_callback_waits_for_the_gateway_that_keeps_files_longest(world: World) -> None:
    """Its last gateway keeps them for a shorter time."""
    job = refused(world, ended=True)
    world.job_deleter().delete_job("acme", job.job_id)
    world.clock.sleep(ERASE_AGAIN_SECONDS)
    world.job_reconciler().reconcile_jobs(always)
    world.clock.now = job.tasks_kept_until + DAY_SECONDS
    world.job_reconciler().reconcile_jobs(always)
    assert adopt_for_other(world, lines()) == "0 new jobs, 0 known, 2 refused"
    world.clock.now = job.deadline_at + max(
        file_terms(gateway).kept_seconds + file_terms(gateway).renewal_seconds for gateway in GATEWAYS.values()
    )
    world.job_reconciler().reconcile_jobs(always)
    assert adopt_for_other(world, lines()) == "2 new jobs, 0 known, 0 refused"


def test_a_task_is_adopted_if_its_owner_is_known_in_any_other_way(world: World) -> None:
    lost(world)
    assert adopt_for_other(world, lines(), allow=True) == "2 new jobs, 0 known, 0 refused"
    assert adopt_for_other(world, lines()) == "0 new jobs, 2 known, 0 refused"
    assert adopt(world, lines({"gateway": "crun", "kind": "music", "task_id": "T3"}))[0] == "1 new jobs, 0 known, 2 refused"


def command(file: Path, *more: str) -> tuple[str, ...]:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:suno-job"
    return (
        "adopt-file",
        "--from",
        str(file),
        "--tenant",
        "acme",
        "--table",
        TABLE,
        "--state-machine",
        arn,
        "--wait",
        "0",
        *more,
    )


def test_the_command(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}})
    role = "arn:aws:iam::123456789012:role/states"
    boto3.client("stepfunctions").create_state_machine(name="suno-job", definition=definition, roleArn=role)
    file = tmp_path / "tasks.csv"
    file.write_text(CSV, encoding="utf-8-sig")
    assert main(command(file)) == ExitCode.NOT_DONE
    out, progress = capsys.readouterr()
    assert [json.loads(text)["state"] for text in out.splitlines()] == ["ACCEPTED", "ACCEPTED"]
    assert progress.splitlines() == ["2 new jobs, 0 known, 0 refused", "2 ACCEPTED"]
    assert world.job(json.loads(out.splitlines()[0])["job_id"]).adopts == "T1"


@pytest.mark.parametrize(
    ("content", "more"), [(None, ()), (b"\xff\xfe\xff", ()), (b"gateway,kind,task_id\n", ("--tenant", "A b"))]
)
def test_wrong_arguments_adopt_nothing(
    world: World, tmp_path: Path, content: bytes | None, more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tasks.csv"
    if content is not None:
        file.write_bytes(content)
    given = [part for part in command(file) if not more or part not in ("--tenant", "acme")]
    assert main([*given, *more]) == ExitCode.WRONG_ARGUMENTS
    assert capsys.readouterr().out == ""
    assert world.items("JOB") == []
