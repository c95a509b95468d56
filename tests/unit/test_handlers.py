"""All entry points together. Each function's own handler tests are in its module of ``steps/``."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from suno_jobs.catalog.results import Link
from suno_jobs.jobs.record import Track, TrackState
from suno_jobs.jobs.states import JobState
from tests.builders import AUDIO, JOB_ID, event, handler, load_app, put_job
from tests.world import ROOT, World

FUNCTIONS = sorted(path.parent for path in (ROOT / "functions").glob("*/app.py"))


def test_each_step_returns_what_the_state_machine_reads(deployed: SimpleNamespace, world: World) -> None:
    put_job(world, JobState.STORING, task_id="J1")
    assert handler("create_task")(event("create_task/job")) == {"job_id": JOB_ID, "wait_seconds": 1}
    world.jobs.tracks.record_track(
        JOB_ID, Track(track_id="m-1", position=0, state=TrackState.READY, links=(Link("audio", "https://c.example/x"),))
    )
    world.jobs.tracks.store_track(JOB_ID, "m-1", [AUDIO], {}, 3.0)
    assert handler("store_track")(event("store_track/job")) == {"job_id": JOB_ID, "states": {}}
    assert handler("finish_job")(event("finish_job/job")) == {"job_id": JOB_ID, "state": "SUCCEEDED"}
    app = load_app("check_task")
    answers: list[tuple[str, str, str]] = []
    app.executions = lambda: SimpleNamespace(fail=lambda *given: answers.append(given))
    app.lambda_handler(event("check_task/job"), None)
    assert answers == [("a token of the state Check Task", "JobDecided", "1")]


@pytest.mark.parametrize("folder", FUNCTIONS, ids=lambda folder: folder.name)
def test_every_function_has_sample_events_a_test_module_and_a_short_entry_point(folder: Path) -> None:
    assert list((ROOT / "events" / folder.name).glob("*.json"))
    assert (ROOT / "tests/unit/steps" / f"test_{folder.name}.py").is_file()
    assert len((folder / "app.py").read_text().splitlines()) < 70


@pytest.mark.parametrize("folder", ["create_task", "store_track", "finish_job"])
@pytest.mark.usefixtures("deployed")
def test_a_function_ignores_fields_that_a_later_state_machine_sends(folder: str, world: World) -> None:
    put_job(world, JobState.STORING, task_id="J1")
    given = {**event(f"{folder}/job"), "later": {"any": ["thing"]}}
    assert handler(folder)(given) == handler(folder)(event(f"{folder}/job"))
