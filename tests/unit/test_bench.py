"""The bench counts as DynamoDB and Step Functions bill."""

from __future__ import annotations

from typing import Any

from moto.dynamodb.models.dynamo_type import Item as MotoItem

from bench.counted import transitions
from bench.units import Index, index_units, size, table_units

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
