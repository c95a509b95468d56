"""Old executions with new functions, and new executions with old functions, as during an update: see decision 61.

``tests/released`` has the state machine of the last release. Old functions are not kept. They are represented by what the
released state machine sends them and reads of their answers.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from suno_jobs import errors
from tests.simulation.faults import draw
from tests.simulation.invariants import violations
from tests.simulation.world import World
from tests.world import ROOT

Json = dict[str, Any]

RELEASED_TEXT = (ROOT / "tests/released/suno_job.asl.json").read_text()
RELEASED: Json = json.loads(RELEASED_TEXT)["States"]
PRESENT: Json = json.loads((ROOT / "statemachine/suno_job.asl.json").read_text())["States"]
INVOKING = [name for name, state in RELEASED.items() if "FunctionName" in state.get("Parameters", {})]


def deployed(text: str) -> Json:
    text = re.sub(r"\$\{(\w+)Arn\}", r"arn:aws:lambda:us-east-1:123456789012:\1", text).replace("${JobsTableName}", "JobsTable")
    definition: Json = json.loads(text)
    return definition


@pytest.mark.parametrize("seed", [3, 12])
def test_executions_of_the_released_state_machine_run_with_the_present_functions(seed: int) -> None:
    world = World(draw(seed, 20))
    world.state_machine.definition = deployed(RELEASED_TEXT)
    with world.open():
        world.run()
        assert violations(world) == []


def sent(state: Json) -> set[str]:
    return set(state["Parameters"]["Payload"])


def read(states: Json, name: str) -> set[str]:
    """The members of the function's answer that the next state takes from its input."""
    state = states[name]
    if "Next" not in state or state.get("ResultPath", "") is None or state["Resource"].endswith("waitForTaskToken"):
        return set()
    return inputs(states[state["Next"]])


def inputs(state: Json) -> set[str]:
    text = json.dumps(state.get("Parameters", {})) + json.dumps(state.get("TimeoutSecondsPath", ""))
    return set(re.findall(r"(?<!\$)\$\.(\w+)", text))


def own_errors(state: Json) -> set[str]:
    names = {name for handler in (*state.get("Retry", ()), *state.get("Catch", ())) for name in handler["ErrorEquals"]}
    return {name for name in names if issubclass(getattr(errors, name, object), errors.SunoJobsError)}


@pytest.mark.parametrize("name", INVOKING)
def test_the_present_state_machine_can_call_the_released_functions(name: str) -> None:
    """They need what they were sent, answer what was read, and report what was told apart."""
    before, now = RELEASED[name], PRESENT[name]
    assert now["Parameters"]["FunctionName"] == before["Parameters"]["FunctionName"]
    assert sent(now) >= sent(before)
    assert read(PRESENT, name) <= read(RELEASED, name)
    assert own_errors(now) >= own_errors(before)
    assert now["Resource"] == before["Resource"]
    assert now["TimeoutSeconds"] >= before["TimeoutSeconds"]


def test_the_contract_is_not_empty() -> None:
    assert {name: (sent(RELEASED[name]), read(RELEASED, name)) for name in INVOKING} == {
        "Create Task": ({"job_id.$", "execution.$"}, {"job_id", "wait_seconds"}),
        "Check Task": ({"job_id.$", "execution.$", "task_token.$"}, set()),
        "Store Track": ({"job_id.$", "execution.$"}, set()),
        "Finish Job": ({"job_id.$", "execution.$"}, set()),
    }
    assert {error for name in INVOKING for error in own_errors(RELEASED[name])} >= {"TracksReady", "AssetNotReady"}
