"""Values in DynamoDB's notation, compared with boto3's own serializer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.update_expressions import Change
from tests.simulation.aws_table import DynamoDb
from tests.world import JOBS_TABLE, TABLE

FLOATS = st.floats(-1e12, 1e12).map(lambda number: round(number, 6))
SCALARS = st.text() | st.booleans() | st.integers(-(10**30), 10**30) | FLOATS | st.binary()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=12
)
ITEMS = st.dictionaries(st.text(min_size=1), VALUES | st.none(), max_size=6)


def for_boto3(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(f"{value:.6f}")
    if isinstance(value, dict):
        return {name: for_boto3(member) for name, member in value.items()}
    return [for_boto3(member) for member in value] if isinstance(value, list) else value


def read_by_boto3(packed: dict[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in packed.items()}


@given(ITEMS)
def test_items_are_packed_as_boto3_would(item: dict[str, Any]) -> None:
    expected = {name: TypeSerializer().serialize(for_boto3(value)) for name, value in item.items()}
    assert read_by_boto3(pack(item)) == read_by_boto3(expected)
    assert {name: [*value] for name, value in pack(item).items()} == {name: [*value] for name, value in expected.items()}


@given(ITEMS)
def test_packed_items_are_unpacked_with_their_types(item: dict[str, Any]) -> None:
    back = unpack(pack(item))
    assert back == item
    assert {name: type(value) for name, value in back.items() if not isinstance(item[name], float)} == {
        name: type(value) for name, value in item.items() if not isinstance(value, float)
    }


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_a_whole_number_is_read_as_an_integer_in_any_notation(number: Decimal) -> None:
    [read] = unpack({"n": {"N": str(number)}}).values()
    assert read == float(number)
    assert isinstance(read, int) is (number == number.to_integral_value())
    assert float(TypeDeserializer().deserialize({"N": str(number)})) == read


NAMES = ("state", "size", "name", "due_at", "history", "x")
KEY = {"pk": "p", "sk": "s"}


@st.composite
def changes(draw: st.DrawFn) -> tuple[Change, dict[str, Any]]:
    """Any change of an absent item, and the item that it creates."""
    change, expected = Change(sets={}, defaults={}, adds={}, appends={}, copies={}), dict[str, Any]()
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1)):
        text, number = draw(st.text(min_size=1, max_size=5)), draw(st.integers(0, 9))
        match draw(st.sampled_from(["set", "default", "add", "append", "copy", "remove"])):
            case "set":
                change.sets, expected[name] = {**change.sets, name: text}, text
            case "default":
                change.defaults, expected[name] = {**change.defaults, name: text}, text
            case "add":
                change.adds, expected[name] = {**change.adds, name: number}, number
            case "append":
                change.appends, expected[name] = {**change.appends, name: text}, [text]
            case "copy":
                change.copies, expected[name] = {**change.copies, name: ("elsewhere", text)}, text
            case "remove":
                change.removes = (*change.removes, name)
    return change, expected


@given(changes())
def test_a_change_has_its_effect_and_declares_no_unused_names(drawn: tuple[Change, dict[str, Any]]) -> None:
    change, expected = drawn
    table = DynamoDb({TABLE: JOBS_TABLE})
    arguments = (
        change.require_absent("gone").require("#sort = :none OR attribute_not_exists(#sort)", "sort", none=0).arguments()
    )
    answer = table.update_item(TableName=TABLE, Key=pack(KEY), ReturnValues="ALL_NEW", **arguments)
    assert unpack(answer["Attributes"]) == KEY | expected
