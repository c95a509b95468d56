"""``python -m sbom REPORT LAYER TARGET`` writes both documents into the folder TARGET, or says what may not be shipped.

REPORT is that of ``pip install``, LAYER the folder into which pip installed.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

from sbom.documents import bill, licence_table
from sbom.licences import LicenceProblem
from sbom.parts import parts_of

ROOT = Path(__file__).parents[1]


def main(report: str, layer: str, target: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    try:
        parts = parts_of(json.loads(Path(report).read_text("utf-8")), Path(layer))
    except LicenceProblem as problem:
        sys.exit(str(problem))
    (Path(target) / "sbom.cdx.json").write_text(bill(version, parts), "utf-8")
    (Path(target) / "licences.md").write_text(licence_table(parts), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
