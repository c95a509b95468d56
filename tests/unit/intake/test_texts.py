"""Texts of a client: length and characters are checked before a job exists, so that no unusable text is ever paid for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from suno_jobs.catalog.inputs import INPUTS, SongFields
from suno_jobs.errors import InvalidRequest
from suno_jobs.gateways.protocol import Limits
from suno_jobs.gateways.registry import GATEWAYS
from tests.world import ROOT, TABLE, World

Schema = dict[str, Any]

CONTROL_CHARACTERS = ["\x00", "\x08", "\x0b", "\x0c", "\r", "\x1b", "\x1f", "\x7f", "\x80", "\x85", "\x9f"]


def strings(schema: Any) -> Iterator[Schema]:
    """Every string in a JSON schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "string":
            yield schema
        schema = list(schema.values())
    for each in schema if isinstance(schema, list) else ():
        yield from strings(each)


def texts() -> dict[tuple[str, str], int]:
    """The maximum length of each text, by kind and field. Ids, names of models and URLs are no texts."""
    return {
        (kind, field): found["maxLength"]
        for kind, model in INPUTS.items()
        for field, schema in model.model_json_schema()["properties"].items()
        for found in strings(schema)
        if "maxLength" in found and "url" not in field
    }


TEXTS = sorted(texts().items())


def refusal(world: World, **changes: Any) -> list[dict[str, str]]:
    body = {"gateway": "auto", "kind": "music", "input": {"prompt": "rain"}, **changes}
    with pytest.raises(InvalidRequest) as refused:
        world.job_submitter().submit_job("acme", body, None)
    assert world.dynamodb.scan(TableName=TABLE)["Count"] == 0
    errors: list[dict[str, str]] = refused.value.members["errors"]
    return errors


@pytest.mark.parametrize("kind", INPUTS)
def test_every_string_of_an_input_is_limited(kind: str) -> None:
    limited = {"maxLength", "pattern", "enum", "const"}
    assert [each for each in strings(INPUTS[kind].model_json_schema()) if not limited & set(each)] == []  # type: ignore[index]


def test_every_text_is_known() -> None:
    song = {"prompt", "lyrics", "style", "title", "negative_style"}
    assert {field for _, field in texts()} == song | {"full_lyrics", "name", "description", "author", "brand", "stem"}


@pytest.mark.parametrize(("text", "longest"), TEXTS, ids=str)
def test_a_text_that_is_too_long_is_refused(world: World, text: tuple[str, str], longest: int) -> None:
    kind, field = text
    [error] = [
        each for each in refusal(world, kind=kind, input={field: "x" * (longest + 1)}) if each["pointer"] == f"/input/{field}"
    ]
    assert error["detail"] == f"must have at most {longest} characters"
    found = refusal(world, kind=kind, gateway="nobody", input={field: "x" * longest})
    assert f"/input/{field}" not in [each["pointer"] for each in found]


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_no_gateway_accepts_longer_texts(gateway: str) -> None:
    schema = SongFields.model_json_schema()["properties"]
    for limit in fields(Limits):
        [ours] = strings(schema[limit.name])
        assert getattr(GATEWAYS[gateway].limits, limit.name) * 2 <= ours["maxLength"], limit.name


@pytest.mark.parametrize(("text", "_longest"), TEXTS, ids=str)
def test_a_text_with_a_nul_is_refused(world: World, text: tuple[str, str], _longest: int) -> None:
    kind, field = text
    assert {
        "pointer": f"/input/{field}",
        "detail": "contains the control character U+0000; only line breaks and tabs are allowed",
    } in refusal(world, kind=kind, input={field: "a\0b"})


@pytest.mark.parametrize("character", CONTROL_CHARACTERS, ids=ascii)
def test_every_control_character_is_refused(world: World, character: str) -> None:
    assert refusal(world, input={"lyrics": f"la{character}la", "style": "folk", "title": "t"}) == [
        {
            "pointer": "/input/lyrics",
            "detail": f"contains the control character U+{ord(character):04X}; only line breaks and tabs are allowed",
        }
    ]


@pytest.mark.parametrize("character", CONTROL_CHARACTERS, ids=ascii)
def test_metadata_with_a_control_character_is_refused(world: World, character: str) -> None:
    found = f"the control character U+{ord(character):04X}; only line breaks and tabs are allowed"
    assert refusal(world, metadata={"order": f"7{character}"}) == [
        {"pointer": "/metadata/order", "detail": f"contains {found}"}
    ]
    assert refusal(world, metadata={"a": "b", f"or{character}der": "7"}) == [
        {"pointer": "/metadata", "detail": f"a name contains {found}"}
    ]


def test_line_breaks_tabs_and_other_scripts_are_kept(world: World) -> None:
    lyrics = "one\ntwo\r\nthree\tfour\n\u2028é雨👩\u200d🎤"
    given = {"lyrics": lyrics, "style": "folk", "title": "t"}
    metadata = {"a\tb": "c\nd\r\n"}
    view, _ = world.job_submitter().submit_job(
        "acme", {"gateway": "crun", "kind": "music", "input": given, "metadata": metadata}, None
    )
    assert world.jobs.request(view.job.job_id)["input"]["lyrics"] == lyrics
    assert world.job(view.job.job_id).metadata == metadata


def test_every_limit_is_documented() -> None:
    section = (ROOT / "docs/api.md").read_text().partition("\n### Length of texts\n")[2].partition("\n#")[0]
    documented = {
        field: int(characters)
        for names, characters in re.findall(r"^\| (`.+`) \| (\d+) \|$", section, re.MULTILINE)
        for field in re.findall(r"`(\w+)`", names)
    }
    assert documented == {field: longest for (_, field), longest in texts().items()}
