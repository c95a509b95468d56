"""The documents agree with the code: names, states, codes, defaults, links, commands and messages are compared."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from local.source import read_template
from openapi.operations import OPERATIONS, Operation
from suno_jobs.catalog.costs import Cost, CostSource
from suno_jobs.catalog.inputs import INPUTS, SongFields
from suno_jobs.catalog.kinds import Kind
from suno_jobs.catalog.results import Result
from suno_jobs.cli.main import app
from suno_jobs.cli.problems import ExitCode
from suno_jobs.errors import (
    PROBLEMS,
    AssetNotFound,
    Conflict,
    ErrorCode,
    Fault,
    InvalidRequest,
    JobBeingChanged,
    MethodNotAllowed,
    WrongState,
)
from suno_jobs.gateways.capabilities import capabilities, with_current_tables
from suno_jobs.gateways.registry import GATEWAYS, auto_gateways
from suno_jobs.gateways.results import STEM_NAMES
from suno_jobs.intake.creation import JobCreator
from suno_jobs.intake.requests import AUTO, JobRequest
from suno_jobs.jobs.history import Entry, Wait
from suno_jobs.jobs.record import Asset, Job, JobView, QuarantinedFile, Track, TrackState
from suno_jobs.jobs.states import LEGAL, TERMINAL, Cause, Charged, JobState, Progress, WaitReason
from suno_jobs.jobs.views import error_view, events_view, job_view, wait_view
from suno_jobs.runtime import http_api
from suno_jobs.runtime.routes import METHODS
from suno_jobs.steps.cancel_job import JobCanceller
from suno_jobs.steps.delete_job import JobDeleter
from suno_jobs.steps.read_jobs import JobReader
from suno_jobs.steps.retry_job import JobRetrier
from suno_jobs.traffic.health import NEVER_CALLED
from tests.unit.project.test_template import QUEUE_ROUTES
from tests.world import World, a_job

ROOT = Path(__file__).parents[3]
CORE = ROOT / "layers/core/python/suno_jobs"
TEMPLATE: dict[str, Any] = read_template(ROOT)
MACHINE: dict[str, Any] = json.loads((ROOT / "statemachine/suno_job.asl.json").read_text())
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SETTINGS = (ROOT / "docs/settings.md").read_text()
COSTS = (ROOT / "docs/costs.md").read_text()
API = (ROOT / "docs/api.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
GATEWAY_PAGE = (ROOT / "docs/gateways.md").read_text()
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
SONG_FIELDS = "*song fields*"

END = "[*]"
Arrows = set[tuple[str, str]]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(text: str) -> str:
    """Without code blocks, in which nothing is a heading or a link."""
    return re.sub(r"^(```.*?^```|    .*?$)", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)


def section(text: str, heading: str) -> str:
    _, _, rest = text.partition(f"\n{heading}\n")
    assert rest, heading
    level = heading.count("#")
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of a table whose first cell is `code`, without backticks."""
    for line in re.findall(r"^\| `.*\|$", text, re.MULTILINE):
        yield [cell.strip("`") for cell in cells_of(line)]


def table(text: str, head: str) -> list[list[str]]:
    """The rows of the table whose first column has this head."""
    lines = text.partition(f"\n| {head} |")[2].splitlines()[2:]
    assert lines, head
    end = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return [cells_of(line) for line in lines[:end]]


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" |")]


def code_in(text: str) -> list[str]:
    return re.findall(r"`(\w+)`", text)


def json_in(text: str) -> list[Any]:
    """The indented code blocks that are JSON objects, or members of one."""
    blocks = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    members = [block if block.strip().startswith("{") else f"{{{block}}}" for block in blocks if block.strip()[0] in '{"']
    return [json.loads(each) for each in members]


# ------------------------------------------------------------------------------------------- state machine


