"""The list of what is shipped: which licences pass, and that equal parts give equal, valid documents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from sbom.__main__ import main
from sbom.documents import bill, licence_table
from sbom.licences import LicenceProblem, check_permitted, licence_of
from sbom.parts import Part, parts_of

CRATE = Part(name="ahash", version="0.8.12", ecosystem="cargo", sha256="b" * 64, licence="MIT OR Apache-2.0")
PART = Part(name="pydantic_core", version="2.46.5", ecosystem="pypi", sha256="a" * 64, licence="MIT", contains=(CRATE,))


@pytest.mark.parametrize(
    ("metadata", "expression"),
    [
        ({"license_expression": "PSF-2.0", "license": "MIT"}, "PSF-2.0"),
        ({"license": "Apache License 2.0", "classifier": ["License :: OSI Approved :: Apache Software License"]}, "Apache-2.0"),
        ({"license": "MIT", "classifier": ["License :: OSI Approved :: BSD License"]}, "MIT"),
        ({"name": "python-dateutil", "license": "Dual License"}, "BSD-3-Clause"),
    ],
)
def test_the_most_exact_statement_of_a_licence_counts(metadata: dict[str, Any], expression: str) -> None:
    assert licence_of({"name": "songs", **metadata}) == expression


@pytest.mark.parametrize("metadata", [{}, {"license": "see LICENSE", "classifier": ["License :: OSI Approved :: BSD License"]}])
def test_an_unclear_licence_is_for_a_person_to_look_up(metadata: dict[str, Any]) -> None:
    with pytest.raises(LicenceProblem, match="the licence of songs is unknown"):
        licence_of({"name": "songs", **metadata})


@pytest.mark.parametrize(
    "expression",
    ["MIT", "MIT OR LGPL-2.1-or-later", "(MIT OR GPL-3.0-only) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception", "MPL-2.0"],
)
def test_a_licence_passes_if_one_of_its_choices_is_permitted(expression: str) -> None:
    check_permitted("songs", expression)


@pytest.mark.parametrize(
    "expression", ["GPL-3.0-only", "LGPL-2.1-or-later", "MIT AND AGPL-3.0-only", "GPL-2.0-only WITH GCC-exception-2.0"]
)
def test_copyleft_that_reaches_the_product_does_not_pass(expression: str) -> None:
    with pytest.raises(LicenceProblem, match="songs has the licence"):
        check_permitted("songs", expression)


def test_the_bill_is_valid_and_depends_on_the_parts_only() -> None:
    first, again = bill("1.0", [PART]), bill("1.0", [PART])
    assert first == again
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(first) is None
    assert json.loads(first)["serialNumber"] != json.loads(bill("1.0", [replace(PART, sha256="c" * 64)]))["serialNumber"]


def test_what_is_compiled_into_a_part_is_in_both_documents() -> None:
    [component] = json.loads(bill("1.0", [PART]))["components"]
    assert component["components"][0]["purl"] == "pkg:cargo/ahash@0.8.12"
    assert "| ahash | 0.8.12 | MIT OR Apache-2.0 | pydantic_core |" in licence_table([PART]).splitlines()


def layer_with(folder: Path, licence: str) -> dict[str, Any]:
    """A layer with one distribution, into which one crate is compiled, and the report of its installation."""
    sboms = folder / "songs-1.dist-info/sboms"
    sboms.mkdir(parents=True)
    (sboms.parent / "METADATA").write_text("Metadata-Version: 2.4\nName: songs\nVersion: 1\nLicense-Expression: MIT\n")
    crate = {
        "name": "ahash",
        "version": "0.8.12",
        "purl": "pkg:cargo/ahash@0.8.12",
        "hashes": [{"alg": "SHA-256", "content": "b" * 64}],
        "licenses": [{"expression": licence}],
    }
    (sboms / "songs.cyclonedx.json").write_text(json.dumps({"components": [crate]}))
    return {"install": [{"metadata": {"name": "songs"}, "download_info": {"archive_info": {"hashes": {"sha256": "a" * 64}}}}]}


def test_the_parts_are_those_of_the_folder_with_the_hashes_of_the_installation(tmp_path: Path) -> None:
    report = layer_with(tmp_path, CRATE.licence)
    expected = Part(name="songs", version="1", ecosystem="pypi", sha256="a" * 64, licence="MIT", contains=(CRATE,))
    assert parts_of(report, tmp_path) == [expected]


def test_a_build_with_a_forbidden_licence_writes_nothing_and_fails(tmp_path: Path) -> None:
    report, target = tmp_path / "report.json", tmp_path / "target"
    report.write_text(json.dumps(layer_with(tmp_path / "layer", "GPL-3.0-only")))
    target.mkdir()
    with pytest.raises(SystemExit, match=r"ahash has the licence GPL-3\.0-only, which is not permitted"):
        main(str(report), str(tmp_path / "layer"), str(target))
    assert list(target.iterdir()) == []
