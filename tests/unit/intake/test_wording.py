"""Refusals are written for the client: no word of Python or of a library."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suno_jobs.catalog.inputs import INPUTS, SongFields
from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import InvalidRequest
from suno_jobs.gateways.registry import GATEWAYS
from tests.world import World

OURS = re.compile(
    r"pydantic|python|instance|dictionary|JobRequest|Input\b|Extra inputs|Value error|str_digits|None\b|True\b|False\b"
)

scalars = (
    st.none() | st.booleans() | st.integers(-5, 5000) | st.floats() | st.sampled_from(["", "x", "\x00", "\ud800", "a" * 30_000])
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
)


def refusal(world: World, body: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        world.job_submitter().submit_job("acme", body, None)
    return {each["pointer"]: each["detail"] for each in refused.value.members["errors"]}


@pytest.mark.parametrize(
    ("changes", "field", "detail"),
    [
        ({"input": {}}, "/input", "prompt or lyrics is required"),
        ({"input": None}, "/input", "must be an object"),
        ({"input": {"prompt": 7}}, "/input/prompt", "must be a string"),
        ({"input": {"prompt": "x", "instrumental": "yes"}}, "/input/instrumental", "must be true or false"),
        ({"input": {"prompt": "x", "weirdness": 1.5}}, "/input/weirdness", "must be at most 1"),
        ({"input": {"prompt": "x", "weirdness": float("nan")}}, "/input/weirdness", "must be a finite number"),
        ({"input": {"prompt": "x", "vocal_gender": "f"}}, "/input/vocal_gender", "must be 'male' or 'female'"),
        ({"input": {"prompt": ""}}, "/input/prompt", "must have at least 1 character"),
        ({"input": {"prompt": "x", "title": "x" * 501}}, "/input/title", "must have at most 500 characters"),
        ({"kind": "mashup", "input": {"sources": []}}, "/input/sources", "must have at least 2 members"),
        ({"kind": "sounds", "input": {"prompt": "x", "bpm": 1.5}}, "/input/bpm", "must be a whole number"),
        ({"colour": "blue"}, "/colour", "is unknown"),
        ({"metadata": []}, "/metadata", "must be an object"),
        ({"metadata": {"x" * 41: "y"}}, "/metadata/" + "x" * 41, "the name of this member must have at most 40 characters"),
        ({"metadata": {"a/b~": 7}}, "/metadata/a~1b~0", "must be a string"),
        ({"kind": "wav", "input": {"source": {"[key]": 7}}}, "/input/source/[key]", "is unknown"),
        ({"metadata": {"[key]": 7}}, "/metadata/[key]", "must be a string"),
        ({"metadata": {"order": None}}, "/metadata/order", "must be a string"),
        ({"input": {"prompt": None}}, "/input", "prompt or lyrics is required"),
        ({"gateway": None}, "/gateway", f"must be auto, or one or more of {', '.join(GATEWAYS)}"),
    ],
)
def test_each_reason_says_what_to_change(world: World, changes: dict[str, Any], field: str, detail: str) -> None:
    assert refusal(world, {"gateway": "auto", "kind": "music", "input": {"prompt": "x"}, **changes})[field] == detail


@pytest.mark.parametrize("body", [None, [], "x", 7])
def test_a_body_that_is_no_object_is_said_to_be_none(world: World, body: Any) -> None:
    assert refusal(world, body) == {"": "must be an object"}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(kind=st.sampled_from(Kind), data=st.data())
def test_no_refusal_speaks_of_this_program(world: World, kind: Kind, data: st.DataObject) -> None:
    fields = st.sampled_from([*INPUTS[kind].model_fields, "colour"])
    body = {"gateway": "auto", "kind": kind.value, "input": data.draw(st.dictionaries(fields, anything, max_size=4))}
    body |= data.draw(
        st.dictionaries(st.sampled_from(["gateway", "metadata", "ambiguous_submit", "kind"]), anything, max_size=2)
    )
    details = []
    try:
        world.job_submitter().submit_job("acme", body, None)
    except InvalidRequest as refused:
        details = [each["detail"] for each in refused.members["errors"]]
    assert [each for each in details if OURS.search(each)] == []


def test_the_rules_of_a_gateway_are_judged_even_if_another_field_is_wrong(world: World) -> None:
    given = {"prompt": "x" * 3001, "weirdness": 2, "instrumental": "no"}
    found = refusal(world, {"gateway": "ttapi", "kind": "music", "input": given, "metadata": 7, "colour": "blue"})
    assert sorted(found) == ["/colour", "/input/instrumental", "/input/prompt", "/input/weirdness", "/metadata"]


def test_the_rules_between_fields_are_judged_even_if_another_field_is_wrong(world: World) -> None:
    given = {"prompt": "rain", "lyrics": "la", "weirdness": 2}
    found = refusal(world, {"gateway": "ttapi", "kind": "music", "input": given})
    assert found == {"/input/weirdness": "must be at most 1", "/input": "prompt and lyrics cannot be combined"}


def test_a_wrong_field_is_not_also_missing(world: World) -> None:
    source = {"job_id": "job_1", "track_id": 7}
    for kind, job_input, wrong in (
        ("music", {"prompt": 7}, "/input/prompt"),
        ("upload_cover", {"audio_url": "ftp://a.example/x"}, "/input/audio_url"),
        ("wav", {"source": source}, "/input/source/track_id"),
    ):
        assert list(refusal(world, {"gateway": "acedata", "kind": kind, "input": job_input})) == [wrong]


def test_a_field_is_named_once(world: World) -> None:
    with pytest.raises(InvalidRequest) as refused:
        world.job_submitter().submit_job("acme", {"gateway": "crun", "kind": "music", "input": {"prompt": "x" * 20_000}}, None)
    assert [each["pointer"] for each in refused.value.members["errors"]] == ["/input/prompt"]


def test_null_in_an_optional_field_is_the_same_as_no_field(world: World) -> None:
    given = {"prompt": "x", **dict.fromkeys(SongFields.model_fields.keys() - {"prompt"})}
    body = {"gateway": "ttapi", "kind": "music", "input": given, "metadata": None, "ambiguous_submit": None}
    job = world.job_submitter().submit_job("acme", body, None)[0].job
    assert world.jobs.request(job.job_id)["input"] == {"prompt": "x", "instrumental": False, "max_mode": False}
    assert (job.metadata, job.resubmit) == ({}, False)