def arrows_of(machine: dict[str, Any], inside: str = "") -> Arrows:
    """Every transition from one state to another. END is also the start; each map has its own."""
    end = inside + END
    found = {(end, machine["StartAt"])}
    for name, state in machine["States"].items():
        ways = [state, *state.get("Catch", []), *state.get("Choices", [])]
        found |= {(name, way["Next"]) for way in ways if "Next" in way}
        if "Default" in state:
            found.add((name, state["Default"]))
        if state.get("End") or state["Type"] in ("Fail", "Succeed"):
            found.add((name, end))
        if "ItemProcessor" in state:
            found |= arrows_of(state["ItemProcessor"], name)
    return found


def arrows_drawn(diagram: str) -> Arrows:
    names = {alias: name for name, alias in re.findall(r'state "(.+?)" as (\w+)', diagram)}
    found: Arrows = set()
    inside = ""
    for line in diagram.splitlines():
        if opened := re.match(r"\s*state (\w+) \{", line):
            inside = names[opened[1]]
        elif line.strip() == "}":
            inside = ""
        elif arrow := re.match(r"\s*(\S+) --> (\S+)", line):
            source, target = (inside + END if end == END else names[end] for end in arrow.groups())
            found.add((source, target))
    return found


def test_diagram_is_the_state_machine() -> None:
    (diagram,) = re.findall(r"```mermaid\n(.*?)```", ARCHITECTURE, re.DOTALL)
    assert diagram.startswith("stateDiagram-v2\n")
    assert arrows_drawn(diagram) == arrows_of(MACHINE)


@pytest.mark.parametrize(
    ("head", "values"),
    [
        ("`state` | Ended", JobState),
        ("`progress`", Progress),
        ("`state` of a track", TrackState),
        ("`reason` | The job waits", WaitReason),
    ],
)
def test_states_and_stages_are_explained(head: str, values: Any) -> None:
    assert [cells[0].strip("`") for cells in table(API, head)] == list(values)


def test_legal_changes_are_those_of_the_table() -> None:
    listed: dict[str, set[str]] = {}
    changes = section(ARCHITECTURE, "## States of a job")
    for source, target in re.findall(r"^\| (.+?) \| (.+?) \|$", changes, re.MULTILINE):
        sources = list(set(LEGAL) - TERMINAL) if source.startswith("any") else [source]
        for each in sources:
            listed.setdefault(each.strip("`"), set()).update(re.findall(r"`(\w+)`", target))
    listed = {source: targets for source, targets in listed.items() if targets}
    assert listed == {state: set(targets) for state, targets in LEGAL.items() if targets}


# ------------------------------------------------------------------------------------------------ template


