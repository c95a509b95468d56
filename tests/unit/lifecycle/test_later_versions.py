"""Records that a later version wrote: this one reads them, shows them, and leaves what it does not understand."""

from __future__ import annotations

import typing
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from types import UnionType
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.catalog.costs import Cost, CostSource
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.models import RequestedModel
from suno_jobs.catalog.results import Link
from suno_jobs.errors import ErrorCode, Fault, LaterVersion
from suno_jobs.jobs import record
from suno_jobs.jobs.history import Entry, Wait
from suno_jobs.jobs.record import Attempt, Candidate, Job, JobView, QuarantinedFile, Renewal, Track, TrackState
from suno_jobs.jobs.states import Cause, JobState, Progress, WaitReason
from suno_jobs.jobs.views import job_view
from suno_jobs.lifecycle.later_versions import is_known
from suno_jobs.steps.create_task import gateway_order
from suno_jobs.storage.attribute_values import pack, unpack
from suno_jobs.storage.table import key
from suno_jobs.stored_words import stored_word
from suno_jobs.traffic.batch_reads import BatchReader
from tests.builders import AUDIO, JOB_ID, put_job
from tests.world import START, TABLE, World, a_job

LATER = "of a later version"
FAULT = Fault(ErrorCode.NO_AUDIO, "x")
ENTRY = Entry(START, JobState.ACCEPTED, Cause.CLIENT, 0, "ttapi", ErrorCode.QUOTA, Wait(WaitReason.REFUSAL, START))

JOB = replace(
    a_job(job_id=JOB_ID, state=JobState.GENERATING, created_at=START, updated_at=START, deadline_at=START + 1200),
    attempts=(Attempt(START, "t-1", record.TaskEnd.COMPLETE),),
    candidates=(Candidate("crun"),),
    cost=Cost(1.0, "credits", CostSource.REPORTED),
    fault=FAULT,
    history=(ENTRY.line(),),
    renewal=Renewal(0, START),
    requested_model=RequestedModel("v5", "chirp"),
    wait_reason=WaitReason.REFUSAL,
)
TRACK = Track(
    track_id="m-1",
    position=0,
    state=TrackState.STORED,
    links=(Link("audio", "https://c.example/x"),),
    assets=(AUDIO,),
    missing={"image": FAULT},
    fault=FAULT,
)
QUARANTINED = QuarantinedFile(
    track_id="m-1",
    kind="audio",
    reason=ErrorCode.ASSET_SILENT,
    message="x",
    bytes=1,
    sha256="0" * 64,
    source_host="c.example",
    stored_at=START,
)


def stored(value: Any) -> Any:
    """As DynamoDB returns it."""
    given_item = (
        value.to_item() if hasattr(value, "to_item") else {each.name: getattr(value, each.name) for each in fields(value)}
    )
    return unpack(pack({name: member for name, member in given_item.items() if member is not None}))


@dataclass(frozen=True)
class Place:
    """A word of an enumeration, or a record, within the item of ``owner``."""

    owner: Any
    path: tuple[str | int, ...]

    def __str__(self) -> str:
        return ".".join([type(self.owner).__name__, *map(str, self.path)])

    def changed(self, change: Any) -> Any:
        """The item of the owner with another value in this place."""
        item = stored(self.owner)
        target = item
        for step in self.path[:-1]:
            target = target[step]
        target[self.path[-1]] = change(target[self.path[-1]])
        return item


def places(owner: Any, value: Any, wanted: type, path: tuple[str | int, ...] = ()) -> list[Place]:
    own = [Place(owner, path)] if path and isinstance(value, wanted) else []
    match value:
        case dict():
            members: list[tuple[str | int, Any]] = list(value.items())
        case list() | tuple():
            members = list(enumerate(value))
        case _ if is_dataclass(value):
            members = [(each.name, getattr(value, each.name)) for each in fields(value)]
        case _:
            members = []
    return own + [found for name, member in members for found in places(owner, member, wanted, (*path, name))]


OWNERS = (JOB, TRACK, QUARANTINED)
WORDS = [place for owner in OWNERS for place in places(owner, owner, StrEnum)]


def read(place: Place, item: Any) -> Any:
    return type(place.owner).from_item(item)


