"""The table in memory is compared with moto's: the same operations, the same answers and errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.aws_in_memory import CheckedClient
from tests.simulation import world
from tests.simulation.aws_table import DynamoDb
from tests.simulation.expressions import Scope, read_condition
from tests.simulation.report import plan_of
from tests.world import JOBS_TABLE, TABLE

texts = st.sampled_from(["", "a", "ab", "abc", "DUE#1"])
strings = texts.map(lambda text: {"S": text})
# Neither 0 nor 1: moto takes them for False and True.
numbers = st.sampled_from(["2", "3", "10", "-1", "2.5"]).map(lambda number: {"N": number})
lists = st.lists(strings | numbers, max_size=3).map(lambda parts: {"L": parts})
binaries = st.sampled_from([b"a", b"ab"]).map(lambda part: {"B": part})
maps = st.dictionaries(st.sampled_from(["x", "y"]), strings | numbers, max_size=2).map(lambda parts: {"M": parts})
values = strings | numbers | lists | binaries | maps | st.booleans().map(lambda flag: {"BOOL": flag})

# ``state`` is a reserved word, ``due_shard`` and ``due_at`` are the keys of the index. All but one keep their type, since moto
# compares values of several types only for equality.
ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "state": strings,
    "checks": numbers,
    "tags": lists,
    "due_shard": st.just({"S": "DUE#1"}),
    "due_at": numbers,
    "note": values,
}
ORDERED = ("state", "checks", "due_at")

keys = st.tuples(st.sampled_from(["p", "q"]), st.sampled_from(["JOB", "JOB#1", "JOB#2", "RECEIPT"]))
names = st.sampled_from(sorted(ATTRIBUTES))


class Expression:
    """Collects the placeholders of one operation's expressions."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def name(self, name: str) -> str:
        self.names[f"#{name}"] = name
        return f"#{name}"

    def value(self, value: Mapping[str, Any]) -> str:
        mark = f":v{len(self.values)}"
        self.values[mark] = value
        return mark

    def arguments(self) -> dict[str, Any]:
        found = {"ExpressionAttributeNames": self.names, "ExpressionAttributeValues": self.values}
        return {name: each for name, each in found.items() if each}


@st.composite
def predicates(draw: st.DrawFn, into: Expression) -> str:
    name = draw(names)
    place, operand = into.name(name), ATTRIBUTES[name]
    match draw(st.sampled_from(["exists", "absent", "equal", "order", "between", "in", "begins", "contains"])):
        case "exists":
            return f"attribute_exists({place})"
        case "order" if name in ORDERED:
            return f"{place} {draw(st.sampled_from(['<', '<=', '>', '>=']))} {into.value(draw(operand))}"
        case "between" if name in ORDERED:
            least, most = into.value(draw(operand)), into.value(draw(operand))
            return f"{place} BETWEEN {least} AND {most}"
        case "equal" | "order" | "between":
            return f"{place} {draw(st.sampled_from(['=', '<>']))} {into.value(draw(values))}"
        case "in":
            options = draw(st.lists(values, min_size=1, max_size=3))
            return f"{place} IN ({', '.join(into.value(option) for option in options)})"
        case "begins" if name == "state":
            return f"begins_with({place}, {into.value(draw(strings))})"
        case "contains" if name in ("state", "tags"):
            return f"contains({place}, {into.value(draw(strings))})"
    return f"attribute_not_exists({place})"


@st.composite
def conditions(draw: st.DrawFn, into: Expression, depth: int = 2) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(predicates(into))
    parts = [draw(conditions(into, depth - 1)) for _ in range(draw(st.integers(1, 3)))]
    joined = f" {draw(st.sampled_from(['AND', 'OR']))} ".join(parts if len(parts) == 1 else [f"({part})" for part in parts])
    return f"NOT ({joined})" if draw(st.booleans()) and depth == 1 else joined


@st.composite
def updates(draw: st.DrawFn, into: Expression) -> str:
    """What ``suno_jobs.storage.update_expressions.Change`` produces, and more. Each attribute is in one clause only."""
    clauses: dict[str, list[str]] = {"SET": [], "REMOVE": [], "ADD": []}
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        place = into.name(name)
        kept = ATTRIBUTES[name]
        match draw(st.sampled_from(["set", "default", "append", "sum", "remove", "add"])):
            case "set":
                clauses["SET"].append(f"{place} = {into.value(draw(kept))}")
            case "default":
                clauses["SET"].append(f"{place} = if_not_exists({place}, {into.value(draw(kept))})")
            case "append" if name == "tags":
                empty, more = into.value({"L": []}), into.value(draw(lists))
                clauses["SET"].append(f"{place} = list_append(if_not_exists({place}, {empty}), {more})")
            case "sum" if name == "checks":
                clauses["SET"].append(
                    f"{place} = if_not_exists({place}, {into.value({'N': '0'})}) + {into.value(draw(numbers))}"
                )
            case "add" if name in ("checks", "due_at"):
                clauses["ADD"].append(f"{place} {into.value(draw(numbers))}")
            case _:
                clauses["REMOVE"].append(place)
    return " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items() if parts)