def test_the_table_of_functions_is_the_template() -> None:
    invoked = {state["Parameters"]["FunctionName"]: name for name, state in all_tasks(MACHINE)}

    def row(name: str, properties: dict[str, Any]) -> list[str]:
        folder = Path(properties["CodeUri"]).name
        module, tests = f"suno_jobs/steps/{folder}.py", f"tests/unit/steps/test_{folder}.py"
        state = invoked.get(f"${{{name}Arn}}", "-")
        return [name, f"functions/{folder}", module, tests, f"events/{folder}", folder.replace("_", "-"), state]

    functions = {
        name: resource["Properties"]
        for name, resource in TEMPLATE["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert list(rows(section(ARCHITECTURE, "## Functions"))) == [row(*each) for each in functions.items()]


def all_tasks(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in machine["States"].items():
        if "FunctionName" in state.get("Parameters", {}):
            yield name, state
        if "ItemProcessor" in state:
            yield from all_tasks(state["ItemProcessor"])


def test_every_alarm_has_its_section_in_the_runbook() -> None:
    types = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}
    alarms = {name for name, resource in TEMPLATE["Resources"].items() if resource["Type"] in types}
    assert {heading for heading in headings(RUNBOOK) if heading.endswith("Alarm")} == alarms
    for alarm in alarms:
        parts = re.findall(r"^\*\*(.+?)\.\*\*", section(RUNBOOK, f"## {alarm}"), re.MULTILINE)
        assert [part for part in parts if "`" not in part] == ["What it means", "Where to look", "Safe", "Not safe"], alarm


def test_the_attributes_in_the_runbook_are_those_of_a_job() -> None:
    named = {name for cells in table(RUNBOOK, "Attribute of `JOB`") for name in code_in(cells[0])}
    assert named <= {field.name for field in fields(Job)} | {"due_at", "signalled"}
    assert {code for cells in table(RUNBOOK, "Cause") for code in code_in(cells[0])} == set(Cause)
    codes = {code_in(cells[0])[0] for cells in table(RUNBOOK, "`fault.code`") if cells[0].startswith("`")}
    assert codes <= set(ErrorCode)


def test_every_parameter_is_in_the_settings_with_its_default() -> None:
    listed = {name: default for name, default, *_ in rows(section(SETTINGS, "## Parameters"))}
    assert listed == {name: str(each["Default"]) or "(empty)" for name, each in TEMPLATE["Parameters"].items()}


def test_every_route_is_in_the_api() -> None:
    events = [event for each in TEMPLATE["Resources"].values() for event in each["Properties"].get("Events", {}).values()]
    routes = {f"{e['Properties']['Method']} {e['Properties']['Path']}" for e in events if e["Type"] == "HttpApi"}
    routes |= {f"{method} {path}" for method, path in QUEUE_ROUTES}
    explained_together = {each for each in routes if each.startswith(("HEAD ", "ANY ", "GET /console"))}
    assert {heading for heading in headings(API) if " /" in heading} == routes - explained_together


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_every_call_has_an_example_and_leads_to_the_document(operation: Operation) -> None:
    text = section(API, f"## {operation.method} {operation.path}")
    assert f"Operation `{operation.name}` in [openapi.json](openapi.json)." in text
    [(method, path), *_] = re.findall(r'^    curl (?:-X (\w+) )?[^"]*"\$API_URL(/[^"?]+)', text, re.MULTILINE)
    assert (method or "GET") == operation.method
    assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation.path), path)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_the_statuses_of_a_call_are_those_of_the_document(operation: Operation) -> None:
    """API Gateway's own and 5xx are described once for all calls. A call with few statuses has no table."""
    text = section(API, f"## {operation.method} {operation.path}")
    if "| Status |" not in text:
        return
    listed = {int(cells[0].strip("`")) for cells in table(text, "Status |") if cells[0] != "`5xx`"}
    answered = {answer.status for answer in operation.answers} | {problem.status for problem in operation.problems}
    assert listed == answered


def test_outputs_that_are_named_exist() -> None:
    named = {name for page in PAGES for name in re.findall(r"output `(\w+)`", page.read_text())}
    assert named
    assert named <= set(TEMPLATE["Outputs"])


# ----------------------------------------------------------------------------------------------------- API


def test_every_error_code_is_explained() -> None:
    assert [cells[0].strip("`") for cells in table(API, "`code`")] == list(ErrorCode)


def test_every_problem_is_listed_with_its_status() -> None:
    listed = [(int(cells[0].strip("`")), cells[1].strip("`")) for cells in table(API, "Status | `type`")]
    assert listed == [(each.status, each.type_uri()) for each in PROBLEMS]
    assert answer_to("/conflict")["type"] == JobBeingChanged.type_uri()
    assert answer_to("/nowhere") in json_in(section(API, "## Problems"))


def test_the_wrong_method_that_is_shown_gets_that_answer() -> None:
    text = section(API, "## Methods and paths")
    error = MethodNotAllowed(METHODS["/v1/jobs"])
    assert json_in(text) == [error.document()]
    assert f"Allow: {', '.join(error.allowed)}\n" in text


def answer_to(path: str) -> dict[str, Any]:
    """The problem document that an API function returns for this path."""
    app = http_api.resolver()

    @app.get("/conflict")
    def conflict() -> None:
        raise Conflict("A job changed")

    context: Any = None
    event = {"rawPath": path, "requestContext": {"http": {"method": "GET", "path": path}, "stage": "$default"}, "headers": {}}
    answer: dict[str, Any] = json.loads(app.resolve(event, context)["body"])
    return answer