def enumerations(annotation: Any) -> set[type]:
    """Those in the type of a field."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return {annotation}
    if isinstance(annotation, UnionType) or typing.get_origin(annotation) not in (None, Literal):
        return {found for part in typing.get_args(annotation) for found in enumerations(part)}
    if is_dataclass(annotation):
        return {found for hint in typing.get_type_hints(annotation).values() for found in enumerations(hint)}
    return set()


def test_every_enumeration_of_a_record_is_tried() -> None:
    tried = {type(at(place)) for place in WORDS}
    assert tried == {found for owner in OWNERS for found in enumerations(type(owner))}


def at(place: Place) -> Any:
    value = place.owner
    for step in place.path:
        value = getattr(value, step) if is_dataclass(value) and isinstance(step, str) else value[step]
    return value


@pytest.mark.parametrize("place", WORDS, ids=str)
def test_a_word_of_a_later_version_is_kept_and_shown(place: Place) -> None:
    item = place.changed(lambda _: LATER)
    found = read(place, item)
    again = stored(found) if hasattr(found, "to_item") else item
    assert again == item
    view = {Job: lambda: JobView(found), Track: lambda: JobView(JOB, (found,))}.get(type(found))
    job_view(view() if view else JobView(JOB, (TRACK,), None, (found,)))


@pytest.mark.parametrize("place", [Place(JOB, ("attempts", 0)), Place(JOB, ("fault",)), Place(JOB, ("cost",))], ids=str)
def test_attributes_of_a_later_version_are_ignored_in_nested_records_too(place: Place) -> None:
    assert read(place, place.changed(lambda value: {**value, "later": 1})) == JOB
    for name in ("renewal", "requested_model", "file_terms"):
        assert read(place, Place(JOB, (name,)).changed(lambda value: {**value, "later": 1})) == JOB


@given(words=st.lists(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), min_size=4, max_size=4))
def test_a_line_of_the_history_is_kept(words: list[str]) -> None:
    state, cause, code, reason = words
    line = f"{START} {state} {cause} 3 {LATER.replace(' ', '-')} {code} {reason} {START}"
    assert Entry.read(line).line() == line


def test_a_word_is_its_member_or_equals_none() -> None:
    assert stored_word(JobState, "FAILED") is JobState.FAILED
    later = stored_word(Progress, LATER)
    assert (later, str(later), later.value, repr(later)) == (LATER, LATER, LATER, f"<Progress.{LATER}: '{LATER}'>")
    assert later not in list(Progress)
    assert {later: 1} == {stored_word(Progress, LATER): 1}


UNKNOWN = [("state", LATER), ("kind", LATER), ("gateway", "later")]


@pytest.mark.parametrize(("name", "value"), UNKNOWN)
def test_a_job_of_a_later_version_is_left_to_it(world: World, name: str, value: str) -> None:
    """It is neither submitted nor ended, and no gateway is asked about it."""
    put_job(world, JobState.ACCEPTED)
    change_item(world, name, value)
    before = world.jobs.get(JOB_ID)
    assert before
    assert not is_known(before)
    assert world.task_creator().create_task(JOB_ID).next == "wait"
    with pytest.raises(LaterVersion):
        world.task_checker().check_task(JOB_ID)
    after = world.jobs.get(JOB_ID)
    assert after
    assert (after.state, after.kind, after.gateway, after.attempts) == (before.state, before.kind, before.gateway, ())


def test_a_candidate_of_a_later_version_is_not_asked() -> None:
    job = replace(JOB, attempts=(), candidates=(Candidate("later"), Candidate("crun")))
    assert gateway_order(job, START, None) == [Candidate("crun")]


def test_a_job_of_a_later_version_keeps_no_other_from_the_batch_read(world: World) -> None:
    later = replace(JOB, gateway="later", attempts=(Attempt(START, "t-1"),))
    assert [*BatchReader(world.calls()).find_running([later])] == [([later], ())]


def change_item(world: World, name: str, value: str) -> None:
    world.dynamodb.update_item(
        TableName=TABLE,
        Key=pack(key(JOB_ID, "JOB")),
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": {"S": value}},
    )


def test_every_kind_at_its_gateway_is_known() -> None:
    assert is_known(JOB)
    assert not is_known(replace(JOB, kind=Kind.MASHUP, gateway="newapi"))
