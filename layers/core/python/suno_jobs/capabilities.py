"""What the gateways can do, told from the adapters themselves: for ``GET /v1/gateways`` and for docs/gateways.md.

python -m suno_jobs.capabilities docs/gateways.md           writes the tables between the two marks in that file
python -m suno_jobs.capabilities --check docs/gateways.md   fails when they are stale
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from suno_jobs.gateways import GATEWAYS
from suno_jobs.gateways.base import BatchReading, Gateway, Kind, LinkRecovery, Offer

BEGIN = "<!-- gateways: begin (written by suno_jobs.capabilities) -->"
END = "<!-- gateways: end -->"

_NO_ROUTE = "no route is documented"
_UPLOAD = "audio from outside goes straight into upload_cover, upload_extend and the like"
_FAMILY = {
    Kind.COVER: "covers are made of audio from outside only: upload_cover",
    Kind.UPLOAD: _UPLOAD,
    Kind.CONCAT: _NO_ROUTE,
}

UNSUPPORTED: Mapping[str, Mapping[Kind, str]] = MappingProxyType(
    {
        "ttapi": {
            Kind.UPLOAD_EXTEND: f"{_NO_ROUTE}: upload, then extend",
            Kind.LYRICS: "the route exists, its reply is not documented",
            Kind.WAV: "a path is known from clients, neither request nor reply are documented",
            Kind.MP4: "named in the index of the pages, without path and fields",
            Kind.COVER_ART: _NO_ROUTE,
            Kind.ADD_INSTRUMENTAL: _NO_ROUTE,
            Kind.REPLACE_SECTION: _NO_ROUTE,
            Kind.MASHUP: _NO_ROUTE,
            Kind.TIMESTAMPED_LYRICS: "named in the index of the pages (timing), without path and fields",
        },
        "anyint": {**_FAMILY, Kind.MASHUP: _NO_ROUTE, Kind.SOUNDS: _NO_ROUTE},
        "crun": {
            Kind.EXTEND: "the page exists, the model's name for CreateTask is not known",
            Kind.COVER: "the page exists, the model's name for CreateTask is not known",
            Kind.UPLOAD: _UPLOAD,
            Kind.UPLOAD_COVER: "the model's name for CreateTask is not known",
            Kind.LYRICS: "the model's name for CreateTask is not known",
            Kind.WAV: "the model's name for CreateTask is not known",
            Kind.COVER_ART: _NO_ROUTE,
            Kind.ADD_VOCALS: _NO_ROUTE,
            Kind.ADD_INSTRUMENTAL: _NO_ROUTE,
            Kind.REPLACE_SECTION: _NO_ROUTE,
            Kind.CONCAT: _NO_ROUTE,
            Kind.MASHUP: _NO_ROUTE,
            Kind.PERSONA: "the route and its reply are documented, the fields of its request are not known",
            Kind.TIMESTAMPED_LYRICS: _NO_ROUTE,
            Kind.SOUNDS: _NO_ROUTE,
        },
        "acedata": {Kind.COVER_ART: _NO_ROUTE, Kind.SOUNDS: _NO_ROUTE},
        "sunoapi": _FAMILY,
        "kie": _FAMILY,
    }
)
"""Why a gateway does not offer a kind here. Together with the offers this names every pair."""


def capabilities() -> list[dict[str, Any]]:
    """What ``GET /v1/gateways`` tells of each gateway, but for its health. Ready for JSON."""
    return [_gateway(each) for each in GATEWAYS.values()]


def _gateway(each: Gateway) -> dict[str, Any]:
    return {
        "name": each.name,
        "kinds": {kind.value: _offer(offer) for kind, offer in each.kinds.items()},
        "unsupported": {kind.value: reason for kind, reason in UNSUPPORTED[each.name].items()},
        "models": dict(each.models),
        "default_model": each.default_model,
        "limits": asdict(each.limits),
        "rate": asdict(each.rate),
        "callback_stages": list(each.callback_stages),
        "link_days": dict(each.link_days),
        "batch_size": each.batch_size if isinstance(each, BatchReading) else None,
        "link_recovery": isinstance(each, LinkRecovery),
        "errors": {
            code: {
                "code": meaning.code.value,
                "retry_read": meaning.reread,
                "retry_submission": meaning.again,
                "refused": meaning.refused,
            }
            for code, meaning in each.meanings.items()
        },
    }


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "result": offer.result.value,
        "synchronous": offer.synchronous,
        "sources": offer.sources,
        "fields": sorted(offer.fields),
        "required": list(offer.required),
        **({"note": offer.note} if offer.note else {}),
    }


def markdown() -> str:
    """The tables of docs/gateways.md."""
    told = capabilities()
    parts = [
        "### Kinds",
        "`yes`: a task with a callback; `at once`: answered with its result; `source`: works on an earlier job of ours.",
        _kinds_table(told),
        "### Gateways",
        _facts_table(told),
        "### Left open by the documents",
        _rows(("gateway", "kind", "note"), _notes(told)),
        "### Not offered, and why",
        _rows(("gateway", "kind", "reason"), _reasons(told)),
        "### Errors",
        "What a submission that is answered so has done. Only one that was refused for now is repeated.",
        _rows(("gateway", "its code", "our code", "repeat a reading", "submission"), _errors(told)),
    ]
    return "\n\n".join(parts)


def _kinds_table(told: Sequence[Mapping[str, Any]]) -> str:
    def cell(kind: Kind, each: Mapping[str, Any]) -> str:
        offer = each["kinds"].get(kind.value)
        if offer is None:
            return "-"
        return ("at once" if offer["synchronous"] else "yes") + (", source" if offer["sources"] else "")

    rows = [(f"`{kind}`", *(cell(kind, each) for each in told)) for kind in Kind]
    return _rows(("kind", *(each["name"] for each in told)), rows)


def _facts_table(told: Sequence[Mapping[str, Any]]) -> str:
    return _rows(
        ("gateway", "models (default)", "longest texts", "rate", "called back at", "links live", "more"),
        [
            (
                each["name"],
                f"{', '.join(each['models'])} ({each['default_model']})",
                ", ".join(f"{name} {length}" for name, length in each["limits"].items()),
                f"{each['rate']['requests']} in {each['rate']['seconds']:g} s",
                ", ".join(each["callback_stages"]),
                ", ".join(_life(host, days) for host, days in each["link_days"].items()),
                ", ".join(_more(each)) or "-",
            )
            for each in told
        ],
    )


def _life(host: str, days: float | None) -> str:
    span = "no promise" if days is None else f"{days:g} day{'' if days == 1 else 's'}"
    return span if host == "*" else f"{host}: {span}"


def _more(each: Mapping[str, Any]) -> list[str]:
    batch = [f"reads {each['batch_size']} tasks at once"] if each["batch_size"] else []
    return batch + (["renews expired links"] if each["link_recovery"] else [])


def _notes(told: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (each["name"], f"`{kind}`", offer["note"]) for each in told for kind, offer in each["kinds"].items() if "note" in offer
    ]


def _reasons(told: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [(each["name"], f"`{kind}`", reason) for each in told for kind, reason in each["unsupported"].items()]


def _errors(told: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    def yes(value: bool) -> str:  # noqa: FBT001
        return "yes" if value else "no"

    return [
        (each["name"], f"`{code}`", f"`{error['code']}`", yes(error["retry_read"]), _submission(error))
        for each in told
        for code, error in each["errors"].items()
    ]


def _submission(error: Mapping[str, Any]) -> str:
    if not error["refused"]:
        return "may have made a task"
    return "refused for now" if error["retry_submission"] else "refused"


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def renewed(document: str) -> str:
    """``document`` with the tables of today between its marks. Raises ValueError if it has no marks."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{markdown()}\n\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="suno_jobs.capabilities", description="Writes the tables of docs/gateways.md.")
    parser.add_argument("document", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if the tables are stale")
    asked = parser.parse_args(arguments)
    document = asked.document.read_text("utf-8")
    fresh = renewed(document)
    if asked.check:
        return int(fresh != document)
    asked.document.write_text(fresh, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
