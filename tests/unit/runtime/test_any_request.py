"""Whatever a client sends, the answer is for clients: no 500, no word of this program, and each pointer leads to its value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from suno_jobs.catalog.inputs import INPUTS
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import PROBLEMS
from suno_jobs.gateways.registry import GATEWAYS
from suno_jobs.jobs.states import JobState
from tests.builders import Handler, event, handler, put_job
from tests.world import World

FORBIDDEN = re.compile(
    r"(?i:pydantic|python|traceback|instance|dictionary|jobrequest|input should|extra inputs|value error|str_digits|max_str)"
    r"|(?i:expecting|surrogates not allowed|codec|unicode(en|de)code|isoformat)"
    r"|\b(None|NoneType|True|False|dict|str|int|bool|float|tuple|datetime|self)\b|0x[0-9a-f]+"
)
OURS = ("gateway", "kind", "input", "metadata", "ambiguous_submit", "prompt", "bpm", "source", "job_id", "accept_second_charge")

names = st.sampled_from([*OURS, "colour", "", "a/b", "m~n", "\u0000", "\ud800", "[key]"])
words = st.sampled_from(["", "x", "auto", *GATEWAYS, *Kind, "\u0000", "ü", "x" * 30_000])
scalars = st.none() | st.booleans() | st.sampled_from([0, 1, -1, 0.5, 2**64, 10**400, 10**4000, 1e308]) | words
odd = scalars | st.sampled_from([float("nan"), float("inf"), "\ud83d"])


class Members(tuple[tuple[str, Any], ...]):
    """An object whose names may be repeated."""

    __slots__ = ()


def objects(fields: st.SearchStrategy[str], members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(fields, members, max_size=4).map(lambda given: Members(given.items()))


values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | objects(names.filter(str.isprintable), inner), max_leaves=6
)
odd_values = st.recursive(
    odd, lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(names, inner), max_size=4).map(Members), max_leaves=9
)


@st.composite
def requests(draw: st.DrawFn) -> Members:
    """Nearly the body of a request."""
    kind = draw(st.sampled_from(Kind))
    fields = st.sampled_from([*INPUTS[kind].model_fields, "colour"])
    others = {"gateway": "auto", "kind": kind.value, "input": draw(objects(fields, values) | values)}
    others |= draw(
        st.dictionaries(st.sampled_from(["gateway", "metadata", "ambiguous_submit", "kind", "a/b"]), values, max_size=2)
    )
    return Members(others.items())


def text_of(value: Any) -> str:
    if isinstance(value, Members):
        members = ",".join(f"{json.dumps(name)}:{text_of(member)}" for name, member in value)
        return f"{{{members}}}"
    if isinstance(value, list):
        return f"[{','.join(map(text_of, value))}]"
    return json.dumps(value)


depths = st.sampled_from([1, 31, 32, 33, 500, 5_000, 30_000])
deep = depths.map(lambda depth: "[" * depth + "]" * depth) | depths.map(lambda depth: '{"a":' * depth + "1" + "}" * depth)
digits = st.sampled_from([400, 4_300, 4_301, 50_000]).map(lambda length: "9" * length)
other_texts = deep | digits | st.text(max_size=20) | odd_values.map(text_of)
bodies = requests().map(text_of) | requests().map(text_of) | objects(names, values).map(text_of) | other_texts


def check(answer: dict[str, Any], allowed: Sequence[int]) -> list[dict[str, str]]:
    """The errors of a problem; none if the request was accepted."""
    assert answer["statusCode"] in allowed
    if answer["statusCode"] < 300:
        return []
    problem = json.loads(answer["body"])
    assert (problem["type"], problem["status"]) in [(each.type_uri(), each.status) for each in PROBLEMS]
    errors: list[dict[str, str]] = problem.get("errors", [])
    assert bool(errors) == (problem["status"] == 422)
    said = [each["detail"] for each in errors] if errors else [problem["detail"]]
    assert [text for text in said if FORBIDDEN.search(text)] == []
    return errors


def resolve(body: Any, pointer: str, *, required: bool) -> Any:
    """The value that a JSON pointer leads to (RFC 6901). If it is a required one, it may be missing, but not its object."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for number, part in enumerate(parts, 1):
        if isinstance(body, list):
            body = body[int(part)]
        else:
            assert isinstance(body, dict)
            assert part in body or (required and number == len(parts))
            body = body.get(part)
    return body


parameters = st.sampled_from(["state", "kind", "created_after", "limit", "cursor", "metadata.a", "colour"])

HandlerFor = Callable[[str], Handler]


@pytest.fixture
def handler_of(deployed: SimpleNamespace, world: World) -> HandlerFor:
    put_job(world, JobState.FAILED)
    handlers = {name: handler(name) for name in ("submit_job", "retry_job", "read_jobs")}
    return handlers.__getitem__


SETTINGS = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@SETTINGS
@given(text=bodies)
@example(text='{"gateway":"ttapi","gateway":"crun"}')
@example(text='{"gateway":"ttapi","kind":"sounds","input":{"prompt":"x","bpm":%s}}' % ("9" * 4000))
@example(text='{"gateway":"ttapi","kind":"music","input":{"prompt":"x"},"metadata":{"\\ud800":"x"}}')
@example(text='{"gateway":"ttapi","kind":"music","input":{"prompt":"x","\\ud800":1}}')
def test_any_body_gets_an_answer_for_clients(handler_of: HandlerFor, text: str) -> None:
    for function, sample in (("submit_job", "submit_job/lyrics"), ("retry_job", "retry_job/retry")):
        given_event = event(sample) | {"body": text}
        given_event["headers"].pop("idempotency-key", None)
        errors = check(handler_of(function)(given_event), (200, 202, 400, 413, 422))
        for each in errors:
            resolve(json.loads(text) if text else {}, each["pointer"], required="is required" in each["detail"])


@SETTINGS
@given(query=st.lists(st.tuples(parameters, st.text(max_size=8))))
@example(query=[("created_after", "0001-01-01T00:00:00+23:59"), ("created_before", "9999-12-31T23:59:59-23:59")])
@example(query=[("cursor", "\ud800"), ("limit", "²")])
def test_any_query_gets_an_answer_for_clients(handler_of: HandlerFor, query: list[tuple[str, str]]) -> None:
    text = "&".join(f"{name}={value}" for name, value in query)
    for each in check(handler_of("read_jobs")(event("read_jobs/list") | {"rawQueryString": text}), (200, 422)):
        assert each["parameter"] in unquote(text).replace("+", " ")


@SETTINGS
@given(key=st.text(min_size=1, max_size=9) | st.just("x" * 256), dry_run=st.text(max_size=5))
def test_any_key_and_flag_get_an_answer_for_clients(handler_of: HandlerFor, key: str, dry_run: str) -> None:
    given_event = event("submit_job/lyrics") | {"queryStringParameters": {"dry_run": dry_run}}
    given_event["headers"]["idempotency-key"] = key
    for each in check(handler_of("submit_job")(given_event), (200, 202, 422)):
        assert {**each, "detail": ""} in ({"header": "Idempotency-Key", "detail": ""}, {"parameter": "dry_run", "detail": ""})


@SETTINGS
@given(parts=st.lists(st.text(max_size=9), max_size=5))
def test_any_path_gets_an_answer_for_clients(handler_of: HandlerFor, parts: list[str]) -> None:
    given_event = event("read_jobs/job")
    given_event["rawPath"] = given_event["requestContext"]["http"]["path"] = "/".join(["/v1/jobs", *parts])
    check(handler_of("read_jobs")(given_event), (200, 404))