def test_every_field_of_a_request_is_listed() -> None:
    listed = {cells[0].strip("`"): cells[2] for cells in table(API, "Field | Type")}
    assert list(listed) == [*JobRequest.model_fields, "adopt"]
    assert [name for name in code_in(listed["gateway"]) if name in {*GATEWAYS, AUTO}] == [*GATEWAYS, AUTO]
    policies = [cells[0].strip("`") for cells in table(API, "Value")]
    assert policies == TEMPLATE["Parameters"]["AmbiguousSubmitPolicy"]["AllowedValues"]
    assert set(policies) <= set(get_args(get_args(JobRequest.model_fields["ambiguous_submit"].annotation)[0]))


def test_auto_stands_for_every_gateway_by_default() -> None:
    assert auto_gateways(TEMPLATE["Parameters"]["AutoGateways"]["Default"]) == tuple(GATEWAYS)


def test_every_kind_is_listed_with_its_fields_and_its_result() -> None:
    lines = {cells[0].strip("`"): cells[2:] for cells in table(API, "Kind")}
    assert list(lines) == list(Kind)
    for kind, (required, optional, result) in lines.items():
        model_fields = INPUTS[Kind(kind)].model_fields
        song_fields = list(SongFields.model_fields) if SONG_FIELDS in optional else []
        assert {*code_in(required), *code_in(optional), *song_fields} == set(model_fields), kind
        always = {name for name, field in model_fields.items() if field.is_required()}
        assert always == (set() if " or " in required else set(code_in(required))), kind
        assert {each.kinds[Kind(kind)].result for each in GATEWAYS.values() if kind in each.kinds} == {result}, kind


def test_every_field_of_an_input_is_explained() -> None:
    song_fields, others = (
        [name for cells in table(section(API, heading), "Field") for name in code_in(cells[0])]
        for heading in ("### Song fields", "### Other fields")
    )
    assert song_fields == list(SongFields.model_fields)
    assert len(others) == len(set(others))
    assert {*song_fields, *others} == {name for each in INPUTS.values() for name in each.model_fields}


def test_every_form_of_a_result_is_explained() -> None:
    lines = {cells[0].strip("`"): cells[1] for cells in table(API, "Result | `tracks` of the job")}
    assert list(lines) == list(Result)
    assert set(STEM_NAMES.values()) <= set(code_in(lines[Result.STEMS]))


def test_every_field_of_a_gateway_is_listed() -> None:
    text = section(API, "## GET /v1/gateways")
    known = capabilities()
    listed = {cells[0].strip("`"): cells[1] for cells in table(text, "Field of a gateway")}
    assert set(listed) == set(known[0]) | {"health", "balances"}
    for name in ("kinds", "errors"):
        members = {member for gateway in known for each in gateway[name].values() for member in each}
        assert members <= set(code_in(listed[name])), name
    assert [set(each["health"]) for each in json_in(text)] == [set(NEVER_CALLED)]


def test_the_job_that_is_shown_has_the_fields_of_a_job() -> None:
    shown, missing, doubtful, quarantine, waiting = json_in(section(API, "## The job"))
    asset = Asset(kind="audio", key="k", content_type="audio/mpeg", bytes=1, sha256="0")
    track = Track(track_id="t", position=0, state=TrackState.STORED, assets=(asset,))
    request = {"gateway": "auto", "input": {"prompt": "x", "instrumental": False, "max_mode": False}}
    made = job_view(JobView(some_job(), (track,), request=request), url=lambda _asset, _track: "")
    assert names_in(shown) == names_in(made)
    assert names_in(waiting["waiting_for"]) == names_in(wait_view(Wait(WaitReason.REFUSAL, 0)))
    assert names_in(missing["missing"]["video"]) == names_in(error_view(TOO_LARGE, Charged.YES))
    refused = QuarantinedFile(
        track_id="t",
        kind="audio",
        reason=ErrorCode.ASSET_SILENT,
        message="",
        bytes=1,
        sha256="0",
        source_host="h",
        stored_at=0,
    )
    track = replace(track, duration_seconds=2.0, reported_seconds=1.0)
    made = job_view(JobView(some_job(), (track,), quarantine=(refused,)))
    assert names_in(doubtful["doubtful"]) == names_in(made["tracks"][0]["doubtful"])
    assert names_in(quarantine["quarantine"][0]) == names_in(made["quarantine"][0])


