"""The distributions that pip installed into a layer, and what is compiled into them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from sbom.licences import check_permitted, licence_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """``sha256`` is of the wheel or the crate, as it was downloaded. ``ecosystem`` is that of its package URL."""

    name: str
    version: str
    ecosystem: str
    sha256: str
    licence: str
    contains: tuple[Part, ...] = ()


def parts_of(report: Json, layer: Path) -> list[Part]:
    """Sorted by name. ``report`` is that of ``pip install``. Raises LicenceProblem if one of them may not be shipped."""
    hashes = {each["metadata"]["name"]: each["download_info"]["archive_info"]["hashes"]["sha256"] for each in report["install"]}
    found = [_distribution(info, hashes) for info in sorted(layer.glob("*.dist-info"))]
    for part in [*found, *(crate for each in found for crate in each.contains)]:
        check_permitted(part.name, part.licence)
    return found


def _distribution(info: Path, hashes: Mapping[str, str]) -> Part:
    metadata: Json = Distribution.at(info).metadata.json
    return Part(
        name=metadata["name"],
        version=metadata["version"],
        ecosystem="pypi",
        sha256=hashes[metadata["name"]],
        licence=licence_of(metadata),
        contains=tuple(_compiled_in(info)),
    )


def _compiled_in(info: Path) -> Iterator[Part]:
    """Crates by the bill of materials that a wheel contains itself (PEP 770)."""
    for bill in sorted(info.glob("sboms/*.cyclonedx.json")):
        for component in json.loads(bill.read_text("utf-8"))["components"]:
            yield Part(
                name=component["name"],
                version=component["version"],
                ecosystem=component["purl"].removeprefix("pkg:").partition("/")[0],
                sha256=next(each["content"] for each in component["hashes"] if each["alg"] == "SHA-256"),
                licence=component["licenses"][0]["expression"],
            )
