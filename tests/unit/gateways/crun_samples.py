"""The documented status replies of crun.ai."""

from __future__ import annotations

from typing import Any

TASK = "d6956973-2f17-43d4-8514-af6cc3a2f55d"


def info(status: Any, result: Any, code: Any = 200) -> dict[str, Any]:
    data = {
        "task_id": TASK,
        "provider": "Suno",
        "model_version": "sunov5",
        "status": status,
        "param": {
            "model": "suno/music-generate",
            "callback_url": None,
            "input": {"mode": "custom", "model": "v5", "instrumental": False, "title": "Kettle Song", "lyrics": "[Verse]"},
        },
        "create_at": 1768900378,
        "result": result,
        "duration_s": None,
        "complete_at": None,
        "source": "api",
    }
    return {"code": code, "message": "success", "data": data}


def done(**fields: Any) -> dict[str, Any]:
    return info("success", {"code": 200, "message": "success", **fields})
