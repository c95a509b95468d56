"""Values in DynamoDB's notation: records, and what it cannot hold. ``tests/properties/test_dynamo.py`` has any other value."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from suno_jobs.jobs.states import JobState
from suno_jobs.storage.attribute_values import pack, unpack


@dataclass(frozen=True, slots=True)
class Note:
    state: JobState
    places: tuple[int, ...]
    text: str | None = None


def test_records_become_maps_without_their_absent_members() -> None:
    packed = pack({"note": Note(JobState.STORING, (1, 2)), "more": {"a": None, "b": 1}, "none": None})
    assert packed == {
        "note": {"M": {"state": {"S": "STORING"}, "places": {"L": [{"N": "1"}, {"N": "2"}]}}},
        "more": {"M": {"b": {"N": "1"}}},
        "none": {"NULL": True},
    }
    assert type(packed["note"]["M"]["state"]["S"]) is str
    assert unpack(packed)["none"] is None


@pytest.mark.parametrize("number", [inf, -inf, nan])
def test_a_number_that_is_not_finite_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="DynamoDB cannot store"):
        pack({"n": number})


def test_a_set_written_by_another_client_is_read() -> None:
    item: dict[str, Any] = {"s": {"SS": ["a", "b"]}, "n": {"NS": ["1", "2.5"]}, "b": {"BS": [b"x"]}}
    read_by_boto3 = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    assert unpack(item) == read_by_boto3 == {"s": {"a", "b"}, "n": {1, 2.5}, "b": {b"x"}}


def test_an_unsupported_type_is_refused() -> None:
    with pytest.raises(TypeError, match="DynamoDB cannot store set"):
        pack({"s": {1}})


def test_numbers_are_written_without_an_exponent() -> None:
    assert pack({"a": 1e-6, "b": -0.5, "c": 3.0, "z": -1e-9, "d": 1e-9, "e": 1e15}) == {
        "a": {"N": "0.000001"},
        "b": {"N": "-0.5"},
        "c": {"N": "3"},
        "z": {"N": "0"},
        "d": {"N": "0"},
        "e": {"N": "1000000000000000"},
    }