JOB_ID = "job_" + "0" * 26
TOO_LARGE = Fault(ErrorCode.ASSET_TOO_LARGE, "cdn.example.com: the file is larger than 524288000 bytes")


def some_job() -> Job:
    line = Entry(0, JobState.ACCEPTED, Cause.CLIENT, 0, "ttapi").line()
    cost = Cost(6, "quota", CostSource.REPORTED)
    return a_job(state=JobState.SUCCEEDED, metadata={"order": "7"}, history=(line,), task_id="t", submitted_at=1, cost=cost)


def test_the_event_that_is_shown_has_the_fields_of_an_event() -> None:
    text = section(API, "## GET /v1/jobs/{job_id}/events")
    [shown] = json_in(text)
    [made] = events_view(some_job())
    assert names_in(shown) == {"job_id": None, "events": [dict.fromkeys(made)]}
    explained = {cells[0].strip("`"): cells[1] for cells in table(text, "Field of an event")}
    assert list(explained) == list(made)
    assert set(code_in(explained["cause"])) == set(Cause)


def test_every_end_has_its_event() -> None:
    listed = {cells[0].strip("`"): cells[1] for cells in table(section(API, "## Events"), "Field")}
    assert set(re.findall(r"job\.(\w+)", listed["detail-type"])) == {state.lower() for state in TERMINAL} | {"progress"}


def names_in(value: Any) -> Any:
    """The names of all members, at their places."""
    if isinstance(value, dict):
        return {name: names_in(member) for name, member in value.items()}
    return [names_in(value[0])] if isinstance(value, list) and value else None


LONG_TITLE = {"lyrics": "la", "style": "waltz", "title": "x" * 90}


@pytest.mark.parametrize(
    ("gateway", "kind", "given"),
    [
        ("crun", "lyrics", {"prompt": "rain"}),
        ("acedata", "upload_cover", {"audio_url": "https://files.example/a.mp3"}),
        ("ttapi", "music", {"prompt": "x" * 600}),
        (["crun", "ttapi"], "music", LONG_TITLE),
    ],
)
def test_the_problems_that_are_shown_are_those_that_are_returned(
    world: World, gateway: Any, kind: str, given: dict[str, Any]
) -> None:
    shown = [each["errors"] for each in json_in(section(API, "### Invalid requests"))]
    assert refusal(world, gateway, kind, given).members["errors"] in shown


def test_the_invalid_request_that_is_shown_is_returned(world: World) -> None:
    document, *_ = json_in(section(API, "### Invalid requests"))
    assert document == refusal(world, "ttapi", "music", {"prompt": "x" * 600}).document()


def refusal(world: World, gateway: Any, kind: str, given: dict[str, Any]) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        world.job_submitter().submit_job("acme", {"gateway": gateway, "kind": kind, "input": given}, None)
    return refused.value


def details_in(text: str) -> list[str]:
    """The indented lines that are plain text."""
    return re.findall(r"^    (\w.+)$", text, re.MULTILINE)


def test_the_details_of_a_wrong_reference_are_those_that_are_returned(world: World) -> None:
    def detail(gateway: str, kind: str, job_id: str, **given: Any) -> str:
        source = {"job_id": job_id, "track_id": "unknown"}
        [error] = refusal(world, gateway, kind, {"source": source, **given}).members["errors"]
        assert error["pointer"] == "/input/source"
        return str(error["detail"])

    job_id = world.generating("ttapi")
    assert details_in(section(API, "### Invalid requests")) == [
        detail("ttapi", "stems", "job_unknown"),
        detail("auto", "wav", job_id),
        detail("acedata", "stems", job_id),
        detail("ttapi", "stems", job_id),
    ]


