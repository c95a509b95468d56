"""The docs say what the code does: names, states, codes, defaults, links and commands are compared with their sources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from samtranslator.yaml_helper import yaml_parse

from suno_jobs.api import ROUTES, BodyTooLarge, NotJson
from suno_jobs.capabilities import capabilities, renewed
from suno_jobs.errors import AssetNotFound, ErrorCode, IdempotencyConflict, InvalidRequest, JobNotFound, WrongState
from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import Kind, Result
from suno_jobs.gateways.results import STEMS
from suno_jobs.health import NEVER_CALLED
from suno_jobs.history import Cause, Entry
from suno_jobs.kinds import INPUTS, Words
from suno_jobs.models import Asset, Job, JobView, Track, TrackState
from suno_jobs.orders import read_order
from suno_jobs.requests import AUTO, JobRequest
from suno_jobs.transitions import LEGAL, TERMINAL, JobState, Progress
from suno_jobs.views import events_view, job_view
from tests.world import a_job

ROOT = Path(__file__).parents[2]
NO_JOBS: Any = None
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
MACHINE: dict[str, Any] = json.loads((ROOT / "statemachine/suno_job.asl.json").read_text())
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs/api.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
GATEWAY_PAGE = (ROOT / "docs/gateways.md").read_text()
KINDS = "## Kinds"
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
PROBLEMS = (InvalidRequest, IdempotencyConflict, JobNotFound, AssetNotFound, WrongState, BodyTooLarge, NotJson)

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
        yield [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]


# ------------------------------------------------------------------------------------------- state machine


def arrows_of(machine: dict[str, Any], inside: str = "") -> Arrows:
    """Every way from one state to another; END is the start too, and each map has its own."""
    end = inside + END
    found = {(end, machine["StartAt"])}
    for name, state in machine["States"].items():
        ways = [state, *state.get("Catch", []), *state.get("Choices", [])]
        found |= {(name, way["Next"]) for way in ways if "Next" in way}
        if "Default" in state:
            found.add((name, state["Default"]))
        if state.get("End") or state["Type"] == "Fail":
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


def test_states_of_a_job_are_explained() -> None:
    states = section(API, "## The job").partition("| `state` | Ended |")[2].partition("`progress` is")[0]
    assert {cells[0] for cells in rows(states)} == set(JobState)


def test_states_of_a_track_and_stages_of_progress_are_named() -> None:
    table = API.partition("| `state` of a track |")[2].partition("## ")[0]
    assert {cells[0] for cells in rows(table)} == set(TrackState)
    (stages,) = re.findall(r"^`progress` is (.+?) and never", API, re.MULTILINE)
    assert re.findall(r"`(\w+)`", stages) == list(Progress)


def test_legal_changes_are_those_of_the_table() -> None:
    told: dict[str, set[str]] = {}
    changes = section(ARCHITECTURE, "## States of a job")
    for source, target in re.findall(r"^\| (.+?) \| (.+?) \|$", changes, re.MULTILINE):
        sources = list(set(LEGAL) - TERMINAL) if source.startswith("any") else [source]
        for each in sources:
            told.setdefault(each.strip("`"), set()).update(re.findall(r"`(\w+)`", target))
    told = {source: targets for source, targets in told.items() if targets}
    assert told == {state: set(targets) for state, targets in LEGAL.items() if targets}


# ------------------------------------------------------------------------------------------------ template


def test_every_alarm_has_its_section_in_the_runbook() -> None:
    alarms = {name for name, resource in TEMPLATE["Resources"].items() if resource["Type"] == "AWS::CloudWatch::Alarm"}
    assert {heading for heading in headings(RUNBOOK) if heading.endswith("Alarm")} == alarms


def test_every_parameter_stands_in_the_readme_with_its_default() -> None:
    told = {name: default for name, default, *_ in rows(section(README, "### Parameters"))}
    assert told == {name: str(each["Default"]) or "(empty)" for name, each in TEMPLATE["Parameters"].items()}


def test_every_route_stands_in_the_api() -> None:
    events = [event for each in TEMPLATE["Resources"].values() for event in each["Properties"].get("Events", {}).values()]
    routes = {f"{e['Properties']['Method']} {e['Properties']['Path']}" for e in events if e["Type"] == "HttpApi"}
    assert {heading for heading in headings(API) if " /" in heading} == routes
    assert {route for route in routes if "/callbacks/" not in route} == set(ROUTES)


def test_outputs_that_are_named_exist() -> None:
    named = {name for page in PAGES for name in re.findall(r"output `(\w+)`", page.read_text())}
    assert named
    assert named <= set(TEMPLATE["Outputs"])


# ----------------------------------------------------------------------------------------------------- API


def test_every_error_code_is_explained() -> None:
    assert {code for code, *_ in rows(section(API, "## Errors of a job or a track").partition("`code` | Meaning")[2])} == set(
        ErrorCode
    )


def test_every_problem_is_listed_with_its_status() -> None:
    listed = {(int(status), title) for status, title, *_ in rows(section(API, "## Problems"))}
    problems = {(problem.status, problem.title) for problem in PROBLEMS}
    assert listed == problems | {(404, "No such route"), (409, "The job is being changed")}


def test_every_field_of_a_request_is_listed() -> None:
    text = section(API, "## POST /v1/jobs").partition("The answer holds")[0]
    assert [cells[0] for cells in rows(text)] == ["Idempotency-Key", *JobRequest.model_fields]
    (names,) = re.findall(r"^\| `gateway` \| string or array, required \| (.+) \|$", text, re.MULTILINE)
    assert re.findall(r"`(\w+)`", names) == [*GATEWAYS, AUTO]
    policies = [cells[0] for cells in rows(section(API, "### Lost answers"))]
    assert policies == TEMPLATE["Parameters"]["AmbiguousSubmitPolicy"]["AllowedValues"]
    assert set(policies) <= set(get_args(get_args(JobRequest.model_fields["ambiguous_submit"].annotation)[0]))


def test_auto_stands_for_every_gateway_by_default() -> None:
    assert TEMPLATE["Parameters"]["AutoGateways"]["Default"].split(",") == list(GATEWAYS)


def test_every_kind_is_listed_with_its_fields_and_its_result() -> None:
    table = section(API, KINDS).partition("Where two fields")[0]
    lines = re.findall(r"^\| `(\w+)` \| .*? \| (.*?) \| (.*?) ?\| (\w+) \|$", table, re.MULTILINE)
    assert [kind for kind, *_ in lines] == list(Kind)
    for kind, needs, may, gives in lines:
        fields = INPUTS[Kind(kind)].model_fields
        needed, more = (re.findall(r"`(\w+)`", cell) for cell in (needs, may))
        words = list(Words.model_fields) if "*words*" in may else []
        assert {*needed, *more, *words} == set(fields), kind
        required = {name for name, field in fields.items() if field.is_required()}
        assert required == (set() if " or " in needs else set(needed)), kind
        assert {each.kinds[Kind(kind)].result for each in GATEWAYS.values() if kind in each.kinds} == {gives}, kind


def test_every_field_of_an_input_is_explained() -> None:
    table = section(API, KINDS).partition("are the first twelve fields here")[2].partition("### ")[0]
    explained = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))
    assert len(explained) == len(set(explained))
    assert set(explained) == {name for each in INPUTS.values() for name in each.model_fields}
    assert explained[: len(Words.model_fields)] == list(Words.model_fields)
    assert len(Words.model_fields) == 12


def test_every_form_of_a_result_is_explained() -> None:
    table = section(API, "### Results")
    assert [cells[0] for cells in rows(table)] == list(Result)
    assert set(STEMS.values()) <= set(re.findall(r"`(\w+)`", table))


def test_every_field_of_a_gateway_is_listed() -> None:
    text = section(API, "## GET /v1/gateways")
    told = capabilities()
    listed = {cells[0]: cells[1] for cells in rows(text) if len(cells) == 2}
    assert set(listed) == set(told[0]) | {"health"}
    offered = {name for each in told for kind in each["kinds"].values() for name in kind}
    assert offered <= set(re.findall(r"`(\w+)`", listed["kinds"]))
    (health,) = re.findall(r'^    "health": (.+)$', text, re.MULTILINE)
    assert set(json.loads(health)) == set(NEVER_CALLED)


def test_the_job_that_is_shown_has_the_fields_of_a_job() -> None:
    (shown,) = re.findall(r"^    \{\n.*?^    \}$", section(API, "## The job"), re.MULTILINE | re.DOTALL)
    asset = Asset(kind="audio", key="k", content_type="audio/mpeg", bytes=1, sha256="0")
    track = Track(track_id="t", position=0, state=TrackState.STORED, assets=(asset,))
    made = job_view(JobView(some_job(), (track,)), url=lambda _asset, _track: "")
    assert names_in(json.loads(shown)) == names_in(made)


def some_job() -> Job:
    line = Entry(0, JobState.ACCEPTED, Cause.CLIENT, 0, "ttapi").line()
    return a_job(state=JobState.SUCCEEDED, metadata={"order": "7"}, history=(line,))


def test_the_event_that_is_shown_has_the_fields_of_an_event() -> None:
    text = section(API, "## GET /v1/jobs/{job_id}/events")
    (shown,) = re.findall(r"^    \{\n.*?^    \}$", text, re.MULTILINE | re.DOTALL)
    [made] = events_view(some_job())
    assert names_in(json.loads(shown)) == {"job_id": None, "events": [dict.fromkeys(made)]}
    explained = {cells[0]: cells[1] for cells in rows(text)}
    assert list(explained) == list(made)
    assert set(re.findall(r"`(\w+)`", explained["cause"])) == set(Cause)


def test_every_end_has_its_event() -> None:
    told = {cells[0]: cells[1:] for cells in rows(section(API, "## Events"))}
    assert set(re.findall(r"job\.(\w+)", told["detail-type"][0])) == {state.lower() for state in TERMINAL}


def names_in(value: Any) -> Any:
    """The names of all members, at their places."""
    if isinstance(value, dict):
        return {name: names_in(member) for name, member in value.items()}
    return [names_in(value[0])] if isinstance(value, list) and value else None


@pytest.mark.parametrize(
    ("gateway", "kind", "given"),
    [
        ("crun", "lyrics", {"prompt": "rain"}),
        ("acedata", "upload_cover", {"audio_url": "https://files.example/a.mp3"}),
        ("ttapi", "music", {"prompt": "x" * 600}),
        (["anyint", "ttapi"], "music", {"lyrics": "la", "style": "x" * 300, "title": "t"}),
    ],
)
def test_the_problems_that_are_shown_are_those_that_come(gateway: Any, kind: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_order({"gateway": gateway, "kind": kind, "input": given}, "acme", NO_JOBS, ())
    for error in refused.value.members["errors"]:
        assert json.dumps(error) in section(API, "## Problems")


def test_what_is_said_of_a_wrong_reference_is_what_is_shown() -> None:
    shown = re.findall(r"^    (no job .*|that job .*)$", section(API, "## Problems"), re.MULTILINE)
    code = (ROOT / "layers/core/python/suno_jobs/orders.py").read_text()
    said = re.findall(r'return f?"((?:no|that) job .*)"', code)
    assert [line.replace("{view.job.gateway}", "ttapi") for line in said] == shown


# ------------------------------------------------------------------------------------- gateways and metrics


def test_the_tables_of_the_gateways_are_those_of_the_adapters() -> None:
    assert renewed(GATEWAY_PAGE) == GATEWAY_PAGE, "run make docs"


def test_every_gateway_has_its_place_on_the_page() -> None:
    assert [cells[0] for cells in rows(GATEWAY_PAGE.partition("## What they can do")[0])] == list(GATEWAYS)


def test_the_cost_of_metrics_counts_every_combination() -> None:
    """Jobs accepted, ended in each way but by their client, unknown words and open breakers, per gateway; refused callbacks,
    files at risk and their hours."""
    ends = len(TERMINAL - {JobState.CANCELLED})
    most = len(GATEWAYS) * (1 + ends + 2) + 3
    assert f"2 to {most} |" in README
    assert f"0.60 to {most * 0.3:.2f} |" in README


def test_what_a_job_costs_is_what_the_bench_has_counted() -> None:
    measured = json.loads((ROOT / "bench" / "results.json").read_text())
    counted = {each["name"].split(",")[0]: each for each in measured if each["name"].endswith("by callback / plain loop")}
    for shown in ("states: {} transitions", "Lambda: {}, with", "DynamoDB: {} write units"):
        name, words = shown.split(": ")
        assert f"| {words.format(counted[name]['value'])}" in README
    more = counted["DynamoDB"]["value"] - counted["DynamoDB"]["reference"]
    assert f"its {more} further write units" in (ROOT / "bench" / "README.md").read_text()


# ------------------------------------------------------------------------------- links, commands and names


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
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


def test_tests_and_names_that_are_mentioned_exist() -> None:
    sources = [path for folder in ("layers/core", "tests") for path in (ROOT / folder).rglob("*.py")]
    code = "\n".join(path.read_text() for path in [*sources, ROOT / "template.yaml"])
    for page in PAGES:
        for name in re.findall(r"`(test_\w+)`", page.read_text()):
            assert f"def {name}(" in code, name
    named = re.findall(r"`((?:\w+\.)?\w+)`", section(ARCHITECTURE, "## When something fails"))
    held = re.findall(r"`(\w+\.\w+)`", section(ARCHITECTURE, "## What always holds"))
    for name in [*named, *held]:
        assert re.search(rf"\b{name.rpartition('.')[2]}\b", code), name


def test_commands_that_are_named_exist_and_all_are_named() -> None:
    cli = (ROOT / "layers/core/python/suno_jobs/cli.py").read_text()
    commands = set(re.findall(r'add_parser\("([a-z-]+)"', cli))
    named = {name for page in PAGES for name in re.findall(r"(?:bin/|`)suno-jobs ([a-z-]+)", page.read_text())}
    assert named == commands


def test_every_invariant_names_its_tests() -> None:
    held = re.findall(r"^\| (I\d+) \| .*`test_\w+`", ARCHITECTURE, re.MULTILINE)
    assert held == [f"I{number}" for number in range(1, 11)]


def test_every_decision_has_the_agreed_form() -> None:
    decisions = sorted(ROOT.glob("docs/decisions/*.md"))
    for number, page in enumerate(decisions, 1):
        title, *parts = headings(page.read_text())
        assert page.name.startswith(f"{number:04}-")
        assert title.startswith(f"{number}. ")
        assert parts == ["Context", "Options considered", "Decision", "Consequence", "How to reverse"], page.name
