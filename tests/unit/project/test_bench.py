"""The bench counts as DynamoDB and Step Functions bill."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import pytest
from moto.dynamodb.models.dynamo_type import Item as MotoItem

from bench import functions
from bench.__main__ import api_figures, storing_figures
from bench.api import Answers
from bench.counted import transitions
from bench.results import Figure
from bench.shipped import ROOT
from bench.start import Function
from bench.storing import CLI, FLOOR, STORE_TRACK, Run, Stored, write_wav
from bench.units import Index, index_units, size, table_units
from suno_jobs.jobs.record import Job
from suno_jobs.runtime import settings
from suno_jobs.storage.attribute_values import unpack

DUE = Index(frozenset({"due_shard", "due_at"}), frozenset({"pk", "sk", "due_shard", "due_at"}))
KEY = {"pk": {"S": "JOB#1"}, "sk": {"S": "JOB"}}
EARLY = {**KEY, "due_shard": {"S": "DUE#1"}, "due_at": {"N": "1"}, "state": {"S": "ACCEPTED"}}


def test_an_item_has_the_size_of_its_names_and_values() -> None:
    assert size({"näme": {"S": "€"}}) == 5 + 3
    assert size({"n": {"N": "-1200.50"}}) == 1 + 1 + 3 + 1
    assert size({"b": {"B": b"four"}, "t": {"BOOL": True}, "z": {"NULL": True}}) == 5 + 2 + 2
    assert size({"l": {"L": [{"S": "a"}, {"M": {"k": {"S": "v"}}}]}}) == 1 + 3 + (1 + 1) + (1 + 3 + 2 + 1)


def test_an_item_of_plain_text_has_the_size_that_moto_gives_it() -> None:
    item: dict[str, dict[str, Any]] = {**KEY, "state": {"S": "GENERATING"}, "partial": {"BOOL": False}}
    key: Any = None
    moto = MotoItem(hash_key=key, range_key=key, attrs=item)
    assert size(item) == moto.size()


def test_a_write_is_billed_by_the_larger_of_before_and_after() -> None:
    big = {**KEY, "text": {"S": "x" * 2000}}
    assert (table_units(None, KEY), table_units(KEY, big), table_units(big, KEY), table_units(None, None)) == (1, 2, 2, 1)


def test_an_index_entry_is_billed_when_it_comes_goes_or_moves() -> None:
    late = {**EARLY, "due_at": {"N": "2"}}
    other = {**EARLY, "state": {"S": "FAILED"}}
    changes = [(None, EARLY), (EARLY, None), (EARLY, KEY), (EARLY, late), (EARLY, other), (None, KEY)]
    assert [index_units(DUE, *change) for change in changes] == [1, 1, 1, 2, 0, 0]


def test_every_executed_step_and_every_retry_is_a_transition() -> None:
    task = ["TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited"]
    retried = ["TaskStateEntered", "TaskScheduled", "TaskFailed", "TaskScheduled", "TaskSucceeded", "TaskStateExited"]
    assert transitions(["ExecutionStarted", *task, "ChoiceStateEntered", "ChoiceStateExited", "ExecutionSucceeded"]) == 3
    assert transitions(["ExecutionStarted", *retried, "ExecutionSucceeded"]) == 3


def test_answers_are_compared_by_their_percentiles() -> None:
    answers = Answers(route=[float(each) for each in range(1, 102)], floor=[10.0] * 101)
    p50, p99 = api_figures({"GET /v1/jobs": answers})
    assert (p50.name, p50.value, p50.ratio) == ("GET /v1/jobs, p50 / bare function", 51, 5.1)
    assert (p99.value, p99.reference) == (100, 10)


def test_every_function_is_started() -> None:
    assert {each.name for each in functions.started()} == {path.parent.name for path in ROOT.glob("functions/*/app.py")}


CONFIGURED = [each for each in functions.started() if each.environment]


@pytest.mark.parametrize("function", CONFIGURED, ids=lambda function: function.name)
def test_a_started_function_gets_the_variables_that_its_settings_read(function: Function) -> None:
    needed: type[settings.Settings] = getattr(settings, f"{function.name.title().replace('_', '')}Settings")
    needed(function.environment)
    assert set(function.environment) == {name.upper() for name in needed.variables()}


def test_the_job_that_is_started_with_is_one_of_ours() -> None:
    assert Job.from_item(unpack(functions.WAITING_JOB)).job_id == functions.JOB_ID


def test_what_is_stored_is_measured_by_its_median_and_its_worst_growth() -> None:
    stored = Stored(50, {STORE_TRACK: [Run(1, 10**6), Run(0.5, 3 * 10**6), Run(9)], FLOOR: [Run(0.5)]})
    assert (stored.rate(STORE_TRACK), stored.growth(STORE_TRACK)) == (50, 3)
    ratio, growth = storing_figures({50: stored})
    assert (ratio.ratio, ratio.promise) == (
        0.5,
        "[red]missed[/]  store_track, 50 MB / httpx and upload_fileobj: ratio at least 0.8",
    )
    assert (growth.value, growth.promise) == (3, "[green]met[/]     growth of store_track, 50 MB / the file: value at most 32")
    stored.runs[CLI] = [Run(2)]
    assert [figure.reference for figure in storing_figures({50: stored})] == [100, 25, 50]


def test_a_figure_without_a_target_promises_nothing() -> None:
    assert Figure("a / b", 1, "ms", 2).promise is None


def test_the_file_that_is_stored_is_a_song_of_that_size(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "2.wav", 2_000_000)
    assert path.stat().st_size == pytest.approx(2_000_000, rel=0.001)
    with wave.open(str(path)) as file:
        assert file.getnframes() == 500_000