def test_the_details_of_a_job_in_another_state_are_those_that_are_returned(world: World) -> None:
    def refused(state: JobState, act: Callable[[Any], object], **known: Any) -> WrongState:
        view = JobView(a_job(job_id=JOB_ID, state=state, **known))
        jobs = SimpleNamespace(read=lambda _: view, mark_retried=lambda *_, **__: False)
        with pytest.raises(WrongState) as found:
            act(jobs)
        return found.value

    def cancel(jobs: Any) -> object:
        return JobCanceller(jobs=jobs, executions=world.executions, clock=world.clock).cancel_job("acme", JOB_ID)  # type: ignore[arg-type]

    def delete(jobs: Any) -> object:
        JobDeleter(jobs=jobs, eraser=jobs, clock=world.clock).delete_job("acme", JOB_ID)
        return None

    def retry(jobs: Any) -> object:
        creator = JobCreator(jobs=jobs, executions=jobs, deadline_seconds=1, slack_seconds=1, quotas=None, clock=world.clock)
        return JobRetrier(creator).retry_job("acme", JOB_ID, {})

    returned = [
        refused(JobState.SUCCEEDED, cancel),
        refused(JobState.GENERATING, delete),
        refused(JobState.GENERATING, retry),
    ]
    late = int(datetime(2026, 11, 25, 2, 20, tzinfo=UTC).timestamp())
    for task_id, until in product(("J1", None), (late, None)):
        known = {"submitted_at": 1, "task_id": task_id, "recoverable_until": until}
        returned.append(refused(JobState.TIMED_OUT, retry, **known))
    text = section(API, "### Jobs in another state")
    assert details_in(text) == [each.detail for each in returned]
    assert json_in(text) == [returned[3].document()]


def test_the_problem_that_is_shown_for_a_missing_file_is_the_one_that_is_returned() -> None:
    assets = [Asset(kind=kind, key="k", content_type="", bytes=1, sha256="0") for kind in ("audio", "image")]
    track = Track(track_id="t", position=0, state=TrackState.STORED, assets=tuple(assets), missing={"video": TOO_LARGE})
    jobs: Any = SimpleNamespace(read=lambda _: JobView(a_job(job_id=JOB_ID, submitted_at=1, task_id="J1"), (track,)))
    reader = JobReader(jobs=jobs, job_list=jobs, s3=jobs, bucket="b", url_seconds=1, interval_seconds=1, wait_function=jobs)
    with pytest.raises(AssetNotFound) as refused:
        reader.asset_url("acme", JOB_ID, "t", "video")
    assert json_in(section(API, "## GET /v1/jobs/{job_id}/tracks/{track_id}/{kind}")) == [refused.value.document()]


# ------------------------------------------------------------------------------------- gateways and metrics


def test_the_tables_of_the_gateways_are_those_of_the_adapters() -> None:
    assert with_current_tables(GATEWAY_PAGE) == GATEWAY_PAGE, "run make docs"


def test_every_gateway_is_listed_with_its_adapter() -> None:
    listed = {cells[0].strip("`"): cells[2] for cells in table(GATEWAY_PAGE, "Name")}
    assert list(listed) == list(GATEWAYS)
    for name, adapter in listed.items():
        assert f"/{name}.py)" in adapter


def priced(item: str) -> list[str]:
    """The cells of the row for this item in the tables of costs: item, count, price, USD."""
    lines = [cells_of(line) for line in COSTS.splitlines() if line.startswith("|")]
    [found] = [cells for cells in lines if len(cells) == 4 and item in cells[0]]
    return found


def test_what_a_job_costs_is_what_the_bench_has_counted() -> None:
    measured = json.loads((ROOT / "bench" / "results.json").read_text())
    counted = {each["name"].split(",")[0]: each for each in measured if each["name"].endswith("by callback / plain loop")}
    for name, item in (("states", "Step Functions"), ("Lambda", "Lambda, requests"), ("DynamoDB", "DynamoDB")):
        assert re.findall(r"\d+", priced(item)[1])[0] == str(counted[name]["value"])
    more = counted["DynamoDB"]["value"] - counted["DynamoDB"]["reference"]
    assert re.search(rf"\b{more} (\w+ )?write units", (ROOT / "bench" / "README.md").read_text())


