from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from itertools import count
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suno_jobs.catalog.kinds import Kind
from suno_jobs.errors import InvalidRequest
from suno_jobs.jobs.listing import Listing, Position, read_listing
from suno_jobs.jobs.states import JobState
from suno_jobs.steps.read_jobs import JobReader
from suno_jobs.storage.job_list import JobList
from tests.builders import event, handler
from tests.world import BUCKET, START, TABLE, World, a_job


@pytest.fixture
def reader(world: World) -> JobReader:
    return reader_of(world)


NUMBERS = count(100)


def reader_of(world: World) -> JobReader:
    job_list = JobList(world.dynamodb, TABLE)
    return JobReader(
        jobs=world.jobs,
        job_list=job_list,
        s3=world.s3,
        bucket=BUCKET,
        url_seconds=900,
        interval_seconds=20,
        wait_function=world.wait_function(),
    )


def put(world: World, number: int, **changes: Any) -> str:
    """A job that was created ``number`` seconds after the start."""
    job_id = f"job_{number:026d}"
    times = {"created_at": START + number, "updated_at": START + number, "deadline_at": START + 900}
    assert world.jobs.submissions.create(a_job(job_id=job_id, **{**times, **changes}), {"input": {}}, due_at=START)
    return job_id


def ids(body: Mapping[str, Any]) -> list[int]:
    return [int(job["job_id"].removeprefix("job_")) for job in body["jobs"]]


def every_page(reader: JobReader, query: str) -> list[list[int]]:
    body, headers = reader.list_jobs("acme", query)
    pages = [ids(body)]
    while body["next"]:
        link = headers["Link"].removeprefix("<").partition(">")[0]
        assert headers["Link"].endswith('>; rel="next"')
        body, headers = reader.list_jobs("acme", urlsplit(link).query)
        pages.append(ids(body))
    assert headers == {}
    return pages


def test_pages_are_newest_first_and_end_with_no_cursor(world: World, reader: JobReader) -> None:
    for number in range(5):
        put(world, number)
    assert every_page(reader, "limit=2") == [[4, 3], [2, 1], [0]]
    assert every_page(reader, "limit=5") == [[4, 3, 2, 1, 0]]
    assert every_page(reader, "") == [[4, 3, 2, 1, 0]]


def test_a_job_created_between_two_pages_moves_nothing(world: World, reader: JobReader) -> None:
    for number in range(4):
        put(world, number)
    first, _ = reader.list_jobs("acme", "limit=2")
    put(world, 9)
    second, _ = reader.list_jobs("acme", f"limit=2&cursor={first['next']}")
    assert (ids(first), ids(second)) == ([3, 2], [1, 0])


def test_a_tenant_sees_its_own_jobs_only(world: World, reader: JobReader) -> None:
    put(world, 1)
    put(world, 2, tenant="other")
    body, _ = reader.list_jobs("acme", "")
    assert ids(body) == [1]
    [job] = body["jobs"]
    assert (job["state"], job["kind"], job["created_at"]) == ("STORING", "music", "2027-01-15T08:00:01Z")
    assert not {"tracks", "manifest", "result"} & set(job)


FILTERS = [
    ("state=FAILED", [4, 2]),
    ("state=FAILED&state=SUCCEEDED", [5, 4, 2]),
    ("state=FAILED,SUCCEEDED", [5, 4, 2]),
    ("kind=lyrics", [3]),
    ("gateway=kie", [1]),
    ("metadata.order=7", [4, 3]),
    ("metadata.order=7&metadata.size=", [3]),
    ("created_after=2027-01-15T08:00:03Z", [5, 4]),
    ("created_after=2027-01-15T08:00:02.5Z", [5, 4, 3]),
    ("created_before=2027-01-15T08:00:03Z", [2, 1]),
    ("created_before=2027-01-15T08:00:02.5Z", [2, 1]),
    ("created_after=2027-01-15T10:00:01%2B02:00&created_before=2027-01-15T08:00:04Z", [3, 2]),
    ("created_after=2027-01-15T08:00:03Z&created_before=2027-01-15T08:00:03Z", []),
    ("created_after=0001-01-01T00:00:00%2B14:00&state=FAILED", [4, 2]),
]


@pytest.mark.parametrize(("query", "shown"), FILTERS)
@pytest.mark.parametrize("limit", [1, 100])
def test_filters(world: World, reader: JobReader, query: str, shown: list[int], limit: int) -> None:
    put(world, 1, gateway="kie")
    put(world, 2, state=JobState.FAILED)
    put(world, 3, kind=Kind.LYRICS, metadata={"order": "7", "size": ""})
    put(world, 4, state=JobState.FAILED, metadata={"order": "7"})
    put(world, 5, state=JobState.SUCCEEDED, metadata={"order": "8"})
    assert [number for page in every_page(reader, f"{query}&limit={limit}") for number in page] == shown


def test_a_rare_match_takes_a_bounded_number_of_reads(world: World, reader: JobReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suno_jobs.steps.read_jobs.MAX_LIMIT", 2)
    for number in range(13):
        put(world, number, kind=Kind.LYRICS if number == 0 else Kind.MUSIC)
    body, _ = reader.list_jobs("acme", "kind=lyrics")
    assert ids(body) == []
    body, _ = reader.list_jobs("acme", f"kind=lyrics&cursor={body['next']}")
    assert (ids(body), body["next"]) == ([0], None)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5))
