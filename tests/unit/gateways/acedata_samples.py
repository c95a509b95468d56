"""The documented form of a task at Ace Data Cloud."""

from __future__ import annotations

from typing import Any

TASK = "eae26f89-b64b-404d-a80c-761996660b1c"
TRACE = "e13d385a-077e-4376-be01-3465b61ca0fd"
FINISHED = {"finished_at": 1725083180.2}


def task(response: Any, **fields: Any) -> dict[str, Any]:
    return {
        "_id": "66d2",
        "id": TASK,
        "api_id": "09a2",
        "created_at": 1725083093.077,
        "request": {"action": "generate", "prompt": "A kettle that sings"},
        "trace_id": TRACE,
        "response": response,
        **fields,
    }