# ------------------------------------------------------------------------------- links, commands and names


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_has_a_target(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if fragment:
            assert fragment in map(anchor, headings(target.read_text())), link


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    command = re.compile(r"(?:`|^    )make ([a-z][a-z0-9-]*)", re.MULTILINE)
    named = {name for page in PAGES for name in command.findall(page.read_text())}
    assert {"run", "test"} <= named
    assert named <= targets


def names_of_the_code() -> set[str]:
    """Every name that the code or the tests define or use, and every resource and parameter of the template."""
    found = {*TEMPLATE["Resources"], *TEMPLATE["Parameters"]}
    for path in [*CORE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        found.add(path.stem)
        for node in ast.walk(ast.parse(path.read_text())):
            for name in ("name", "id", "attr", "arg"):
                found.add(str(getattr(node, name, None)))
            if isinstance(node, ast.Constant):
                found.add(str(node.value))
    return found


def test_tests_and_names_that_are_mentioned_exist() -> None:
    known = names_of_the_code()
    tests = {name for page in PAGES for name in re.findall(r"`(test_\w+)`", page.read_text())}
    failures = re.findall(r"`((?:\w+\.)?\w+)`", section(ARCHITECTURE, "## When something fails"))
    held = re.findall(r"`(\w+\.\w+)`", section(ARCHITECTURE, "## What always holds"))
    assert {name.rpartition(".")[2] for name in [*tests, *failures, *held]} <= known


def test_imports_and_modules_that_are_shown_exist() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    for module, name in re.findall(r"from (suno_jobs[.\w]*) import (\w+)", text):
        assert hasattr(importlib.import_module(module), name), module
    for module in re.findall(r"-m (suno_jobs[.\w]*)", text):
        importlib.import_module(module)


def test_commands_that_are_named_exist_and_all_are_named() -> None:
    commands = {name for name in app if not name.startswith("-")}
    named = {name for page in PAGES for name in re.findall(r"(?:bin/|`)suno-jobs ([a-z][a-z-]*)", page.read_text())}
    assert named == commands


def test_every_exit_code_of_the_operator_s_commands_is_explained() -> None:
    codes = [int(code) for code, *_ in table(section(RUNBOOK, "## Commands for operators"), "Exit code")]
    assert codes == [*ExitCode]


def test_every_invariant_names_its_tests() -> None:
    held = re.findall(r"^\| (I\d+) \| .*`test_\w+`", ARCHITECTURE, re.MULTILINE)
    assert len(held) >= 10
    assert held == [f"I{number}" for number in range(1, len(held) + 1)]


def test_every_decision_has_a_status_and_a_date_and_is_in_the_index() -> None:
    index = table((ROOT / "docs/decisions/README.md").read_text(), "Number")
    pages = sorted(ROOT.glob("docs/decisions/[0-9]*.md"))
    assert [int(number) for number, *_ in index] == [int(page.name.partition("-")[0]) for page in pages]
    for page, (number, title, status, date) in zip(pages, index, strict=True):
        text = page.read_text()
        assert f"# {number}. {title.partition(']')[0][1:]}\n" in text, page.name
        assert f"({page.name})" in title
        assert re.findall(r"^- Date: (\d{4}-\d\d-\d\d)$", text, re.MULTILINE) == [date], page.name
        assert re.findall(r"^- Status: (\w+)", text, re.MULTILINE) == [status.split()[0]], page.name


def test_every_finding_of_checkov_that_is_skipped_has_its_reason() -> None:
    reasons = table((ROOT / "docs/decisions/0076-access-logs-are-options.md").read_text(), "Rule")
    places = [(ROOT / name).read_text() for name in (".checkov.yaml", "template.yaml")]
    skipped = {rule for text in places for rule in re.findall(r"CKV_\w+", text)}
    assert [code_in(cells[0])[0] for cells in reasons] == sorted(skipped, key=lambda rule: int(rule.rpartition("_")[2]))