def test_following_the_cursor_shows_every_job_once(world: World, seconds: list[int], limit: int) -> None:
    tenant = f"t{next(NUMBERS)}"
    made = [put(world, next(NUMBERS), tenant=tenant, created_at=START + second) for second in seconds]
    shown: list[str] = []
    cursor = ""
    while True:
        body, _ = reader_of(world).list_jobs(tenant, f"limit={limit}{cursor}")
        shown += [job["job_id"] for job in body["jobs"]]
        if body["next"] is None:
            break
        cursor = f"&cursor={body['next']}"
    assert sorted(shown) == sorted(made)
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("limit=1.5&kind=song", ["kind", "limit"]),
        ("limit=٣", ["limit"]),
        ("state=DONE", ["state"]),
        ("state=", ["state"]),
        ("created_after=yesterday", ["created_after"]),
        ("created_after=2027-01-15T08:00:00", ["created_after"]),
        ("created_before=2027-13-01T00:00:00Z&created_after=", ["created_after", "created_before"]),
        ("order=7", ["order"]),
        ("kind=music&kind=lyrics", ["kind"]),
        ("cursor=", ["cursor"]),
        ("cursor=e30", ["cursor"]),
        ("cursor=%C3%A4", ["cursor"]),
        ("cursor=WzEsICJ4IiwgInkiXQ", ["cursor"]),
    ],
)
def test_every_wrong_parameter_is_named(reader: JobReader, query: str, fields: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        reader.list_jobs("acme", query)
    assert [each["parameter"] for each in refused.value.members["errors"]] == fields


def test_a_cursor_belongs_to_its_tenant_and_its_filters(world: World, reader: JobReader) -> None:
    for number in range(3):
        put(world, number)
    body, _ = reader.list_jobs("acme", "limit=1&gateway=ttapi")
    cursor = body["next"]
    assert ids(reader.list_jobs("acme", f"limit=2&gateway=ttapi&cursor={cursor}")[0]) == [1, 0]
    for tenant, query in [("other", "gateway=ttapi"), ("acme", "gateway=kie"), ("acme", "")]:
        with pytest.raises(InvalidRequest):
            reader.list_jobs(tenant, f"{query}&cursor={cursor}")


@pytest.mark.parametrize("content", [[1.5, "job_" + "0" * 26], ["1", "job_" + "0" * 26], [1, "x"], [1, 2]])
def test_a_forged_cursor_is_refused(content: list[Any]) -> None:
    owner = json.loads(base64.b64decode(Listing().cursor("acme", Position(1, "x")) + "=="))[2]
    forged = base64.urlsafe_b64encode(json.dumps([*content, owner]).encode()).decode().rstrip("=")
    with pytest.raises(InvalidRequest):
        read_listing(f"cursor={forged}", "acme")


class Partial:
    """A table that processes a part of a batch only."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - boto3's own spelling
        [(table, request)] = RequestItems.items()
        kept = {table: {**request, "Keys": request["Keys"][:1]}}
        answer = self._client.batch_get_item(RequestItems=kept)
        return {**answer, "UnprocessedKeys": {table: {"Keys": request["Keys"][1:]}}}


def test_what_a_batch_leaves_out_is_read_all_the_same(world: World) -> None:
    for number in range(3):
        put(world, number)
    page, end = JobList(Partial(world.dynamodb), TABLE).page("acme", Listing(), None, 100)  # type: ignore[arg-type]
    assert ([job.created_at - START for job in page], end) == ([2, 1, 0], None)


def test_a_job_that_was_deleted_since_the_index_was_read_is_left_out(world: World) -> None:
    put(world, 1)
    kept = put(world, 2)
    gone = Partial(world.dynamodb)
    read = gone._client.get_item
    gone.get_item = lambda **arguments: {} if kept not in str(arguments) else read(**arguments)  # type: ignore[attr-defined]
    page, _ = JobList(gone, TABLE).page("acme", Listing(), None, 100)  # type: ignore[arg-type]
    assert [job.job_id for job in page] == [kept]


def test_the_handler_answers_a_list(deployed: SimpleNamespace, world: World) -> None:
    for number, state in enumerate([JobState.SUCCEEDED, JobState.FAILED, JobState.GENERATING, JobState.SUCCEEDED]):
        put(world, number, state=state)
    answer = handler("read_jobs")(event("read_jobs/list"))
    assert answer["statusCode"] == 200
    assert ids(json.loads(answer["body"])) == [3, 2]
    assert answer["headers"]["Link"].startswith("</v1/jobs?limit=2&state=GENERATING&state=SUCCEEDED&cursor=")


def test_every_job_is_read_page_by_page(world: World) -> None:
    for number in range(101):
        put(world, number)
    jobs = JobList(world.dynamodb, TABLE).every_job("acme")
    assert [job.created_at - START for job in jobs] == list(range(100, -1, -1))


def test_the_next_page_follows_a_page_whose_jobs_were_all_deleted(
    world: World, reader: JobReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index may contain them a moment longer."""
    for number in range(4):
        put(world, number, state=JobState.CANCELLED)
    original = JobList._read
    monkeypatch.setattr(
        JobList, "_read", lambda self, ids: [job for job in original(self, ids) if int(job.job_id.removeprefix("job_")) < 2]
    )
    assert every_page(reader, "limit=2") == [[], [1, 0]]
