"""The docs say what the code does: names, states, codes, defaults, links and commands are compared with their sources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from suno_jobs.api import BodyTooLarge, NotJson
from suno_jobs.errors import ErrorCode, IdempotencyConflict, InvalidRequest, JobNotFound
from suno_jobs.gateways import GATEWAYS, acedata, anyint, crun, ttapi
from suno_jobs.gateways.verdicts import Meaning
from suno_jobs.models import TrackState
from suno_jobs.requests import JobRequest, MusicInput
from suno_jobs.transitions import LEGAL, JobState, Progress

ROOT = Path(__file__).parents[2]
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
MACHINE: dict[str, Any] = json.loads((ROOT / "statemachine/suno_job.asl.json").read_text())
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs/api.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
GATEWAY_PAGE = (ROOT / "docs/gateways.md").read_text()
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
MEANINGS = {"ttapi": ttapi.MEANINGS, "anyint": anyint.MEANINGS, "crun": crun.MEANINGS, "acedata": acedata.MEANINGS}
PROBLEMS = (InvalidRequest, IdempotencyConflict, JobNotFound, BodyTooLarge, NotJson)

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
        sources = [state for state in LEGAL if LEGAL[state] and state != "TIMED_OUT"] if source.startswith("any") else [source]
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
    listed = [cells[0] for cells in rows(section(API, "## POST /v1/jobs").partition("Exactly one of")[0])]
    assert set(listed) == {"Idempotency-Key", *JobRequest.model_fields, *MusicInput.model_fields}


def test_limits_are_those_of_the_adapters() -> None:
    table = section(API, "## POST /v1/jobs").partition("Longest texts")[2]
    columns = re.findall(r"`(\w+)`", table.partition("\n| |")[2].partition("\n")[0])
    told = {name: dict(zip(columns, map(int, figures), strict=True)) for name, *figures in rows(table) if name in GATEWAYS}
    assert told == {each.name: {name: getattr(each.limits, name) for name in columns} for each in GATEWAYS.values()}


# ------------------------------------------------------------------------------------------------ gateways


@pytest.mark.parametrize("name", GATEWAYS)
def test_error_table_is_that_of_the_adapter(name: str) -> None:
    def word(meaning: Meaning) -> str:
        return "again" if meaning.again else "refused" if meaning.refused else "unknown"

    table = section(GATEWAY_PAGE, f"## {name}").partition("| Code |")[2]
    told = {code: (ours, submission) for code, ours, submission in rows(table)}
    assert told == {code: (meaning.code, word(meaning)) for code, meaning in MEANINGS[name].items()}


@pytest.mark.parametrize("name", GATEWAYS)
def test_models_and_wire_are_those_of_the_adapter(name: str) -> None:
    gateway = GATEWAYS[name]
    text = section(GATEWAY_PAGE, f"## {name}")
    models = {ours: theirs for ours, theirs, *_ in rows(text.partition("| Code |")[0])}
    for ours, theirs in (models or {"v5": "v5", "v4.5": "v4.5"}).items():
        song = gateway.music_request(MusicInput(prompt="rain", model=ours), callback_url="https://us.example")
        assert f'"{theirs}"' in json.dumps(song.json)
    assert f"Rate: {gateway.rate.requests} per {gateway.rate.seconds:g} s" in text
    requests = gateway.music_request(MusicInput(prompt="rain"), callback_url=""), gateway.status_request("x")
    for wire in (gateway.base_url, *(f"{request.method} {request.path}" for request in requests)):
        assert f"`{wire}" in GATEWAY_PAGE


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
    for name in re.findall(r"`((?:\w+\.)?\w+)`", section(ARCHITECTURE, "## When something fails")):
        assert re.search(rf"\b{name.rpartition('.')[2]}\b", code), name


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
