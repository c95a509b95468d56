"""The description of the gateways is derived from their adapters."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from suno_jobs.catalog.kinds import Kind
from suno_jobs.gateways import capabilities as capabilities_module
from suno_jobs.gateways.capabilities import BEGIN, END, UNSUPPORTED, capabilities, main, markdown, with_current_tables
from suno_jobs.gateways.registry import GATEWAYS


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_every_kind_is_offered_or_explained(name: str) -> None:
    offered, explained = set(GATEWAYS[name].kinds), set(UNSUPPORTED[name])
    assert offered | explained == set(Kind)
    assert not offered & explained


def test_the_capabilities_as_json() -> None:
    known = {each["name"]: each for each in json.loads(json.dumps(capabilities(), allow_nan=False))}
    assert list(known) == list(GATEWAYS)
    assert known["acedata"]["batch_size"] == 50
    assert [name for name, each in known.items() if each["link_renewal"]] == ["sunoapi", "kie"]
    assert known["ttapi"]["link_days"]["cloudflarer2.ttapi.io"] == 3
    assert known["sunoapi"]["callback_stages"] == ["text", "first", "complete"]
    assert known["kie"]["errors"]["429"] == {
        "code": "rate_limited",
        "retry_read": True,
        "retry_submission": True,
        "refused": True,
        "refunded": False,
    }
    assert known["sunoapi"]["errors"]["429"] == {
        "code": "quota",
        "retry_read": False,
        "retry_submission": False,
        "refused": True,
        "refunded": False,
    }
    assert [code for code, rule in known["sunoapi"]["errors"].items() if rule["refunded"]] == ["531"]
    assert known["acedata"]["kinds"]["mashup"]["sources"] == 2
    assert "note" not in known["sunoapi"]["kinds"]["music"]
    assert known["crun"]["kinds"]["stems"]["note"]


def test_the_capabilities_as_tables() -> None:
    text = markdown()
    assert "| `concat` | yes, source | - | - | yes, source | - | - |" in text
    assert "| `timestamped_lyrics` | - | at once, source | - | at once, source |" in text
    assert "| kie | `433` | `quota` | no | refused |" in text
    assert "1 day " in text
    assert "cdn.ttapi.io: 30 days" in text
    assert all(len(set(map(len, rows))) == 1 for rows in _tables(text))


def _tables(text: str) -> list[list[list[str]]]:
    parts = [part.splitlines() for part in text.split("\n\n")]
    return [[line.split(" | ") for line in lines] for lines in parts if lines[0].startswith("|")]


def test_the_tables_are_replaced_between_the_marks(tmp_path: Path) -> None:
    document = tmp_path / "gateways.md"
    document.write_text(f"# Gateways\n\n{BEGIN}\nold\n{END}\n\nMore.\n")
    assert main(["--check", str(document)]) == 1
    assert main([str(document)]) == 0
    text = document.read_text()
    assert text.startswith("# Gateways\n\n")
    assert text.endswith(f"{END}\n\nMore.\n")
    assert markdown() in text
    assert main(["--check", str(document)]) == 0


def test_the_module_as_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "gateways.md"
    document.write_text(f"{BEGIN}{END}")
    monkeypatch.setattr("sys.argv", ["capabilities", str(document)])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(capabilities_module.__file__), run_name="__main__")
    assert caught.value.code == 0
    assert markdown() in document.read_text()


@pytest.mark.parametrize("text", ["", BEGIN, END])
def test_a_document_without_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has no marks"):
        with_current_tables(text)