@st.composite
def operations(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    first, second = draw(keys)
    key = {"pk": {"S": first}, "sk": {"S": second}}
    into = Expression()
    match draw(st.sampled_from(["get", "put", "update", "update", "update", "delete", "query", "due", "transact"])):
        case "get":
            return "get_item", {"TableName": TABLE, "Key": key}
        case "delete":
            return "delete_item", {"TableName": TABLE, "Key": key}
        case "put":
            condition = {"ConditionExpression": draw(conditions(into))} if draw(st.booleans()) else {}
            item = {**key, "state": draw(strings), "checks": draw(numbers)}
            returned = draw(st.sampled_from(["NONE", "ALL_OLD"]))
            return "put_item", {"TableName": TABLE, "Item": item, "ReturnValues": returned, **condition, **into.arguments()}
        case "update":
            return "update_item", {"TableName": TABLE, "Key": key, **draw(changes(into, draw(returns)))}
        case "query":
            marks = {":pk": {"S": first}, ":sk": {"S": draw(st.sampled_from(["JOB", "JOB#", "RECEIPT"]))}}
            text = "pk = :pk AND begins_with(sk, :sk)"
            wanted = {"FilterExpression": draw(predicates(into))} if draw(st.booleans()) else {}
            wanted |= {"Select": "COUNT"} if draw(st.booleans()) else {}
            given = into.arguments()
            given["ExpressionAttributeValues"] = {**marks, **given.get("ExpressionAttributeValues", {})}
            return "query", {"TableName": TABLE, "KeyConditionExpression": text, **wanted, **given}
        case "due":
            marks = {":shard": {"S": "DUE#1"}, ":now": draw(numbers)}
            text = "due_shard = :shard AND due_at <= :now"
            given_marks = {"KeyConditionExpression": text, "ExpressionAttributeValues": marks}
            return "query", {"TableName": TABLE, "IndexName": "due", **given_marks}
    return "transact_write_items", {"TransactItems": draw(parts())}


returns = st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW"])


@st.composite
def changes(draw: st.DrawFn, into: Expression, returned: str | None) -> dict[str, Any]:
    change: dict[str, Any] = {"UpdateExpression": draw(updates(into))}
    if draw(st.booleans()):
        change["ConditionExpression"] = draw(conditions(into))
    return change | ({"ReturnValues": returned} if returned else {}) | into.arguments()


@st.composite
def parts(draw: st.DrawFn) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for first, second in draw(st.lists(keys, min_size=1, max_size=3, unique=True)):
        key, into = {"pk": {"S": first}, "sk": {"S": second}}, Expression()
        match draw(st.sampled_from(["Put", "Update", "ConditionCheck"])):
            case "Put":
                condition = "attribute_not_exists(pk)"
                item = {**key, "state": draw(strings)}
                found.append({"Put": {"TableName": TABLE, "Item": item, "ConditionExpression": condition}})
            case "Update":
                found.append({"Update": {"TableName": TABLE, "Key": key, **draw(changes(into, None))}})
            case _:
                condition = draw(conditions(into))
                check = {"TableName": TABLE, "Key": key, "ConditionExpression": condition, **into.arguments()}
                found.append({"ConditionCheck": check})
    return found


def outcome(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
    """The part of the answer that a caller sees."""
    try:
        answer = getattr(client, operation)(**arguments)
    except client.exceptions.TransactionCanceledException as error:
        return [reason["Code"] for reason in error.response["CancellationReasons"]]
    except client.exceptions.ConditionalCheckFailedException:
        return "ConditionalCheckFailed"
    except ClientError as error:
        return error.response["Error"]["Code"]
    return {name: answer[name] for name in ("Item", "Attributes", "Items", "Count") if name in answer}


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(steps=st.lists(operations(), min_size=1, max_size=12))
def test_the_table_behaves_like_moto(moto: SimpleNamespace, steps: list[tuple[str, dict[str, Any]]]) -> None:
    ours = DynamoDb({TABLE: JOBS_TABLE})
    moto.dynamodb.create_table(TableName=TABLE, **JOBS_TABLE)
    try:
        for operation, arguments in steps:
            assert outcome(ours, operation, arguments) == outcome(moto.dynamodb, operation, arguments), (operation, arguments)
    finally:
        moto.dynamodb.delete_table(TableName=TABLE)


@pytest.mark.parametrize("wrong", [{"pk": {"S": 1}}, {"pk": {"N": 1}}, {"pk": "p"}, {"pk": {"S": None}}])
def test_unit_tests_cannot_store_what_botocore_refuses_to_send(wrong: dict[str, Any]) -> None:
    tables = CheckedClient("dynamodb", DynamoDb({TABLE: JOBS_TABLE}))
    with pytest.raises(ParamValidationError):
        tables.put_item(TableName=TABLE, Item={"sk": {"S": "JOB"}} | wrong)
    with pytest.raises(ParamValidationError):
        tables.query(TableName=TABLE, KeyConditions="pk = :p")


EVERY_FAULT = 46
"""A seed with slow calls, inaccurate clocks, crashes, and stale reads of the index."""

SENT = ("get_item", "put_item", "update_item", "delete_item", "query", "transact_write_items")


def recording(calls: list[tuple[str, dict[str, Any]]]) -> type[DynamoDb]:
    """The table, which also adds every call to ``calls``."""

    def recorded(operation: str) -> Callable[..., Any]:
        def call(table: DynamoDb, **arguments: Any) -> Any:
            calls.append((operation, deepcopy(arguments)))
            return getattr(DynamoDb, operation)(table, **arguments)

        return call

    return type("Recording", (DynamoDb,), {operation: recorded(operation) for operation in SENT})


def test_moto_answers_a_whole_world_alike(moto: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit tests use the table as well, so what the product really sends must have the answers that moto gives."""
    calls: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(world, "DynamoDb", recording(calls))
    seeded = world.World(plan_of(EVERY_FAULT, jobs=3))
    with seeded.open():
        seeded.run()
    tables = seeded.stack.tables
    ours = DynamoDb(tables)
    for name, definition in tables.items():
        moto.dynamodb.create_table(TableName=name, **definition)
    try:
        for operation, arguments in calls:
            assert outcome(ours, operation, arguments) == outcome(moto.dynamodb, operation, arguments), (operation, arguments)
    finally:
        for name in tables:
            moto.dynamodb.delete_table(TableName=name)
    assert {operation for operation, _ in calls} == {*SENT}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("size(#it) = :two", True),
        ("size(#it) > :two", False),
        ("size(#gone) < :two", False),
        ("NOT size(#gone) < :two", True),
        ("contains(#gone, :two) OR #it[0] = :two", False),
        ("#it[1] = :two AND #it[0] <> :two", True),
    ],
)
def test_conditions_that_moto_does_not_support(condition: str, holds: bool) -> None:
    """moto fails at the size of an absent attribute; according to DynamoDB's guide no comparison with it holds."""
    read, used = read_condition(condition, (("#it", "it"), ("#gone", "gone")))
    item = {"it": {"L": [{"S": "a"}, {"N": "2"}]}}
    assert used <= {"#it", "#gone", ":two"}
    assert read(Scope(item, {":two": {"N": "2"}})) is holds


def test_exactly_one_of_many_writers_wins() -> None:
    ours = DynamoDb({TABLE: JOBS_TABLE})
    key = {"pk": {"S": "p"}, "sk": {"S": "JOB"}}

    def claim(number: int) -> bool:
        try:
            ours.put_item(
                TableName=TABLE, Item=key | {"by": {"N": str(number)}}, ConditionExpression="attribute_not_exists(pk)"
            )
        except ours.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(claim, range(200))) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"UpdateExpression": "SET #a = :a"},
        {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "x"}, ":b": {"S": "x"}}},
        {"UpdateExpression": "SET a = :a, a = :a", "ExpressionAttributeValues": {":a": {"S": "x"}}},
        {"UpdateExpression": "SET pk = :a", "ExpressionAttributeValues": {":a": {"S": "x"}}},
        {"UpdateExpression": "SET a = b"},
        {"UpdateExpression": "PUT a"},
        {"UpdateExpression": "REMOVE a", "ConditionExpression": "((attribute_exists(a)))"},
        {"UpdateExpression": "REMOVE a", "ConditionExpression": "attribute_exists(a) attribute_exists(b)"},
    ],
)
def test_expressions_that_dynamodb_refuses_are_refused(arguments: dict[str, Any]) -> None:
    ours = DynamoDb({TABLE: JOBS_TABLE})
    with pytest.raises(ClientError, match="ValidationException"):
        ours.update_item(TableName=TABLE, Key={"pk": {"S": "p"}, "sk": {"S": "JOB"}}, **arguments)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    """moto answers that nothing is in it."""
    ours = DynamoDb({TABLE: JOBS_TABLE})

    def query(least: str, most: str) -> list[Any]:
        bounds = {":pk": {"S": "p"}, ":least": {"S": least}, ":most": {"S": most}}
        condition = "pk = :pk AND sk BETWEEN :least AND :most"
        found: list[Any] = ours.query(TableName=TABLE, KeyConditionExpression=condition, ExpressionAttributeValues=bounds)[
            "Items"
        ]
        return found

    assert query("a", "a") == []
    with pytest.raises(ClientError, match="ValidationException"):
        query("b", "a")
